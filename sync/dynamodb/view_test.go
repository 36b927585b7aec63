package dynamodb_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"spotter/capture"
	"spotter/httpapi"
	"spotter/internal/mediatest"
	"spotter/sync/dynamodb"
	"spotter/timeline"
)

// stateOf returns what the box that has an event writes of it.
func stateOf(t testing.TB, e *mediatest.Event) dynamodb.State {
	t.Helper()
	s := dynamodb.State{
		Status: e.Status, Analyzed: e.Timeline.Analyzed(), Breaks: e.Timeline.Breaks(mediatest.All),
		Settled: e.Settled, MaxScene: e.MaxScene(), Updated: time.Now().Truncate(time.Millisecond),
	}
	if !e.Zero.IsZero() {
		zero, err := capture.ParseZero(e.Zero.Format(time.RFC3339Nano))
		if err != nil {
			t.Fatal(err)
		}
		clock, err := capture.NewClock(zero, nil)
		if err != nil {
			t.Fatal(err)
		}
		s.Clock = clock.State()
	}
	return s
}

// readable is a table in memory that counts what it is asked, and fails or waits when the test says so.
type readable struct {
	mu               sync.Mutex
	states           []dynamodb.State
	rows             map[string][]*timeline.Observation // by From
	queries, asked   int                                // of observations, and of states
	read             int                                // observations that were handed out
	fail, failQuery  error                              // of all, and of queries
	wait, waitStates func(ctx context.Context) error    // of all, and of readings of the states
}

// fill puts events into the table.
func fill(t testing.TB, m *readable, events ...mediatest.Event) *readable {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.states, m.rows = nil, make(map[string][]*timeline.Observation)
	for _, e := range events {
		m.states = append(m.states, stateOf(t, &e))
		m.rows[e.Status.Media] = e.Timeline.Within(mediatest.All)
	}
	return m
}

func (m *readable) begin(ctx context.Context) error {
	if m.wait != nil {
		if err := m.wait(ctx); err != nil {
			return err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.fail
}

func (m *readable) Query(ctx context.Context, media string, w timeline.Span, _ bool) ([]*timeline.Observation, error) {
	if err := m.begin(ctx); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.queries++
	if m.failQuery != nil {
		return nil, m.failQuery
	}
	from := func(o *timeline.Observation, p timeline.Position) int { return int(o.From - p) }
	all := m.rows[media]
	lo, _ := slices.BinarySearchFunc(all, w.From, from)
	hi, _ := slices.BinarySearchFunc(all, w.Until+1, from)
	m.read += hi - lo
	return slices.Clone(all[lo:hi]), nil
}

func (m *readable) States(ctx context.Context) ([]dynamodb.State, error) {
	if err := m.begin(ctx); err != nil {
		return nil, err
	}
	if m.waitStates != nil {
		if err := m.waitStates(ctx); err != nil {
			return nil, err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked++
	return slices.Clone(m.states), nil
}

// counts returns how many queries and readings of the states there were.
func (m *readable) counts() (queries, states int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.queries, m.asked
}

func TestViewInMemory(t *testing.T) {
	mediatest.Run(t, func(t *testing.T, events ...mediatest.Event) httpapi.Media {
		return dynamodb.NewView(fill(t, new(readable), events...), dynamodb.ViewOptions{})
	})
}

// TestViewsAnswerAsTheBox compares the answers to random windows of random events.
func TestViewsAnswerAsTheBox(t *testing.T) {
	events, windows := 40, 100
	if testing.Short() {
		events = 10
	}
	told := 0
	for seed := range events {
		r := rand.New(rand.NewPCG(uint64(seed), 7))
		e := mediatest.Random(r, "cup-final", 1+r.IntN(400))
		m := fill(t, new(readable), e)
		box := mediatest.Server(mediatest.NewBox(e))
		copies := []*httpapi.Server{
			mediatest.Server(dynamodb.NewView(m, dynamodb.ViewOptions{})),
			mediatest.Server(dynamodb.NewView(m, dynamodb.ViewOptions{Observations: 50})),
		}
		var paths []string
		for range windows {
			paths = append(paths, mediatest.Window(r, &e))
		}
		told += mediatest.Same(t, box, copies, paths)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	if told < events*windows/4 {
		t.Errorf("only %d of %d answers tell something", told, events*windows)
	}
}

func viewed(media string, from, until timeline.Position, name string, revision int) *timeline.Observation {
	return &timeline.Observation{
		Media: media, Span: timeline.Span{From: from, Until: until}, Source: timeline.SourceONNX, Revision: revision,
		Objects: []timeline.Entity{{Name: name, Confidence: 90}},
	}
}

// hours is an event of n hours with a scene every 5 s, settled up to a minute before its end.
func hours(n int) mediatest.Event {
	var list []*timeline.Observation
	end := timeline.Position(n) * 3_600_000
	for from := timeline.Position(0); from < end; from += 5000 {
		list = append(list, viewed("m", from, from+5000, fmt.Sprint("Thing ", from), 1))
	}
	settled := end - 60_000
	return mediatest.Event{
		Status: httpapi.Status{Media: "m", State: httpapi.StateLive}, Settled: &settled, Zero: time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC),
		Timeline: timeline.New(list, []timeline.Span{{From: 0, Until: end}}),
	}
}
