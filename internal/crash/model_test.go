//go:build crash && linux

package crash_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"

	"spotter/timeline"
)

// model is what must be found after a crash: all that was acknowledged, and of the operation that was under way all or
// nothing.
type model struct {
	state
	// pruned is the highest position before which scenes and pictures of a media may be gone.
	pruned map[string]timeline.Position
	// underway began and was not acknowledged.
	underway *operation

	// The cloud: what it got, and what it must get.
	table         map[place]scene
	topic, bucket map[place]bool
	announced     map[place]bool
	records       map[uint64]appended
	flushed       uint64
	operations    int
	acknowledged  int // of all kinds
	opens         int
}

// state is what the store has.
type state struct {
	scenes map[place]scene
	clocks map[string]string
	spool  map[place]bool
}

func newModel() *model {
	return &model{
		state:  state{map[place]scene{}, map[string]string{}, map[place]bool{}},
		pruned: map[string]timeline.Position{},
		table:  map[place]scene{}, topic: map[place]bool{}, bucket: map[place]bool{}, announced: map[place]bool{},
		records: map[uint64]appended{},
	}
}

// hear takes in a line of a worker.
func (m *model) hear(line []byte) (note, error) {
	var n note
	if err := json.Unmarshal(bytes.TrimSpace(line), &n); err != nil {
		return n, fmt.Errorf("a note that is none: %q: %w", line, err)
	}
	switch n.What {
	case opened:
		m.opens++
	case begin:
		m.underway = n.Op
		if n.Op.Prune > 0 {
			m.pruned[n.Op.Media] = max(m.pruned[n.Op.Media], n.Op.Prune)
		}
	case done:
		m.operations++
		m.acknowledged++
		m.apply(n.Op)
		m.underway = nil
	case cloud:
		return n, m.receive(n.Put)
	case appendDone:
		m.acknowledged++
		if old, again := m.records[n.Record.Number]; again {
			return n, fmt.Errorf("number %d was given to %+v and to %+v", n.Record.Number, old, *n.Record)
		}
		m.records[n.Record.Number] = *n.Record
	case flush:
		m.acknowledged++
		m.flushed = max(m.flushed, n.Number)
	}
	return n, nil
}

// apply does an operation.
func (m *model) apply(o *operation) {
	if o.Scene != nil {
		m.scenes[o.place] = *o.Scene
	}
	if o.Clock != "" {
		m.clocks[o.Media] = o.Clock
		m.announced[o.place] = true
	}
	if o.Spool {
		m.spool[o.place] = true
	}
	if o.Unspool {
		delete(m.spool, o.place)
	}
}

// receive is the cloud: a table that takes no older revision in the place of a newer one, and two sinks that take all.
func (m *model) receive(p *put) error {
	switch p.Sink {
	case sinkTopic:
		m.topic[p.place] = true
	case sinkBucket:
		m.bucket[p.place] = true
	case sinkTable:
		if old, ok := m.table[p.place]; !ok || newer(*p.Scene, old) {
			m.table[p.place] = *p.Scene
		} else if p.Scene.Revision == old.Revision && p.Scene.Name != old.Name {
			return fmt.Errorf("%+v: revision %d was sent with two contents: %+v, %+v", p.place, old.Revision, old, *p.Scene)
		}
	}
	return nil
}

func newer(a, b scene) bool {
	return a.Revision > b.Revision || a.Revision == b.Revision && a.Until > b.Until
}

// compare says what is wrong with what was found.
func (m *model) compare(got state, waits map[string]map[place]bool) error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	want := maps.Clone(m.scenes)
	if o := m.underway; o != nil && o.Scene != nil {
		now, there := got.scenes[o.place]
		after := there && now == *o.Scene
		if after {
			want[o.place] = now
		}
		if o.Clock != "" && after != (got.clocks[o.Media] == o.Clock) {
			fault("half of an operation: scene %+v, clock %q of %+v", now, got.clocks[o.Media], *o)
		}
		if o.Unspool && after == got.spool[o.place] && m.spool[o.place] {
			fault("half of an operation: scene %+v, still spooled %v of %+v", now, got.spool[o.place], *o)
		}
	}
	for p, s := range want {
		now, there := got.scenes[p]
		switch {
		case there && now != s:
			fault("%+v is %+v, want %+v", p, now, s)
		case !there && (s.Until > m.pruned[p.Media] || newer(s, m.table[p])):
			fault("%+v is lost: %+v; the table has %+v", p, s, m.table[p])
		}
	}
	for p, s := range got.scenes {
		if _, known := want[p]; !known {
			fault("%+v is %+v, which nobody recorded", p, s)
		}
		if sent, ok := m.table[p]; ok && newer(sent, s) {
			fault("%+v is %+v, and the table has %+v already", p, s, sent)
		}
		if !waits[sinkTable][p] && m.table[p] != tabled(s, m.table[p]) {
			fault("%+v is %+v, which is not in the outbox; the table has %+v", p, s, m.table[p])
		}
	}
	faults = append(faults, m.compareRest(got, waits)...)
	return errors.Join(faults...)
}

// tabled is a scene as the table tells it; whether it is over the table tells with its end.
func tabled(s, table scene) scene {
	s.Open = table.Open
	return s
}

func (m *model) compareRest(got state, waits map[string]map[place]bool) (faults []error) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	for media, clock := range m.clocks {
		if now := got.clocks[media]; now != clock && (m.underway == nil || m.underway.Clock != now) {
			fault("the clock of %s is %q, want %q", media, now, clock)
		}
	}
	for p := range m.announced {
		if !waits[sinkTopic][p] && !m.topic[p] {
			fault("the segment %+v is lost", p)
		}
		if !waits[sinkBucket][p] && !m.bucket[p] {
			fault("the frame %+v is lost", p)
		}
	}
	for p := range m.spool {
		gone := m.underway != nil && m.underway.Unspool && m.underway.place == p
		if !got.spool[p] && p.From >= m.pruned[p.Media] && !gone {
			fault("the spooled picture %+v is lost", p)
		}
	}
	for p := range got.spool {
		came := m.underway != nil && m.underway.Spool && m.underway.place == p
		if !m.spool[p] && !came {
			fault("the spooled picture %+v is there, which nobody spooled or which was taken out", p)
		}
	}
	return faults
}

// adopt makes what was found what is to be found from now on.
func (m *model) adopt(f *found) {
	if o := m.underway; o != nil && o.Clock != "" && f.clocks[o.Media] == o.Clock {
		m.announced[o.place] = true
	}
	m.state, m.underway = f.state, nil
	m.records = f.records
	m.flushed = 0
	for n := range f.records {
		m.flushed = max(m.flushed, n)
	}
}

// compareRecords says what is wrong with the ledger's records. Without power, what was not flushed may be gone.
func (m *model) compareRecords(got map[uint64]appended, powerCut bool) error {
	var faults []error
	for n, want := range m.records {
		now, there := got[n]
		switch {
		case there && now != want:
			faults = append(faults, fmt.Errorf("record %d is %+v, want %+v", n, now, want))
		case !there && (!powerCut || n <= m.flushed):
			faults = append(faults, fmt.Errorf("record %d of %d is lost: %+v; flushed up to %d", n, len(m.records), want, m.flushed))
		}
	}
	extra := 0
	for n := range got {
		if _, known := m.records[n]; !known {
			extra++
		}
	}
	if extra > appenders {
		faults = append(faults, fmt.Errorf("%d records that nobody was told of, of %d goroutines", extra, appenders))
	}
	if len(faults) > 5 {
		faults = append(faults[:5], fmt.Errorf("and %d more", len(faults)-5))
	}
	return errors.Join(faults...)
}

func viewerName(i int) string { return "viewer-" + strconv.Itoa(i) }
