package main_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	spotter "spotter/cmd/spotter"
	"spotter/httpapi"
	"spotter/store"
	"spotter/timeline"
	"spotter/vision/local/gallery"
)

// sawAnn returns a store that saw Ann in scenes of a second, n of them, and in each fourth nobody.
func sawAnn(t *testing.T, path string, n int) *store.Store {
	t.Helper()
	s, err := store.Open(path, store.Options{Sinks: []store.Sink{{Name: "dynamodb", Kind: store.Observations}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	b := store.Batch{Media: "cup"}
	for i := range timeline.Position(n) {
		o := &timeline.Observation{Media: "cup", Span: timeline.Span{From: i * 1000, Until: (i + 1) * 1000}, Source: timeline.SourceONNX, At: time.Unix(1e9, 0)}
		if i%4 != 3 {
			o.Celebrities = []timeline.Entity{{Name: "Ann", ID: "a", Confidence: 60}}
		}
		b.Observations = append(b.Observations, o)
	}
	if err := s.Record(b); err != nil {
		t.Fatal(err)
	}
	return s
}

// called returns how many scenes show whom.
func called(t *testing.T, s *store.Store) map[string]int {
	t.Helper()
	tl, _ := s.Timeline("cup")
	n := make(map[string]int)
	for _, o := range tl.Within(timeline.Span{From: -1, Until: timeline.MaxPosition}) {
		for _, e := range o.Celebrities {
			n[e.Name]++
		}
	}
	return n
}

func TestEditEverywhere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spotter.db")
	s := sawAnn(t, path, 1000)
	x := spotter.NewEdits(s, nil)
	rename := timeline.Edit{Do: timeline.EditRename, Entity: timeline.Name{Name: "Ann"}, To: timeline.Name{Name: "Bob"}, Scope: timeline.EditsEverywhere}
	now, undo, err := x.Edit("cup", 400_000, rename)
	if err != nil || now.Revision != 2 || now.Celebrities[0].Name != "Bob" || undo == "" {
		t.Fatalf("%+v, %q, %v", now, undo, err)
	}
	if _, again, err := x.Edit("cup", 400_000, rename); again != undo || err != nil {
		t.Errorf("asked again: %q, want %q; %v", again, undo, err)
	}
	if diff := cmp.Diff(map[string]int{"Ann": 300, "Bob": 450}, called(t, s)); diff != "" {
		t.Errorf("renamed (-want +got):\n%s", diff)
	}
	copied := filepath.Join(t.TempDir(), "spotter.db") // as a kill leaves it
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(copied, file, 0o600); err != nil {
		t.Fatal(err)
	}
	after, err := store.Open(copied, store.Options{Sinks: []store.Sink{{Name: "dynamodb", Kind: store.Observations}}})
	if err != nil {
		t.Fatal(err)
	}
	defer after.Close()
	if _, err := spotter.NewEdits(after, nil).Undo("cup", 500_000, undo); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]int{"Ann": 750}, called(t, after)); diff != "" {
		t.Errorf("taken back after a kill (-want +got):\n%s", diff)
	}
	if _, err := spotter.NewEdits(after, nil).Undo("cup", 500_000, undo); !errors.Is(err, timeline.ErrNoEdit) {
		t.Errorf("taken back twice: %v", err)
	}
}

func TestEditKnowsTheGallery(t *testing.T) {
	model := gallery.Model{Name: "m", Version: "1", Threshold: 0.5}
	people, err := gallery.Open(t.TempDir(), model)
	if err != nil {
		t.Fatal(err)
	}
	for i, id := range []string{"bob", "cy-1", "cy-2"} {
		face := gallery.Face{Model: "m", Version: "1", Photo: fmt.Sprintf("%064d", i), Embedding: []float32{float32(i), 1, 2}}
		p := gallery.Person{ID: id, Name: id[:2], URLs: []string{"https://people.example/" + id}, Faces: []gallery.Face{face}}
		if _, err := people.Add(p); err != nil {
			t.Fatal(err)
		}
	}
	for name, tc := range map[string]struct {
		to   timeline.Name
		want timeline.Entity
	}{
		"by name":       {timeline.Name{Name: "Bo"}, timeline.Entity{Name: "Bo", ID: "bob", URLs: []string{"https://people.example/bob"}, Confidence: 60}},
		"by id":         {timeline.Name{Name: "Cy", ID: "cy-2"}, timeline.Entity{Name: "Cy", ID: "cy-2", URLs: []string{"https://people.example/cy-2"}, Confidence: 60}},
		"two of a name": {timeline.Name{Name: "cy"}, timeline.Entity{Name: "cy", Confidence: 60}},
		"the cloud's":   {timeline.Name{Name: "Bo", ID: "4xYz"}, timeline.Entity{Name: "Bo", ID: "4xYz", Confidence: 60}},
		"nobody":        {timeline.Name{Name: "Di"}, timeline.Entity{Name: "Di", Confidence: 60}},
	} {
		t.Run(name, func(t *testing.T) {
			x := spotter.NewEdits(sawAnn(t, filepath.Join(t.TempDir(), "spotter.db"), 1), people)
			now, _, err := x.Edit("cup", 0, timeline.Edit{Do: timeline.EditRename, Entity: timeline.Name{Name: "Ann", ID: "a"}, To: tc.to})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]timeline.Entity{tc.want}, now.Celebrities); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEditRefused(t *testing.T) {
	x := spotter.NewEdits(sawAnn(t, filepath.Join(t.TempDir(), "spotter.db"), 4), nil)
	ann := timeline.Edit{Do: timeline.EditReject, Entity: timeline.Name{Name: "Ann"}}
	for name, tc := range map[string]struct {
		media string
		from  timeline.Position
		want  error
	}{
		"unknown media": {"other", 0, httpapi.ErrUnknownMedia},
		"nothing there": {"cup", 1, httpapi.ErrNoObservation},
		"not shown":     {"cup", 3000, timeline.ErrNotShown},
	} {
		t.Run(name, func(t *testing.T) {
			if _, _, err := x.Edit(tc.media, tc.from, ann); !errors.Is(err, tc.want) {
				t.Errorf("edit: %v", err)
			}
			if tc.want == timeline.ErrNotShown {
				tc.want = timeline.ErrNoEdit
			}
			if _, err := x.Undo(tc.media, tc.from, "token"); !errors.Is(err, tc.want) {
				t.Errorf("undo: %v", err)
			}
		})
	}
}
