//go:build crash && linux

package crash_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"

	bolt "go.etcd.io/bbolt"

	"spotter/engage/ledger"
	"spotter/store"
	"spotter/timeline"
)

// found is what the files have.
type found struct {
	state
	waits   map[string]map[place]bool // by sink
	records map[uint64]appended
}

func newFound() *found {
	return &found{
		state: state{map[place]scene{}, map[string]string{}, map[place]bool{}},
		waits: map[string]map[place]bool{}, records: map[uint64]appended{},
	}
}

// look opens the files as a box does after a crash, checks them, and compares them with the model.
func (m *model) look(dir string, powerCut bool) (*found, error) {
	f := newFound()
	err := errors.Join(f.lookStore(dir, m), f.lookLedger(dir, true))
	if err != nil {
		return nil, err
	}
	if err := errors.Join(checkPages(filepath.Join(dir, storeName)), checkPages(filepath.Join(dir, "engagement.db"))); err != nil {
		return nil, err
	}
	return f, errors.Join(m.compare(f.state, f.waits), m.compareRecords(f.records, powerCut))
}

var everything = timeline.Span{From: -timeline.MaxPosition, Until: timeline.MaxPosition}

func (f *found) lookStore(dir string, m *model) error {
	s, err := openStore(dir)
	if err != nil {
		return err
	}
	err = f.readStore(s, m)
	return errors.Join(err, s.Close())
}

func (f *found) readStore(s *store.Store, m *model) error {
	var faults []error
	for _, media := range s.Media() {
		t, _ := s.Timeline(media)
		f.clocks[media] = string(s.Clock(media))
		last := -timeline.MaxPosition
		for _, o := range t.Within(everything) {
			p := place{media, o.From}
			f.scenes[p] = *sceneOf(o)
			if o.From < last {
				faults = append(faults, fmt.Errorf("%+v begins before its predecessor ends at %v", p, last))
			}
			if o.From >= m.pruned[media] && !t.Complete(o.Span) {
				faults = append(faults, fmt.Errorf("%+v until %v is not analysed", p, o.Until))
			}
			last = o.Until
		}
	}
	_, _, err := s.NewestSpooled(func(media string, from timeline.Position) bool {
		f.spool[place{media, from}] = true
		return true
	})
	faults = append(faults, err)
	if n, _ := s.SpooledFrames(); n != len(f.spool) {
		faults = append(faults, fmt.Errorf("%d pictures are counted, %d are in the spool", n, len(f.spool)))
	}
	for _, sink := range sinks() {
		faults = append(faults, f.readOutbox(s, sink.Name))
	}
	return errors.Join(faults...)
}

func (f *found) readOutbox(s *store.Store, sink string) error {
	waits := map[place]bool{}
	f.waits[sink] = waits
	backlog := s.Backlog(sink).Entries
	for after := uint64(0); ; {
		list, err := s.Pending(sink, after, math.MaxInt32)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			break
		}
		for _, e := range list {
			p, err := placeOf(e)
			if err != nil {
				return err
			}
			if waits[p] {
				return fmt.Errorf("%+v waits twice for %s", p, sink)
			}
			waits[p], after = true, e.Seq
		}
	}
	if backlog != len(waits) {
		return fmt.Errorf("%d entries of %s are counted, %d wait", backlog, sink, len(waits))
	}
	return nil
}

// errOther is returned for content that was never written.
var errOther = errors.New("it has other content than was written")

func placeOf(e store.Entry) (place, error) {
	switch {
	case e.Observation != nil:
		return place{e.Observation.Media, e.Observation.From}, nil
	case e.Segment != nil:
		return place{e.Segment.Media, e.Segment.From}, nil
	}
	p := place{e.Frame.Media, e.Frame.At}
	if string(e.Frame.JPEG) != string(picture(p.From)) {
		return p, fmt.Errorf("the picture of %+v: %w", p, errOther)
	}
	return p, nil
}

func (f *found) lookLedger(dir string, check bool) error {
	l, err := ledger.Open(dir, ledger.Options{})
	if err != nil {
		return err
	}
	err = f.readLedger(l)
	if err == nil && check {
		err = l.Check(context.Background())
	}
	return errors.Join(err, l.Close())
}

func (f *found) readLedger(l *ledger.Ledger) error {
	viewers := map[ledger.Viewer]int{}
	for i := range appenders {
		viewers[l.Viewer(viewerName(i))] = i
	}
	last := uint64(0)
	return l.Replay(0, func(r *ledger.Record) error {
		if r.Number <= last {
			return fmt.Errorf("record %d comes after record %d: %w", r.Number, last, errOther)
		}
		last = r.Number
		a := appended{Number: r.Number}
		if d := r.Decision; d != nil {
			a.Viewer, a.Instrument = viewers[d.Viewer], d.Case.Arms[d.Choice].Instrument
		} else {
			a.Of, a.Viewer = r.Event.Decision, f.records[r.Event.Decision].Viewer
		}
		f.records[r.Number] = a
		return nil
	})
}

// checkPages is what the command bbolt check does.
func checkPages(path string) error {
	db, err := bolt.Open(path, 0, &bolt.Options{ReadOnly: true, Timeout: patient})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("bbolt check %s: %w", path, err)
	}
	err = db.View(func(tx *bolt.Tx) error {
		var faults []error
		for err := range tx.Check() {
			faults = append(faults, err)
		}
		return errors.Join(faults...)
	})
	if err != nil {
		err = fmt.Errorf("bbolt check %s: %w", path, err)
	}
	return errors.Join(err, db.Close())
}
