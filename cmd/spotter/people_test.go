package main_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	main "spotter/cmd/spotter"

	"spotter/httpapi"
	"spotter/timeline"
	"spotter/vision"
	"spotter/vision/local"
	"spotter/vision/local/gallery"

	"spotter/internal/testmedia"
)

// shown finds the same faces in every picture.
type shown struct {
	faces []local.Face
	err   error
}

func (s *shown) Find(context.Context, *image.RGBA) ([]local.Face, error) { return s.faces, s.err }

// constant is a network with one output, whatever it sees.
type constant struct {
	output []float32
	err    error
}

func (c *constant) Run([]float32) ([][]float32, error) {
	return [][]float32{append([]float32(nil), c.output...)}, c.err
}

// chessboard is a PNG of sharp squares, other ones for each phase.
func chessboard(t *testing.T, side, phase int) []byte {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			if (x/8+y/8+phase)%2 == 0 {
				img.SetGray(x, y, color.Gray{255})
			}
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// faceOf is a face with a box alone.
func faceOf(left, top, side float64) local.Face {
	return local.Face{Box: local.Box{Left: left, Top: top, Width: side, Height: side}, Confidence: 90}
}

// wide is an embedding of the networks' size towards one axis.
func wide(axis int) []float32 {
	e := make([]float32, 128)
	e[axis] = 1
	return e
}

// album is a gallery and its people, with networks that see what the test says.
type album struct {
	main.Opened
	gallery  *gallery.Gallery
	unknowns *gallery.Unknowns
	finder   *shown
	network  *constant
	closed   int
}

func newAlbum(t *testing.T) *album {
	t.Helper()
	a := &album{finder: &shown{faces: []local.Face{faceOf(0.2, 0.2, 0.6)}}, network: &constant{output: wide(1)}}
	identity := local.NewMobileFaceNet(a.network)
	model := gallery.Model{Name: identity.Name(), Version: "1", Threshold: identity.Threshold()}
	var err error
	if a.gallery, err = gallery.Open(filepath.Join(t.TempDir(), "gallery"), model); err != nil {
		t.Fatal(err)
	}
	if a.unknowns, err = gallery.OpenUnknowns(filepath.Join(t.TempDir(), "unknown.json"), model, 1<<40); err != nil {
		t.Fatal(err)
	}
	a.Opened = main.NewPeople(a.gallery, a.unknowns, a.finder, identity, func() { a.closed++ })
	return a
}

func (a *album) add(t *testing.T, name, id string, photo []byte) (httpapi.AddedPhoto, error) {
	t.Helper()
	return a.AddPhoto(t.Context(), httpapi.PersonName{Name: name, ID: id}, photo)
}

// TestPeopleAddPhotos adds photos to people, and tells whom they are taken for.
func TestPeopleAddPhotos(t *testing.T) {
	a := newAlbum(t)
	ann := httpapi.Person{ID: "ann", Name: "Ann", URLs: []string{}, Faces: 1}
	bob := httpapi.Person{ID: "b", Name: "Bob", URLs: []string{}, Faces: 1}
	if all, err := a.Gallery(); err != nil || len(all.People)+len(all.Confusions) != 0 {
		t.Fatalf("an empty gallery has %v, %v", all, err)
	}
	for _, tc := range []struct {
		name, who, id string
		photo         []byte
		embedding     []float32
		want          httpapi.AddedPhoto
	}{
		{"new", "Ann", "", chessboard(t, 400, 0), wide(1), httpapi.AddedPhoto{Person: ann}},
		{"again", "ann", "", chessboard(t, 400, 0), wide(1), httpapi.AddedPhoto{Person: ann, Hints: []string{"this photo is there already: another one would add to it"}}},
		{"small", "Bob", "b", chessboard(t, 150, 0), wide(2), httpapi.AddedPhoto{Person: bob, Hints: []string{"the face is small: 90 pixels wide, and 112 would be better"}}},
		{"unlike and alike", "Bob", "b", chessboard(t, 400, 1), wide(1), httpapi.AddedPhoto{
			Person: httpapi.Person{ID: "b", Name: "Bob", URLs: []string{}, Faces: 2},
			Hints: []string{
				"the photo is unlike every other photo of Bob (0.00): see that it shows the same person",
				"Bob (b) may be taken for Ann (ann): their faces are similar by 1.00: see that both have the right photos, and add more",
			},
		}},
	} {
		a.network.output = tc.embedding
		got, err := a.add(t, tc.who, tc.id, tc.photo)
		if diff := cmp.Diff(tc.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", tc.name, err, diff)
		}
	}
	bob.Faces = 2
	want := httpapi.Gallery{People: []httpapi.Person{ann, bob}, Confusions: []httpapi.Confusion{{A: "ann", B: "b", Similarity: 1}}}
	for range 2 { // the second time from what was compared
		if got, err := a.Gallery(); err != nil || !cmp.Equal(want, got) {
			t.Errorf("%v\n%s", err, cmp.Diff(want, got))
		}
	}
	if err := a.RemovePerson("Bob"); !errors.Is(err, httpapi.ErrUnknownPerson) {
		t.Errorf("removed by name: %v", err)
	}
	if err := a.RemovePerson("b"); err != nil {
		t.Error(err)
	}
	if got, err := a.Gallery(); err != nil || len(got.People) != 1 || len(got.Confusions) != 0 {
		t.Errorf("after the removal: %v, %v", got, err)
	}
	if err := errors.Join(a.Close(), a.Close()); err != nil || a.closed != 1 {
		t.Errorf("closed %d times: %v", a.closed, err)
	}
	if _, err := a.add(t, "Cid", "", chessboard(t, 400, 0)); err == nil || a.closed != 1 {
		t.Errorf("a photo after the end: %v", err)
	}
}

// TestPeopleRefusePhotos has what is said of photos and people that cannot be taken.
func TestPeopleRefusePhotos(t *testing.T) {
	a := newAlbum(t)
	good := chessboard(t, 400, 0)
	if _, err := a.add(t, "Ann", "ann", good); err != nil {
		t.Fatal(err)
	}
	var flat bytes.Buffer
	if err := png.Encode(&flat, image.NewGray(image.Rect(0, 0, 400, 400))); err != nil {
		t.Fatal(err)
	}
	one := a.finder.faces
	huge := append([]byte(nil), chessboard(t, 16, 0)...)
	binary.BigEndian.PutUint32(huge[16:], 30_000) // the width that its IHDR says
	binary.BigEndian.PutUint32(huge[20:], 30_000)
	for name, tc := range map[string]struct {
		who, id string
		photo   []byte
		faces   []local.Face
		want    string
	}{
		"no face":      {"Bob", "", good[:len(good):len(good)], nil, "no face was found"},
		"two faces":    {"Bob", "", good, []local.Face{faceOf(0, 0, 0.4), faceOf(0.5, 0.5, 0.4)}, "there are 2 faces"},
		"small":        {"Bob", "", good, []local.Face{faceOf(0, 0, 0.1)}, "the face is 40 pixels wide: at least 80 are needed"},
		"flat":         {"Bob", "", flat.Bytes(), one, "the face is blurred"},
		"torn":         {"Bob", "", good[:len(good)/2], one, "the png picture is damaged"},
		"no picture":   {"Bob", "", []byte("x"), one, "it is not a JPEG, PNG or WebP picture"},
		"forged":       {"Bob", "", huge, one, "damaged"}, // the checksum of its head is wrong
		"other's id":   {"Bob", "ann", chessboard(t, 400, 1), one, "the id ann is Ann: choose another id"},
		"unfit id":     {"Bob", "../b", good, one, `"Bob" cannot be enrolled: the id "../b" is not made of letters`},
		"no id of it":  {"!", "", good, one, "no id can be made of the name"},
		"control":      {"a\x00", "", good, one, "cannot be enrolled"},
		"many pixels":  {"Bob", "", large(t), one, "are more than 24 million: shrink it"},
		"picture away": {"Bob", "", nil, one, "it is not a JPEG"},
	} {
		t.Run(name, func(t *testing.T) {
			a.finder.faces = tc.faces
			_, err := a.add(t, tc.who, tc.id, tc.photo)
			faults, ok := errors.AsType[httpapi.Faults](err)
			if !ok || len(faults) != 1 || !strings.Contains(faults[0], tc.want) || strings.HasPrefix(faults[0], "add to") {
				t.Errorf("got %v, want a fault that says %q", err, tc.want)
			}
		})
	}
	a.finder.faces = one
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.AddPhoto(ctx, httpapi.PersonName{Name: "Bob"}, good); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	a.finder.err = errors.New("the network is broken")
	if _, err := a.add(t, "Bob", "", good); err == nil || errors.As(err, new(httpapi.Faults)) {
		t.Errorf("with a broken network: %v", err)
	}
	if list := a.gallery.List(); len(list) != 1 || len(list[0].Faces) != 1 {
		t.Errorf("it was added: %v", list)
	}
}

// large is a PNG of 25 million pixels, few bytes long.
func large(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&b, image.NewGray(image.Rect(0, 0, 5000, 5000))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestPeopleUnknownFaces(t *testing.T) {
	a := newAlbum(t)
	for _, s := range []struct {
		media string
		at    timeline.Position
		axis  int
	}{{"cup", 1_000, 3}, {"cup", 5_000, 3}, {"cup", 40_000, 3}, {"warm-up", 7_000, 3}, {"cup", 2_000, 4}} {
		if _, err := a.unknowns.Add(s.media, s.at, wide(s.axis)); err != nil {
			t.Fatal(err)
		}
	}
	faces, err := a.UnknownFaces()
	if err != nil || len(faces) != 2 || faces[0].First.IsZero() || faces[0].Last.Before(faces[0].First) {
		t.Fatalf("got %+v, %v", faces, err)
	}
	want := []httpapi.Seen{{Media: "cup", From: 1_000, Until: 5_000}, {Media: "cup", From: 40_000, Until: 40_000}, {Media: "warm-up", From: 7_000, Until: 7_000}}
	if diff := cmp.Diff(want, faces[0].Seen); diff != "" {
		t.Error(diff)
	}
	if err := a.NameFace("unknown-9", httpapi.PersonName{Name: "Ann"}); !errors.Is(err, httpapi.ErrUnknownFace) {
		t.Errorf("named nobody: %v", err)
	}
	if err := a.NameFace(faces[0].ID, httpapi.PersonName{Name: "Ann", ID: "/"}); !errors.As(err, new(httpapi.Faults)) {
		t.Errorf("unfit id: %v", err)
	}
	if err := a.NameFace(faces[0].ID, httpapi.PersonName{Name: "Ann"}); err != nil {
		t.Fatal(err)
	}
	if p, err := a.gallery.Find("ann"); err != nil || len(p.Faces) != 1 {
		t.Errorf("enrolled %+v, %v", p, err)
	}
	if _, err := a.unknowns.Find(faces[0].ID); err != nil {
		t.Errorf("late binding has lost it: %v", err)
	}
	left, err := a.UnknownFaces()
	if err != nil || len(left) != 1 || left[0].ID != faces[1].ID {
		t.Errorf("the named one is still told: %+v, %v", left, err)
	}
	if err := a.ForgetFace(left[0].ID); err != nil {
		t.Error(err)
	}
	if err := a.ForgetFace(left[0].ID); !errors.Is(err, httpapi.ErrUnknownFace) {
		t.Errorf("forgotten twice: %v", err)
	}
	if left, err = a.UnknownFaces(); err != nil || len(left) != 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

// TestPeopleOff has what is said where the configuration leaves faces out.
func TestPeopleOff(t *testing.T) {
	for name, tc := range map[string]struct {
		more     string
		mode     vision.Mode
		nameless error
		want     []string
		kept     bool // there is a gallery
	}{
		"cloud only":   {"", vision.CloudOnly, nil, []string{"vision.mode is cloud-only", "spotter models pull yunet sface"}, false},
		"cascades":     {"vision: {local: {recognizer: classic}}", vision.LocalOnly, errors.New("x"), []string{"vision.local.recognizer is classic", "spotter models pull"}, false},
		"missing":      {"", vision.LocalOnly, errors.New("yunet is missing"), []string{"yunet is missing", "spotter models pull", "vision.local"}, false},
		"not kept":     {"vision: {local: {unknown_faces: {keep: 0s}}}", vision.LocalOnly, nil, []string{"vision.local.unknown_faces.keep"}, true},
		"models later": {"vision: {local: {unknown_faces: {keep: 1h}}}", vision.LocalOnly, nil, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			conf := filepath.Join(t.TempDir(), "spotter.yaml")
			write(t, conf, config(t.TempDir(), tc.more))
			p, err := main.PeopleOf(conf, "", tc.mode, tc.nameless)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			if _, err := p.Gallery(); (err == nil) != tc.kept {
				t.Errorf("gallery: %v", err)
			}
			if _, err = p.UnknownFaces(); tc.want == nil && err != nil {
				t.Error(err)
			}
			for _, want := range tc.want {
				if !errors.Is(err, httpapi.ErrPeopleOff) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "people are off") {
					t.Errorf("%v, want it to say %q", err, want)
				}
			}
			_, err = p.AddPhoto(t.Context(), httpapi.PersonName{Name: "Ann"}, chessboard(t, 400, 0))
			if !errors.Is(err, httpapi.ErrPeopleOff) || !strings.Contains(err.Error(), "spotter models pull") {
				t.Errorf("photo: %v", err)
			}
		})
	}
}

func TestHints(t *testing.T) {
	img := image.NewRGBA(image.Rect(0, 0, 200, 100))
	landmarks := func(nose float64) local.Face {
		return local.Face{Landmarks: [5]local.Point{{X: 0.4, Y: 0.4}, {X: 0.6, Y: 0.4}, {X: nose, Y: 0.6}}}
	}
	for name, tc := range map[string]struct {
		face              local.Face
		width             int
		sharpness, bright float64
		others            int
		want              []string
	}{
		"good":         {landmarks(0.5), 112, 100, 45, 0, nil},
		"no landmarks": {local.Face{}, 200, 500, 100, 0, nil},
		"turned":       {landmarks(0.6), 112, 100, 45, 0, []string{"the face is turned away: a photo from the front would be better"}},
		"all": {landmarks(0.38), 90, 50, 20, 2, []string{
			"the face is small: 90 pixels wide, and 112 would be better",
			"the face is a little blurred: a sharper photo would be better",
			"the face is dark: a photo in better light would be better",
			"the face is turned away: a photo from the front would be better",
			"the photo has 2 smaller faces: see that the largest one is meant, or crop it",
		}},
	} {
		if got, turn := main.Hints(img, tc.face, tc.width, tc.sharpness, tc.bright, tc.others); !cmp.Equal(tc.want, got) {
			t.Errorf("%s: turned %.2f\n%s", name, turn, cmp.Diff(tc.want, got))
		}
	}
}

// TestPeopleWithModels sends photos of the kit to the real models.
func TestPeopleWithModels(t *testing.T) {
	t.Parallel()
	c := newCamera(t, "yunet", "yunet", "mobilefacenet")
	p, err := main.PeopleOf(c.conf, c.library, vision.LocalOnly, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for _, tc := range []struct {
		who    string
		photo  []string
		faults string // in the one that there is
		faces  int
	}{
		{"Barack Obama", []string{"enrol", "obama.jpg"}, "", 1},
		{"Barack Obama", []string{"test", "obama2.jpg"}, "", 2},
		{"Joe Biden", []string{"enrol", "biden.jpg"}, "", 1},
		{"Kit Harington", []string{"enrol", "kit-harington.jpg"}, "", 1},
		{"Rose Leslie", []string{"enrol", "rose-leslie.jpg"}, "", 1},
		{"Lin-Manuel Miranda", []string{"enrol", "lin-manuel-miranda.png"}, "", 1},
		{"Alex Lacamoire", []string{"enrol", "alex-lacamoire.png"}, "", 1},
		{"Both", []string{"test", "two_people__obama_biden.jpg"}, "there are 2 faces", 0},
		{"A dog", []string{"objects", "dog.jpg"}, "no face was found", 0},
	} {
		photo, err := os.ReadFile(testmedia.Kit(t, append([]string{"photos"}, tc.photo...)...))
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.AddPhoto(t.Context(), httpapi.PersonName{Name: tc.who}, photo)
		if tc.faults == "" && (err != nil || got.Person.Faces != tc.faces || len(got.Hints) != 0) {
			t.Errorf("%v: %+v, %v", tc.photo, got, err)
		}
		if faults, _ := errors.AsType[httpapi.Faults](err); tc.faults != "" && (len(faults) != 1 || !strings.Contains(faults[0], tc.faults)) {
			t.Errorf("%v: %v, want a fault that says %q", tc.photo, err, tc.faults)
		}
	}
	if all, err := p.Gallery(); err != nil || len(all.People) != 6 || len(all.Confusions) != 0 {
		t.Errorf("the gallery has %+v, %v", all, err)
	}
	if out, stderr, code := c.run("faces", "list"); code != 0 || strings.Count(out, "\n") != 7 {
		t.Errorf("the command line lists\n%s%s", out, stderr)
	}
}
