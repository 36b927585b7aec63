package thumbnail_test

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/store/thumbnail"
	"spotter/timeline"
)

const media = "cup-final"

var all = timeline.Span{From: -timeline.MaxPosition, Until: timeline.MaxPosition}

// picture is one of so many pixels, with a pattern that differs by n.
func picture(width, height, n int) *image.RGBA {
	p := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			p.SetRGBA(x, y, color.RGBA{uint8(x * 255 / width), uint8(y * 255 / height), uint8(37 * n), 255})
		}
	}
	return p
}

func open(t *testing.T, path string, o thumbnail.Options) *thumbnail.Store {
	t.Helper()
	if o.Bytes == 0 {
		o.Bytes = 64 << 20
	}
	s, err := thumbnail.Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// settle waits until what came is written. It is for bubbles of synctest.
func settle() {
	time.Sleep(2 * thumbnail.Settle)
	synctest.Wait()
}

func within(t *testing.T, s *thumbnail.Store, w timeline.Span, most int) ([]thumbnail.Thumbnail, bool) {
	t.Helper()
	list, thinned, err := s.Within(media, w, most)
	if err != nil {
		t.Fatal(err)
	}
	return list, thinned
}

func jpegOf(t *testing.T, s *thumbnail.Store, at timeline.Position) []byte {
	t.Helper()
	b, err := s.JPEG(media, at)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestPictures(t *testing.T) {
	for _, c := range []struct {
		name                        string
		width, height, wide, higher int
	}{
		{"wide", 640, 360, 160, 90},
		{"upright", 360, 640, 160, 284},
		{"small", 120, 90, 120, 90},
		{"flat", 640, 1, 160, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "thumbnails.db")
				s := open(t, path, thumbnail.Options{})
				s.Add(media, -1500, picture(c.width, c.height, 1), nil)
				settle()
				b := jpegOf(t, s, -1500)
				got, err := jpeg.Decode(bytes.NewReader(b))
				if err != nil {
					t.Fatal(err)
				}
				if size := got.Bounds().Size(); size != image.Pt(c.wide, c.higher) {
					t.Errorf("%v pixels", size)
				}
				r, _, _, _ := got.At(c.wide-1, 0).RGBA()
				if l, _, _, _ := got.At(0, 0).RGBA(); l>>8 > 20 || r>>8 < 235 {
					t.Errorf("red goes from %d to %d", l>>8, r>>8)
				}
				want := []thumbnail.Thumbnail{{At: -1500, Width: c.wide, Height: c.higher}}
				if list, thinned := within(t, s, all, 10); thinned || !cmp.Equal(want, list) {
					t.Error(thinned, cmp.Diff(want, list))
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				again := open(t, path, thumbnail.Options{})
				if !bytes.Equal(b, jpegOf(t, again, -1500)) {
					t.Error("another picture after it was opened again")
				}
				if other := jpegOf(t, again, -1499); other != nil {
					t.Error("a picture where there is none")
				}
				if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
					t.Error(info.Mode(), err)
				}
			})
		})
	}
}

func TestBoxes(t *testing.T) {
	ann := thumbnail.Boxed{Name: "Ann", ID: "a1", Kind: thumbnail.Celebrity, Confidence: 99, Left: 0.25, Top: 0.25, Width: 0.25, Height: 0.5}
	couch := thumbnail.Boxed{Name: "Couch", Kind: thumbnail.Object, Confidence: 80, Left: 0, Top: 0.5, Width: 1, Height: 0.5}
	edge, inside := couch, couch
	edge.Left, edge.Top, edge.Width, edge.Height = -0.5, 0.75, 2, 0.5
	inside.Left, inside.Top, inside.Width, inside.Height = 0, 0.75, 1, 0.25
	outside, empty, wrong, long := couch, couch, couch, couch
	outside.Left, empty.Width, wrong.Left, long.Name = 1.5, 0, math.NaN(), strings.Repeat("x", 10_000)
	bob := ann
	bob.Name = "Bob"
	var crowd []thumbnail.Boxed
	for range 100 {
		crowd = append(crowd, couch)
	}
	for _, c := range []struct {
		name         string
		boxes, later []thumbnail.Boxed
		want         []thumbnail.Boxed
	}{
		{"none", nil, nil, nil},
		{"people first", []thumbnail.Boxed{couch, ann}, nil, []thumbnail.Boxed{ann, couch}},
		{"cut to the picture", []thumbnail.Boxed{edge}, nil, []thumbnail.Boxed{inside}},
		{"of no use", []thumbnail.Boxed{outside, empty, wrong, long, {}}, nil, nil},
		{"too many", append(crowd, ann), nil, append([]thumbnail.Boxed{ann}, crowd[:thumbnail.MostBoxes-1]...)},
		{"told later", []thumbnail.Boxed{ann, couch}, []thumbnail.Boxed{bob}, []thumbnail.Boxed{bob, couch}},
		{"all told later", nil, []thumbnail.Boxed{ann}, []thumbnail.Boxed{ann}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := open(t, filepath.Join(t.TempDir(), "t.db"), thumbnail.Options{})
				s.Tell(media, 500, c.boxes) // of a picture that is not there
				s.Add(media, 1000, picture(64, 36, 1), c.boxes)
				s.Tell(media, 1000, c.later)
				settle()
				list, _ := within(t, s, all, 10)
				if len(list) != 1 || list[0].At != 1000 {
					t.Fatalf("%+v", list)
				}
				if d := cmp.Diff(c.want, list[0].Boxes); d != "" {
					t.Error(d)
				}
			})
		})
	}
}

// TestPictureNeverChanges looks at the same position again, as after a restart.
func TestPictureNeverChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, filepath.Join(t.TempDir(), "t.db"), thumbnail.Options{})
		ann := thumbnail.Boxed{Name: "Ann", Kind: thumbnail.Celebrity, Confidence: 99, Width: 1, Height: 1}
		s.Add(media, 1000, picture(640, 360, 1), []thumbnail.Boxed{ann})
		settle()
		first := jpegOf(t, s, 1000)
		s.Add(media, 1000, picture(640, 360, 5), nil)
		settle()
		if !bytes.Equal(first, jpegOf(t, s, 1000)) {
			t.Error("the picture at an address changed")
		}
		if list, _ := within(t, s, all, 10); len(list) != 1 || len(list[0].Boxes) != 1 {
			t.Errorf("%+v", list)
		}
	})
}

func TestThinning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, filepath.Join(t.TempDir(), "t.db"), thumbnail.Options{})
		for i := range 100 {
			s.Add(media, timeline.Position(i)*1000, picture(32, 18, i), nil)
			s.Add("other", timeline.Position(i)*1000+1, picture(32, 18, i), nil)
			synctest.Wait() // until it is taken: more than wait would be dropped
		}
		settle()
		for _, c := range []struct {
			name        string
			from, until timeline.Position
			most, n     int
			thinned     bool
		}{
			{"all", 0, 99_000, 100, 100, false},
			{"one too many", 0, 99_000, 99, 99, true},
			{"few of many", 0, 99_000, 10, 10, true},
			{"closed at both ends", 10_000, 20_000, 100, 11, false},
			{"between two", 10_001, 10_999, 100, 0, false},
			{"none wanted", 0, 99_000, 0, 0, false},
			{"ends before it begins", 50_000, 40_000, 100, 0, false},
			{"behind the end", 200_000, 300_000, 100, 0, false},
		} {
			list, thinned := within(t, s, timeline.Span{From: c.from, Until: c.until}, c.most)
			if len(list) != c.n || thinned != c.thinned {
				t.Errorf("%s: %d pictures, thinned %v", c.name, len(list), thinned)
			}
			for i := 1; i < len(list); i++ {
				if d, even := list[i].At-list[i-1].At, 99_000/timeline.Position(c.most); d <= 0 || c.thinned && d > even+2000 {
					t.Errorf("%s: %v between two pictures", c.name, d)
				}
			}
		}
	})
}

// TestBound keeps the newest pictures of all media, in a file that does not grow on.
func TestBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = 1 << 20
		path := filepath.Join(t.TempDir(), "t.db")
		s := open(t, path, thumbnail.Options{Bytes: limit})
		const n = 500
		shown := picture(32, 18, 1)
		for i := range n {
			who := media
			if i%2 == 1 {
				who = "other"
			}
			// Positions fall while time goes on: what came first goes, wherever it is.
			s.Add(who, timeline.Position(n-i)*1000, shown, nil)
			synctest.Wait()
			time.Sleep(50 * time.Millisecond)
		}
		settle()
		kept, used := s.Usage()
		if used > limit || used < limit/2 || kept < 20 || s.Dropped() != 0 {
			t.Errorf("%d pictures of %d bytes, %d dropped", kept, used, s.Dropped())
		}
		if info, err := os.Stat(path); err != nil || info.Size() > 3*limit/2 {
			t.Errorf("the file has %d bytes; %v", info.Size(), err)
		}
		list, _ := within(t, s, all, n)
		if newest, oldest := list[0].At, list[len(list)-1].At; newest > 2000 || oldest > timeline.Position(kept+3)*1000 {
			t.Errorf("kept from %v to %v of %d", newest, oldest, kept)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		small := open(t, path, thumbnail.Options{Bytes: limit / 4})
		if left, used := small.Usage(); used > limit/4 || left == 0 || left >= kept {
			t.Errorf("%d pictures of %d bytes with a lower limit", left, used)
		}
	})
}

func TestPrune(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "t.db")
		s := open(t, path, thumbnail.Options{})
		began := time.Now()
		for i := range timeline.Position(10) {
			s.Add(media, i*1000, picture(32, 18, 1), nil)
			s.Add("old", i*1000, picture(32, 18, 1), nil)
			synctest.Wait()
		}
		settle()
		err := s.Prune(func(who string, at timeline.Position, added time.Time) bool {
			if added.Before(began) || added.After(time.Now()) {
				t.Error("added ", added)
			}
			return who == media && at >= 4000
		})
		if err != nil {
			t.Fatal(err)
		}
		check := func(s *thumbnail.Store) {
			if n, _ := s.Usage(); n != 6 {
				t.Errorf("%d pictures", n)
			}
			if list, _ := within(t, s, all, 10); len(list) != 6 || list[0].At != 4000 {
				t.Errorf("%+v", list)
			}
			if jpegOf(t, s, 3000) != nil || jpegOf(t, s, 4000) == nil {
				t.Error("the wrong ones went")
			}
		}
		check(s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		check(open(t, path, thumbnail.Options{}))
	})
}

// TestNeverWaits has more come than can be taken, and a disk that takes nothing.
func TestNeverWaits(t *testing.T) {
	room := false
	s := open(t, filepath.Join(t.TempDir(), "t.db"), thumbnail.Options{Room: func() bool { return room }})
	s.Add(media, 1, picture(32, 18, 1), nil)
	if n := s.Dropped(); n != 1 {
		t.Errorf("%d dropped without room", n)
	}
	room = true
	big := picture(640, 360, 1)
	for i := range timeline.Position(300) {
		s.Add(media, i, big, nil)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s.Dropped() < 2 {
		t.Errorf("%d dropped", s.Dropped())
	}
	s.Add(media, 5, big, nil)
	if list, _ := within(t, s, all, 10); list != nil {
		t.Error("a closed file was read")
	}
	var none *thumbnail.Store
	none.Add(media, 1, big, nil)
	none.Tell(media, 1, []thumbnail.Boxed{{}})
	if err := errors.Join(none.Close(), none.Prune(nil)); err != nil {
		t.Error(err)
	}
}
