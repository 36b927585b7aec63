package dynamodb_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"spotter/httpapi"
	"spotter/internal/mediatest"
	"spotter/sync/dynamodb"
	"spotter/timeline"
)

var errAway = errors.New("the table is away")

func between(from, until timeline.Position) timeline.Span {
	return timeline.Span{From: from * 1000, Until: until * 1000}
}

// names returns what is seen in a window, in order, and whether that is all.
func names(t *testing.T, v *dynamodb.View, w timeline.Span) (list []string, complete bool) {
	t.Helper()
	tl, err := v.Timeline("m", w)
	if err != nil {
		t.Fatalf("%v: %v", w, err)
	}
	var c timeline.Context
	tl.Context(&c, w)
	for _, o := range c.Objects {
		list = append(list, o.Name)
	}
	return list, tl.Complete(w)
}

func TestViewAsksSeldom(t *testing.T) {
	for name, tc := range map[string]struct {
		window                     timeline.Span
		queries, states, rowsAfter int // in the ten seconds after the first answer, at most
	}{
		"settled":                {between(1000, 1015), 0, 10, 0},
		"settled, over a border": {between(1195, 1210), 0, 10, 0},
		"at the live edge":       {between(7180, 7195), 10, 10, 10 * 13},
		"ahead of the edge":      {between(7205, 7220), 20, 10, 20 * 13},
		"far ahead":              {between(99_000, 99_015), 0, 10, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := fill(t, new(readable), hours(2))
				v := dynamodb.NewView(m, dynamodb.ViewOptions{})
				want, complete := names(t, v, tc.window)
				queries, states := m.counts()
				read := m.read
				if queries > 2 || states != 1 {
					t.Errorf("the first answer took %d queries and %d readings of the states", queries, states)
				}
				for range 99 {
					time.Sleep(100 * time.Millisecond)
					if got, also := names(t, v, tc.window); len(got) != len(want) || also != complete {
						t.Fatalf("%v, %v, then %v, %v", want, complete, got, also)
					}
				}
				moreQueries, moreStates := m.counts()
				if q, s, n := moreQueries-queries, moreStates-states, m.read-read; q > tc.queries || s > tc.states || n > tc.rowsAfter {
					t.Errorf("%d queries of %d observations and %d readings of the states", q, n, s)
				}
				time.Sleep(time.Hour) // nobody asks
				if q, s := m.counts(); q != moreQueries || s != moreStates {
					t.Error("the table was asked on nobody's behalf")
				}
			})
		})
	}
}

func TestViewAsksOnceForMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := fill(t, new(readable), hours(2))
		m.wait = func(context.Context) error { time.Sleep(100 * time.Millisecond); return nil }
		v := dynamodb.NewView(m, dynamodb.ViewOptions{})
		var all sync.WaitGroup
		for range 200 {
			all.Go(func() { names(t, v, between(3000, 3899)) })
		}
		start := time.Now()
		all.Wait()
		if q, s := m.counts(); q != 4 || s != 1 {
			t.Errorf("%d queries, %d readings of the states", q, s)
		}
		if took := time.Since(start); took != 200*time.Millisecond {
			t.Errorf("the chunks were asked for one after another: %v", took)
		}
	})
}

func TestViewSeesRevisions(t *testing.T) {
	for name, tc := range map[string]struct {
		at     timeline.Position
		within time.Duration
	}{
		"what may still change":           {7_150_000, time.Second},
		"the first that may still change": {7_140_000, time.Second},
		"by hand":                         {1_000_000, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := hours(2)
				m := fill(t, new(readable), e)
				v := dynamodb.NewView(m, dynamodb.ViewOptions{})
				w := timeline.Span{From: tc.at, Until: tc.at + 1000}
				names(t, v, w)
				e.Timeline = e.Timeline.With([]*timeline.Observation{viewed("m", tc.at, tc.at+5000, "Better", 2)}, nil)
				fill(t, m, e)
				for passed := time.Duration(0); passed < tc.within+time.Second; passed += 500 * time.Millisecond {
					if got, _ := names(t, v, w); len(got) == 1 && got[0] == "Better" {
						return
					}
					time.Sleep(500 * time.Millisecond)
				}
				t.Errorf("not seen within %v", tc.within)
			})
		})
	}
}

// TestViewAway cuts the table off from a view that knows the live edge and a stretch long past.
func TestViewAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := fill(t, new(readable), hours(2))
		faults := 0
		v := dynamodb.NewView(m, dynamodb.ViewOptions{OnFault: func(err error) {
			if faults++; !errors.Is(err, errAway) {
				t.Error(err)
			}
		}})
		edge, past := between(7185, 7200), between(1000, 1015)
		names(t, v, edge)
		names(t, v, past)
		time.Sleep(1100 * time.Millisecond)
		m.fail = errAway
		began := time.Now()
		for passed := 1100 * time.Millisecond; passed < time.Minute; passed += 300 * time.Millisecond {
			names(t, v, past)
			if p, ok, err := v.Settled("m"); p != 7_140_000 || !ok || err != nil {
				t.Fatalf("settled before %v, %v, %v", p, ok, err)
			}
			if _, ok, err := v.PositionAt("m", began); !ok || err != nil {
				t.Fatal(err)
			}
			_, err := v.Timeline("m", edge)
			_, statusErr := v.Status("m")
			_, idsErr := v.IDs()
			_, cold := v.Timeline("m", between(3000, 3015))
			_, other := v.Status("other")
			for what, got := range map[string]error{"edge": err, "status": statusErr, "ids": idsErr} {
				if old := passed > 10*time.Second; old != errors.Is(got, httpapi.ErrUnavailable) || !old && got != nil {
					t.Fatalf("%s after %v: %v", what, passed, got)
				}
			}
			if !errors.Is(cold, httpapi.ErrUnavailable) {
				t.Fatalf("of what it does not know after %v: %v", passed, cold)
			}
			if old := passed > 10*time.Second; old == errors.Is(other, httpapi.ErrUnknownMedia) {
				t.Fatalf("of another media after %v: %v", passed, other)
			}
			time.Sleep(300 * time.Millisecond)
		}
		if most := int(time.Since(began)/time.Second) + 1; faults > most || faults < most/2 || !errors.Is(v.Fault(), errAway) {
			t.Errorf("%d faults, the last %v", faults, v.Fault())
		}
		m.fail = nil
		time.Sleep(time.Second)
		names(t, v, edge)
		names(t, v, between(3000, 3015))
		if v.Fault() != nil {
			t.Error(v.Fault())
		}
	})
}

// TestViewNeverSawTheTable asks a view whose table was away from the first.
func TestViewNeverSawTheTable(t *testing.T) {
	v := dynamodb.NewView(&readable{fail: errAway}, dynamodb.ViewOptions{})
	_, idsErr := v.IDs()
	_, statusErr := v.Status("m")
	_, timelineErr := v.Timeline("m", between(0, 1))
	_, _, settledErr := v.Settled("m")
	_, _, positionErr := v.PositionAt("m", time.Now())
	for _, err := range []error{idsErr, statusErr, timelineErr, settledErr, positionErr} {
		if !errors.Is(err, httpapi.ErrUnavailable) || !errors.Is(err, errAway) {
			t.Error(err)
		}
	}
}

// TestViewOfASlowTable must not keep a viewer waiting, nor each viewer after another.
func TestViewOfASlowTable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := fill(t, new(readable), hours(2))
		v := dynamodb.NewView(m, dynamodb.ViewOptions{})
		w := between(7185, 7200)
		names(t, v, w)
		time.Sleep(2 * time.Second)
		m.wait = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		for i, want := range []time.Duration{2 * time.Second, 0, 0} {
			start := time.Now()
			names(t, v, w)
			if took := time.Since(start); took != want {
				t.Errorf("answer %d took %v, want %v", i, took, want)
			}
		}
		time.Sleep(10 * time.Second)
		start := time.Now()
		if _, err := v.Timeline("m", w); !errors.Is(err, httpapi.ErrUnavailable) || time.Since(start) != 2*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}

func TestViewHoldsNoMoreThanItMay(t *testing.T) {
	v := dynamodb.NewView(fill(t, new(readable), hours(24)), dynamodb.ViewOptions{Observations: 500})
	for from := timeline.Position(0); from < 24*3600; from += 200 {
		names(t, v, between(from, from+15))
		if chunks, snapshots := v.Held(); chunks > 500 || snapshots > 500 {
			t.Fatalf("after %v it holds %d and %d", from, chunks, snapshots)
		}
	}
	// One look-up of more than that is answered all the same.
	if got, complete := names(t, v, between(0, 3600)); len(got) != 721 || !complete {
		t.Errorf("%d of 721, complete %v", len(got), complete)
	}
	if chunks, _ := v.Held(); chunks > 500 {
		t.Errorf("then it holds %d", chunks)
	}
}

func TestViewOpenScene(t *testing.T) {
	scene := func(from, until timeline.Position, open bool) *timeline.Observation {
		o := viewed("m", from*1000, until*1000, "Still", 1)
		o.Open = open
		return o
	}
	for name, tc := range map[string]struct {
		list     []*timeline.Observation
		analyzed []timeline.Span
		until    timeline.Position // of the scene at 290 s
	}{
		"lasts until the analysed end":           {[]*timeline.Observation{scene(290, 295, true)}, []timeline.Span{between(0, 310)}, 310},
		"is over":                                {[]*timeline.Observation{scene(290, 295, false)}, []timeline.Span{between(0, 310)}, 295},
		"is not the newest":                      {[]*timeline.Observation{scene(290, 295, true), scene(301, 302, true)}, []timeline.Span{between(0, 310)}, 295},
		"was not looked at since":                {[]*timeline.Observation{scene(290, 295, true)}, []timeline.Span{between(0, 295), between(300, 310)}, 295},
		"was left open longer ago than it lasts": {[]*timeline.Observation{scene(290, 295, true)}, []timeline.Span{between(0, 1000)}, 295},
		"reaches beyond what is known":           {[]*timeline.Observation{scene(290, 315, true)}, []timeline.Span{between(0, 310)}, 315},
	} {
		t.Run(name, func(t *testing.T) {
			e := mediatest.Event{Status: httpapi.Status{Media: "m", State: httpapi.StateLive}, Timeline: timeline.New(tc.list, tc.analyzed)}
			for _, w := range []timeline.Span{between(280, 292), between(294, 299), between(291, 400)} {
				tl, err := dynamodb.NewView(fill(t, new(readable), e), dynamodb.ViewOptions{}).Timeline("m", w)
				if err != nil {
					t.Fatal(err)
				}
				if got := tl.At(290_000); got == nil || got.Until != tc.until*1000 {
					t.Errorf("in %v: %v, want until %d s", w, got, tc.until)
				}
			}
			if tc.list[0].Until != 295_000 && tc.list[0].Until != 315_000 {
				t.Error("the observation was changed")
			}
		})
	}
}

func TestViewStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := hours(1)
		m := fill(t, new(readable), e)
		v := dynamodb.NewView(m, dynamodb.ViewOptions{})
		time.Sleep(29 * time.Second)
		s, err := v.Status("m")
		if err != nil || s.State != httpapi.StateLive || len(s.Faults) != 0 || s.AnalyzedUntil == nil || *s.AnalyzedUntil != 3_600_000 {
			t.Errorf("%+v, %v", s, err)
		}
		time.Sleep(2 * time.Second)
		if s, err = v.Status("m"); err != nil || s.State != httpapi.StateStalled || len(s.Faults) != 1 {
			t.Errorf("after half a minute without a word: %+v, %v", s, err)
		}
		m.states[0].Clock = []byte("{")
		m.states[0].Updated = time.Now()
		time.Sleep(time.Second)
		if _, _, err := v.PositionAt("m", time.Now()); err == nil || errors.Is(err, httpapi.ErrUnavailable) {
			t.Errorf("a broken clock tells the time: %v", err)
		}
	})
}
