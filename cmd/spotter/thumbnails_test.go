package main

import (
	"bytes"
	"context"
	"fmt"
	"image/jpeg"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"spotter/httpapi"
	"spotter/store/thumbnail"
	"spotter/timeline"
	"spotter/vision"
)

// pictured has a rig keep thumbnails, and returns how they are seen once what came is written.
func pictured(t *testing.T, r *rigged) func() []httpapi.Thumbnail {
	pictures, err := thumbnail.Open(filepath.Join(t.TempDir(), thumbnailFile), thumbnail.Options{Bytes: 8 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pictures.Close(); err != nil {
			t.Error(err)
		}
	})
	r.thumbnails = pictures
	return func() []httpapi.Thumbnail {
		time.Sleep(5 * time.Second)
		synctest.Wait()
		list, _, err := viewerThumbnails(pictures).Within("m", all, 100)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
}

// framed is the box that is shown of an entity.
func framed(kind, name string, confidence float64, b vision.Box) httpapi.ThumbnailBox {
	for _, part := range []*float64{&b.Left, &b.Top, &b.Width, &b.Height} {
		*part = math.Round(*part*1000) / 1000
	}
	return httpapi.ThumbnailBox{Name: name, Kind: kind, Confidence: confidence, Left: b.Left, Top: b.Top, Width: b.Width, Height: b.Height}
}

// TestThumbnailOfEachQuestion keeps the pictures that are asked about, at their own positions, and no other.
func TestThumbnailOfEachQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rig(t, vision.LocalOnly, nil, tells(timeline.SourceClassic), nil)
		list := pictured(t, r)
		first, other := asked(0, 1, true), asked(4000, 2, true)
		first.look.picture.At, other.look.picture.At = 250, 4000 // the sharpest came a little later
		back := seen(6000, 1, true)
		r.do(step{begin: segment(0, 8000)}, first, other, back, step{end: segment(0, 8000)})
		want := []httpapi.Thumbnail{
			{At: 250, Width: 64, Height: 36, Boxes: []httpapi.ThumbnailBox{}}, {At: 4000, Width: 64, Height: 36, Boxes: []httpapi.ThumbnailBox{}},
		}
		if d := cmp.Diff(want, list()); d != "" {
			t.Error(d)
		}
		b, err := viewerThumbnails(r.thumbnails).JPEG("m", 250)
		if err != nil {
			t.Fatal(err)
		}
		if p, err := jpeg.Decode(bytes.NewReader(b)); err != nil || p.Bounds().Dx() != 64 {
			t.Error(err)
		}
	})
}

// TestThumbnailBoxes has the cloud, late, or the gallery say who is where, and local models what.
func TestThumbnailBoxes(t *testing.T) {
	x, y, stranger := faceOf(1), faceOf(2), faceOf(3)
	y.Who = timeline.Entity{Name: "Y", Confidence: 80}
	couch := vision.Box{Left: 0.5, Top: 0.5, Width: 0.25, Height: 0.25}
	sight := sightOf(x, y, stranger)
	sight.Objects, sight.Places = entities("Couch"), []vision.Place{{Name: "Couch", Confidence: 70, Box: couch}, {Name: "Unsaid", Confidence: 60, Box: couch}}
	byCloud := func(d time.Duration) recognizeFunc {
		return func(context.Context, vision.Picture) (vision.Answer, error) {
			time.Sleep(d)
			a := boxed(map[string]vision.Face{"X": x})
			a.Faces = append(a.Faces, vision.NamedFace{Box: y.Box}, vision.NamedFace{Box: stranger.Box})
			return a, nil
		}
	}
	local := recognizeFunc(func(_ context.Context, p vision.Picture) (vision.Answer, error) {
		return p.Sight.Answer(timeline.SourceONNX), nil
	})
	byX, byY := framed("celebrity", "X", 90, x.Box), framed("celebrity", "Y", 80, y.Box)
	byCouch := framed("object", "Couch", 70, couch)
	for _, c := range []struct {
		name  string
		mode  vision.Mode
		cloud vision.Recognizer
		want  []httpapi.ThumbnailBox
	}{
		{"local", vision.LocalOnly, nil, []httpapi.ThumbnailBox{byY, byCouch}},
		{"cloud", vision.CloudFirst, byCloud(0), []httpapi.ThumbnailBox{byX, byY, byCouch}},
		{"late cloud", vision.CloudFirst, byCloud(200 * time.Millisecond), []httpapi.ThumbnailBox{byX, byY, byCouch}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := rig(t, c.mode, c.cloud, local, vision.NewIdentities(0.363))
				list := pictured(t, r)
				first := asked(0, 1, true)
				first.look.verdict.Sight, first.look.verdict.People = sight, []timeline.Entity{y.Who}
				r.do(step{begin: segment(0, 2000)}, first, step{end: segment(0, 2000)})
				got := list()
				if len(got) != 1 {
					t.Fatalf("%+v", got)
				}
				if d := cmp.Diff(c.want, got[0].Boxes); d != "" {
					t.Error(d)
				}
			})
		})
	}
}

// TestThumbnailRetention has pictures go with their observations, and those of media that the store lost with their age.
func TestThumbnailRetention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rig(t, vision.LocalOnly, nil, tells(timeline.SourceClassic), nil)
		list := pictured(t, r)
		r.do(step{begin: segment(0, 10_000)})
		for i := range timeline.Position(10) {
			one := asked(i*1000, int(i)+1, true)
			one.look.picture.At = i * 1000
			r.do(one)
		}
		r.do(step{end: segment(0, 10_000)})
		r.thumbnails.Add("lost", 5, picture().Small, nil)
		if n := len(list()); n != 10 {
			t.Fatalf("%d pictures", n)
		}
		if _, err := r.store.Prune("m", 4000); err != nil {
			t.Fatal(err)
		}
		rule := &thumbnailRetention{pictures: r.thumbnails, store: r.store, age: time.Hour, log: slog.New(slog.DiscardHandler)}
		for _, x := range []struct {
			later time.Duration
			n     int
		}{{0, 7}, {2 * time.Hour, 6}} {
			if err := rule.tidy(time.Now().Add(x.later)); err != nil {
				t.Fatal(err)
			}
			if n, _ := r.thumbnails.Usage(); n != x.n || list()[0].At != 4000 {
				t.Errorf("%v later %d pictures from %v", x.later, n, list()[0].At)
			}
		}
	})
}

// TestThumbnailsAreOptional opens them, finds them locked, and deletes them when none are to be kept.
func TestThumbnailsAreOptional(t *testing.T) {
	c := defaultConfig()
	c.DataDir = t.TempDir()
	path := filepath.Join(c.DataDir, thumbnailFile)
	log := slog.New(slog.DiscardHandler)
	s := openThumbnails(&c, nil, prometheus.NewRegistry(), log)
	if s == nil {
		t.Fatal("none are kept by default")
	}
	if again := openThumbnails(&c, nil, prometheus.NewRegistry(), log); again != nil {
		t.Error("two have the same file open")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	c.Timeline.Thumbnails = "0"
	s = openThumbnails(&c, nil, prometheus.NewRegistry(), log)
	if _, err := os.Stat(path); s != nil || err == nil {
		t.Error("pictures that nobody wants stay")
	}
	if viewerThumbnails(s) != nil {
		t.Error("nil is no nil")
	}
}

func TestThumbnailsKey(t *testing.T) {
	for size, fits := range map[string]bool{"256MiB": true, "8MiB": true, "0": true, "1MiB": false, "much": false, "-1": false} {
		c := defaultConfig()
		err := parseConfig(fmt.Appendf(nil, "timeline: {thumbnails: %q}", size), &c)
		if (err == nil) != fits {
			t.Errorf("%s: %v", size, err)
		}
	}
	for _, text := range []string{"", "timeline:", "timeline: {}", "timeline: {dynamodb: {}}"} {
		c := defaultConfig()
		if err := parseConfig([]byte(text), &c); err != nil || c.Timeline.Thumbnails != defaultThumbnails {
			t.Errorf("%q: %v, %q", text, err, c.Timeline.Thumbnails)
		}
	}
}
