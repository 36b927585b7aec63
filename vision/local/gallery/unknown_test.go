package gallery_test

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"spotter/timeline"
	"spotter/vision/local/gallery"
)

func unknowns(t *testing.T, path string, m gallery.Model) *gallery.Unknowns {
	t.Helper()
	u, err := gallery.OpenUnknowns(path, m, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func remember(t *testing.T, u *gallery.Unknowns, at timeline.Position, embedding []float32) string {
	t.Helper()
	id, err := u.Add("cup", at, embedding)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestUnknowns(t *testing.T) {
	u := unknowns(t, "", model)
	remember(t, u, 1000, axis(1))
	remember(t, u, 2000, axis(2))
	remember(t, u, 3000, like(map[int]float64{2: 0.5}))
	remember(t, u, 4000, like(map[int]float64{1: 0.39}))
	want := []gallery.Unknown{
		{ID: "unknown-2", Sightings: []gallery.Sighting{{Media: "cup", Position: 2000}, {Media: "cup", Position: 3000}, {Media: "cup", Position: 4000}}},
		{ID: "unknown-1", Sightings: []gallery.Sighting{{Media: "cup", Position: 1000}}},
	}
	ignore := cmp.Options{cmpopts.IgnoreFields(gallery.Unknown{}, "Embeddings"), cmpopts.IgnoreFields(gallery.Sighting{}, "At")}
	if diff := cmp.Diff(want, u.List(), ignore); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	// A photo of the second comes: who looks like it is named, and nobody else.
	id, ok := u.Find(like(map[int]float64{2: 0.9}))
	if !ok || id != "unknown-2" {
		t.Fatalf("found %q, %v", id, ok)
	}
	if id, ok := u.Find(axis(7)); ok {
		t.Errorf("found %q", id)
	}
	got, err := u.Take(id)
	if err != nil || len(got.Embeddings) != 3 {
		t.Fatalf("%v, %v", got, err)
	}
	if diff := cmp.Diff(want[0], got, ignore); diff != "" {
		t.Errorf("taken (-want +got):\n%s", diff)
	}
	if _, err := u.Take(id); !errors.Is(err, gallery.ErrNobody) {
		t.Errorf("err = %v, want ErrNobody", err)
	}
	if diff := cmp.Diff(want[1:], u.List(), ignore); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
	if id := remember(t, u, 5000, axis(2)); id != "unknown-3" {
		t.Errorf("a new face is %s", id)
	}
	if _, err := u.Add("cup", 1, []float32{float32(math.Inf(1))}); err == nil {
		t.Error("an embedding without a direction was taken")
	}
	if err := errors.Join(u.Save(), u.Erase()); err != nil || len(u.List()) != 0 {
		t.Errorf("erased: %v, %v", u.List(), err)
	}
}

func TestUnknownsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := unknowns(t, "", model)
		remember(t, u, 1000, axis(1))
		time.Sleep(40 * time.Minute)
		remember(t, u, 2000, axis(1))
		time.Sleep(20*time.Minute + 1)
		if list := u.List(); len(list) != 1 || len(list[0].Sightings) != 1 || list[0].Sightings[0].Position != 2000 {
			t.Errorf("after an hour: %+v", list)
		}
		time.Sleep(time.Hour)
		if id, ok := u.Find(axis(1)); ok {
			t.Errorf("after two hours: %s", id)
		}
	})
}

func TestUnknownsAreBounded(t *testing.T) {
	const most = 10_000
	one := `,{"id":"unknown-1","media":"cup","at":"` + time.Now().UTC().Format(time.RFC3339) + `","embedding":"AACAPw=="`
	path := filepath.Join(t.TempDir(), "unknown.json")
	write(t, path, `{"format":1,"model":"`+model.Name+`","version":"`+model.Version+`","next":2,"faces":[`+
		strings.TrimPrefix(strings.Repeat(one+`,"position":1}`, 3)+strings.Repeat(one+`,"position":2}`, most), ",")+`]}`)
	u := unknowns(t, path, model)
	for i := range 3 {
		s := u.List()[0].Sightings
		if len(s) != most || s[0].Position != 2000 || (s[most-1].Position == 9) != (i > 0) {
			t.Errorf("%d sightings from %v to %v, want %d", len(s), s[0].Position, s[len(s)-1].Position, most)
		}
		remember(t, u, 9, []float32{3})
	}
}

func TestUnknownsOnDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "unknown.json")
	u := unknowns(t, path, model)
	remember(t, u, 1000, axis(1))
	remember(t, u, 2000, axis(2))
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file before Save: %v", err)
	}
	if err := u.Save(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	again := unknowns(t, path, model)
	if diff := cmp.Diff(u.List(), again.List()); diff != "" {
		t.Errorf("opened again (-want +got):\n%s", diff)
	}
	if id := remember(t, again, 1, axis(3)); id != "unknown-3" {
		t.Errorf("an id was used again: %s", id)
	}
	if list := unknowns(t, path, gallery.Model{Name: "sface", Version: "1", Threshold: 0.363}).List(); len(list) != 0 {
		t.Errorf("another model has %v", list)
	}
	if err := again.Erase(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) || len(unknowns(t, path, model).List()) != 0 {
		t.Errorf("the file is still there: %v", err)
	}
	for name, text := range map[string]string{"torn": "{", "later": `{"format":2}`} {
		write(t, path, text)
		if _, err := gallery.OpenUnknowns(path, model, time.Hour); err == nil {
			t.Errorf("%s was opened", name)
		}
	}
}

// TestUnknownsFormat reads bytes that format 1 was settled with.
func TestUnknownsFormat(t *testing.T) {
	u, err := gallery.OpenUnknowns(filepath.Join("testdata", "unknown1.json"), gallery.Model{Name: "sface", Version: "0ba9fbfa01b5", Threshold: 0.363}, 100*365*24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	want := []gallery.Unknown{{
		ID: "unknown-3", Sightings: []gallery.Sighting{{Media: "cup", Position: 12_500, At: time.Date(2026, 11, 23, 14, 0, 2, 0, time.UTC)}},
		Embeddings: [][]float32{{0.8944272, -0.4472136}},
	}}
	if diff := cmp.Diff(want, u.List()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
