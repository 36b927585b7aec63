package main_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	scale "golang.org/x/image/draw"

	main "spotter/cmd/spotter"

	"spotter/models/onnx"
	"spotter/timeline"

	"spotter/internal/testmedia"
)

// camera is a program with ONNX Runtime beside it, the kit's models in place, and a gallery of its own.
type camera struct {
	t             *testing.T
	program, conf string
	data          string // its data_dir
	library       string // ONNX Runtime's
}

// newCamera pulls models from the kit, or skips the test.
func newCamera(t *testing.T, faces string, pull ...string) *camera {
	t.Helper()
	kit := testmedia.Kit(t, "models")
	library, err := filepath.Abs(filepath.Join("..", "..", ".build", "onnxruntime", onnx.Library))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(library); err != nil {
		t.Skip("no ONNX Runtime: run `make setup`")
	}
	spotter, err := exec.LookPath("spotter")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	c := &camera{
		t: t, program: filepath.Join(dir, "bin", "spotter"), conf: filepath.Join(dir, "spotter.yaml"), data: newData(t), library: library,
	}
	for _, path := range []string{c.program, filepath.Join(dir, ".build", "onnxruntime", onnx.Library)} {
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Link(spotter, c.program); err != nil { // no symbolic link: it is the real place that counts
		t.Skipf("the program cannot be put elsewhere: %v", err)
	}
	if err := os.Symlink(library, filepath.Join(dir, ".build", "onnxruntime", onnx.Library)); err != nil {
		t.Fatal(err)
	}
	write(t, c.conf, config(c.data, "vision: {local: {faces: "+faces+", identities: mobilefacenet, unknown_faces: {keep: 1h}}}"))
	if len(pull) > 0 {
		if _, stderr, code := c.run(append([]string{"models", "pull", "--mirror", kit}, pull...)...); code != 0 {
			t.Fatal(stderr)
		}
	}
	return c
}

// run runs the program.
func (c *camera) run(args ...string) (stdout, stderr string, code int) {
	c.t.Helper()
	cmd := exec.CommandContext(c.t.Context(), c.program, append(args, "--config", c.conf)...)
	cmd.Env = environment(nil)
	var out, complaint strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		ended, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			c.t.Fatal(err)
		}
		code = ended.ExitCode()
	}
	return out.String(), complaint.String(), code
}

// enrol adds photos that are all fit.
func (c *camera) enrol(name string, photos ...string) (stderr string) {
	c.t.Helper()
	_, stderr, code := c.run(append([]string{"faces", "add", name}, photos...)...)
	if code != 0 {
		c.t.Fatalf("%s: exit code %d: %s", name, code, stderr)
	}
	return stderr
}

// enrolKit enrols everybody whom the kit has a photo of.
func (c *camera) enrolKit() {
	c.t.Helper()
	enrol := testmedia.Kit(c.t, "photos", "enrol")
	for name, file := range map[string]string{
		"Lin-Manuel Miranda": "lin-manuel-miranda.png", "Alex Lacamoire": "alex-lacamoire.png", "Joe Biden": "biden.jpg",
		"Kit Harington": "kit-harington.jpg", "Barack Obama": "obama.jpg", "Rose Leslie": "rose-leslie.jpg",
	} {
		if stderr := c.enrol(name, filepath.Join(enrol, file)); stderr != "" {
			c.t.Errorf("%s: %s", name, stderr)
		}
	}
}

// TestAnalyzeNamesPeople has who is in the kit's clip, by its truth: Lin-Manuel Miranda from 3.58 s to 7.884 s, and
// nobody enrolled after that. Alex Lacamoire, in profile before, may be missed.
func TestAnalyzeNamesPeople(t *testing.T) {
	t.Parallel()
	needPictures(t)
	for _, faces := range []string{"yunet", "ultraface"} {
		t.Run(faces, func(t *testing.T) {
			t.Parallel()
			c := newCamera(t, faces, faces, "mobilefacenet", "yolox-nano")
			c.enrolKit()
			a := analyze(t, c.program, "--config", c.conf, testmedia.Kit(t, "videos", "short_hamilton_clip.mp4"))
			if !strings.Contains(a.log, "msg=gallery people=6 model=mobilefacenet") {
				t.Errorf("the log says\n%s", a.log)
			}
			const cut, audience = 3_580, 7_884
			var named timeline.Position
			for _, o := range a.observations {
				for _, e := range o.Celebrities {
					closeUp := o.From >= cut && o.From < audience
					if e.Name != "Lin-Manuel Miranda" && (e.Name != "Alex Lacamoire" || o.From >= cut) || e.Name == "Lin-Manuel Miranda" && !closeUp && o.From >= cut {
						t.Errorf("%v until %v names %+v", o.From, o.Until, e)
					}
					if e.Name == "Lin-Manuel Miranda" && closeUp {
						named += o.Len()
						if e.ID != "lin-manuel-miranda" || e.Confidence < 50 || o.Source != timeline.SourceONNX {
							t.Errorf("%+v by %s", e, o.Source)
						}
					}
				}
			}
			if faces == "yunet" && named < 3_900 {
				t.Errorf("he is named in %v s of 4.3: %+v", named, a.observations)
			}
		})
	}
}

// picture reads a picture of the kit.
func picture(t *testing.T, elem ...string) *image.RGBA {
	t.Helper()
	f, err := os.Open(testmedia.Kit(t, append([]string{"photos"}, elem...)...))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, _, err := image.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	return part(img, img.Bounds())
}

// part returns a part of a picture.
func part(img image.Image, r image.Rectangle) *image.RGBA {
	to := image.NewRGBA(image.Rectangle{Max: r.Size()})
	draw.Draw(to, to.Rect, img, r.Min, draw.Src)
	return to
}

func resize(img image.Image, width, height int) *image.RGBA {
	to := image.NewRGBA(image.Rect(0, 0, width, height))
	scale.BiLinear.Scale(to, to.Rect, img, img.Bounds(), draw.Src, nil)
	return to
}

func writePNG(t *testing.T, path string, img image.Image) {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	write(t, path, b.String())
}

// asJPEG encodes a picture, with an EXIF that says how it is to be turned.
func asJPEG(t *testing.T, img image.Image, orientation uint16, order binary.AppendByteOrder) string {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	tiff := []byte("MM")
	if order.String() == "LittleEndian" {
		tiff = []byte("II")
	}
	u16 := func(v ...uint16) {
		for _, x := range v {
			tiff = order.AppendUint16(tiff, x)
		}
	}
	u16(42)
	tiff = order.AppendUint32(tiff, 8)
	u16(2, 0x010f, 2) // two entries; the maker, in ASCII
	tiff = append(order.AppendUint32(tiff, 2), "x\x00\x00\x00"...)
	u16(0x0112, 3)
	tiff = order.AppendUint32(tiff, 1)
	u16(orientation, 0, 0, 0)
	segment := append([]byte("Exif\x00\x00"), tiff...)
	head := binary.BigEndian.AppendUint16([]byte{0xff, 0xd8, 0xff, 0xe1}, uint16(len(segment)+2))
	return string(head) + string(segment) + b.String()[2:]
}

// TestOrientation has where the corners of a stored picture are to be seen, in the words of the standard.
func TestOrientation(t *testing.T) {
	red, green, blue := color.RGBA{255, 0, 0, 255}, color.RGBA{0, 255, 0, 255}, color.RGBA{0, 0, 255, 255}
	stored := image.NewRGBA(image.Rect(0, 0, 3, 2)) // red at the top left, green right of it, blue below it
	stored.Set(0, 0, red)
	stored.Set(1, 0, green)
	stored.Set(0, 1, blue)
	for orientation, want := range map[int][3]image.Point{ // where red, green and blue are when it stands upright
		0: {{0, 0}, {1, 0}, {0, 1}},
		1: {{0, 0}, {1, 0}, {0, 1}},
		2: {{2, 0}, {1, 0}, {2, 1}}, // "0th row at the top, 0th column at the right"
		3: {{2, 1}, {1, 1}, {2, 0}}, // bottom, right
		4: {{0, 1}, {1, 1}, {0, 0}}, // bottom, left
		5: {{0, 0}, {0, 1}, {1, 0}}, // left, top
		6: {{1, 0}, {1, 1}, {0, 0}}, // right, top
		7: {{1, 2}, {1, 1}, {0, 2}}, // right, bottom
		8: {{0, 2}, {0, 1}, {1, 2}}, // left, bottom
		9: {{0, 0}, {1, 0}, {0, 1}},
	} {
		got := main.Turn(stored, orientation)
		for i, c := range []color.RGBA{red, green, blue} {
			if at := got.RGBAAt(want[i].X, want[i].Y); at != c {
				t.Errorf("orientation %d: %v at %v, want %v", orientation, at, want[i], c)
			}
		}
		for _, order := range []binary.AppendByteOrder{binary.BigEndian, binary.LittleEndian} {
			file := asJPEG(t, stored, uint16(orientation), order)
			if got := main.Orientation([]byte(file)); got != orientation && orientation > 0 && orientation < 9 {
				t.Errorf("%v: orientation %d, want %d", order, got, orientation)
			}
			for n := range len(file) { // cut short, it is read as far as it goes
				main.Orientation([]byte(file[:n]))
			}
		}
	}
}

// TestFacesAddJudgesPhotos has what is said of each photo.
func TestFacesAddJudgesPhotos(t *testing.T) {
	t.Parallel()
	c := newCamera(t, "yunet", "yunet", "mobilefacenet")
	photos, dir := testmedia.Kit(t, "photos"), t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	obama := picture(t, "enrol", "obama.jpg")
	size := obama.Rect.Size()
	face := image.Rect(335, 130, 595, 480) // his, without any room around it

	writePNG(t, at("small.png"), resize(obama, size.X*7/25, size.Y*7/25))
	writePNG(t, at("blurred.png"), resize(resize(obama, size.X/12, size.Y/12), size.X, size.Y))
	writePNG(t, at("tight.png"), part(obama, face))
	write(t, at("turned.jpg"), asJPEG(t, main.Turn(obama, 8), 6, binary.LittleEndian))
	write(t, at("note.txt"), "not a picture")
	write(t, at("torn.jpg"), asJPEG(t, obama, 1, binary.BigEndian)[:30_000])
	bystander := part(obama, obama.Rect)
	draw.Draw(bystander, image.Rect(0, 0, 110, 150), resize(part(picture(t, "enrol", "biden.jpg"), image.Rect(250, 200, 850, 1000)), 110, 150), image.Point{}, draw.Src)
	writePNG(t, at("bystander.png"), bystander)
	testmedia.FFmpeg(t, dir, "-i", filepath.Join(photos, "enrol", "obama.jpg"), "-c:v", "libwebp", "obama.webp")

	for name, tc := range map[string]struct {
		path, says string
		fit        bool
	}{
		"JPEG":           {filepath.Join(photos, "enrol", "obama.jpg"), "fit, the face is 24", true},
		"WebP":           {at("obama.webp"), "fit, the face is 24", true},
		"turned by EXIF": {at("turned.jpg"), "fit, the face is 24", true},
		"a tight crop":   {at("tight.png"), "fit, the face is", true},
		"a bystander":    {at("bystander.png"), "fit, the face is 24", true},
		"nobody":         {filepath.Join(photos, "objects", "bus.jpg"), "", false},
		"a dog":          {filepath.Join(photos, "objects", "dog.jpg"), "no face was found", false},
		"two people":     {filepath.Join(photos, "test", "two_people__obama_biden.jpg"), "there are 2 faces, and it is not clear who is meant: crop it to one", false},
		"a small face":   {at("small.png"), "pixels wide: at least 80 are needed", false},
		"a blurred face": {at("blurred.png"), "the face is blurred: its sharpness is", false},
		"no picture":     {at("note.txt"), "it is not a JPEG, PNG or WebP picture", false},
		"half a picture": {at("torn.jpg"), "the jpeg picture is damaged", false},
		"none":           {at("absent.jpg"), "unfit: no such file or directory", false},
		"a folder":       {dir, "is a directory", false},
	} {
		t.Run(name, func(t *testing.T) {
			stdout, stderr, code := c.run("faces", "add", name, tc.path)
			if tc.fit {
				if code != 0 || stderr != "" && !strings.HasPrefix(stderr, "warning: ") || !strings.Contains(stdout, tc.says) {
					t.Errorf("exit code %d, %s%s; want it to be fit", code, stdout, stderr)
				}
				return
			}
			if code != 1 || !strings.Contains(stderr, tc.says) || !strings.Contains(stderr, "spotter: "+name+" was not enrolled: no photo is fit\n") || stdout != "" {
				t.Errorf("exit code %d, %s%s; want one that says %q", code, stdout, stderr, tc.says)
			}
		})
	}
}

// TestFacesAdd adds photos to somebody, some of which are unfit, there already, or of somebody else.
func TestFacesAdd(t *testing.T) {
	t.Parallel()
	c := newCamera(t, "yunet", "yunet", "mobilefacenet")
	photos := testmedia.Kit(t, "photos")
	enrol := func(name string) string { return filepath.Join(photos, "enrol", name) }
	test := func(name string) string { return filepath.Join(photos, "test", name) }
	steps := []struct {
		args           []string
		stdout, stderr string
		code           int
	}{
		{
			[]string{"Barack Obama", enrol("obama.jpg"), test("two_people__obama_biden.jpg"), enrol("obama.jpg"), "--url", "https://people.example/1", "--id", "bo"},
			"Barack Obama (bo): enrolled by 1, known by 1\n",
			test("two_people__obama_biden.jpg") + ": unfit: there are 2 faces, and it is not clear who is meant: crop it to one\n" +
				enrol("obama.jpg") + ": the same photo as " + enrol("obama.jpg") + "\n", 0,
		},
		{[]string{"Barack Obama", enrol("obama.jpg")}, "", enrol("obama.jpg") + ": is there already\n", 0},
		{[]string{"barack obama", test("obama2.jpg"), enrol("obama.jpg")}, "Barack Obama (bo): enrolled by 1, known by 2\n", enrol("obama.jpg") + ": is there already\n", 0},
		{
			[]string{"Barack Obama", enrol("biden.jpg")},
			"Barack Obama (bo): enrolled by 1, known by 3\n",
			"warning: " + enrol("biden.jpg") + " is unlike every other photo of Barack Obama (0.04): see that it shows the same person\n", 0,
		},
		{
			[]string{"Joe Biden", enrol("biden.jpg")},
			"Joe Biden (joe-biden): enrolled by 1, known by 1\n",
			"warning: Joe Biden (joe-biden) may be taken for Barack Obama (bo): their faces are similar by 1.00: see that both have the right photos, and add more\n", 0,
		},
		{[]string{"Kit Harington", enrol("kit-harington.jpg"), "--id", "bo"}, "", "spotter: wrong usage: add to gallery: \"Kit Harington\" cannot be enrolled: the id bo is Barack Obama: choose another id\n", 2},
		{
			[]string{"Joe Biden", enrol("kit-harington.jpg"), "--id", "j2"},
			"Joe Biden (j2): enrolled by 1, known by 1\n",
			"warning: Joe Biden (j2) has the same name as Joe Biden (joe-biden)\n", 0,
		},
		{[]string{"Joe Biden", enrol("rose-leslie.jpg")}, "", "spotter: wrong usage: \"Joe Biden\" is the name of several people: say which by id, one of j2, joe-biden\n", 2},
		{[]string{"!", enrol("rose-leslie.jpg")}, "", "spotter: wrong usage: add to gallery: \"!\" cannot be enrolled: no id can be made of the name: give one\n", 2},
	}
	for _, s := range steps {
		stdout, stderr, code := c.run(append([]string{"faces", "add"}, s.args...)...)
		for line := range strings.Lines(stdout) {
			if strings.Contains(line, ": fit, the face is ") {
				stdout = strings.Replace(stdout, line, "", 1)
			}
		}
		if diff := cmp.Diff(s.stdout+s.stderr, stdout+stderr); diff != "" || code != s.code {
			t.Errorf("%q: exit code %d, want %d (-want +got):\n%s", s.args, code, s.code, diff)
		}
	}
}

// TestFacesNeedModels says how to get them, and a box without them runs.
func TestFacesNeedModels(t *testing.T) {
	t.Parallel()
	needPictures(t)
	c := newCamera(t, "yunet", "yolox-nano")
	photo := testmedia.Kit(t, "photos", "enrol", "obama.jpg")
	if _, stderr, code := c.run("faces", "add", "Barack Obama", photo); code != 1 || !strings.Contains(stderr, "run `spotter models pull yunet mobilefacenet`") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	a := analyze(t, c.program, "--config", c.conf, testmedia.Kit(t, "videos", "counter.mp4"))
	if n := strings.Count(a.log, "nobody is named locally"); n != 1 {
		t.Errorf("it is said %d times that nobody is named:\n%s", n, a.log)
	}
}
