package dynamodb_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"spotter/httpapi"
	"spotter/internal/awslocal"
	"spotter/internal/mediatest"
	"spotter/sync/dynamodb"
	"spotter/timeline"
)

// filled returns a table of DynamoDB Local with events as a box writes them: what was revised was there before.
func filled(t *testing.T, endpoint, name string, events ...mediatest.Event) *dynamodb.Table {
	t.Helper()
	table := &dynamodb.Table{Client: awslocal.Table(t, endpoint, name), Name: name, Region: awslocal.Region}
	var all errgroup.Group
	all.SetLimit(8)
	for _, e := range events {
		for _, o := range e.Timeline.Within(mediatest.All) {
			all.Go(func() error {
				if o.Revision > 1 {
					if err := table.Put(t.Context(), viewed(o.Media, o.From, o.Until, "Replaced", o.Revision-1)); err != nil {
						return err
					}
				}
				return table.Put(t.Context(), o)
			})
		}
		s := stateOf(t, &e)
		all.Go(func() error { return table.PutState(t.Context(), &s) })
	}
	if err := all.Wait(); err != nil {
		t.Fatal(err)
	}
	return table
}

// TestViewOnDynamoDB asks the backend on Amazon's own DynamoDB Local all that a box is asked.
func TestViewOnDynamoDB(t *testing.T) {
	endpoint := awslocal.DynamoDB(t)
	tables := 0
	mediatest.Run(t, func(t *testing.T, events ...mediatest.Event) httpapi.Media {
		tables++
		return dynamodb.NewView(filled(t, endpoint, fmt.Sprint("suite", tables), events...), dynamodb.ViewOptions{})
	})

	// Two copies of the DynamoDB-backed API answer the same as the box for 1,000 random windows.
	t.Run("1,000 windows", func(t *testing.T) {
		r := rand.New(rand.NewPCG(5, 5))
		e := mediatest.Random(r, "cup-final", 400)
		for last := e.Timeline.Last(); !last.Open; last = e.Timeline.Last() {
			e = mediatest.Random(r, "cup-final", 400)
		}
		table := filled(t, endpoint, "windows", e, mediatest.Event{
			Status:   httpapi.Status{Media: "other", State: httpapi.StateLive},
			Timeline: timeline.New([]*timeline.Observation{viewed("other", 0, 5000, "Another's", 1)}, []timeline.Span{{From: 0, Until: 5000}}),
		})
		var paths []string
		for range 1000 {
			paths = append(paths, mediatest.Window(r, &e))
		}
		copies := []*httpapi.Server{
			mediatest.Server(dynamodb.NewView(table, dynamodb.ViewOptions{})), mediatest.Server(dynamodb.NewView(table, dynamodb.ViewOptions{})),
		}
		told := mediatest.Same(t, mediatest.Server(mediatest.NewBox(e)), copies, paths)
		t.Logf("%d windows alike, %d of them tell of somebody or something", len(paths), told)
	})
}

// TestViewCutOff cuts the network to the table, and mends it, behind the real Toxiproxy.
func TestViewCutOff(t *testing.T) {
	endpoint := awslocal.DynamoDB(t)
	e := hours(1)
	list := e.Timeline.Within(between(1000, 1100))
	e.Timeline = timeline.New(append(list, e.Timeline.Within(between(3500, 3600))...), e.Timeline.Analyzed())
	filled(t, endpoint, "cut", e)
	network := awslocal.Network(t, endpoint)
	v := dynamodb.NewView(
		&dynamodb.Table{Client: awslocal.Client(network.URL()), Name: "cut", Region: awslocal.Region},
		dynamodb.ViewOptions{Timeout: 300 * time.Millisecond, Stale: 2 * time.Second},
	)
	s := mediatest.Server(v)
	const past, edge = "/v1/media/m/context?position=1050&backward=10&forward=5", "/v1/media/m/context?position=3590"
	want, live := mediatest.Ask(s, past), mediatest.Ask(s, edge)
	if want.Status != 200 || live.Status != 200 || v.Fault() != nil {
		t.Fatal(want, live, v.Fault())
	}
	for name, fault := range map[string]func(){"cut": network.Cut, "black hole": func() { network.BlackHole(0) }} {
		fault()
		until(t, name, func() bool { return mediatest.Ask(s, edge).Status == 503 })
		if got := mediatest.Ask(s, past); got != want || v.Fault() == nil {
			t.Errorf("%s: of what is settled: %v, fault %v", name, got, v.Fault())
		}
		network.Heal()
		until(t, name+" is over", func() bool { return mediatest.Ask(s, edge) == live })
		if v.Fault() != nil {
			t.Error(v.Fault())
		}
	}
}

// until asks again and again, for at most ten seconds, until ok says yes.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	over, tick := time.After(10*time.Second), time.NewTicker(20*time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-over:
			t.Fatalf("%s: not seen", what)
		case <-tick.C:
		}
	}
}
