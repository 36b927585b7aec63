//go:build !nocv

package classic_test

import (
	"bytes"
	"errors"
	"image"
	"image/jpeg"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/image/draw"

	"spotter/timeline"
	"spotter/vision"
	"spotter/vision/classic"
	"spotter/vision/recognizertest"
)

// samples is where Debian's opencv-doc package puts OpenCV's example pictures.
const samples = "/usr/share/doc/opencv-doc/examples/data"

func open(t *testing.T) *classic.Recognizer {
	t.Helper()
	if _, err := os.Stat(classic.DefaultFolder); err != nil {
		t.Skip("opencv-data is not installed")
	}
	r, err := classic.New(classic.DefaultFolder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func sample(t *testing.T, name string) vision.Picture {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(samples, name))
	if err != nil {
		t.Skip("opencv-doc is not installed")
	}
	return decode(t, b)
}

// decode makes a picture as the decoder does: the small one at most 640 pixels wide or high.
func decode(t *testing.T, b []byte) vision.Picture {
	t.Helper()
	full, err := jpeg.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	size := full.Bounds().Size()
	k := min(1, 640/float64(max(size.X, size.Y)))
	small := image.NewRGBA(image.Rect(0, 0, int(k*float64(size.X)), int(k*float64(size.Y))))
	draw.ApproxBiLinear.Scale(small, small.Rect, full, full.Bounds(), draw.Src, nil)
	return vision.Picture{Small: small, JPEG: b, Width: size.X, Height: size.Y}
}

// frames decodes one frame in every so many seconds of a film.
func frames(t *testing.T, film, every string) []vision.Picture {
	t.Helper()
	if _, err := os.Stat(film); err != nil {
		t.Skip("opencv-doc is not installed")
	}
	folder := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-i", film, "-vf", "fps=1/"+every, "-q:v", "2", folder+"/%04d.jpg")
	if out, err := cmd.CombinedOutput(); errors.Is(err, exec.ErrNotFound) {
		t.Skip("ffmpeg is not installed")
	} else if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	names, err := filepath.Glob(folder + "/*.jpg")
	if err != nil {
		t.Fatal(err)
	}
	var pictures []vision.Picture
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		pictures = append(pictures, decode(t, b))
	}
	return pictures
}

func sees(t *testing.T, r vision.Recognizer, p vision.Picture) []string {
	t.Helper()
	a, err := r.Recognize(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, o := range a.Objects {
		if o.Confidence < 50 || o.Confidence > 80 {
			t.Errorf("confidence %v of %s is outside the documented 50..80", o.Confidence, o.Name)
		}
		names = append(names, o.Name)
	}
	slices.Sort(names)
	if a.Source != timeline.SourceClassic || len(a.Celebrities) != 0 {
		t.Errorf("source %q with %d celebrities", a.Source, len(a.Celebrities))
	}
	return names
}

func TestSuite(t *testing.T) {
	recognizertest.Run(t, func(t *testing.T) vision.Recognizer { return open(t) }, sample(t, "messi5.jpg"))
}

func TestStills(t *testing.T) {
	cases := []struct {
		name string
		want []string
	}{
		{"messi5.jpg", []string{"Face", "Person"}},
		{"aero1.jpg", nil},
		{"fruits.jpg", nil},
		{"building.jpg", nil},
		{"home.jpg", nil},
		{"baboon.jpg", nil},
		{"starry_night.jpg", nil},
	}
	r := open(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := sees(t, r, sample(t, c.name)); !slices.Equal(got, c.want) {
				t.Errorf("sees %v, want %v", got, c.want)
			}
		})
	}
}

// TestPeopleOnFilm wants a Person in nine of ten frames of a film that always shows people.
func TestPeopleOnFilm(t *testing.T) {
	r := open(t)
	pictures := frames(t, filepath.Join(samples, "vtest.avi"), "8")
	n := 0
	for _, p := range pictures {
		if slices.Contains(sees(t, r, p), "Person") {
			n++
		}
	}
	t.Logf("people in %d of %d frames", n, len(pictures))
	if len(pictures) < 10 || 10*n < 9*len(pictures) {
		t.Errorf("people in %d of %d frames, want nine of ten", n, len(pictures))
	}
}

// TestNewRefuses names damaged files because OpenCV aborts the program over them.
func TestNewRefuses(t *testing.T) {
	const storage, cascade = "<?xml version=\"1.0\"?>\n<opencv_storage>", "<cascade type_id=\"opencv-cascade-classifier\">"
	cases := []struct{ name, content string }{
		{"no file", ""},
		{"not XML", "cascade"},
		{"not a cascade", storage + "</opencv_storage>"},
		{"cut off", storage + cascade + "<stages><_>"},
		{"empty cascade", storage + cascade + "<stages></stages></cascade></opencv_storage>"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			folder := t.TempDir()
			for _, name := range []string{"haarcascade_frontalface_alt2.xml", "haarcascade_fullbody.xml"} {
				if c.content == "" {
					break
				}
				if err := os.WriteFile(filepath.Join(folder, name), []byte(c.content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if r, err := classic.New(folder); r != nil || !errors.Is(err, vision.ErrPermanent) {
				t.Errorf("got %v, %v; want vision.ErrPermanent", r, err)
			}
		})
	}
}

func TestClosed(t *testing.T) {
	r := open(t)
	for range 2 {
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.Recognize(t.Context(), recognizertest.Picture(image.Rect(0, 0, 320, 180))); !errors.Is(err, vision.ErrPermanent) {
		t.Errorf("error %v, want vision.ErrPermanent", err)
	}
}

func BenchmarkRecognize(b *testing.B) {
	r, err := classic.New(classic.DefaultFolder)
	if err != nil {
		b.Skip("opencv-data is not installed")
	}
	defer func() { _ = r.Close() }()
	p := recognizertest.Picture(image.Rect(0, 0, 640, 360))
	if file, err := os.ReadFile(filepath.Join(samples, "messi5.jpg")); err == nil {
		full, err := jpeg.Decode(bytes.NewReader(file))
		if err != nil {
			b.Fatal(err)
		}
		draw.ApproxBiLinear.Scale(p.Small, p.Small.Rect, full, full.Bounds(), draw.Src, nil)
	}
	for b.Loop() {
		if _, err := r.Recognize(b.Context(), p); err != nil {
			b.Fatal(err)
		}
	}
}
