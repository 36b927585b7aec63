// Package origin owns a live HLS origin for tests, which publishes when it is told to and misbehaves on demand.
package origin

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Paths that every origin serves, beside those that SegmentPath, KeyPath and InitPath return.
const (
	Multivariant = "/index.m3u8"
	Media        = "/live.m3u8"
	InitPath     = "/init.mp4"
	wholePath    = "/whole" // with Style.ByteRanges: all segments in one resource
	segmentPaths = "/segment/"
	keyPaths     = "/key/"
)

// Style says how an origin writes its playlists. The zero Style is a live stream that never forgets a segment.
type Style struct {
	Window int    // segments that the playlist names at a time; 0: all
	Type   string // EXT-X-PLAYLIST-TYPE: EVENT, VOD or nothing
	First  uint64 // media sequence number of the first segment
	// Start is the program date-time of the first segment; the others follow by their durations. Zero: no tag.
	Start time.Time
	// Key encrypts a segment with AES-128; nil, or a nil result, leaves it as it is.
	Key func(sequence uint64) *Key
	// EncryptInit encrypts EXT-X-MAP with the first segment's key and IV.
	EncryptInit bool
	// ByteRanges puts all segments into one resource, with offsets omitted where RFC 8216 lets them be.
	ByteRanges bool
	Query      string   // added to every URI, such as a token
	Variants   []string // attributes of the multivariant playlist's EXT-X-STREAM-INF tags; all lead to the one media playlist
}

// Key is an AES-128 key; it is served at KeyPath(Name).
type Key struct {
	Name   string
	Secret []byte // 16 bytes
	IV     string // as EXT-X-KEY writes it, or empty: the media sequence number
}

// Request is one request that an origin got.
type Request struct {
	Path string // without query
	At   time.Time
}

// published is a segment in its place.
type published struct {
	Segment
	sequence uint64
	wall     time.Time
	offset   int // in the one resource of ByteRanges
}

// Origin is an http.Handler. It may be used from several goroutines.
type Origin struct {
	style Style
	clip  Clip

	mu       sync.Mutex
	list     []published
	next     int // segment of the clip
	wall     time.Time
	breaks   uint64 // the next segment starts after a discontinuity if not 0
	ended    bool
	scripts  map[string][]Act
	requests []Request
}

// New returns an origin that has published nothing.
func New(clip Clip, style Style) *Origin {
	return &Origin{style: style, clip: clip, wall: style.Start, scripts: map[string][]Act{}}
}

// Publish makes the next n segments of the clip available. After the clip's end it begins again, which the playlist
// announces as a discontinuity.
func (o *Origin) Publish(n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for range n {
		s := o.clip.Segments[o.next]
		s.Discontinuity = s.Discontinuity || o.breaks > 0
		o.breaks = 0
		o.append(s)
		if o.next++; o.next == len(o.clip.Segments) {
			o.next, o.breaks = 0, 1
		}
	}
}

// Append makes one segment available that is not of the clip.
func (o *Origin) Append(s Segment) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.append(s)
}

func (o *Origin) append(s Segment) {
	p := published{Segment: s, sequence: o.style.First, wall: o.wall}
	if n := len(o.list); n > 0 {
		last := o.list[n-1]
		p.sequence, p.offset = last.sequence+1, last.offset+len(last.Body)
	}
	if !o.wall.IsZero() {
		o.wall = o.wall.Add(s.Duration)
	}
	o.list = append(o.list, p)
}

// Skip passes over n segments of the clip, as an encoder that was away: their time goes by, their numbers do not.
func (o *Origin) Skip(n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for range n {
		if !o.wall.IsZero() {
			o.wall = o.wall.Add(o.clip.Segments[o.next].Duration)
		}
		o.next = (o.next + 1) % len(o.clip.Segments)
	}
}

// Break makes the next segment start after a discontinuity.
func (o *Origin) Break() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.breaks = 1
}

// Restart forgets all segments, as an origin does that starts anew: the next one has the number first and, of the
// clip, is its first.
func (o *Origin) Restart(first uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.list, o.next, o.style.First = nil, 0, first
}

// End writes EXT-X-ENDLIST.
func (o *Origin) End() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended = true
}

// Requests returns what was asked for so far, in order.
func (o *Origin) Requests() []Request {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]Request(nil), o.requests...)
}

// SegmentPath returns where the segment of a media sequence number is served.
func SegmentPath(sequence uint64) string { return segmentPaths + strconv.FormatUint(sequence, 10) }

// KeyPath returns where a key is served.
func KeyPath(name string) string { return keyPaths + name }

// ServeHTTP implements http.Handler: a request gets the next act of its path's script, or what it asks for.
func (o *Origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	o.requests = append(o.requests, Request{r.URL.Path, time.Now()})
	act := o.scripted(r.URL.Path)
	o.mu.Unlock()
	if act != nil {
		act(o, w, r)
		return
	}
	o.Serve(w, r)
}

// Serve answers as a healthy origin.
func (o *Origin) Serve(w http.ResponseWriter, r *http.Request) {
	body, ok := o.resource(r.URL.Path)
	if !ok {
		http.NotFound(w, r)
		return
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// resource returns what is at a path now.
func (o *Origin) resource(path string) ([]byte, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case path == Multivariant:
		return o.multivariant(), true
	case path == Media:
		return o.media(len(o.list)), len(o.list) > 0
	case path == InitPath:
		return o.init(), o.clip.Init != nil
	case path == wholePath:
		var all []byte
		for _, p := range o.list {
			all = append(all, p.Body...)
		}
		return all, true
	case strings.HasPrefix(path, keyPaths):
		return o.secret(strings.TrimPrefix(path, keyPaths))
	}
	number, err := strconv.ParseUint(strings.TrimPrefix(path, segmentPaths), 10, 64)
	if err != nil {
		return nil, false
	}
	// What left the playlist stays for as long again, as RFC 8216 section 6.2.2 asks.
	for i := o.windowStart(len(o.list) - o.style.Window); i < len(o.list); i++ {
		if p := o.list[i]; p.sequence == number {
			return o.encrypt(p.Body, number), true
		}
	}
	return nil, false
}

func (o *Origin) secret(name string) ([]byte, bool) {
	for _, p := range o.list {
		if k := o.key(p.sequence); k != nil && k.Name == name {
			return k.Secret, true
		}
	}
	return nil, false
}

func (o *Origin) key(sequence uint64) *Key {
	if o.style.Key == nil {
		return nil
	}
	return o.style.Key(sequence)
}

func (o *Origin) init() []byte {
	if o.style.EncryptInit {
		return o.encrypt(o.clip.Init, o.style.First)
	}
	return o.clip.Init
}

// encrypt is AES-128 in CBC mode with PKCS7 padding, as RFC 8216 section 4.3.2.4 asks.
func (o *Origin) encrypt(body []byte, sequence uint64) []byte {
	k := o.key(sequence)
	if k == nil {
		return body
	}
	iv := make([]byte, aes.BlockSize)
	binary.BigEndian.PutUint64(iv[8:], sequence)
	if k.IV != "" {
		if _, err := hex.Decode(iv, []byte(k.IV[len("0x"):])); err != nil {
			panic(fmt.Sprintf("IV %q of key %s: %v", k.IV, k.Name, err))
		}
	}
	block, err := aes.NewCipher(k.Secret)
	if err != nil {
		panic(err) // the test's key is no key
	}
	pad := aes.BlockSize - len(body)%aes.BlockSize
	out := append(bytes.Clone(body), bytes.Repeat([]byte{byte(pad)}, pad)...)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(out, out)
	return out
}
