//go:build !noonnx

package local_test

import (
	"fmt"
	"image"
	_ "image/jpeg"
	_ "image/png"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"golang.org/x/image/draw"

	"spotter/models/onnx"
	"spotter/vision"
	"spotter/vision/local"

	"spotter/internal/testmedia"
)

// network returns a network of the test kit on the given number of threads, or skips the test.
func network(t testing.TB, file string, threads int) *onnx.Network {
	t.Helper()
	path := testmedia.Kit(t, "models", file)
	library, err := onnx.Find(filepath.Join("..", "..", ".build", "onnxruntime"))
	if err != nil {
		t.Skip("ONNX Runtime absent: run `make setup`")
	}
	r, err := onnx.Open(library)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	n, err := r.Load(path, threads)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// small reads a picture and shrinks it as the decoder does, to 640 pixels on its longer side.
func small(t testing.TB, path string) *image.RGBA {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, _, err := image.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	size := img.Bounds().Size()
	if long := max(size.X, size.Y); long > 640 {
		size = image.Pt(size.X*640/long, size.Y*640/long)
	}
	to := image.NewRGBA(image.Rectangle{Max: size})
	draw.BiLinear.Scale(to, to.Rect, img, img.Bounds(), draw.Src, nil)
	return to
}

// frames decodes the frames of a clip of the kit at the given seconds.
func frames(t *testing.T, clip string, seconds []float64) []*image.RGBA {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg absent: install it")
	}
	path, dir := testmedia.Kit(t, "videos", clip), t.TempDir()
	var list []*image.RGBA
	for i, s := range seconds {
		png := filepath.Join(dir, fmt.Sprint(i, ".png"))
		cmd := exec.Command("ffmpeg", "-v", "error", "-ss", fmt.Sprint(s), "-i", path, "-frames:v", "1", "-vf", "scale=640:-2", png)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("ffmpeg: %v: %s", err, out)
		}
		list = append(list, small(t, png))
	}
	return list
}

func names(t *testing.T, y *local.YOLOX, img *image.RGBA) []string {
	t.Helper()
	a, err := y.Recognize(t.Context(), vision.Picture{Small: img})
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, o := range a.Objects {
		list = append(list, o.Name)
	}
	return list
}

func TestPhotos(t *testing.T) {
	y := local.NewYOLOX(network(t, "yolox_nano.onnx", 1), 416, local.DefaultMinConfidence)
	tests := []struct {
		file string
		want []string
	}{
		{"bus.jpg", []string{"Bus", "Person"}},
		{"dog.jpg", []string{"Bicycle", "Car", "Dog"}},
		{"person.jpg", []string{"Dog", "Horse", "Person"}},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			got := names(t, y, small(t, testmedia.Kit(t, "photos", "objects", tt.file)))
			slices.Sort(got)
			if diff := gocmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// tee keeps the last output of a network.
type tee struct {
	local.Network
	last []float32
}

func (n *tee) Run(input []float32) ([][]float32, error) {
	outputs, err := n.Network.Run(input)
	if err == nil {
		n.last = outputs[0]
	}
	return outputs, err
}

func TestPhotosAgainstReference(t *testing.T) {
	net := &tee{Network: network(t, "yolox_nano.onnx", 1)}
	y := local.NewYOLOX(net, 416, 20)
	for _, file := range []string{"bus.jpg", "dog.jpg", "person.jpg"} {
		t.Run(file, func(t *testing.T) {
			img := small(t, testmedia.Kit(t, "photos", "objects", file))
			got, err := y.Detect(t.Context(), img)
			if err != nil {
				t.Fatal(err)
			}
			want := decode(net.last, 416, img.Rect.Dx(), img.Rect.Dy(), 0.2)
			if diff := gocmp.Diff(want, got, near()); diff != "" {
				t.Errorf("same output (-reference +got):\n%s", diff)
			}
			// And the whole way, with the input prepared without haste.
			outputs, err := net.Run(letterbox(img, 416))
			if err != nil {
				t.Fatal(err)
			}
			whole := decode(outputs[0], 416, img.Rect.Dx(), img.Rect.Dy(), 0.3)
			for _, w := range whole {
				if !slices.ContainsFunc(got, func(g local.Detection) bool {
					return g.Label == w.Label && max(g.Confidence-w.Confidence, w.Confidence-g.Confidence) < 1
				}) {
					t.Errorf("%v is not among %v", w, got)
				}
			}
		})
	}
}

// still is a network that always answers the same.
type still struct{ outputs [][]float32 }

func (s *still) Run([]float32) ([][]float32, error) { return s.outputs, nil }

// run returns what a network answers for a picture.
func run(t testing.TB, net local.Network, img *image.RGBA) [][]float32 {
	t.Helper()
	outputs, err := net.Run(letterbox(img, 416))
	if err != nil {
		t.Fatal(err)
	}
	return outputs
}
