package gallery_test

import (
	"context"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/timeline"
	"spotter/vision/local/gallery"
)

func TestNamed(t *testing.T) {
	u := unknowns(t, unknownFile(t), model)
	see := func(media string, at timeline.Position, similarity float64) {
		t.Helper()
		if _, err := u.Add(media, at, lookAt{at, similarity, 100}.embedding()); err != nil {
			t.Fatal(err)
		}
	}
	see("cup", 9_000, 0.45)  // weak, but strong after it
	see("cup", 10_000, 0.60) // strong
	see("cup", 10_500, 0.35) // too unlike
	see("cup", 11_000, 0.42) // weak, but strong before it
	see("cup", 30_000, 0.45) // weak alone
	see("derby", 9_500, 0.45)
	g := open(t, t.TempDir())
	if list := u.Named(t.Context(), g); list != nil {
		t.Errorf("an empty gallery names %v", list)
	}
	before := g.Version()
	add(t, g, person("Ann", face("1", axis(1))))
	if g.Version() == before {
		t.Error("the gallery has the same version as before")
	}
	var got []string
	list := u.Named(t.Context(), g)
	for _, n := range list {
		got = append(got, n.Media+" "+n.Position.String()+" "+n.Who.Name+" "+n.ID)
	}
	want := []string{"cup 10.0 Ann unknown-1", "cup 9.0 Ann unknown-1", "cup 11.0 Ann unknown-1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	if list := u.Named(stopped, g); list != nil {
		t.Errorf("stopped, but named %v", list)
	}
	if err := u.Drop(list); err != nil {
		t.Fatal(err)
	}
	if list := u.Named(t.Context(), g); list != nil || u.Len() != 3 {
		t.Errorf("%d left, and named again: %v", u.Len(), list)
	}
}

func TestVersion(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/damaged.json", "{")
	g := open(t, dir)
	first := g.Version()
	if _, err := g.Remove("nobody"); err == nil || g.Version() != first {
		t.Errorf("version %d after nothing changed, was %d", g.Version(), first)
	}
	ann := add(t, g, person("Ann", face("1", axis(1))))
	second := g.Version()
	add(t, g, person("Ann", face("2", axis(2))))
	third := g.Version()
	if _, err := g.Remove(ann.ID); err != nil {
		t.Fatal(err)
	}
	if fourth := g.Version(); first >= second || second >= third || third >= fourth {
		t.Errorf("versions %d, %d, %d, %d do not rise", first, second, third, fourth)
	}
}

func TestPortraits(t *testing.T) {
	looks := func(similarities ...float64) (list [][]float32) {
		for i, s := range similarities {
			list = append(list, lookAt{0, s, 20 + i}.embedding())
		}
		return list
	}
	for name, tc := range map[string]struct {
		looks [][]float32
		want  int
	}{
		"one":                      {looks(1), 1},
		"all alike":                {looks(1, 0.9, 0.8, 0.9), 1},
		"one of them different":    {looks(1, 0.9, 0.9, 0.9, 0.45), 2},
		"somebody else in between": {looks(1, 0.9, 0.9, 0.9, 0.1), 1},
		"more than are taken":      {looks(1, .42, .42, .42, .42, .42, .42, .42, .42, .42, .42, .42, .42), 8},
		"none":                     {nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			p := gallery.Unknown{ID: "unknown-1", Embeddings: tc.looks}
			got := p.Portraits(model)
			if len(got) != tc.want {
				t.Fatalf("%d portraits, want %d", len(got), tc.want)
			}
			if len(got) == 0 {
				return
			}
			// All of them are kept, and whoever is enrolled by them is named.
			g := open(t, t.TempDir())
			ann := add(t, g, person("Ann", face("1", axis(99))))
			ann = add(t, g, gallery.Person{ID: ann.ID, Name: "Ann", Faces: got})
			if n := ann.Uses(model); n != 1+tc.want {
				t.Errorf("%d faces are kept, want %d", n, 1+tc.want)
			}
			if who, _, ok := g.Name(tc.looks[0]); !ok || who.Name != "Ann" {
				t.Errorf("the first look is of %v", who)
			}
		})
	}
}

func TestConfusions(t *testing.T) {
	g := open(t, t.TempDir())
	for name, faces := range map[string][]gallery.Face{
		"Ann": {face("1", axis(1)), face("2", axis(5))},
		"Bob": {face("3", like(map[int]float64{1: 0.45}))},
		"Cid": {face("4", axis(2))},
		"Dee": {face("5", lookAt{0, 0.3, 50}.embedding())},
		"Eve": {face("6", like(map[int]float64{2: 0.9}))},
	} {
		add(t, g, person(name, faces...))
	}
	var got []string
	for _, c := range g.Confusions() {
		got = append(got, c.Person.Name+" "+c.Other.Name+" "+strconv.FormatFloat(c.Similarity, 'f', 2, 64))
	}
	if diff := cmp.Diff([]string{"Cid Eve 0.90", "Ann Bob 0.45"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	ann, err := g.Find("Ann")
	if err != nil {
		t.Fatal(err)
	}
	faces, similarity := ann.Misfits(model)
	if len(faces) != 2 || similarity[0] != 0 || faces[0].Photo != "1" {
		t.Errorf("misfits %v, %v", faces, similarity)
	}
	cid, err := g.Find("Cid")
	if err != nil {
		t.Fatal(err)
	}
	if faces, _ := cid.Misfits(model); faces != nil {
		t.Errorf("misfits of one photo: %v", faces)
	}
}
