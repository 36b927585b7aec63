package gallery_test

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/vision/local/gallery"
)

// model has the threshold of MobileFaceNet.
var model = gallery.Model{Name: "mobilefacenet", Version: "e0974ec4c84a", Threshold: 0.40}

// axis is an embedding that is unlike that of any other axis.
func axis(i int) []float32 {
	e := make([]float32, 128)
	e[i] = 1
	return e
}

// like is an embedding with a similarity to each of several axes; the rest of it is unlike any of them.
func like(similarity map[int]float64) []float32 {
	e, rest := make([]float32, 128), 1.0
	for i, s := range similarity {
		e[i] = float32(s)
		rest -= s * s
	}
	e[127] = float32(math.Sqrt(rest))
	return e
}

func face(photo string, embedding []float32) gallery.Face {
	return gallery.Face{Model: model.Name, Version: model.Version, Photo: photo, Embedding: embedding}
}

func person(name string, faces ...gallery.Face) gallery.Person {
	return gallery.Person{Name: name, Faces: faces}
}

func open(t testing.TB, dir string) *gallery.Gallery {
	t.Helper()
	g, err := gallery.Open(dir, model)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func add(t testing.TB, g *gallery.Gallery, p gallery.Person) gallery.Person {
	t.Helper()
	p, err := g.Add(p)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAdd(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "gallery")
	g := open(t, dir)
	if list := g.List(); len(list) != 0 {
		t.Errorf("a folder that is not there has %v", list)
	}
	ann := add(t, g, gallery.Person{Name: "  Ann   Lee ", URLs: []string{"a.example"}, Faces: []gallery.Face{face("1", axis(1))}})
	add(t, g, gallery.Person{Name: "ann lee", URLs: []string{"a.example", "b.example"}, Faces: []gallery.Face{face("1", axis(2)), face("2", axis(3))}})
	other := add(t, g, gallery.Person{Name: "Ann Lee", ID: "nm7", Faces: []gallery.Face{face("3", axis(4))}})
	add(t, g, person("Ann-Lee", face("4", axis(5))))
	add(t, g, person("王菲", face("5", axis(6))))
	want := []gallery.Person{
		{ID: "ann-lee", Name: "Ann Lee", URLs: []string{"a.example", "b.example"}, Faces: []gallery.Face{face("1", axis(1)), face("2", axis(3))}},
		{ID: "nm7", Name: "Ann Lee", Faces: []gallery.Face{face("3", axis(4))}},
		{ID: "ann-lee-2", Name: "Ann-Lee", Faces: []gallery.Face{face("4", axis(5))}},
		{ID: "王菲", Name: "王菲", Faces: []gallery.Face{face("5", axis(6))}},
	}
	for name, g := range map[string]*gallery.Gallery{"same": g, "opened again": open(t, dir)} {
		if diff := cmp.Diff(want, g.List()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if !ann.Has("1", model) || ann.Has("2", model) || ann.Has("1", gallery.Model{Name: "sface"}) || other.Uses(model) != 1 {
		t.Errorf("%+v has the wrong photos", ann)
	}
	if _, err := g.Find("ANN LEE"); !errors.Is(err, gallery.ErrAmbiguous) || !strings.Contains(err.Error(), "ann-lee, nm7") {
		t.Errorf("err = %v, want ErrAmbiguous with the ids", err)
	}
	if _, err := g.Add(person("Ann Lee", face("9", axis(9)))); !errors.Is(err, gallery.ErrAmbiguous) {
		t.Errorf("err = %v, want ErrAmbiguous", err)
	}
	if _, err := g.Remove("nobody"); !errors.Is(err, gallery.ErrNobody) {
		t.Errorf("err = %v, want ErrNobody", err)
	}
	if gone, err := g.Remove("nm7"); err != nil || gone.ID != "nm7" {
		t.Errorf("removed %v, %v", gone, err)
	}
	if p, err := g.Find("ann lee"); err != nil || p.ID != "ann-lee" {
		t.Errorf("found %v, %v", p, err)
	}
}

func TestFilesAreTheOwnersAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data", "gallery")
	add(t, open(t, dir), person("Ann", face("1", axis(1))))
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
		if info, err := e.Info(); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s has mode %v, %v", e.Name(), info.Mode(), err)
		}
	}
	if diff := cmp.Diff([]string{".lock", "ann.json"}, names); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder has mode %v, %v", info.Mode(), err)
	}
}

func TestAddRefuses(t *testing.T) {
	good := face("1", axis(1))
	for name, tc := range map[string]struct {
		person gallery.Person
		says   string
	}{
		"no name":               {person(" ", good), "give a name"},
		"control characters":    {person("Ann\x1b[1m", good), "200 bytes of text"},
		"a long name":           {person(strings.Repeat("x", 201), good), "200 bytes of text"},
		"no face":               {person("Ann"), "there is no face"},
		"an id with a slash":    {gallery.Person{Name: "Ann", ID: "../ann", Faces: []gallery.Face{good}}, "letters, digits"},
		"a hidden id":           {gallery.Person{Name: "Ann", ID: ".ann", Faces: []gallery.Face{good}}, "letters, digits"},
		"no id can be made":     {person("!!!", good), "give one"},
		"an address with space": {gallery.Person{Name: "Ann", URLs: []string{"a b"}, Faces: []gallery.Face{good}}, "not an address"},
		"no numbers":            {person("Ann", face("1", nil)), "has 0 numbers"},
		"all zero":              {person("Ann", face("1", make([]float32, 128))), "no direction"},
		"not a number":          {person("Ann", face("1", []float32{float32(math.NaN())})), "no direction"},
		"no model":              {person("Ann", gallery.Face{Embedding: axis(1)}), "no model"},
		"an id that is taken":   {gallery.Person{Name: "Ann", ID: "bob", Faces: []gallery.Face{good}}, "the id bob is Bob"},
	} {
		t.Run(name, func(t *testing.T) {
			g := open(t, t.TempDir())
			add(t, g, person("Bob", good))
			if _, err := g.Add(tc.person); !errors.Is(err, gallery.ErrPerson) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("err = %v, want ErrPerson that says %q", err, tc.says)
			}
			if list := g.List(); len(list) != 1 {
				t.Errorf("the gallery has %v", list)
			}
		})
	}
}

// TestOtherProcesses has an open gallery see within a second what another one does to the folder.
func TestOtherProcesses(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "gallery")
	synctest.Test(t, func(t *testing.T) {
		box, tool := open(t, dir), open(t, dir)
		named := func(i int) string { e, _, _ := box.Name(axis(i)); return e.Name }
		steps := []struct {
			name string
			do   func()
			want []string
		}{
			{"enrolled", func() { add(t, tool, person("Ann", face("1", axis(1)))) }, []string{"Ann", ""}},
			{"another photo", func() { add(t, tool, person("Ann", face("2", axis(2)))) }, []string{"Ann", "Ann"}},
			{"removed", func() {
				if _, err := tool.Remove("Ann"); err != nil {
					t.Fatal(err)
				}
			}, []string{"", ""}},
			{"spoilt", func() {
				add(t, tool, person("Bob", face("1", axis(1))))
				write(t, filepath.Join(dir, "ann.json"), "{")
			}, []string{"Bob", ""}},
			{"mended", func() {
				if err := os.Remove(filepath.Join(dir, "ann.json")); err != nil {
					t.Fatal(err)
				}
			}, []string{"Bob", ""}},
			{"the folder is gone", func() {
				if err := os.RemoveAll(dir); err != nil {
					t.Fatal(err)
				}
			}, []string{"", ""}},
		}
		for _, s := range steps {
			s.do()
			time.Sleep(time.Second)
			if diff := cmp.Diff(s.want, []string{named(1), named(2)}); diff != "" {
				t.Errorf("%s (-want +got):\n%s", s.name, diff)
			}
			if unused := box.Unused(); (len(unused) > 0) != (s.name == "spoilt") {
				t.Errorf("%s: unused %v", s.name, unused)
			}
		}
	})
}

// TestFolderThatCannotBeRead keeps what was known.
func TestFolderThatCannotBeRead(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "gallery")
	synctest.Test(t, func(t *testing.T) {
		g := open(t, dir)
		add(t, g, person("Ann", face("1", axis(1))))
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		write(t, dir, "a file in its place")
		time.Sleep(time.Second)
		if who, _, _ := g.Name(axis(1)); who.Name != "Ann" || len(g.Unused()) != 1 {
			t.Errorf("got %v, unused %v", who, g.Unused())
		}
		if err := os.Remove(dir); err != nil {
			t.Fatal(err)
		}
		add(t, open(t, dir), person("Bob", face("1", axis(1))))
		time.Sleep(time.Second)
		if who, _, _ := g.Name(axis(1)); who.Name != "Bob" || len(g.Unused()) != 0 {
			t.Errorf("got %v, unused %v", who, g.Unused())
		}
	})
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "a file in its place")
	if _, err := gallery.Open(dir, model); err == nil {
		t.Error("a file was opened as a gallery")
	}
}

// TestManyAtOnce has two galleries on one folder enrol the same person, and faces be named meanwhile.
func TestManyAtOnce(t *testing.T) {
	dir := t.TempDir()
	var all sync.WaitGroup
	for i := range 4 {
		g := open(t, dir)
		for j := range 3 {
			all.Go(func() {
				p := person("Ann", face(fmt.Sprint(i, j), axis(3*i+j)))
				if _, err := g.Add(p); err != nil {
					t.Error(err)
				}
				g.Name(axis(1))
				g.Check(p)
			})
		}
	}
	all.Wait()
	if p, err := open(t, dir).Find("ann"); err != nil || len(p.Faces) != 12 {
		t.Errorf("%d faces, %v; want 12", len(p.Faces), err)
	}
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestRootLeavesFilesToTheOwner has what root enrols readable by the box's own user.
func TestRootLeavesFilesToTheOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	data := t.TempDir()
	const owner = 12345
	if err := os.Chown(data, owner, owner); err != nil {
		t.Skip(err)
	}
	dir := filepath.Join(data, "gallery")
	add(t, open(t, dir), person("Ann", face("1", axis(1))))
	for _, path := range []string{dir, filepath.Join(dir, "ann.json"), filepath.Join(dir, ".lock")} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if s := info.Sys().(*syscall.Stat_t); s.Uid != owner || s.Gid != owner {
			t.Errorf("%s belongs to %d:%d", path, s.Uid, s.Gid)
		}
	}
}

func TestRemoveID(t *testing.T) {
	g := open(t, t.TempDir())
	add(t, g, gallery.Person{Name: "bob", ID: "ann", Faces: []gallery.Face{face("1", axis(1))}})
	for _, id := range []string{"bob", "", "../ann", "ann.json"} { // the first is a name
		if _, err := g.RemoveID(id); !errors.Is(err, gallery.ErrNobody) {
			t.Errorf("%q: %v", id, err)
		}
	}
	if gone, err := g.RemoveID("ann"); err != nil || gone.Name != "bob" || len(g.List()) != 0 {
		t.Errorf("removed %v, %v; there are %v", gone.Name, err, g.List())
	}
}
