package dynamodb

import (
	"math"
	"slices"

	"golang.org/x/sync/errgroup"

	"spotter/timeline"
)

const (
	// atOnce is how many chunks one look-up asks for at the same time.
	atOnce = 8
	// mostJoined is of how many chunks a snapshot is held: look-ups of a longer stretch are rare.
	mostJoined = 4
)

// question is one look-up: the observations that begin in a window of a media.
type question struct {
	view    *View
	media   string
	window  timeline.Span
	catalog *catalog
	medium  *medium
	away    error // why there is no newer catalog

	first int64   // index of the first chunk
	rows  []*rows // of this and the following ones
}

// part returns the part of the window that lies in the i-th chunk.
func (q *question) part(i int) timeline.Span {
	return q.window.Cut(place{q.media, q.first + int64(i)}.span())
}

// gather gets the chunks of the window, and those until the analysed end where it is open whether a scene lasts until there.
func (q *question) gather() error {
	q.first = chunkOf(q.window.From)
	until := q.window.Until
	if err := q.load(until); err != nil {
		return err
	}
	if o, end := q.lasting(); o != nil && o.From <= until {
		q.window.Until = max(until, end)
		return q.load(end)
	}
	return nil
}

// load gets the chunks up to a position that are not there yet.
func (q *question) load(until timeline.Position) error {
	var missing []int
	for int64(len(q.rows)) <= chunkOf(until)-q.first {
		i := len(q.rows)
		got, ok := q.view.held(place{q.media, q.first + int64(i)}, q.part(i), q.catalog, q.away)
		if !ok || got.fault.err != nil {
			missing = append(missing, i)
		}
		q.rows = append(q.rows, got.rows)
	}
	if len(missing) == 1 {
		return q.loadOne(missing[0])
	}
	var all errgroup.Group
	all.SetLimit(atOnce)
	for _, i := range missing {
		all.Go(func() error { return q.loadOne(i) })
	}
	return all.Wait()
}

func (q *question) loadOne(i int) (err error) {
	q.rows[i], err = q.view.chunk(place{q.media, q.first + int64(i)}, q.part(i), q.catalog, q.medium, q.away)
	return err
}

// settle goes back to the catalog that was read before the chunks, where a newer one would say that what they lack was
// analysed.
func (q *question) settle() error {
	oldest := uint64(math.MaxUint64)
	for i, r := range q.rows {
		if !r.settled(q.part(i)) {
			oldest = min(oldest, r.number)
		}
	}
	if oldest == math.MaxUint64 { // settled, all of it
		return nil
	}
	if oldest < q.catalog.number {
		if q.catalog = q.view.before(oldest); q.catalog == nil {
			return unavailable(errNoState)
		}
		if q.medium = q.catalog.media[q.media]; q.medium == nil {
			return unavailable(errNoState)
		}
	}
	return q.view.usable(q.catalog, q.away)
}

// lasting returns the newest observation of the chunks where its scene may go on until the analysed end, which it also returns.
func (q *question) lasting() (*timeline.Observation, timeline.Position) {
	analyzed := q.medium.base.Analyzed()
	if len(analyzed) == 0 {
		return nil, 0
	}
	end := analyzed[len(analyzed)-1]
	for _, r := range slices.Backward(q.rows) {
		if len(r.list) == 0 {
			continue
		}
		o := r.list[len(r.list)-1]
		if o.Open && o.Until >= end.From && o.Until < end.Until && end.Until-o.From <= q.medium.longest() {
			return o, end.Until
		}
		break
	}
	return nil, 0
}

// stretch names the snapshot of some chunks of a media that lie side by side.
type stretch struct {
	media string
	first int64
	n     int
}

// joined is a snapshot and what it was made of. It is not changed.
type joined struct {
	medium   *medium
	rows     []*rows
	timeline *timeline.Timeline
}

// join returns the snapshot of the chunks.
func (q *question) join() *timeline.Timeline {
	v, key := q.view, stretch{q.media, q.first, len(q.rows)}
	v.mu.Lock()
	j, ok := v.joined.get(key)
	v.mu.Unlock()
	if ok && j.medium == q.medium && slices.Equal(j.rows, q.rows) {
		return j.timeline
	}
	j = &joined{q.medium, q.rows, q.build()}
	if key.n <= mostJoined {
		v.mu.Lock()
		defer v.mu.Unlock()
		// An observation of many snapshots is held once; only its place in them counts.
		v.joined.put(key, j, 1+j.timeline.Len()/16+len(j.timeline.Analyzed())/16)
	}
	return j.timeline
}

// build makes the snapshot. The newest scene, where it is open, lasts until the analysed end, as on the box.
func (q *question) build() *timeline.Timeline {
	var list []*timeline.Observation
	for _, r := range q.rows {
		list = append(list, r.list...)
	}
	if o, end := q.lasting(); o != nil && chunkOf(end) < q.first+int64(len(q.rows)) {
		longer := *o
		longer.Until = end
		list[len(list)-1] = &longer
	}
	return q.medium.base.With(list, nil)
}
