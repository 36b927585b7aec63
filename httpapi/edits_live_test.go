package httpapi_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/httpapi"
)

// TestLiveTellsEdits has a person edit what recognisers will not revise any more.
func TestLiveTellsEdits(t *testing.T) {
	l := newLive(t, httpapi.LiveLimits{})
	l.media.put(scene(0, 1), scene(1, 1))
	s := l.follow(t, "")
	s.next() // the state
	l.media.settle(4000)
	l.media.put(scene(2, 1))
	var got []string
	got = append(got, brief(t, s.next().data))
	l.media.put(scene(3, 1))
	got = append(got, brief(t, s.next().data))
	l.media.put(scene(0, 2))
	got = append(got, brief(t, s.next().data))
	l.media.put(scene(1, 2), scene(4, 1))
	got = append(got, brief(t, s.next().data), brief(t, s.next().data))
	if diff := cmp.Diff([]string{"4.0 r1", "6.0 r1", "0.0 r2", "2.0 r2", "8.0 r1"}, got); diff != "" {
		t.Error(diff)
	}
}
