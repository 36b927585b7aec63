package engage_test

import (
	"encoding/base64"
	"errors"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/engage"
	"spotter/engage/instrument"
	"spotter/engage/ledger"
)

func value(v float64) *float64 { return &v }

func TestEvents(t *testing.T) {
	for _, c := range []struct {
		name   string
		events []engage.EventInput
		want   error // of the last
		reward float64
	}{
		{"a click", []engage.EventInput{{Type: "click"}}, nil, 1},
		{"a view earns nothing", []engage.EventInput{{Type: "view", Value: value(30)}}, nil, 0},
		{"a dismissal earns nothing", []engage.EventInput{{Type: "dismiss"}}, nil, 0},
		{"an answer that is half right", []engage.EventInput{{Type: "answer", Value: value(0.5)}}, nil, 0.5},
		{"a purchase is worth 1 at most", []engage.EventInput{{Type: "convert", Value: value(99.9)}}, nil, 1},
		{"the largest counts", []engage.EventInput{{Type: "click", Value: value(0.25)}, {Type: "convert", Value: value(0.75)}, {Type: "answer", Value: value(0.5)}}, nil, 0.75},
		{"one of a type", []engage.EventInput{{Type: "click"}, {Type: "click"}}, engage.ErrDuplicate, 1},
		{"no type", []engage.EventInput{{}}, engage.ErrBadType, 0},
		{"another type", []engage.EventInput{{Type: "Click"}}, engage.ErrBadType, 0},
		{"a negative value", []engage.EventInput{{Type: "click", Value: value(-1)}}, engage.ErrBadValue, 0},
		{"a value out of range", []engage.EventInput{{Type: "view", Value: value(1.1e9)}}, engage.ErrBadValue, 0},
		{"not a number", []engage.EventInput{{Type: "view", Value: value(math.NaN())}}, engage.ErrBadValue, 0},
		{"infinite", []engage.EventInput{{Type: "view", Value: value(math.Inf(1))}}, engage.ErrBadValue, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := newEngine(t, engage.Config{}, some("a"))
			d := must(t, e, ask("p1"))
			var err error
			for _, one := range c.events {
				err = e.Event(d.ID, one, noon.Add(time.Minute))
				flush(t, e)
			}
			if !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
			if got := e.Stats().Instruments[0].Reward; got != c.reward {
				t.Errorf("reward %v, want %v", got, c.reward)
			}
		})
	}
}

func TestRewardGoesOnAfterARestart(t *testing.T) {
	dir := t.TempDir()
	l := openLedger(t, dir)
	e := newEngine(t, engage.Config{Ledger: l}, some("a"))
	d := must(t, e, ask("p1"))
	if err := e.Event(d.ID, engage.EventInput{Type: "click", Value: value(0.75)}, noon); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	e = newEngine(t, engage.Config{Ledger: openLedger(t, dir)}, some("a"))
	if err := e.Event(d.ID, engage.EventInput{Type: "click"}, noon); !errors.Is(err, engage.ErrDuplicate) {
		t.Errorf("a second click gives %v", err)
	}
	if err := e.Event(d.ID, engage.EventInput{Type: "convert"}, noon); err != nil {
		t.Fatal(err)
	}
	s := e.Stats().Instruments[0]
	if s.Reward != 1 {
		t.Errorf("reward %v, want 1", s.Reward)
	}
	if d := cmp.Diff(map[string]int{"click": 1, "convert": 1}, s.Events); d != "" {
		t.Error(d)
	}
}

func TestEventsOfOneDecisionAtOnce(t *testing.T) {
	e := newEngine(t, engage.Config{}, some("a", func(i *instrument.Instrument) { i.Cost.Click, i.Budget = 1, 100 }))
	d := must(t, e, ask("p1"))
	var (
		wg    sync.WaitGroup
		taken atomic.Int64
	)
	for i := range 64 {
		wg.Go(func() {
			kind := []string{"view", "click", "answer", "convert"}[i%4]
			if err := e.Event(d.ID, engage.EventInput{Type: kind}, noon); err == nil {
				taken.Add(1)
			} else if !errors.Is(err, engage.ErrDuplicate) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if s := e.Stats().Instruments[0]; taken.Load() != 4 || s.Reward != 1 || s.Spent != 1 {
		t.Errorf("%d events were taken, reward %v, spent %v; want 4, 1 and 1", taken.Load(), s.Reward, s.Spent)
	}
}

func TestForgeries(t *testing.T) {
	e := newEngine(t, engage.Config{}, some("a"))
	other := newEngine(t, engage.Config{}, some("a"))
	id := must(t, e, ask("p1")).ID
	click := engage.EventInput{Type: "click"}
	refused := func(name, id string) {
		t.Helper()
		if err := e.Event(id, click, noon); !errors.Is(err, engage.ErrForged) {
			t.Errorf("%s: %v, want ErrForged", name, err)
		}
	}
	raw, err := base64.RawURLEncoding.DecodeString(id)
	if err != nil {
		t.Fatal(err)
	}
	for bit := range 8 * len(raw) {
		raw[bit/8] ^= 1 << (bit % 8)
		refused("a flipped bit", base64.RawURLEncoding.EncodeToString(raw))
		raw[bit/8] ^= 1 << (bit % 8)
	}
	// The last character stands for four bits and two that must be 0.
	for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" {
		if s := id[:len(id)-1] + string(c); s != id {
			refused("another last character", s)
		}
	}
	refused("of another box", must(t, other, ask("p1")).ID)
	for name, s := range map[string]string{
		"empty": "", "cut": id[:42], "longer": id + "A", "padded": id[:42] + "=", "a line end within": id[:20] + "\n" + id[21:], "with blanks": " " + id[1:],
	} {
		refused(name, s)
	}
	if err := e.Event(id, click, noon); err != nil {
		t.Errorf("the true id is refused after that: %v", err)
	}
}

func TestLateAndUnknown(t *testing.T) {
	e := newEngine(t, engage.Config{Window: time.Minute}, some("a"))
	d := must(t, e, ask("p1"))
	if err := e.Event(d.ID, engage.EventInput{Type: "view"}, noon.Add(time.Minute)); err != nil {
		t.Errorf("at the end of the window: %v", err)
	}
	if err := e.Event(d.ID, engage.EventInput{Type: "click"}, noon.Add(time.Minute+1)); !errors.Is(err, engage.ErrLate) {
		t.Errorf("after the window: %v", err)
	}
	if err := e.EraseViewer("p1"); err != nil {
		t.Fatal(err)
	}
	if err := e.Event(d.ID, engage.EventInput{Type: "click"}, noon); !errors.Is(err, engage.ErrUnknown) {
		t.Errorf("of an erased viewer: %v", err)
	}
}

func TestEventRecords(t *testing.T) {
	l := openLedger(t, t.TempDir())
	e := newEngine(t, engage.Config{Ledger: l}, some("a", func(i *instrument.Instrument) { i.Cost.View = 0.25 }))
	d := must(t, e, ask("p1"))
	for _, in := range []engage.EventInput{{Type: "view", Value: value(12)}, {Type: "click", Value: value(0.5)}, {Type: "convert", Value: value(20)}} {
		if err := e.Event(d.ID, in, noon.Add(time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	flush(t, e)
	var got []ledger.Event
	if err := l.Replay(1, func(r *ledger.Record) error {
		got = append(got, *r.Event)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	after := noon.Add(time.Second)
	want := []ledger.Event{
		{At: after, Decision: 1, Type: "view", Value: 12, Cost: 0.25},
		{At: after, Decision: 1, Type: "click", Value: 0.5, Reward: 0.5},
		{At: after, Decision: 1, Type: "convert", Value: 20, Reward: 0.5},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
