package store_test

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/store"
	"spotter/timeline"
)

func TestRevise(t *testing.T) {
	open2, closed3 := observe(0, 7, 2), observe(0, 9, 2)
	open2.Open, closed3.Revision = true, 3
	for name, tc := range map[string]struct {
		play   func(t *testing.T, s *store.Store)
		want   *timeline.Observation
		queued uint64
	}{
		"while on screen": {func(t *testing.T, s *store.Store) {
			record(t, s, store.Batch{Media: media, Observations: []*timeline.Observation{lasting(0, 7)}})
			revise(t, s, 0)
		}, open2, 2},
		"its end keeps the better answer": {func(t *testing.T, s *store.Store) {
			record(t, s, store.Batch{Media: media, Observations: []*timeline.Observation{lasting(0, 7)}})
			revise(t, s, 0)
			record(t, s, store.Batch{Media: media, Observations: []*timeline.Observation{observe(0, 9, 1)}})
		}, closed3, 3},
		"long after": {func(t *testing.T, s *store.Store) {
			record(t, s, store.Batch{Media: media, Observations: []*timeline.Observation{observe(0, 7, 1)}})
			revise(t, s, 0)
			revise(t, s, 0)
			record(t, s, store.Batch{Media: media, Observations: []*timeline.Observation{observe(0, 9, 1)}})
		}, observe(0, 7, 3), 3},
		"not wanted": {func(t *testing.T, s *store.Store) {
			record(t, s, store.Batch{Media: media, Observations: []*timeline.Observation{observe(0, 7, 1)}})
			found, err := s.Revise(media, 0, func(o *timeline.Observation) bool { o.Source = "x"; return false })
			if !found || err != nil {
				t.Errorf("found %v, %v", found, err)
			}
		}, observe(0, 7, 1), 1},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "spotter.db")
			s := open(t, path, "dynamodb")
			tc.play(t, s)
			for _, when := range []string{"revised", "reopened"} {
				stands(t, s, when, tc.want, tc.queued)
				s = reopened(t, s, path, "dynamodb")
			}
		})
	}
}

func TestReviseKeepsTheRest(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "spotter.db"))
	x := adBreak("7", 1, 2, false)
	record(t, s, store.Batch{
		Media: media, Observations: []*timeline.Observation{observe(0, 5, 1), observe(5, 9, 1)},
		Analyzed: spans(0, 9), Breaks: []timeline.Break{x}, Clock: []byte("anchor"),
	})
	_, err := s.Revise(media, 5, func(o *timeline.Observation) bool {
		o.From, o.Until, o.Media, o.Open, o.Revision = 0, 99, "other", true, 0
		return say(o)
	})
	if err != nil {
		t.Fatal(err)
	}
	want := observe(5, 9, 2) // say saw revision 0, so its content is that of the first
	want.Objects, want.At = observe(0, 0, 1).Objects, observe(0, 0, 1).At
	tl, _ := s.Timeline(media)
	if diff := cmp.Diff([]*timeline.Observation{observe(0, 5, 1), want}, tl.Within(everything)); diff != "" {
		t.Errorf("observations (-want +got):\n%s", diff)
	}
	if !cmp.Equal(tl.Analyzed(), spans(0, 9)) || !cmp.Equal(tl.Breaks(everything), []timeline.Break{x}) || string(s.Clock(media)) != "anchor" {
		t.Error("analysed, breaks or clock changed")
	}
	if diff := cmp.Diff([]string{media}, s.Media()); diff != "" {
		t.Errorf("media (-want +got):\n%s", diff)
	}
}

func TestReviseNothing(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "spotter.db"))
	record(t, s, store.Batch{Media: media, Observations: []*timeline.Observation{observe(0, 5, 1)}})
	never := func(*timeline.Observation) bool { t.Error("asked to change nothing"); return true }
	for name, key := range map[string]store.SpooledFrame{"no such media": {Media: "other"}, "no such scene": {Media: media, From: 1}} {
		for verb, do := range map[string]func(string, timeline.Position, func(*timeline.Observation) bool) (bool, error){
			"revise": s.Revise, "unspool": s.Unspool,
		} {
			if found, err := do(key.Media, key.From, never); found || err != nil {
				t.Errorf("%s, %s: found %v, %v", verb, name, found, err)
			}
		}
	}
}
