package local_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/jpeg"
	"sync/atomic"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"spotter/timeline"
	"spotter/vision"
	"spotter/vision/local"
)

// objects is an ObjectFinder that always finds the same.
type objects []local.Detection

func (o objects) Detect(context.Context, *image.RGBA) ([]local.Detection, error) { return o, nil }

// faces is a FaceFinder that finds the same in every picture of a size, and keeps count.
type faces struct {
	in    map[image.Point][]local.Face
	err   error
	calls atomic.Int32
}

func (f *faces) Find(_ context.Context, img *image.RGBA) ([]local.Face, error) {
	f.calls.Add(1)
	return f.in[img.Rect.Size()], f.err
}

// brightness is an identity network whose embedding tells the face's mean brightness.
type brightness struct{}

func (brightness) Run(input []float32) ([][]float32, error) {
	sum := float32(0)
	for _, v := range input {
		sum += v
	}
	return [][]float32{direction(1, sum/float32(len(input))/255)}, nil
}

// namer knows two people by the second number of their embeddings.
type namer struct{}

func (namer) Name(e []float32) (timeline.Entity, float64, bool) {
	switch {
	case e[1] > 0.5:
		return timeline.Entity{Name: "Bright", ID: "b", URLs: []string{"u"}, Confidence: 98.5}, 0.8, true
	case e[1] > 0.2:
		return timeline.Entity{Name: "Dark", Confidence: 67.7}, 0.4, true
	}
	return timeline.Entity{}, 0.9, false
}

// at returns a face of 112 pixels by the template in a picture, of the given confidence.
func at(w, h int, dx, dy, confidence float64) local.Face {
	f := face(w, h, 1, 0, dx, dy)
	f.Confidence = confidence
	f.Box = local.Box{Left: (dx + 20) / float64(w), Top: (dy + 10) / float64(h), Width: 72 / float64(w), Height: 95 / float64(h)}
	return f
}

// checks paints a rectangle with a sharp pattern around a brightness.
func checks(img *image.RGBA, r image.Rectangle, middle int) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			i := img.PixOffset(x, y)
			v := uint8(middle + 20*((x/2+y/2)%2) - 10)
			img.Pix[i], img.Pix[i+1], img.Pix[i+2], img.Pix[i+3] = v, v, v, 255
		}
	}
}

func TestRecognizer(t *testing.T) {
	img := square(640, 360)
	checks(img, image.Rect(0, 0, 112, 112), 220)   // the bright one
	checks(img, image.Rect(200, 0, 312, 112), 80)  // the dark one
	checks(img, image.Rect(400, 0, 512, 112), 10)  // a stranger
	checks(img, image.Rect(0, 200, 112, 312), 240) // the bright one again; what is at 200, 200 is blurred
	found := &faces{in: map[image.Point][]local.Face{{X: 640, Y: 360}: {
		at(640, 360, 0, 0, 95), at(640, 360, 200, 0, 90), at(640, 360, 400, 0, 85), at(640, 360, 0, 200, 80), at(640, 360, 200, 200, 75),
	}}}
	things := objects{{Label: "Person", Confidence: 70}, {Label: "Chair", Confidence: 92}, {Label: "Chair", Confidence: 60}}
	identity := local.NewSFace(brightness{})
	people := []timeline.Entity{
		{Name: "Bright", ID: "b", URLs: []string{"u"}, Confidence: 98.5},
		{Name: "Dark", Confidence: 67.7},
	}
	withFaces := []timeline.Entity{vision.Object("Face", 95), vision.Object("Person", 95), vision.Object("Chair", 92)}
	tests := []struct {
		name        string
		r           *local.Recognizer
		celebrities []timeline.Entity
		objects     []timeline.Entity
	}{
		{"all", local.NewRecognizer(things, found, identity, namer{}), people, withFaces},
		{"no names", local.NewRecognizer(things, found, identity, nil), nil, withFaces},
		{"no identity", local.NewRecognizer(things, found, nil, namer{}), nil, withFaces},
		{
			"objects only", local.NewRecognizer(things, nil, nil, nil), nil,
			[]timeline.Entity{vision.Object("Chair", 92), vision.Object("Person", 70)},
		},
		{"nothing", local.NewRecognizer(objects{}, &faces{}, identity, namer{}), nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.r.Recognize(t.Context(), vision.Picture{Small: img})
			want := vision.Answer{Source: timeline.SourceONNX, Celebrities: tt.celebrities, Objects: tt.objects}
			if diff := gocmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("err = %v (-want +got):\n%s", err, diff)
			}
		})
	}
	sight, err := local.NewRecognizer(things, found, identity, nil).Look(t.Context(), vision.Picture{Small: img})
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range sight.Faces {
		if told := f.Embedding != nil; told != (i < 4) || told != (f.Sharpness > 100) {
			t.Errorf("face %d: embedding %v, sharpness %v", i, told, f.Sharpness)
		}
	}
}

func TestRecognizerTellsTheLargestApart(t *testing.T) {
	img := square(640, 360)
	checks(img, img.Rect, 128)
	var list []local.Face
	for i := range 14 {
		f := at(640, 360, 100, 100, 90)
		f.Box.Width *= 1 + float64(i%7)/10
		list = append(list, f)
	}
	r := local.NewRecognizer(objects{}, &faces{in: map[image.Point][]local.Face{img.Rect.Size(): list}}, local.NewSFace(brightness{}), nil)
	sight, err := r.Look(t.Context(), vision.Picture{Small: img})
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range sight.Faces {
		if told := f.Embedding != nil; told != (i%7 >= 2) {
			t.Errorf("face %d: embedding %v", i, told)
		}
	}
}

// tiny returns a face of a fifth of the template's size, 15 pixels wide.
func tiny(w, h int, dx, dy float64) local.Face {
	f := face(w, h, 0.2, 0, dx, dy)
	f.Confidence = 90
	f.Box = local.Box{Left: (dx + 4) / float64(w), Top: (dy + 2) / float64(h), Width: 15 / float64(w), Height: 19 / float64(h)}
	return f
}

func TestSmallFacesAreSeenAtFullSize(t *testing.T) {
	large := square(1920, 1080)
	checks(large, image.Rect(900, 600, 1000, 700), 220)
	var encoded bytes.Buffer
	if err := jpeg.Encode(&encoded, large, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	small := square(640, 360)
	// The face is 57 pixels high at full size, and looked for in the 138 around it.
	part := image.Pt(138, 138)
	middle := local.Face{Box: local.Box{Left: 0.3, Top: 0.3, Width: 0.4, Height: 0.4}, Confidence: 90, Landmarks: at(138, 138, 10, 10, 1).Landmarks}
	beside := middle
	beside.Box.Left = 0.75
	corrupt := bytes.Clone(encoded.Bytes())[:400]
	tests := []struct {
		name    string
		picture vision.Picture
		again   []local.Face
		calls   int32
		told    bool
	}{
		{"found again", vision.Picture{Small: small, JPEG: encoded.Bytes(), Width: 1920, Height: 1080}, []local.Face{beside, middle}, 2, true},
		{"not found again", vision.Picture{Small: small, JPEG: encoded.Bytes(), Width: 1920, Height: 1080}, []local.Face{beside}, 2, true},
		{"no larger picture", vision.Picture{Small: small, JPEG: encoded.Bytes(), Width: 640, Height: 360}, nil, 1, false},
		{"no picture encoded", vision.Picture{Small: small, Width: 1920, Height: 1080}, nil, 1, false},
		{"a damaged picture", vision.Picture{Small: small, JPEG: corrupt, Width: 1920, Height: 1080}, nil, 1, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			found := &faces{in: map[image.Point][]local.Face{{X: 640, Y: 360}: {tiny(640, 360, 303, 204)}, part: tt.again}}
			r := local.NewRecognizer(objects{}, found, local.NewSFace(brightness{}), nil)
			s, err := r.Look(t.Context(), tt.picture)
			if err != nil || len(s.Faces) != 1 {
				t.Fatal(s, err)
			}
			if told := s.Faces[0].Embedding != nil; told != tt.told || found.calls.Load() != tt.calls {
				t.Errorf("embedding %v after %d calls, want %v after %d", told, found.calls.Load(), tt.told, tt.calls)
			}
			if diff := gocmp.Diff(tiny(640, 360, 303, 204), s.Faces[0].Face); diff != "" {
				t.Errorf("the face's place in the small picture (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRecognizerErrors(t *testing.T) {
	broken := errors.New("broken")
	fit := &faces{in: map[image.Point][]local.Face{{X: 200, Y: 200}: {at(200, 200, 20, 20, 90)}}}
	img := square(200, 200)
	checks(img, img.Rect, 100)
	good := local.NewYOLOX(&fake{outputs: [][]float32{make([]float32, anchors64*85)}}, 64, 50)
	tests := []struct {
		name string
		r    *local.Recognizer
		img  *image.RGBA
		want error
	}{
		{"no picture", local.NewRecognizer(good, nil, nil, nil), nil, vision.ErrPicture},
		{"objects fail", local.NewRecognizer(local.NewYOLOX(&fake{err: broken}, 64, 50), fit, nil, nil), img, broken},
		{"faces fail", local.NewRecognizer(good, &faces{err: broken}, nil, nil), img, broken},
		{"identity fails", local.NewRecognizer(good, fit, local.NewSFace(&fake{err: broken}), nil), img, broken},
		{"a wrong identity", local.NewRecognizer(good, fit, local.NewSFace(&fake{}), nil), img, vision.ErrPermanent},
		{"a face that is none", local.NewRecognizer(good, &faces{in: map[image.Point][]local.Face{{X: 200, Y: 200}: {{}}}}, local.NewSFace(&fake{err: broken}), nil), img, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.r.Recognize(t.Context(), vision.Picture{Small: tt.img})
			if !errors.Is(err, tt.want) || len(got.Celebrities) != 0 {
				t.Errorf("Recognize = %v, %v, want %v", got, err, tt.want)
			}
		})
	}
}

// TestPlaces wants each thing where it is, also where a name is there twice, and the same from both ways to ask.
func TestPlaces(t *testing.T) {
	left, right := local.Box{Left: 0, Top: 0.5, Width: 0.25, Height: 0.5}, local.Box{Left: 0.5, Top: 0.5, Width: 0.25, Height: 0.5}
	r := local.NewRecognizer(objects{{Label: "Chair", Confidence: 92, Box: left}, {Label: "Chair", Confidence: 60, Box: right}}, nil, nil, nil)
	p := vision.Picture{Small: square(64, 36)}
	want := []vision.Place{{Name: "Chair", Confidence: 92, Box: left}, {Name: "Chair", Confidence: 60, Box: right}}
	a, err := r.Recognize(t.Context(), p)
	if d := gocmp.Diff(want, a.Places); err != nil || d != "" {
		t.Error(err, d)
	}
	s, err := r.See(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	p.Sight = &s
	a, err = r.Recognize(t.Context(), p)
	if d := gocmp.Diff(want, a.Places); err != nil || d != "" {
		t.Error(err, d)
	}
}
