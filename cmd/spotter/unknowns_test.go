package main_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/png"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	main "spotter/cmd/spotter"

	"spotter/models"
	"spotter/store"
	"spotter/timeline"
	"spotter/vision/local/gallery"

	"spotter/internal/testmedia"
)

// late is a box's late binding, with a store and a gallery of its own.
type late struct {
	main.LateBinding
	t      *testing.T
	conf   string // path of the configuration
	data   string
	store  *store.Store
	people *gallery.Gallery
	log    bytes.Buffer
	stop   func() // and wait
}

const keeps = "vision: {local: {identities: mobilefacenet, unknown_faces: {keep: 1h}}}"

// newLate makes the data and the configuration of a box that does not run yet.
func newLate(t *testing.T, data, more string) *late {
	t.Helper()
	conf := filepath.Join(t.TempDir(), "spotter.yaml")
	write(t, conf, config(data, more))
	return openLate(t, data, conf)
}

// openLate is newLate with a configuration that is there.
func openLate(t *testing.T, data, conf string) *late {
	t.Helper()
	l := &late{t: t, data: data, conf: conf, stop: func() {}}
	if err := os.MkdirAll(data, 0o750); err != nil {
		t.Fatal(err)
	}
	m, err := models.Find("mobilefacenet")
	if err != nil {
		t.Fatal(err)
	}
	l.people, err = gallery.Open(filepath.Join(data, "gallery"), gallery.Model{Name: m.Name, Version: m.SHA256[:12], Threshold: m.Match})
	if err != nil {
		t.Fatal(err)
	}
	if l.store, err = store.Open(filepath.Join(data, "spotter.db"), store.Options{Sinks: []store.Sink{{Name: "cloud"}}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		l.stop()
		if err := l.store.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// revising is the part of the store that late binding uses.
type revising interface {
	Timeline(media string) (*timeline.Timeline, bool)
	Revise(media string, from timeline.Position, change func(o *timeline.Observation) bool) (bool, error)
}

// start runs the late binding on a store until stop.
func (l *late) start(on revising) {
	l.t.Helper()
	b, err := main.NewLateBinding(l.conf, false, on, slog.New(slog.NewTextHandler(&l.log, nil)))
	if err != nil {
		l.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { b.Run(ctx) })
	l.LateBinding, l.stop = b, sync.OnceFunc(func() { cancel(); wg.Wait() })
}

// scene records what was observed of a scene of the cup.
func (l *late) scene(from, until timeline.Position, celebrities ...timeline.Entity) {
	l.t.Helper()
	err := l.store.Record(store.Batch{Media: "cup", Observations: []*timeline.Observation{{
		Media: "cup", Span: timeline.Span{From: from, Until: until}, Source: timeline.SourceRekognition,
		Celebrities: celebrities, Objects: []timeline.Entity{{Name: "Person", Confidence: 91}},
	}}})
	if err != nil {
		l.t.Fatal(err)
	}
}

// enrol adds a person of one face.
func (l *late) enrol(name, photo string, embedding []float32) {
	l.t.Helper()
	m := l.people.Model()
	if _, err := l.people.Add(gallery.Person{Name: name, Faces: []gallery.Face{{Model: m.Name, Version: m.Version, Photo: photo, Embedding: embedding}}}); err != nil {
		l.t.Fatal(err)
	}
}

// named says who was observed in each scene, and the scene's revision.
func (l *late) named() (list []string) {
	tl, ok := l.store.Timeline("cup")
	if !ok {
		return nil
	}
	for _, o := range tl.Within(timeline.Span{From: -timeline.MaxPosition, Until: timeline.MaxPosition}) {
		line := o.From.String()
		for _, e := range o.Celebrities {
			line += " " + e.Name
		}
		if o.Source != timeline.SourceRekognition || len(o.Objects) != 1 {
			l.t.Errorf("late binding changed %+v", o)
		}
		list = append(list, line+" r"+string(rune('0'+o.Revision)))
	}
	return list
}

func (l *late) want(when string, want ...string) {
	l.t.Helper()
	if diff := cmp.Diff(want, l.named()); diff != "" {
		l.t.Errorf("%s (-want +got):\n%s", when, diff)
	}
}

// towards is an embedding that is similar to that of axis n by s.
func towards(n int, s float32) []float32 {
	e := make([]float32, 8)
	e[n], e[7] = s, 1-s
	return e
}

func TestLateBinding(t *testing.T) {
	data := newData(t)
	l := newLate(t, data, keeps)
	synctest.Test(t, func(t *testing.T) {
		l.start(l.store)
		defer l.stop()
		l.scene(0, 10_000)
		l.scene(10_000, 20_000, timeline.Entity{Name: "Ann", ID: "4xY", Confidence: 99})
		l.scene(20_000, 30_000, timeline.Entity{Name: "Bob", ID: "b", Confidence: 99})
		for at := timeline.Position(1000); at < 25_000; at += 1000 {
			l.Sees("cup", at, towards(1, 0.9))
		}
		l.Sees("cup", 27_000, towards(2, 1)) // somebody else
		l.Sees("cup", 35_000, towards(1, 1)) // the scene's observation is yet to come
		l.Sees("cup", 99_000, towards(1, 1)) // it never comes
		l.Sees("derby", 1_000, towards(1, 1))
		if p, ok := l.KeptSince("cup"); !ok || p != 1000 {
			t.Errorf("kept since %v, %v", p, ok)
		}
		time.Sleep(10 * time.Second)
		l.want("nobody is enrolled", "0.0 r1", "10.0 Ann r1", "20.0 Bob r1")

		l.enrol("Ann", "1", towards(1, 1))
		time.Sleep(3 * time.Second)
		l.want("enrolled", "0.0 Ann r2", "10.0 Ann r1", "20.0 Bob Ann r2")
		if p, ok := l.KeptSince("cup"); !ok || p != 27_000 {
			t.Errorf("kept since %v, %v", p, ok)
		}
		tl, _ := l.store.Timeline("cup")
		who := tl.Last().Celebrities[1]
		if who.ID != "ann" || who.Confidence != gallery.Confidence(gallery.Similarity(towards(1, 1), towards(1, 0.9)), 0.40) {
			t.Errorf("got %+v", who)
		}
		l.scene(30_000, 40_000)
		l.Sees("cup", 31_000, towards(1, 0.9)) // asked for before she was enrolled
		time.Sleep(20 * time.Second)
		l.want("a scene that came late", "0.0 Ann r2", "10.0 Ann r1", "20.0 Bob Ann r2", "30.0 Ann r2")
		time.Sleep(2 * time.Minute)
		if p, ok := l.KeptSince("cup"); !ok || p != 27_000 {
			t.Errorf("the scene that never came is still waited for: kept since %v, %v", p, ok)
		}

		l.enrol("Ann", "2", towards(1, 0.8)) // says nothing new
		time.Sleep(20 * time.Second)
		l.want("enrolled again", "0.0 Ann r2", "10.0 Ann r1", "20.0 Bob Ann r2", "30.0 Ann r2")
		l.stop()

		// Somebody is enrolled while the box is down.
		l.enrol("Cid", "3", towards(2, 1))
		l.start(l.store)
		time.Sleep(time.Second)
		l.want("started again", "0.0 Ann r2", "10.0 Ann r1", "20.0 Bob Ann Cid r3", "30.0 Ann r2")
		l.stop()
		if n := l.store.Backlog("cloud").Entries; n != 4 {
			t.Errorf("%d observations wait for the cloud, want 4", n)
		}
		if n := strings.Count(l.log.String(), "unknown face named"); n != 3 || strings.Contains(l.log.String(), "WARN") {
			t.Errorf("the log says\n%s", l.log.String())
		}
	})
}

// failing is a store whose disk is full for a while.
type failing struct {
	*store.Store
	full atomic.Bool
}

func (f *failing) Revise(media string, from timeline.Position, change func(o *timeline.Observation) bool) (bool, error) {
	if f.full.Load() {
		return true, errors.New("no space left on device")
	}
	return f.Store.Revise(media, from, change)
}

func TestLateBindingOnAFullDisk(t *testing.T) {
	l := newLate(t, newData(t), keeps)
	synctest.Test(t, func(t *testing.T) {
		f := &failing{Store: l.store}
		f.full.Store(true)
		l.start(f)
		defer l.stop()
		l.scene(0, 10_000)
		l.Sees("cup", 1000, towards(1, 1))
		l.enrol("Ann", "1", towards(1, 1))
		time.Sleep(5 * time.Minute)
		l.want("full", "0.0 r1")
		f.full.Store(false)
		time.Sleep(15 * time.Second)
		l.want("not full any more", "0.0 Ann r2")
		l.stop()
		if n := strings.Count(l.log.String(), "name Ann at 1.0 of cup: no space left"); n != 1 {
			t.Errorf("it is said %d times:\n%s", n, l.log.String())
		}
	})
}

// TestUnknownFacesBesideARunningBox has a box in this process, and the command line in others.
func TestUnknownFacesBesideARunningBox(t *testing.T) {
	t.Parallel()
	l := newLate(t, newData(t), keeps)
	faces := func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "spotter", append([]string{"faces", "--config", l.conf}, args...)...)
		cmd.Env = environment(nil)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("faces %q: %v: %s", args, err, out)
		}
		return string(out)
	}
	l.start(l.store)
	l.scene(0, 10_000)
	l.scene(10_000, 20_000)
	l.Sees("cup", 1000, towards(1, 1))
	l.Sees("cup", 11_000, towards(1, 0.9))
	l.Sees("cup", 12_000, towards(2, 1))
	l.Sees("cup", 500, towards(3, 1))
	eventually(t, "the box saves", func() bool { return strings.Count(faces("unknown"), "unknown-") == 3 })
	if out := faces("name", "unknown-1", "Ann Lee"); !strings.HasPrefix(out, "Ann Lee (ann-lee): enrolled by 1 of 2 looks at unknown-1") {
		t.Error(out)
	}
	eventually(t, "the box revises", func() bool { return cmp.Equal(l.named(), []string{"0.0 Ann Lee r2", "10.0 Ann Lee r2"}) })
	if out := faces("forget", "unknown-3"); out != "unknown-3: forgotten\n" {
		t.Error(out)
	}
	eventually(t, "the box forgets one", func() bool { p, ok := l.KeptSince("cup"); return ok && p == 12_000 })
	if out := faces("unknown"); strings.Contains(out, "unknown-3") || !strings.Contains(out, "unknown-2 ") {
		t.Error(out)
	}
	faces("forget", "--all")
	eventually(t, "the box forgets all", func() bool { _, ok := l.KeptSince("cup"); return !ok })
	l.stop()
	if out := faces("unknown"); out != "no unknown face is kept\n" {
		t.Error(out)
	}
}

// TestNoUnknownFaces has boxes that keep none.
func TestNoUnknownFaces(t *testing.T) {
	for name, tc := range map[string]struct {
		conf     string
		nameless bool
		left     bool // what was kept before
	}{
		"not wanted": {"vision: {local: {identities: mobilefacenet}}", false, false},
		"no models":  {keeps, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLate(t, newData(t), tc.conf)
			path := filepath.Join(l.data, "unknown-faces.json")
			write(t, path, "left by another box")
			b, err := main.NewLateBinding(l.conf, tc.nameless, l.store, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			b.Run(t.Context())
			b.Sees("cup", 0, towards(1, 1))
			if _, ok := b.KeptSince("cup"); ok {
				t.Error("a face is kept")
			}
			if _, err := os.Stat(path); (err == nil) != tc.left {
				t.Errorf("the file: %v", err)
			}
		})
	}
}

// TestLateBindingOfTheKit keeps the faces of the kit's clip, and then Lin-Manuel Miranda is enrolled by a photo and
// somebody of the audience by where they were seen.
func TestLateBindingOfTheKit(t *testing.T) {
	t.Parallel()
	c := newCamera(t, "yunet", "yunet", "mobilefacenet")
	dir := t.TempDir()
	clip := testmedia.Kit(t, "videos", "short_hamilton_clip.mp4")
	testmedia.FFmpeg(t, dir, "-copyts", "-ss", "4", "-to", "9.5", "-i", clip, "-vf", "fps=2", "%d.png")
	var pictures []*image.RGBA
	for {
		f, err := os.Open(filepath.Join(dir, strconv.Itoa(len(pictures)+1)+".png"))
		if errors.Is(err, os.ErrNotExist) && len(pictures) > 0 {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(f)
		if err := errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
		pictures = append(pictures, part(img, img.Bounds()))
	}
	faces, err := main.Embeddings(t.Context(), c.conf, c.library, pictures)
	if err != nil {
		t.Fatal(err)
	}
	l := openLate(t, c.data, c.conf)
	l.start(l.store)
	l.scene(4_000, 7_800)
	l.scene(7_800, 9_500)
	for i, picture := range faces {
		for _, f := range picture {
			l.Sees("cup", timeline.Position(4_000+500*i), f)
		}
	}
	var list string
	eventually(t, "the box saves", func() bool { list, _, _ = c.run("faces", "unknown"); return list != "" })
	if n := strings.Count(list, "unknown-"); n < 4 || n > 9 || !strings.Contains(list, "unknown-1  7     cup 4.0  cup 7.5") {
		t.Errorf("%d pictures have\n%s", len(pictures), list)
	}
	c.enrol("Lin-Manuel Miranda", testmedia.Kit(t, "photos", "enrol", "lin-manuel-miranda.png"))
	eventually(t, "the box names him", func() bool { return len(l.named()) > 0 && l.named()[0] == "4.0 Lin-Manuel Miranda r2" })
	l.want("after his photo", "4.0 Lin-Manuel Miranda r2", "7.8 r1")
	list, _, _ = c.run("faces", "unknown", "--format", "json")
	id, _, ok := strings.Cut(strings.TrimPrefix(list, `{"id":"`), `","seen":3,"first":{"media":"cup","position":8.0`)
	if !ok || strings.Contains(list, `"unknown-1"`) {
		t.Fatalf("left are\n%s", list)
	}
	if _, stderr, code := c.run("faces", "name", id, "Ada Example"); code != 0 || stderr != "" {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	eventually(t, "the box names her", func() bool { return l.named()[1] == "7.8 Ada Example r2" })
	l.want("after she was named", "4.0 Lin-Manuel Miranda r2", "7.8 Ada Example r2")
}
