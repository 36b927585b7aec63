// Package origin owns a live HLS origin for tests, which publishes when it is told to and misbehaves on demand.
package origin

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Paths that every origin serves, beside those that SegmentPath, PartPath, KeyPath and InitPath return. Those of a
// Rendition begin with its prefix.
const (
	Multivariant  = "/index.m3u8"
	Media         = "/live.m3u8"
	IFrames       = "/iframes.m3u8"  // with Style.IFrames
	SteeringPath  = "/steering.json" // with Style.Pathway
	InitPath      = "/init.mp4"
	wholePath     = "/whole" // with Style.ByteRanges: all segments in one resource
	segmentPaths  = "/segment/"
	partPaths     = "/part/"
	keyPaths      = "/key/"
	keptRequests  = 10_000
	playlistType  = "application/vnd.apple.mpegurl"
	transportType = "video/mp2t"
	fmp4Type      = "video/mp4"
)

// Style says how an origin writes its playlists. The zero Style is a live stream that never forgets a segment.
type Style struct {
	Window int    // segments that the playlist names at a time; 0: all
	Type   string // EXT-X-PLAYLIST-TYPE: EVENT, VOD or nothing
	First  uint64 // media sequence number of the first segment
	Target int    // EXT-X-TARGETDURATION in seconds, for one that lies; 0: the true one
	// Continuous lets time stamps go on after the clip's end, in place of a discontinuity: PTS, DTS, PCR and continuity
	// counters of TS, also over 2^33, and decode times of fMP4.
	Continuous          bool
	HideDiscontinuities bool // no EXT-X-DISCONTINUITY tag for any

	// Start is the program date-time of the first segment; the others follow by their durations. Zero: no tag.
	Start      time.Time
	ClockEvery uint64  // only segments whose number this divides have a program date-time; 0: all
	Drift      float64 // by how many millionths the program date-time runs fast

	// Key encrypts a segment with AES-128; nil, or a nil result, leaves it as it is. It goes neither with Part nor with ByteRanges.
	Key func(sequence uint64) *Key
	// EncryptInit encrypts EXT-X-MAP with the first segment's key and IV.
	EncryptInit bool
	// ByteRanges puts all segments into one resource, with offsets omitted where RFC 8216 lets them be.
	ByteRanges bool

	// Part is how long a part of low-latency HLS lasts at most; 0: no parts. Blocking reloads, preload hints and delta
	// updates come with it (rfc8216bis section 6.2.5). fMP4 needs Recipe.Fragments.
	Part       time.Duration
	PartRanges bool                                  // parts are sub-ranges of their segment, else resources of their own
	PartGap    func(sequence uint64, index int) bool // parts that are missing: GAP=YES, and 404
	Delta      bool                                  // delta updates also without parts

	Query            string      // added to every URI, such as a token
	Tags             []string    // lines at the head of media playlists: EXT-X-START, EXT-X-DEFINE, or garbage
	Variants         []string    // attributes of the multivariant playlist's EXT-X-STREAM-INF tags; all lead to the one media playlist
	Renditions       []Rendition // further media playlists
	IFrames          bool        // I-frame playlists, and EXT-X-I-FRAME-STREAM-INF for each
	MultivariantTags []string    // lines at the head of the multivariant playlist
	Pathway          string      // EXT-X-CONTENT-STEERING, with this pathway to begin with; SetSteering says what its manifest holds

	Gate       Gate
	Validators bool // ETag, and 304 where it is asked with
}

// Rendition is a media playlist beside the first, in step with it: each Publish is for all of them.
type Rendition struct {
	Prefix     string // of its paths, such as /b for /b/live.m3u8
	Attributes string // of its EXT-X-STREAM-INF
	Clip       Clip   // the origin's where it has no segments
}

// Request is one request that an origin got.
type Request struct {
	Path  string // without query
	At    time.Time
	Query string // raw
	Range string // the header
	// Validator is the If-None-Match header.
	Validator string
}

// Origin is an http.Handler. It may be used from several goroutines and has none of its own. In a testing/synctest
// bubble it must be made inside.
type Origin struct {
	style Style

	mu       sync.Mutex
	streams  []*stream // the first is the origin's own, without prefix
	ended    bool
	tags     []string
	steering Steering
	scripts  map[string][]Act
	always   []persistent
	requests []Request
	changed  chan struct{} // closed and made anew when something is published
}

// New returns an origin that has published nothing. It panics where a Style contradicts itself.
func New(clip Clip, style Style) *Origin {
	if style.Part > 0 && (style.Key != nil || style.ByteRanges) {
		panic("origin: parts go neither with Style.Key nor with Style.ByteRanges: leave Style.Part out")
	}
	o := &Origin{style: style, tags: style.Tags, scripts: map[string][]Act{}, changed: make(chan struct{})}
	o.streams = []*stream{newStream("", clip, style)}
	for _, r := range style.Renditions {
		c := r.Clip
		if len(c.Segments) == 0 {
			c = clip
		}
		o.streams = append(o.streams, newStream(r.Prefix, c, style))
	}
	return o
}

// each does something with every stream and wakes who waits for a change.
func (o *Origin) each(do func(s *stream)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, s := range o.streams {
		do(s)
	}
	close(o.changed)
	o.changed = make(chan struct{})
}

// Publish makes the next n segments of the clip available; one of which some parts are out already counts as one.
// After the clip's end it begins again, which the playlist announces as a discontinuity unless Style.Continuous.
func (o *Origin) Publish(n int) {
	o.each(func(s *stream) {
		for range n {
			s.begin()
			s.complete()
		}
	})
}

// PublishPart makes the next n parts of the clip available; with the last part of a segment the whole segment is.
func (o *Origin) PublishPart(n int) {
	o.each(func(s *stream) {
		for range n {
			s.begin()
			if s.out++; s.out >= len(s.pending.parts) {
				s.complete()
			}
		}
	})
}

// Append makes one segment available that is not of the clip.
func (o *Origin) Append(one Segment) {
	o.each(func(s *stream) {
		if s.pending != nil {
			s.complete()
		}
		s.pending = s.place(one, -1)
		s.complete()
	})
}

// Skip passes over n segments of the clip, as an encoder that was away: their time goes by, their numbers do not.
func (o *Origin) Skip(n int) {
	o.each(func(s *stream) {
		for range n {
			s.pass(s.clip.Segments[s.next].Duration)
			s.turn()
		}
	})
}

// Break makes the next segment start after a discontinuity.
func (o *Origin) Break() { o.each(func(s *stream) { s.broken = true }) }

// Jump moves the program date-time of all segments to come, as a clock that is set.
func (o *Origin) Jump(d time.Duration) { o.each(func(s *stream) { s.pass(d) }) }

// Mark puts lines before the next segment, such as EXT-X-CUE-OUT or EXT-X-DATERANGE.
func (o *Origin) Mark(tags ...string) {
	o.each(func(s *stream) { s.marks = append(s.marks, tags...) })
}

// SetTags puts other lines in place of Style.Tags.
func (o *Origin) SetTags(tags ...string) { o.each(func(*stream) { o.tags = tags }) }

// Restart forgets all segments, as an origin does that starts anew: the next one has the number first and, of the
// clip, is its first.
func (o *Origin) Restart(first uint64) { o.each(func(s *stream) { s.restart(first) }) }

// Renumber keeps the segments that the playlist names and numbers them anew, from first on.
func (o *Origin) Renumber(first uint64) { o.each(func(s *stream) { s.renumber(first) }) }

// End writes EXT-X-ENDLIST.
func (o *Origin) End() { o.each(func(*stream) { o.ended = true }) }

// Requests returns what was asked for so far, in order; of very many only the newest.
func (o *Origin) Requests() []Request {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]Request(nil), o.requests...)
}

// SegmentPath returns where the segment of a media sequence number is served.
func SegmentPath(sequence uint64) string { return segmentPaths + strconv.FormatUint(sequence, 10) }

// PartPath returns where a part of a segment is served, the first of which has index 0.
func PartPath(sequence uint64, index int) string {
	return partPaths + strconv.FormatUint(sequence, 10) + "." + strconv.Itoa(index)
}

// KeyPath returns where a key is served.
func KeyPath(name string) string { return keyPaths + name }

// ServeHTTP implements http.Handler: a request gets the next act of its path's script, or what it asks for.
func (o *Origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	if len(o.requests) >= 2*keptRequests {
		o.requests = append([]Request(nil), o.requests[keptRequests:]...)
	}
	// A clone, because the path is part of a longer string.
	o.requests = append(o.requests, Request{
		strings.Clone(r.URL.Path), time.Now(), strings.Clone(r.URL.RawQuery),
		r.Header.Get("Range"), r.Header.Get("If-None-Match"),
	})
	act := o.scripted(r.URL.Path)
	o.mu.Unlock()
	if act != nil {
		act(o, w, r)
		return
	}
	o.Serve(w, r)
}
