package dynamodb_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"spotter/httpapi"
	"spotter/internal/mediatest"
	"spotter/sync/dynamodb"
	"spotter/timeline"
)

// TestViewDoesNotClaimWhatItLacks reads newer states while it cannot read the observations that go with them.
func TestViewDoesNotClaimWhatItLacks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := hours(1)
		m := fill(t, new(readable), e)
		v := dynamodb.NewView(m, dynamodb.ViewOptions{})
		names(t, v, between(3590, 3600))
		time.Sleep(time.Second)
		e.Timeline = e.Timeline.With([]*timeline.Observation{viewed("m", 3_600_000, 3_605_000, "New", 1)}, []timeline.Span{between(3600, 3605)})
		fill(t, m, e)
		m.failQuery = errAway
		w := between(3590, 3604)
		if got, complete := names(t, v, w); complete {
			t.Errorf("all of %v is said to be %v", w, got)
		}
		m.failQuery = nil
		time.Sleep(time.Second)
		if got, complete := names(t, v, w); !complete || got[len(got)-1] != "New" {
			t.Errorf("%v, complete %v", got, complete)
		}
		// A chunk that cannot be read takes no other with it.
		m.failQuery = errAway
		if _, err := v.Timeline("m", between(100, 110)); !errors.Is(err, httpapi.ErrUnavailable) {
			t.Error(err)
		}
		m.failQuery = nil
		names(t, v, between(1000, 1010))
	})
}

// TestViewReadsStatesWhileItReads has a chunk read, for a long look-up, while the states are; what came to the table between the two
// must not be taken for something that nobody was seen in.
func TestViewReadsStatesWhileItReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := hours(1)
		m := fill(t, new(readable), e)
		v := dynamodb.NewView(m, dynamodb.ViewOptions{})
		names(t, v, between(0, 10))
		time.Sleep(950 * time.Millisecond)
		m.wait = func(context.Context) error { time.Sleep(100 * time.Millisecond); return nil }
		m.waitStates = func(context.Context) error { time.Sleep(200 * time.Millisecond); return nil }
		var all sync.WaitGroup
		all.Go(func() { names(t, v, between(0, 3599)) }) // in two goes, as it has 12 chunks
		time.Sleep(60 * time.Millisecond)
		all.Go(func() { names(t, v, between(0, 10)) }) // reads the states
		time.Sleep(150 * time.Millisecond)             // the last chunk was read, and the states were not yet
		e.Timeline = e.Timeline.With([]*timeline.Observation{viewed("m", 3_598_000, 3_600_000, "Late", 1)}, []timeline.Span{between(3600, 3601)})
		fill(t, m, e)
		all.Wait()
		w := between(3599, 3600)
		if got, complete := names(t, v, w); complete && !slices.Contains(got, "Late") {
			t.Errorf("all of %v is said to be %v", w, got)
		}
		if tl, err := v.Timeline("m", w); err != nil || !tl.Complete(between(3600, 3601)) {
			t.Error("the newer states were not read")
		}
	})
}

// TestViewOfWhatComesLate changes what lies before the settled position, as a second box does that fills a hole, and a scene that
// lasts longer than answers take to settle.
func TestViewOfWhatComesLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lasting := viewed("m", 3_400_000, 3_600_000, "Still", 1)
		lasting.Open = true
		settled := timeline.Position(3_540_000)
		e := mediatest.Event{
			Status: httpapi.Status{Media: "m", State: httpapi.StateLive}, Settled: &settled,
			Timeline: timeline.New([]*timeline.Observation{lasting}, []timeline.Span{between(0, 1000), between(1010, 3600)}),
		}
		m := fill(t, new(readable), e)
		v := dynamodb.NewView(m, dynamodb.ViewOptions{})
		hole := between(1002, 1008)
		if got, complete := names(t, v, hole); len(got) != 0 || complete {
			t.Errorf("in a hole: %v, complete %v", got, complete)
		}
		names(t, v, between(3410, 3420))
		time.Sleep(time.Second)
		longer := *lasting
		longer.Until, longer.Open = 3_610_000, false
		e.Timeline = e.Timeline.With([]*timeline.Observation{&longer, viewed("m", 1_000_000, 1_010_000, "Twin's", 1)}, []timeline.Span{between(1000, 1010)})
		fill(t, m, e)
		if got, complete := names(t, v, hole); len(got) != 1 || !complete {
			t.Errorf("when it is filled: %v, complete %v", got, complete)
		}
		tl, err := v.Timeline("m", between(3410, 3420))
		if err != nil {
			t.Fatal(err)
		}
		if o := tl.At(3_400_000); o == nil || o.Until != longer.Until {
			t.Errorf("the scene that lasted is %v", o)
		}
	})
}
