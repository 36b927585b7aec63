// Package playlist owns reading HLS playlists (RFC 8216 and its second edition, draft-pantos-hls-rfc8216bis): text
// in, plain values with absolute addresses out. It fetches nothing.
package playlist

import (
	"errors"
	"net/url"
	"time"
)

// ErrFormat is wrapped when what came is not a playlist, or is one that cannot be followed.
var ErrFormat = errors.New("not a usable HLS playlist")

// Caps on what a playlist may name.
const (
	MaxSegments  = 100_000
	MaxVariants  = 1000
	MaxVariables = 1000
	MaxRanges    = 10_000 // EXT-X-DATERANGE
)

// Multivariant is a multivariant playlist (rfc8216bis section 4.4.6).
type Multivariant struct {
	Variants []Variant
	IFrames  []Variant // EXT-X-I-FRAME-STREAM-INF
	Steering *Steering // EXT-X-CONTENT-STEERING
	Keys     []Key     // EXT-X-SESSION-KEY
	Start    *Start
	// Variables are those of EXT-X-DEFINE, for the media playlists that import them.
	Variables map[string]string
}

// Variant is an EXT-X-STREAM-INF or EXT-X-I-FRAME-STREAM-INF.
type Variant struct {
	URL           *url.URL
	Bandwidth     int // bits a second
	Width, Height int // pixels; 0 where not said
	FrameRate     float64
	Codecs        string // RFC 6381, as written
	VideoRange    string // SDR, HLG or PQ; empty where not said
	Pathway       string // PATHWAY-ID; empty stands for "."
	StableID      string // STABLE-VARIANT-ID
}

// Steering is an EXT-X-CONTENT-STEERING.
type Steering struct {
	Server  *url.URL
	Pathway string // the one to begin with; empty where not said
}

// Start is an EXT-X-START.
type Start struct {
	Offset  time.Duration // from the beginning, or where negative from the end
	Precise bool
}

// Media is one load of a media playlist (rfc8216bis sections 4.4.3 to 4.4.5).
type Media struct {
	Target        time.Duration // EXT-X-TARGETDURATION, at least the longest segment rounded to seconds
	PartTarget    time.Duration // EXT-X-PART-INF; 0: no parts
	Sequence      uint64        // media sequence number of the first segment, skipped ones included
	Discontinuity uint64        // discontinuity sequence number of the first segment
	VOD, Event    bool          // EXT-X-PLAYLIST-TYPE
	Ended         bool          // EXT-X-ENDLIST
	IFramesOnly   bool
	Control       Control
	Start         *Start
	// Skipped is how many segments a delta update leaves out at the front (EXT-X-SKIP); Merge puts them back.
	Skipped int
	// RemovedRanges are the ids of the EXT-X-DATERANGEs that a delta update declares gone.
	RemovedRanges []string
	Segments      []Segment
	// Parts are those of the segment after the last, which is not complete yet.
	Parts []Part
	// Next is the segment that Parts belong to: what stands behind the last segment already holds for it. It has no URL
	// and no duration, and is empty where the playlist has ended.
	Next   Segment
	Hints  []Hint      // EXT-X-PRELOAD-HINT
	Ranges []DateRange // EXT-X-DATERANGE, tags with one ID made into one
	// Inherited is what a delta update takes from its skipped segments; it is for Merge.
	Inherited Inherited
}

// Inherited says for how many segments at the front of a delta update the tag that rules them was skipped.
type Inherited struct {
	Keys, Maps int
	MapKeys    []*Map // whose tags stand before any EXT-X-KEY
	Offsets    int    // byte ranges that continue the one before
}

// Control is an EXT-X-SERVER-CONTROL.
type Control struct {
	BlockReload    bool
	HoldBack       time.Duration // 0 where not said
	PartHoldBack   time.Duration
	SkipUntil      time.Duration // CAN-SKIP-UNTIL; 0: no delta updates
	SkipDateRanges bool
}

// Range is a sub-range of a resource in bytes; Length 0 means all of it.
type Range struct{ Offset, Length int64 }

// Segment is one media segment as its playlist names it.
type Segment struct {
	Sequence      uint64
	Discontinuity uint64 // discontinuity sequence number
	URL           *url.URL
	Bytes         Range
	Duration      time.Duration
	Wall          time.Time // EXT-X-PROGRAM-DATE-TIME, given or counted from a neighbour's; zero if none
	Key           *Key      // nil: not encrypted
	Map           *Map
	Gap           bool
	Parts         []Part
	Cues          []Cue
}

// Part is an EXT-X-PART.
type Part struct {
	URL         *url.URL
	Bytes       Range
	Duration    time.Duration
	Independent bool // it holds a keyframe
	Gap         bool
}

// Hint is an EXT-X-PRELOAD-HINT.
type Hint struct {
	Map   bool // TYPE=MAP, else TYPE=PART
	URL   *url.URL
	Bytes Range // Length 0: to the end of the resource
}

// Key is an EXT-X-KEY or EXT-X-SESSION-KEY other than METHOD=NONE. Of several for one segment it is the one that can be
// used, or else the first.
type Key struct {
	Method string
	Format string   // KEYFORMAT; empty stands for identity
	URL    *url.URL // nil where the method names none
	IV     string   // hexadecimal as written, or empty: the media sequence number
}

// Map is an EXT-X-MAP.
type Map struct {
	URL   *url.URL
	Bytes Range
	Key   *Key // in force where the tag stands: it encrypts the section
}

// CueKind says what a cue does.
type CueKind int

// The kinds of cues.
const (
	CueOut      CueKind = iota + 1 // a break begins
	CueContinue                    // a break goes on
	CueIn                          // a break ends
)

// Cue is an advertisement marker that stands before a segment, in any packager's dialect.
type Cue struct {
	Kind     CueKind
	ID       string
	Duration time.Duration // planned; 0 where not said
	Elapsed  time.Duration // of the break, where it goes on
	Splice   []byte        // the SCTE-35 splice_info_section, where given
}

// DateRange is an EXT-X-DATERANGE.
type DateRange struct {
	ID, Class        string
	Start            time.Time
	End              time.Time     // zero where not said
	Duration         time.Duration // negative where not said
	Planned          time.Duration // PLANNED-DURATION; negative where not said
	EndOnNext        bool
	Command, Out, In []byte // SCTE35-CMD, -OUT, -IN: splice_info_sections
}

// Last returns the sequence number of the newest complete segment. There must be one.
func (m *Media) Last() uint64 { return m.Sequence + uint64(len(m.Segments)) - 1 }

// Slides reports whether segments leave the playlist, so that a slow reader loses them.
func (m *Media) Slides() bool { return !m.Ended && !m.VOD && !m.Event }

// Duration returns the sum of the segments' durations.
func (m *Media) Duration() (d time.Duration) {
	for i := range m.Segments {
		d += m.Segments[i].Duration
	}
	return d
}
