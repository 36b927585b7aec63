//go:build !noonnx

package local_test

import (
	"bytes"
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

// networks returns what loads networks of the test kit, each on the given number of threads, or skips the test.
func networks(t testing.TB) func(file string, threads int) *onnx.Network {
	t.Helper()
	root := testmedia.Kit(t, "models")
	library, err := onnx.Find(filepath.Join("..", "..", ".build", "onnxruntime"))
	if err != nil {
		t.Skip("ONNX Runtime absent: run `make setup`")
	}
	r, err := onnx.Open(library)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return func(file string, threads int) *onnx.Network {
		n, err := r.Load(filepath.Join(root, file), threads)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
}

// network returns one network of the test kit.
func network(t testing.TB, file string, threads int) *onnx.Network {
	t.Helper()
	return networks(t)(file, threads)
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

// photo reads a picture as the recogniser gets it: small, and encoded at full size.
func photo(t testing.TB, path string) vision.Picture {
	t.Helper()
	encoded, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	size, _, err := image.DecodeConfig(bytes.NewReader(encoded))
	if err != nil {
		t.Fatal(err)
	}
	return vision.Picture{Small: small(t, path), JPEG: encoded, Width: size.Width, Height: size.Height}
}

// selected decodes the frames of a clip of the kit that ffmpeg's select expression keeps, at 640x360.
func selected(t *testing.T, clip, expression string) []*image.RGBA {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg absent: install it")
	}
	cmd := exec.Command("ffmpeg", "-v", "error", "-i", testmedia.Kit(t, "videos", clip), "-vf", "select='"+expression+"',scale=640:360",
		"-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgba", "-")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("ffmpeg: %v", err)
	}
	var list []*image.RGBA
	for pix := range slices.Chunk(out, 4*640*360) {
		list = append(list, &image.RGBA{Pix: pix, Stride: 4 * 640, Rect: image.Rect(0, 0, 640, 360)})
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
