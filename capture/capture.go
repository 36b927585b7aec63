// Package capture owns the way from a live HLS playlist to the access units worth decoding: it follows the playlist
// by RFC 8216's rules, fetches and decrypts segments, places them on the event's clock and plans which pictures of
// each are decoded. It is plain Go; the pictures themselves are decoded by capture/opencv.
package capture

import (
	"errors"
	"image"
	"time"

	"spotter/capture/container"
	"spotter/timeline"
)

// Caps on what an origin may send. What is larger is refused, never read to its end.
const (
	MaxPlaylistBytes = 16 << 20 // a day of two-second segments with long signed URLs
	MaxSegmentBytes  = 96 << 20 // twelve seconds at 60 Mb/s
	MaxInitBytes     = 1 << 20
	KeyBytes         = 16 // RFC 8216 section 4.3.2.4: an AES-128 key
)

var (
	// ErrEncryption is wrapped for encryption that is not AES-128, and for keys that do not fit.
	ErrEncryption = errors.New("cannot be decrypted")
	// ErrClock is wrapped when the configured zero cannot be placed on the stream.
	ErrClock = errors.New("no clock")
	// ErrDecoder is wrapped where a segment could not be taken apart, or its pictures decoded, because the process that
	// does it died of it, hung or could not be had.
	ErrDecoder = errors.New("the decoder failed")
)

// Segment is one fetched, decrypted and demuxed media segment, placed on the media's clock.
type Segment struct {
	Sequence uint64 // media sequence number
	Part     int    // index of the first part of it that this is, where it came in parts
	URL      string // where it came from, query removed
	// Span is what the segment's pictures cover on the media's clock.
	timeline.Span
	// Jump is true when the segment does not continue the one before it: a discontinuity, or a hole between them.
	Jump bool
	// Live is true while the playlist may still grow.
	Live bool
	// Fetched is when the segment had arrived.
	Fetched time.Time
	Video   *container.Video
	// Published are the whole media segments that are known with this one: itself, or where it is a part of a segment that is
	// not complete yet, the one before it.
	Published []Published
	// Breaks are the advertisement breaks that this segment tells of for the first time, or anew.
	Breaks []timeline.Break
	// Before and After are the clock's states to be stored with what is analysed of this segment: a follower that starts
	// from Before reads it again at the same positions, one that starts from After goes on behind it.
	Before, After []byte

	place   func(pts int64) timeline.Position
	inBreak func(timeline.Position) bool
}

// Published is a media segment as a consumer may fetch it.
type Published struct {
	// URL is where it is, with the query, which may hold secrets: never to be logged.
	URL      string
	From     timeline.Position
	Duration time.Duration // as the playlist says
}

// InBreak reports whether p lies in an advertisement break, as far as the stream has told. It may be asked while the
// segment is being handled, by who handles it.
func (s *Segment) InBreak(p timeline.Position) bool { return s.inBreak != nil && s.inBreak(p) }

// Frame is an admitted picture in plain Go memory.
type Frame struct {
	Position      timeline.Position
	Width, Height int         // of the JPEG, in pixels
	Small         *image.RGBA // at most 640 pixels on its longer side
	JPEG          []byte      // full size
}
