package dynamodb

import (
	"context"
	"math"
	"slices"
	"strconv"
	"time"

	"spotter/timeline"
)

// chunkLength is how much of an event is asked for at once: some 150 scenes, well below what one page of an answer holds.
const chunkLength = timeline.Position(5 * time.Minute / time.Millisecond)

// place names a chunk: the observations of a media that begin in [index, index+1) times chunkLength.
type place struct {
	media string
	index int64
}

// chunkOf returns the index of the chunk in which p lies.
func chunkOf(p timeline.Position) int64 {
	i := p / chunkLength
	if p%chunkLength < 0 {
		i--
	}
	return int64(i)
}

// span returns the closed window in which the chunk's observations begin.
func (p place) span() timeline.Span {
	from := timeline.Position(p.index) * chunkLength
	return timeline.Span{From: from, Until: from + chunkLength - 1}
}

// rows is what is known of a chunk. It is not changed.
type rows struct {
	number uint64    // of the newest reading
	asked  time.Time // when that began
	whole  time.Time // when all of the chunk was last asked for
	list   []*timeline.Observation
	// final and analyzed are as of the state that was known before the newest reading: no observation that begins before final
	// would change, and what of the chunk was analysed.
	final    timeline.Position
	analyzed []timeline.Span
}

// covered reports whether all of w was analysed.
func (r *rows) covered(w timeline.Span) bool {
	return slices.ContainsFunc(r.analyzed, func(s timeline.Span) bool { return s.From <= w.From && s.Until >= w.Until })
}

// settled reports whether what begins in w was complete and for good.
func (r *rows) settled(w timeline.Span) bool { return w.Until < r.final && r.covered(w) }

// slot is where a chunk is held. View.mu guards it.
type slot struct {
	rows  *rows // nil before the first answer
	fault fault // of the newest reading
}

// reading is what came of one, or of none: the rows that there are, and why there are no newer ones.
type reading struct {
	rows  *rows
	fault fault
}

// held returns what is held of a chunk; ok is false where the table is to be asked before that is used for w.
func (v *View) held(p place, w timeline.Span, c *catalog, away error) (got reading, ok bool) {
	now := time.Now()
	v.mu.Lock()
	defer v.mu.Unlock()
	if s, there := v.slots.get(p); there {
		got = reading{s.rows, s.fault}
	}
	if r := got.rows; r != nil && (r.number > c.number || r.settled(w) && now.Sub(r.whole) < keep) {
		return reading{rows: r}, true
	}
	if away != nil { // no use to ask, and to wait, for each chunk
		return reading{got.rows, fault{away, now}}, true
	}
	return got, got.fault.recent(now)
}

// chunk returns what begins in the part w of a chunk: where the table answers, as it was after the catalog was read.
func (v *View) chunk(p place, w timeline.Span, c *catalog, m *medium, away error) (*rows, error) {
	got, ok := v.held(p, w, c, away)
	if !ok {
		key := p.media + "\x00" + strconv.FormatInt(p.index, 10) + "\x00" + strconv.FormatUint(c.number, 10)
		flown, _, _ := v.flights.Do(key, func() (any, error) {
			got, ok := v.held(p, w, c, away)
			if !ok {
				got = v.readChunk(p, got.rows, m)
			}
			return got, nil
		})
		got = flown.(reading)
	}
	r := got.rows
	if got.fault.err != nil && (r == nil || !r.settled(w) && time.Since(r.asked) > v.o.Stale) {
		return nil, unavailable(got.fault.err)
	}
	return r, nil
}

// readChunk asks for a chunk, but not again for what was final in old, which may be nil.
func (v *View) readChunk(p place, old *rows, m *medium) reading {
	next := &rows{number: v.begin(), asked: time.Now(), final: math.MinInt64}
	next.whole = next.asked
	w := p.span()
	next.analyzed = within(m.base.Analyzed(), w)
	if old != nil && old.final > w.From && next.asked.Sub(old.whole) < keep && old.covered(timeline.Span{From: w.From, Until: old.final}) {
		w.From, next.whole = old.final, old.whole
		n, _ := slices.BinarySearchFunc(old.list, w.From, func(o *timeline.Observation, p timeline.Position) int { return int(o.From - p) })
		next.list = old.list[:n:n]
	}
	var list []*timeline.Observation
	err := v.read(func(ctx context.Context) (err error) {
		list, err = v.reader.Query(ctx, p.media, w, true)
		return err
	})
	if next.list = append(next.list, list...); m.state.Settled != nil {
		next.final = *m.state.Settled
	}
	if i := slices.IndexFunc(next.list, func(o *timeline.Observation) bool { return o.Open }); i >= 0 {
		next.final = min(next.final, next.list[i].From)
	}

	v.mu.Lock()
	defer v.mu.Unlock()
	s, there := v.slots.get(p)
	if !there {
		s = new(slot)
	}
	switch {
	case err != nil:
		s.fault = fault{err, time.Now()}
		next = old
	case s.rows == nil || s.rows.number < next.number:
		s.rows, s.fault = next, fault{}
	}
	weight := 1
	if s.rows != nil {
		weight += len(s.rows.list)
	}
	v.slots.put(p, s, weight)
	if err != nil {
		return reading{next, s.fault}
	}
	return reading{rows: next}
}

// within returns the parts of sorted spans that lie in the closed window w.
func within(spans []timeline.Span, w timeline.Span) (list []timeline.Span) {
	for _, s := range spans {
		if s.From <= w.Until && s.Until > w.From {
			list = append(list, s.Cut(timeline.Span{From: w.From, Until: w.Until + 1}))
		}
	}
	return list
}
