package dynamodb_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/sync/dynamodb"
	"spotter/timeline"
)

// checkTwins puts what two boxes say of one scene, one after the other.
func checkTwins(t *testing.T, tab *dynamodb.Table) {
	tab.Twin = true
	at := timeline.Position(0)
	for name, tc := range map[string]struct {
		puts []*timeline.Observation
		want *timeline.Observation
	}{
		"the paid answer has a lower revision": {
			[]*timeline.Observation{scene("onnx", 2, 0, 9000, false), scene("rekognition", 1, 0, 9000, false)},
			scene("rekognition", 1, 0, 9000, false),
		},
		"the paid answer stays": {
			[]*timeline.Observation{scene("rekognition", 1, 0, 9000, false), scene("onnx", 5, 0, 9000, false), scene("classic", 9, 0, 9000, false)},
			scene("rekognition", 1, 0, 9000, false),
		},
		"the payer died, the scene went on": {
			[]*timeline.Observation{scene("rekognition", 1, 0, 4000, true), scene("onnx", 1, 0, 8000, true), scene("onnx", 2, 0, 9000, false)},
			scene("rekognition", 1, 0, 9000, false),
		},
		"the payer is behind": {
			[]*timeline.Observation{scene("onnx", 1, 0, 8000, true), scene("rekognition", 1, 0, 4000, true)},
			scene("rekognition", 1, 0, 8000, true),
		},
		"nobody pays": {
			[]*timeline.Observation{scene("onnx", 1, 0, 4000, true), scene("onnx", 2, 0, 8000, false), scene("onnx", 1, 0, 8000, true)},
			scene("onnx", 2, 0, 8000, false),
		},
		"a better answer by the one that saw less of it": {
			[]*timeline.Observation{scene("onnx", 1, 0, 8000, false), scene("onnx", 3, 0, 4000, true)},
			scene("onnx", 3, 0, 8000, false),
		},
		"an end where last seen": {
			[]*timeline.Observation{scene("onnx", 1, 0, 8000, true), scene("onnx", 2, 0, 8000, false)},
			scene("onnx", 2, 0, 8000, false),
		},
		"an edit replaces the paid answer": {
			[]*timeline.Observation{scene("rekognition", 5, 0, 9000, false), edited(scene("onnx", 2, 0, 8000, true), 100)},
			edited(scene("onnx", 2, 0, 9000, false), 100),
		},
		"an edit stays": {
			[]*timeline.Observation{edited(scene("onnx", 2, 0, 8000, true), 100), scene("rekognition", 5, 0, 9000, false), scene("onnx", 9, 0, 9000, false)},
			edited(scene("onnx", 2, 0, 9000, false), 100),
		},
		"the later edit": {
			[]*timeline.Observation{
				edited(scene("onnx", 2, 0, 9000, false), 100), edited(scene("onnx", 2, 0, 9000, false), 200), edited(scene("onnx", 8, 0, 9000, false), 100),
			},
			edited(scene("onnx", 2, 0, 9000, false), 200),
		},
		"an edited scene goes on": {
			[]*timeline.Observation{edited(scene("onnx", 2, 0, 4000, true), 100), edited(scene("onnx", 2, 0, 8000, true), 100), edited(scene("onnx", 3, 0, 9000, false), 100)},
			edited(scene("onnx", 3, 0, 9000, false), 100),
		},
	} {
		t.Run(name, func(t *testing.T) {
			at += 10_000
			move := func(o *timeline.Observation) *timeline.Observation {
				c := *o
				c.From, c.Until = c.From+at, c.Until+at
				return &c
			}
			for _, o := range tc.puts {
				put(t, tab, move(o))
			}
			got, err := tab.Get(t.Context(), "cup-final", at)
			if diff := cmp.Diff(move(tc.want), got); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

// edited returns o as a person edited it last at a time, in milliseconds since 1970.
func edited(o *timeline.Observation, at int64) *timeline.Observation {
	o.Edits = &timeline.Edits{At: time.UnixMilli(at).UTC()}
	return o
}

// life returns the states of one observation on one box, from the first to the last.
func life(rng *rand.Rand, from, end timeline.Position, pays bool) (out []*timeline.Observation) {
	o := scene("onnx", 1, from, from+1000, true)
	for {
		c := *o
		out = append(out, &c)
		switch {
		case rng.IntN(3) == 0 && pays && o.Source == "onnx":
			o = scene("rekognition", o.Revision+1, from, o.Until, o.Open)
		case o.Open && o.Until < end:
			o.Until += 1000
		case o.Open:
			o.Open = false
			o.Revision++
		default:
			return out
		}
	}
}

// checkTwinsInAnyOrder lets two boxes write one scene in turns at random, with puts that come twice and late: the table comes to the
// same as if it had been written in order.
func checkTwinsInAnyOrder(t *testing.T, tab *dynamodb.Table) {
	tab.Twin = true
	rng := rand.New(rand.NewPCG(4, 4))
	for n := range 30 {
		from := timeline.Position(n) * 100_000
		end := from + timeline.Position(1+rng.IntN(6))*1000
		a, b := life(rng, from, end, rng.IntN(2) == 0), life(rng, from, end, false)
		want := dynamodb.Merge(a[len(a)-1], b[len(b)-1])
		var sent []*timeline.Observation
		for len(a)+len(b) > 0 {
			from := &a
			if len(a) == 0 || len(b) > 0 && rng.IntN(2) == 0 {
				from = &b
			}
			sent = append(sent, (*from)[0])
			put(t, tab, (*from)[0], sent[rng.IntN(len(sent))])
			*from = (*from)[1:]
		}
		got, err := tab.Get(t.Context(), "cup-final", from)
		if err != nil {
			t.Fatal(err)
		}
		if got.Source != want.Source || got.Until != want.Until || got.Open != want.Open {
			t.Fatalf("%d: the table has %+v, want %+v", n, got, want)
		}
	}
}
