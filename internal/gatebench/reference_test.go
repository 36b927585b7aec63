//go:build bench && !noonnx

package gatebench_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"image"
	_ "image/jpeg"
	_ "image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/image/draw"

	"spotter/internal/gatebench"
	"spotter/internal/testmedia"
	"spotter/models/onnx"
	"spotter/vision"
	"spotter/vision/local"
	"spotter/vision/local/gallery"
)

// sure is the confidence from which a reference says that an object is there: the cloud's answers do not flicker as
// those of a small network at its usual threshold do.
const sure = 60

// bench is what the measurements share.
type bench struct {
	cache    *gatebench.Cache
	studio   *gatebench.Studio
	networks func(file string) *onnx.Network
	faces    local.FaceFinder
	identity *local.Identity
	looks    *gatebench.Memo[vision.Sight]
	looker   *local.Recognizer
}

func newBench(t *testing.T) *bench {
	t.Helper()
	kit := testmedia.Kit(t)
	if _, err := os.Stat(filepath.Join(gatebench.Samples, "vtest.avi")); err != nil {
		t.Skip("no footage: apt install opencv-doc")
	}
	library, err := onnx.Find(filepath.Join("..", "..", ".build", "onnxruntime"))
	if err != nil {
		t.Skip("ONNX Runtime absent: run `make setup`")
	}
	r, err := onnx.Open(library)
	fatal(t, err)
	t.Cleanup(func() { r.Close() })
	b := &bench{networks: func(file string) *onnx.Network {
		n, err := r.Load(filepath.Join(kit, "models", file), 1)
		fatal(t, err)
		return n
	}}
	b.cache, err = gatebench.OpenCache()
	fatal(t, err)
	b.studio = &gatebench.Studio{Kit: kit, Cache: b.cache}
	b.faces = local.NewYuNet(b.networks("face_detection_yunet_2023mar.onnx"), local.DefaultMinFaceConfidence)
	b.identity = local.NewMobileFaceNet(b.networks("mobilefacenet_rit5k.onnx"))
	b.looker = local.NewRecognizer(local.NewYOLOX(b.networks("yolox_nano.onnx"), 416, local.DefaultMinConfidence), b.faces, b.identity, nil)
	b.looks, err = gatebench.OpenMemo[vision.Sight](b.cache, "looks")
	fatal(t, err)
	return b
}

func fatal(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// recognizer plays the cloud: it answers for whole frames, and knows the people whom the kit enrols.
type recognizer struct {
	name   string
	eyes   *local.Recognizer
	people map[string][]float32
	same   float64 // the similarity from which two faces are one person
	memo   *gatebench.Memo[gatebench.Answer]
}

func (b *bench) recognizer(t *testing.T, name string, objects local.ObjectFinder) *recognizer {
	t.Helper()
	r := &recognizer{
		name: name, eyes: local.NewRecognizer(objects, b.faces, b.identity, nil), same: b.identity.Threshold(),
		people: map[string][]float32{},
	}
	paths, err := filepath.Glob(filepath.Join(b.studio.Kit, "photos", "enrol", "*.*"))
	fatal(t, err)
	for _, path := range paths {
		s, err := r.eyes.Look(t.Context(), picture(t, path))
		fatal(t, err)
		if len(s.Faces) != 1 || s.Faces[0].Embedding == nil {
			t.Fatalf("enrol %s: %d faces", path, len(s.Faces))
		}
		who, _, _ := strings.Cut(filepath.Base(path), ".")
		r.people[who] = s.Faces[0].Embedding
	}
	r.memo, err = gatebench.OpenMemo[gatebench.Answer](b.cache, "answers-"+strings.ReplaceAll(name, " ", "-"))
	fatal(t, err)
	return r
}

// picture reads a photo as a recogniser gets it.
func picture(t *testing.T, path string) vision.Picture {
	t.Helper()
	encoded, err := os.ReadFile(path)
	fatal(t, err)
	img, _, err := image.Decode(strings.NewReader(string(encoded)))
	fatal(t, err)
	full := img.Bounds().Size()
	size := full
	if long := max(size.X, size.Y); long > 640 {
		size = image.Pt(size.X*640/long, size.Y*640/long)
	}
	small := image.NewRGBA(image.Rectangle{Max: size})
	draw.BiLinear.Scale(small, small.Rect, img, img.Bounds(), draw.Src, nil)
	return vision.Picture{Small: small, JPEG: encoded, Width: full.X, Height: full.Y}
}

// reference asks about every frame of a stream.
func (r *recognizer) reference(ctx context.Context, s *gatebench.Stream) (*gatebench.Reference, error) {
	ref := &gatebench.Reference{Name: r.name}
	for i := range s.Frames {
		f := &s.Frames[i]
		a, err := r.memo.Get(f.Key, func() (gatebench.Answer, error) { return r.answer(ctx, f) })
		if err != nil {
			return nil, fmt.Errorf("%s of %s at %s: %w", r.name, s.Name, f.At, err)
		}
		ref.Answers = append(ref.Answers, a)
	}
	ref.Due = ref.Answers
	return ref, r.memo.Save()
}

func (r *recognizer) answer(ctx context.Context, f *gatebench.Frame) (a gatebench.Answer, err error) {
	s, err := r.eyes.Look(ctx, vision.Picture{Small: f.Small, JPEG: f.JPEG, Width: f.Width, Height: f.Height})
	if err != nil {
		return a, err
	}
	for _, o := range r.eyes.Answer(s).Objects {
		a.Objects = append(a.Objects, o.Name)
	}
	seen := map[string]bool{}
	for _, found := range s.Faces {
		who := r.who(found.Embedding)
		a.Faces = append(a.Faces, gatebench.Face{
			Left: found.Box.Left, Top: found.Box.Top, Width: found.Box.Width, Height: found.Box.Height, Name: who,
		})
		if who != "" && !seen[who] {
			a.Celebrities, seen[who] = append(a.Celebrities, who), true
		}
	}
	return a, nil
}

// who returns the enrolled person whose face an embedding shows, "" for nobody.
func (r *recognizer) who(embedding []float32) (who string) {
	if embedding == nil {
		return ""
	}
	best := r.same
	for name, e := range r.people {
		if s := gallery.Similarity(e, embedding); s >= best {
			who, best = name, s
		}
	}
	return who
}

// frameLooker is what the gate's local models see of the frame that is its turn, whatever picture the gate has. It is for
// one goroutine.
type frameLooker struct {
	*bench
	frame *gatebench.Frame
}

// See implements vision.Looker.
func (l *frameLooker) See(ctx context.Context, p vision.Picture) (vision.Sight, error) {
	full := vision.Picture{Small: l.frame.Small, Width: l.frame.Width, Height: l.frame.Height}
	kind := byte('s')
	if p.JPEG != nil {
		full.JPEG, kind = l.frame.JPEG, 'f'
	}
	key := sha256.Sum256(append(l.frame.Key[:], kind))
	return l.looks.Get(key, func() (vision.Sight, error) { return l.looker.See(ctx, full) })
}
