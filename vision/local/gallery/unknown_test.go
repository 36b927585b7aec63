package gallery_test

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
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

func unknownFile(t *testing.T) string { return filepath.Join(t.TempDir(), "unknown-faces.json") }

func remember(t *testing.T, u *gallery.Unknowns, at timeline.Position, embedding []float32) string {
	t.Helper()
	id, err := u.Add("cup", at, embedding)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func save(t *testing.T, u *gallery.Unknowns) {
	t.Helper()
	if err := u.Save(); err != nil {
		t.Fatal(err)
	}
}

func ids(list []gallery.Unknown) (ids []string) {
	for _, p := range list {
		ids = append(ids, p.ID+"x"+strconv.Itoa(len(p.Sightings)))
	}
	slices.Sort(ids)
	return ids
}

func TestUnknowns(t *testing.T) {
	u := unknowns(t, unknownFile(t), model)
	if p, ok := u.Since("cup"); ok {
		t.Errorf("nobody was seen since %v", p)
	}
	remember(t, u, 2000, axis(2))
	remember(t, u, 1000, axis(1))
	remember(t, u, 3000, like(map[int]float64{2: 0.5}))
	remember(t, u, 4000, like(map[int]float64{1: 0.39}))
	want := []gallery.Unknown{
		{ID: "unknown-1", Sightings: []gallery.Sighting{{Media: "cup", Position: 2000}, {Media: "cup", Position: 3000}, {Media: "cup", Position: 4000}}},
		{ID: "unknown-2", Sightings: []gallery.Sighting{{Media: "cup", Position: 1000}}},
	}
	ignore := cmp.Options{cmpopts.IgnoreFields(gallery.Unknown{}, "Embeddings"), cmpopts.IgnoreFields(gallery.Sighting{}, "At")}
	if diff := cmp.Diff(want, u.List(), ignore); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if p, ok := u.Since("cup"); !ok || p != 1000 || u.Len() != 4 {
		t.Errorf("%d looks since %v, %v", u.Len(), p, ok)
	}
	if _, ok := u.Since("derby"); ok {
		t.Error("somebody was seen in another media")
	}
	got, err := u.Find("unknown-2")
	if err != nil || len(got.Embeddings) != 1 {
		t.Fatalf("%v, %v", got, err)
	}
	if err := u.Forget("unknown-2"); err != nil {
		t.Fatal(err)
	}
	if _, err := u.Find("unknown-2"); !errors.Is(err, gallery.ErrNobody) {
		t.Errorf("err = %v, want ErrNobody", err)
	}
	if err := u.Forget("unknown-1", "unknown-2"); !errors.Is(err, gallery.ErrNobody) {
		t.Errorf("err = %v, want ErrNobody", err)
	}
	if diff := cmp.Diff(want[:1], u.List(), ignore); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
	if p, ok := u.Since("cup"); !ok || p != 2000 {
		t.Errorf("kept since %v, %v", p, ok)
	}
	if id := remember(t, u, 5000, axis(1)); id != "unknown-3" {
		t.Errorf("a new face is %s", id)
	}
	if _, err := u.Add("cup", 1, []float32{float32(math.Inf(1))}); err == nil {
		t.Error("an embedding without a direction was taken")
	}
}

func TestUnknownsAreForgotten(t *testing.T) {
	path := unknownFile(t)
	synctest.Test(t, func(t *testing.T) {
		u := unknowns(t, path, model)
		remember(t, u, 1000, axis(1))
		time.Sleep(40 * time.Minute)
		remember(t, u, 2000, axis(1))
		save(t, u)
		time.Sleep(20*time.Minute + 1)
		if list := u.List(); len(list) != 1 || len(list[0].Sightings) != 1 || list[0].Sightings[0].Position != 2000 {
			t.Errorf("after an hour: %+v", list)
		}
		time.Sleep(time.Hour)
		if list := u.List(); len(list) != 0 {
			t.Errorf("after two hours: %+v", list)
		}
		save(t, u)
		if text := read(t, path); strings.Contains(text, "embedding") {
			t.Errorf("the file still has %s", text)
		}
	})
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestUnknownsAreBounded(t *testing.T) {
	const most = 10_000
	one := `,{"id":"unknown-1","media":"cup","at":"` + time.Now().UTC().Format(time.RFC3339) + `","embedding":"AACAPw=="`
	path := unknownFile(t)
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
	path := unknownFile(t)
	u := unknowns(t, path, model)
	remember(t, u, 1000, axis(1))
	remember(t, u, 2000, axis(2))
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file before Save: %v", err)
	}
	save(t, u)
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	save(t, u)
	if now, err := os.Stat(path); err != nil || !os.SameFile(now, info) {
		t.Errorf("written again though nothing changed: %v", err)
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
	for name, text := range map[string]string{"torn": "{", "later": `{"format":2}`} {
		write(t, path, text)
		if _, err := gallery.OpenUnknowns(path, model, time.Hour); err == nil || !strings.Contains(err.Error(), "remove it to begin anew") {
			t.Errorf("%s: err = %v", name, err)
		}
		if err := u.Save(); err == nil || read(t, path) != text {
			t.Errorf("%s was written over: %v", name, err)
		}
	}
}

func TestEraseUnknowns(t *testing.T) {
	path := unknownFile(t)
	if err := gallery.EraseUnknowns(filepath.Join(t.TempDir(), "absent", "unknown-faces.json")); err != nil {
		t.Errorf("no folder: %v", err)
	}
	write(t, path, "damaged")
	left := filepath.Join(filepath.Dir(path), ".unknown-faces.json.new-1")
	write(t, left, "left by a crash")
	if err := gallery.EraseUnknowns(path); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{path, left} {
		if _, err := os.Stat(p); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is still there: %v", p, err)
		}
	}
	if err := gallery.EraseUnknowns(path); err != nil {
		t.Errorf("again: %v", err)
	}
}

// TestUnknownsOfTwoProcesses has a box, which keeps faces, and a command line, which forgets some.
func TestUnknownsOfTwoProcesses(t *testing.T) {
	path := unknownFile(t)
	box := unknowns(t, path, model)
	remember(t, box, 1000, axis(1))
	remember(t, box, 2000, axis(2))
	save(t, box)
	command := unknowns(t, path, model)
	remember(t, box, 3000, axis(1)) // not saved yet
	remember(t, box, 4000, axis(3))
	if err := command.Forget("unknown-3"); !errors.Is(err, gallery.ErrNobody) {
		t.Errorf("err = %v, want ErrNobody of who is not saved yet", err)
	}
	if err := command.Forget("unknown-1"); err != nil {
		t.Fatal(err)
	}
	if err := box.Refresh(); err != nil {
		t.Fatal(err)
	}
	want := []string{"unknown-2x1", "unknown-3x1"}
	for name, u := range map[string]*gallery.Unknowns{"box": box, "file": unknowns(t, path, model)} {
		if diff := cmp.Diff(want, ids(u.List())); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if p, ok := box.Since("cup"); !ok || p != 2000 {
		t.Errorf("kept since %v, %v", p, ok)
	}

	remember(t, box, 5000, axis(4))
	if err := gallery.EraseUnknowns(path); err != nil {
		t.Fatal(err)
	}
	if err := box.Refresh(); err != nil {
		t.Fatal(err)
	}
	if list := box.List(); len(list) != 0 {
		t.Errorf("after all was erased: %v", list)
	}
	if id := remember(t, box, 6000, axis(4)); id != "unknown-5" {
		t.Errorf("an id was used again: %s", id)
	}
	save(t, box)
	if diff := cmp.Diff([]string{"unknown-5x1"}, ids(unknowns(t, path, model).List())); diff != "" {
		t.Errorf("saved after that (-want +got):\n%s", diff)
	}
}

// TestUnknownsAtOnce has two memories of one file at work at once: what was forgotten stays so, and no file is torn.
func TestUnknownsAtOnce(t *testing.T) {
	path := unknownFile(t)
	box := unknowns(t, path, model)
	for i := range 20 {
		remember(t, box, timeline.Position(i), axis(i))
	}
	save(t, box)
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 20; i < 40; i++ {
			if _, err := box.Add("cup", timeline.Position(i), axis(i)); err != nil {
				t.Error(err)
			}
			if err := box.Save(); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Go(func() {
		for i := range 20 {
			u, err := gallery.OpenUnknowns(path, model, time.Hour)
			if err == nil {
				err = u.Forget("unknown-" + strconv.Itoa(i+1))
			}
			if err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
	save(t, box)
	var want []string
	for i := 20; i < 40; i++ {
		want = append(want, "unknown-"+strconv.Itoa(i+1)+"x1")
	}
	for name, u := range map[string]*gallery.Unknowns{"box": box, "file": unknowns(t, path, model)} {
		if diff := cmp.Diff(want, ids(u.List())); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
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
