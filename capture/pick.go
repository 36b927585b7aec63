package capture

import (
	"fmt"
	"time"

	"spotter/capture/fetch"
	"spotter/capture/playlist"
)

// reader is how far the playlist in use was read.
type reader struct {
	started   bool
	switched  bool   // next counts as another playlist does
	name      string // digest of the playlist that next counts by
	next      cursor
	sequence  uint64    // of the segment that was taken last
	number    uint64    // and its discontinuity sequence number
	wall      time.Time // program date-time of its end
	at        time.Time // when it was taken
	known     bool      // there is such a segment
	caughtUp  bool
	backwards int             // changed loads in a row that ended before next
	epoch     int             // how often the numbers began anew
	before    *playlist.Media // what was read last
}

// resume sets a reader to where a stored clock left off.
func (r *reader) resume(c *Clock) {
	if !c.Started {
		return
	}
	r.next, r.number, r.wall, r.at, r.known = c.next(), c.Discontinuity, c.Wall, c.Seen, true
	if r.sequence = c.Next; c.Part == 0 && c.Next > 0 {
		r.sequence--
	}
}

// pick returns what of a playlist is to be fetched now, and keeps count of what is next.
func (f *Follower) pick(list *playlist.Media, changed bool) []piece {
	if len(list.Segments) == 0 && len(list.Parts) == 0 {
		return nil
	}
	r := &f.reader
	if !r.started {
		r.next = f.start(list)
		r.started = true
	} else if r.switched && f.doubtful(list) {
		return nil
	} else if r.switched {
		r.next = f.locate(list, true)
	}
	if !r.switched && !f.keepUp(list, changed) {
		return nil
	}
	r.backwards, r.switched, r.before = 0, false, list
	f.jump(list)
	fresh, behind := pieces(list, r.next)
	f.describe(fresh, list)
	r.next = behind
	return fresh
}

// doubtful reports whether nothing yet tells that another origin's playlist is of this event and alive: neither its
// program date-time nor that it grows.
func (f *Follower) doubtful(list *playlist.Media) bool {
	r, x := &f.reader, f.feed
	if x.family == f.family || f.Recording {
		return false
	}
	if last := wallEnd(list); !r.wall.IsZero() && !last.IsZero() && last.Sub(r.wall).Abs() < 24*time.Hour {
		return false
	}
	seen := cursor{end(list), len(list.Parts)}
	if x.adopted == (cursor{}) {
		x.adopted = seen
	}
	return x.adopted == seen
}

// end returns the number behind the segments that a playlist lists.
func end(list *playlist.Media) uint64 {
	return list.Sequence + uint64(len(list.Segments))
}

// keepUp deals with a playlist whose numbers do not continue what was read. It returns false where there is nothing to
// take yet.
func (f *Follower) keepUp(list *playlist.Media, changed bool) bool {
	r, first, behind := &f.reader, list.Sequence, end(list)
	at := fetch.Redact(f.feed.url.String())
	switch {
	case behind < r.next.sequence:
		if changed && !older(list, r.before) {
			r.backwards++
		}
		if r.backwards <= resetAfter {
			return false
		}
		f.fault(Fault{Kind: FaultReset, URL: at, Err: fmt.Errorf("the media sequence went back from %d to %d", r.next.sequence-1, behind-1)})
		f.renumber(list)
	case r.next.sequence < first && r.leaps(list):
		f.fault(Fault{Kind: FaultReset, URL: at, Err: fmt.Errorf("the media sequence went from %d to %d", r.next.sequence-1, first)})
		f.renumber(list)
	case r.next.sequence < first:
		f.fault(Fault{
			Kind: FaultBehind, URL: at, Lost: int(first - r.next.sequence),
			Err: fmt.Errorf("segments %d to %d left the playlist before they were read", r.next.sequence, first-1),
		})
		r.next = cursor{sequence: first}
	}
	return true
}

// leaps reports whether a playlist begins so far ahead that its numbers did not come by the passing of time.
func (r *reader) leaps(list *playlist.Media) bool {
	const slack = 10 // target durations
	n := list.Sequence - r.next.sequence
	return n > playlist.MaxSegments || time.Duration(n)*typical(list) > time.Since(r.at)+list.Duration()+slack*list.Target
}

// older reports whether a playlist is an old copy of another, or one that was cut short: its segments are the same.
func older(list, known *playlist.Media) bool {
	if known == nil || list.Sequence < known.Sequence || len(list.Segments) == 0 {
		return false
	}
	from := list.Sequence - known.Sequence
	if from > uint64(len(known.Segments)) || len(known.Segments)-int(from) < len(list.Segments) {
		return false
	}
	for i := range list.Segments {
		if a, b := &list.Segments[i], &known.Segments[int(from)+i]; a.URL.String() != b.URL.String() || a.Duration != b.Duration || !a.Wall.Equal(b.Wall) {
			return false
		}
	}
	return true
}

// renumber goes on with a playlist whose numbers began anew, as if it were another.
func (f *Follower) renumber(list *playlist.Media) {
	r := &f.reader
	r.epoch++
	f.shelf.clear() // it may name other things by the same addresses
	r.name = fmt.Sprintf("%s#%d", digest(f.feed.url), r.epoch)
	r.known = false
	r.next = f.locate(list, false)
}

// lag is how many segments an origin's copy of a playlist may be behind another: what ends further back was numbered
// anew.
const lag = 3

// start returns where to begin: of a live stream near its end, or where the clock left off.
func (f *Follower) start(list *playlist.Media) cursor {
	r := &f.reader
	if r.known {
		if c := f.Clock; c.Source == "" || c.Source == f.reader.name {
			if r.next.sequence <= end(list)+lag || list.Slides() && time.Since(r.at) < maxCatchUp {
				return r.next // keepUp deals with what left the playlist, and with an old copy
			}
		} else if time.Since(r.at) < maxCatchUp {
			return f.locate(list, true)
		}
	}
	if f.Recording || !list.Slides() {
		return cursor{sequence: list.Sequence}
	}
	if s := list.Start; s != nil {
		return f.offset(list, s.Offset)
	}
	return f.edge(list)
}

// offset returns the segment at an EXT-X-START (RFC 8216 section 4.3.5.2).
func (f *Follower) offset(list *playlist.Media, offset time.Duration) cursor {
	if offset < 0 {
		offset += list.Duration()
	}
	n := 0
	for ; n < len(list.Segments)-1 && offset >= list.Segments[n].Duration; n++ {
		offset -= list.Segments[n].Duration
	}
	return cursor{sequence: list.Sequence + uint64(n)}
}

// locate returns where another playlist goes on with what was read: at the same program date-time, or else, of a variant of
// the same stream whose numbers count, at the same number, or else by how long ago something was read.
func (f *Follower) locate(list *playlist.Media, numbered bool) cursor {
	const rounding = 50 * time.Millisecond
	r := &f.reader
	if last := wallEnd(list); !r.wall.IsZero() && !last.IsZero() && last.Sub(r.wall).Abs() < 24*time.Hour {
		for i := range list.Segments {
			if s := &list.Segments[i]; !s.Wall.IsZero() && s.Wall.Add(s.Duration-rounding).After(r.wall) {
				return cursor{sequence: s.Sequence}
			}
		}
		return cursor{sequence: end(list)}
	}
	if numbered && f.feed.family == f.family && r.next.sequence >= list.Sequence && r.next.sequence <= end(list)+lag {
		return cursor{sequence: r.next.sequence}
	}
	ago := min(time.Since(r.at), maxCatchUp)
	n := len(list.Segments)
	for d := time.Duration(0); n > 0 && d < ago; d += list.Segments[n].Duration {
		n--
	}
	return cursor{sequence: list.Sequence + uint64(n)}
}

// edge returns the segment that begins at least startBehind target durations, or what the origin asks for, before the end.
func (f *Follower) edge(list *playlist.Media) cursor {
	behind := max(startBehind*list.Target, list.Control.HoldBack)
	var d time.Duration
	n := len(list.Segments)
	for n > 0 && d < behind {
		n--
		d += list.Segments[n].Duration
	}
	return cursor{sequence: list.Sequence + uint64(n)}
}

// jump goes to the live edge when a sliding playlist is too far ahead of what was read.
func (f *Follower) jump(list *playlist.Media) {
	r := &f.reader
	var behind time.Duration
	for i := range list.Segments {
		if s := &list.Segments[i]; s.Sequence >= r.next.sequence {
			behind += s.Duration
		}
	}
	allowed := maxCatchUp
	if r.caughtUp {
		allowed = maxBehind * list.Target
	}
	r.caughtUp = r.caughtUp || behind <= startBehind*list.Target
	if !list.Slides() || f.Recording || behind <= allowed {
		return
	}
	edge := f.edge(list)
	if edge.sequence <= r.next.sequence {
		return // HOLD-BACK is further from the end
	}
	f.fault(Fault{
		Kind: FaultBehind, URL: fetch.Redact(f.feed.url.String()), Lost: int(edge.sequence - r.next.sequence),
		Err: fmt.Errorf("analysis was %s behind and went on at the live edge", behind.Round(time.Second)),
	})
	r.next = edge
}

// describe completes pieces with what their playlist and what was read before say of them.
func (f *Follower) describe(fresh []piece, list *playlist.Media) {
	r := &f.reader
	length := typical(list)
	for i := range fresh {
		p := &fresh[i]
		p.source, p.family, p.length, p.live, p.ranges = r.name, f.feed.family, length, !list.Ended, list.Ranges
		p.broken = r.known && p.number != r.numberIn(list)
		if f.feed.iframes && p.init == nil {
			p.init = tables(p)
		}
		r.known, r.sequence, r.number, r.at = true, p.at.sequence, p.number, time.Now()
		r.wall = time.Time{}
		if !p.wall.IsZero() {
			r.wall = p.wall.Add(p.duration)
		}
	}
	f.family = f.feed.family
}

// numberIn returns the discontinuity sequence number that a playlist gives to the segment that was taken last: some
// origins forget to count a discontinuity that left the playlist.
func (r *reader) numberIn(list *playlist.Media) uint64 {
	if i := r.sequence - list.Sequence; r.sequence >= list.Sequence && i < uint64(len(list.Segments)) {
		return list.Segments[i].Discontinuity
	}
	return r.number
}

// maxTables is how far into a transport stream its tables are looked for.
const maxTables = 64 << 10

// tables returns where the tables of an I-frame of a transport stream are: before the first I-frame of its resource, which
// are the resource's first bytes (rfc8216bis section 4.4.3.6). It is nil where the I-frame itself begins the resource.
func tables(p *piece) *playlist.Map {
	if p.bytes.Offset == 0 {
		return nil
	}
	return &playlist.Map{URL: p.url, Bytes: playlist.Range{Length: min(p.bytes.Offset, maxTables)}}
}
