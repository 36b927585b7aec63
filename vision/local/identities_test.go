//go:build !noonnx

package local_test

import (
	"image"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"spotter/internal/testmedia"
	"spotter/vision"
	"spotter/vision/local"
	"spotter/vision/local/gallery"
)

// eyes is a recogniser of faces without objects.
func eyes(t testing.TB) *local.Recognizer {
	nets := networks(t)
	return local.NewRecognizer(objects{}, local.NewYuNet(nets("face_detection_yunet_2023mar.onnx", 1), local.DefaultMinFaceConfidence),
		local.NewMobileFaceNet(nets("mobilefacenet_rit5k.onnx", 1)), nil)
}

// plausible reports faults of a face that looks at the camera, more or less.
func plausible(t *testing.T, f local.Face) {
	t.Helper()
	p := f.Landmarks
	if !(p[0].X < p[1].X && p[3].X < p[4].X && max(p[0].Y, p[1].Y) < p[2].Y && p[2].Y < min(p[3].Y, p[4].Y)) {
		t.Errorf("landmarks %v are not those of an upright face", p)
	}
	for _, q := range p {
		if q.X < f.Box.Left || q.Y < f.Box.Top || q.X > f.Box.Left+f.Box.Width || q.Y > f.Box.Top+f.Box.Height {
			t.Errorf("landmark %v is not in %v", q, f.Box)
		}
	}
}

// enrolled returns the embeddings of the kit's photos to enrol, by file name without extension.
func enrolled(t *testing.T, r *local.Recognizer) map[string][]float32 {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(testmedia.Kit(t, "photos", "enrol"), "*.*"))
	if err != nil || len(paths) != 6 {
		t.Fatal(paths, err)
	}
	people := make(map[string][]float32)
	for _, path := range paths {
		s, err := r.Look(t.Context(), vision.Picture{Small: small(t, path)})
		if err != nil || len(s.Faces) != 1 || s.Faces[0].Embedding == nil {
			t.Fatalf("%s: %d faces, %v", path, len(s.Faces), err)
		}
		plausible(t, s.Faces[0].Face)
		name, _, _ := strings.Cut(filepath.Base(path), ".")
		people[name] = s.Faces[0].Embedding
	}
	return people
}

func TestIdentities(t *testing.T) {
	r := eyes(t)
	people := enrolled(t, r)
	t.Run("photos", func(t *testing.T) { photos(t, r, people) })
	t.Run("clip", func(t *testing.T) { table(t, r, people) })
	t.Run("audience", func(t *testing.T) { audience(t, r, people) })
}

// photos wants other photos of the same people to be alike, and those of others not.
func photos(t *testing.T, r *local.Recognizer, people map[string][]float32) {
	tests := []struct {
		file string
		left []string // the people from left to right
	}{
		{"kit_with_rose.jpg", []string{"rose-leslie", "kit-harington"}},
		{"obama2.jpg", []string{"obama"}},
		{"two_people__obama_biden.jpg", []string{"obama", "biden"}},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			s, err := r.Look(t.Context(), photo(t, testmedia.Kit(t, "photos", "test", tt.file)))
			if err != nil || len(s.Faces) != len(tt.left) {
				t.Fatalf("%d faces, %v, want %d", len(s.Faces), err, len(tt.left))
			}
			for _, f := range s.Faces {
				plausible(t, f.Face)
				who := 0
				for _, other := range s.Faces {
					if other.Box.Left < f.Box.Left {
						who++
					}
				}
				for name, e := range people {
					similarity := gallery.Similarity(e, f.Embedding)
					if name == tt.left[who] && similarity < 0.54 || name != tt.left[who] && similarity > 0.24 {
						t.Errorf("%s is like %s by %.2f", tt.left[who], name, similarity)
					}
				}
			}
		})
	}
	for a, e := range people {
		for b, f := range people {
			if s := gallery.Similarity(e, f); a != b && s > 0.24 {
				t.Errorf("%s is like %s by %.2f", a, b, s)
			}
		}
	}
}

// table compares with the table of the kit: every 15th frame of shot 3.
func table(t *testing.T, r *local.Recognizer, people map[string][]float32) {
	want := []float64{0.56, 0.45, 0.35, 0.51, 0.64, 0.60, 0.42, 0.51, 0.58}
	frames := selected(t, "short_hamilton_clip.mp4", "between(n,82,210)*not(mod(n,15))")
	if len(frames) != len(want) {
		t.Fatalf("%d frames", len(frames))
	}
	for i, frame := range frames {
		s, err := r.Look(t.Context(), vision.Picture{Small: frame})
		if err != nil || len(s.Faces) != 1 {
			t.Fatal(s, err)
		}
		for name, e := range people {
			switch similarity := gallery.Similarity(e, s.Faces[0].Embedding); {
			case name == "lin-manuel-miranda" && math.Abs(similarity-want[i]) > 0.08:
				t.Errorf("frame %d: %.2f, want %.2f", i, similarity, want[i])
			case name != "lin-manuel-miranda" && similarity > 0.27:
				t.Errorf("frame %d: like %s by %.2f", i, name, similarity)
			}
		}
	}
}

// audience wants nobody in the audience, most of it out of focus, to be like anybody.
func audience(t *testing.T, r *local.Recognizer, people map[string][]float32) {
	for i, frame := range selected(t, "short_hamilton_clip.mp4", "gte(n,211)*not(mod(n,21))") {
		s, err := r.Look(t.Context(), vision.Picture{Small: frame})
		if err != nil || len(s.Faces) < 2 {
			t.Fatal(s, err)
		}
		for _, f := range s.Faces {
			for name, e := range people {
				if similarity := gallery.Similarity(e, f.Embedding); similarity > 0.24 {
					t.Errorf("frame %d: somebody is like %s by %.2f, sharpness %.0f", i, name, similarity, f.Sharpness)
				}
			}
		}
	}
}

func TestNoFacesWhereNobodyIs(t *testing.T) {
	nets := networks(t)
	pictures := append(selected(t, "bottle-detection.mp4", "not(mod(n,400))"),
		small(t, testmedia.Kit(t, "photos", "objects", "dog.jpg")), square(640, 360), image.NewRGBA(image.Rect(0, 0, 2, 2)))
	for name, finder := range map[string]local.FaceFinder{
		"yunet":     local.NewYuNet(nets("face_detection_yunet_2023mar.onnx", 1), local.DefaultMinFaceConfidence),
		"ultraface": local.NewUltraFace(nets("version-RFB-320.onnx", 1), local.DefaultMinFaceConfidence),
	} {
		for i, img := range pictures {
			if found, err := finder.Find(t.Context(), img); err != nil || len(found) > 0 {
				t.Errorf("%s: picture %d: %v, %v", name, i, found, err)
			}
		}
	}
}

// TestUltraFaceFindsWhatYuNetFinds compares the two on the kit's photos.
func TestUltraFaceFindsWhatYuNetFinds(t *testing.T) {
	nets := networks(t)
	yunet := local.NewYuNet(nets("face_detection_yunet_2023mar.onnx", 1), local.DefaultMinFaceConfidence)
	ultraface := local.NewUltraFace(nets("version-RFB-320.onnx", 1), local.DefaultMinFaceConfidence)
	for _, file := range []string{"kit_with_rose.jpg", "obama2.jpg", "two_people__obama_biden.jpg"} {
		img := small(t, testmedia.Kit(t, "photos", "test", file))
		a, errA := yunet.Find(t.Context(), img)
		b, errB := ultraface.Find(t.Context(), img)
		if errA != nil || errB != nil || len(a) == 0 || len(a) != len(b) {
			t.Fatalf("%s: %v, %v; %v, %v", file, a, errA, b, errB)
		}
		for _, f := range a {
			best := 0.0
			for _, g := range b {
				best = max(best, overlap(f.Box, g.Box))
			}
			if best < 0.6 {
				t.Errorf("%s: overlap %.2f", file, best)
			}
		}
	}
}
