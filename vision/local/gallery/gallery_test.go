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

	"spotter/timeline"
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

func TestName(t *testing.T) {
	g := open(t, t.TempDir())
	add(t, g, gallery.Person{Name: "Ann", URLs: []string{"a.example"}, Faces: []gallery.Face{face("1", axis(1)), face("2", axis(2))}})
	add(t, g, person("Bob", face("3", axis(3))))
	add(t, g, person("Cid", gallery.Face{Model: "sface", Version: model.Version, Embedding: axis(4)}))
	add(t, g, person("Dee", gallery.Face{Model: model.Name, Version: "older", Embedding: axis(5)}))
	for name, tc := range map[string]struct {
		embedding  []float32
		similarity float64
		want       timeline.Entity
	}{
		"the same":                  {axis(3), 1, timeline.Entity{Name: "Bob", ID: "bob", Confidence: 100}},
		"any length":                {like(map[int]float64{2: 0.7}), 0.7, timeline.Entity{Name: "Ann", ID: "ann", URLs: []string{"a.example"}, Confidence: 99.8}},
		"at the threshold":          {like(map[int]float64{3: 0.401}), 0.401, timeline.Entity{Name: "Bob", ID: "bob", Confidence: 50.5}},
		"below it":                  {like(map[int]float64{3: 0.39}), 0.39, timeline.Entity{}},
		"two faces of one person":   {like(map[int]float64{1: 0.6, 2: 0.59}), 0.6, timeline.Entity{Name: "Ann", ID: "ann", URLs: []string{"a.example"}, Confidence: 98.2}},
		"two people":                {like(map[int]float64{1: 0.6, 3: 0.57}), 0.6, timeline.Entity{}},
		"clearly one of the two":    {like(map[int]float64{1: 0.6, 3: 0.5}), 0.6, timeline.Entity{Name: "Ann", ID: "ann", URLs: []string{"a.example"}, Confidence: 98.2}},
		"of another model":          {axis(4), 0, timeline.Entity{}},
		"of another version":        {axis(5), 0, timeline.Entity{}},
		"of another length":         {[]float32{0, 0, 0, 1}, 0, timeline.Entity{}},
		"no direction":              {make([]float32, 128), 0, timeline.Entity{}},
		"none":                      {nil, 0, timeline.Entity{}},
		"the opposite of everybody": {like(map[int]float64{1: -0.5, 2: -0.5, 3: -0.5}), -0.5, timeline.Entity{}},
	} {
		t.Run(name, func(t *testing.T) {
			for i := range tc.embedding {
				tc.embedding[i] *= 3
			}
			got, similarity, ok := g.Name(tc.embedding)
			if ok != (tc.want.Name != "") || math.Abs(similarity-tc.similarity) > 1e-6 {
				t.Errorf("similarity %v, %v; want %v", similarity, ok, tc.similarity)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	var unused []string
	for _, err := range g.Unused() {
		unused = append(unused, err.Error())
	}
	if diff := cmp.Diff([]string{
		"Cid (cid) was enrolled for sface e0974ec4c84a, whose embeddings mobilefacenet cannot compare: add the photos again",
		"Dee (dee) was enrolled for mobilefacenet older, whose embeddings mobilefacenet cannot compare: add the photos again",
	}, unused); diff != "" {
		t.Errorf("unused (-want +got):\n%s", diff)
	}
}

func TestConfidence(t *testing.T) {
	for similarity, want := range map[float64]float64{-1: 0, 0: 0, 0.2: 1.8, 0.4: 50, 0.6: 98.2, 1: 100, 1.0001: 100} {
		if got := gallery.Confidence(similarity, 0.4); got != want {
			t.Errorf("confidence of %v is %v, want %v", similarity, got, want)
		}
	}
	last := -1.0
	for s := -1.0; s <= 1; s += 0.001 {
		if c := gallery.Confidence(s, 0.363); c < last {
			t.Fatalf("confidence of %v is %v, below %v", s, c, last)
		} else {
			last = c
		}
	}
}

func TestCheck(t *testing.T) {
	g := open(t, t.TempDir())
	ann := add(t, g, person("Ann", face("1", axis(1)), face("2", axis(2))))
	add(t, g, person("Bob", face("3", like(map[int]float64{1: 0.45, 2: 0.5}))))
	add(t, g, person("Cid", face("4", like(map[int]float64{2: 0.6}))))
	add(t, g, person("Dee", face("5", like(map[int]float64{2: 0.39}))))
	var got []string
	for _, c := range g.Check(ann) {
		got = append(got, c.String())
	}
	want := []string{
		"Ann (ann) may be taken for Cid (cid): their faces are similar by 0.60",
		"Ann (ann) may be taken for Bob (bob): their faces are similar by 0.50",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
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

func BenchmarkName(b *testing.B) {
	g := open(b, b.TempDir())
	for i := range 1000 {
		add(b, g, person(fmt.Sprint("Person ", i), face("1", axis(i%127)), face("2", like(map[int]float64{i % 120: 0.5}))))
	}
	e := like(map[int]float64{5: 0.6})
	b.ReportAllocs()
	for b.Loop() {
		g.Name(e)
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

func TestSimilarity(t *testing.T) {
	for name, tc := range map[string]struct {
		a, b []float32
		want float64
	}{
		"same":          {[]float32{0.6, 0.8}, []float32{0.6, 0.8}, 1},
		"another size":  {[]float32{0.6, 0.8}, []float32{3, 4}, 1},
		"opposite":      {[]float32{1, 0}, []float32{-1, 0}, -1},
		"unrelated":     {[]float32{1, 0}, []float32{0, 1}, 0},
		"of two models": {[]float32{1, 0}, []float32{1}, 0},
		"nothing":       {nil, nil, 0},
	} {
		if got := gallery.Similarity(tc.a, tc.b); math.Abs(got-tc.want) > 1e-6 {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}
