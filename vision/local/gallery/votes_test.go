package gallery_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/timeline"
	"spotter/vision/local/gallery"
)

// lookAt is a look at somebody's face: how similar it is to that of axis 1, and of whom the rest of it is.
type lookAt struct {
	at         timeline.Position
	similarity float64
	rest       int
}

func (l lookAt) embedding() []float32 {
	e := like(map[int]float64{1: l.similarity})
	e[127], e[l.rest] = 0, e[127]
	return e
}

func TestVotes(t *testing.T) {
	const yes, no = "Ann", ""
	one := func(similarities ...float64) (list []lookAt) {
		for i, s := range similarities {
			list = append(list, lookAt{timeline.Position(i) * 500, s, 100})
		}
		return list
	}
	for name, tc := range map[string]struct {
		looks []lookAt
		want  []string
	}{
		// MobileFaceNet on every 15th frame of the kit's short_hamilton_clip.mp4, third shot.
		"the kit's clip": {
			one(0.56, 0.45, 0.35, 0.51, 0.64, 0.60, 0.42, 0.51, 0.58),
			[]string{yes, yes, no, yes, yes, yes, yes, yes, yes},
		},
		"a wrong one-off":                 {one(0.1, 0.2, 0.41, 0.15, 0.2), []string{no, no, no, no, no}},
		"a wrong one-off and nothing":     {one(0.41), []string{no}},
		"weak twice":                      {one(0.42, 0.41), []string{no, yes}},
		"weak twice with another between": {one(0.42, 0.30, 0.41), []string{no, no, yes}},
		"weak twice with two between":     {one(0.42, 0.30, 0.30, 0.41), []string{no, no, no, no}},
		"strong at once":                  {one(0.51), []string{yes}},
		"unknown among known":             {one(0.6, 0.6, 0.39, 0.6), []string{yes, yes, no, yes}},
		"long ago":                        {[]lookAt{{0, 0.6, 100}, {5_001, 0.45, 100}}, []string{yes, no}},
		"just in time":                    {[]lookAt{{0, 0.6, 100}, {5_000, 0.45, 100}}, []string{yes, yes}},
		"positions that step back":        {[]lookAt{{9_000, 0.6, 100}, {1_000, 0.45, 100}, {2_000, 0.45, 100}}, []string{yes, no, yes}},
		"two faces of one picture":        {[]lookAt{{0, 0.45, 100}, {0, 0.45, 101}}, []string{no, no}},
		"somebody else's weak look":       {[]lookAt{{0, 0.41, 100}, {500, 0.41, 101}}, []string{no, no}},
		"two faces over two pictures": {
			[]lookAt{{0, 0.45, 100}, {0, 0.1, 101}, {500, 0.1, 101}, {500, 0.45, 100}},
			[]string{no, no, no, yes},
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := open(t, t.TempDir())
			add(t, g, person("Ann", face("1", axis(1))))
			add(t, g, person("Bob", face("2", axis(2))))
			v := gallery.NewVotes(g, model.Threshold)
			var got []string
			for _, l := range tc.looks {
				who, _, ok := v.Name(l.at, l.embedding())
				if ok != (who.Name != "") {
					t.Errorf("%v but %v", who, ok)
				}
				got = append(got, who.Name)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestVotesAreBounded follows a crowd, in which the last faces still get their votes.
func TestVotesAreBounded(t *testing.T) {
	g := open(t, t.TempDir())
	add(t, g, person("Ann", face("1", axis(1))))
	v := gallery.NewVotes(g, model.Threshold)
	crowd := func(at timeline.Position) {
		for i := 2; i < 120; i++ {
			v.Name(at, axis(i))
		}
	}
	crowd(0)
	if _, _, ok := v.Name(0, lookAt{0, 0.45, 125}.embedding()); ok {
		t.Error("named by one weak look")
	}
	if _, _, ok := v.Name(500, lookAt{0, 0.45, 125}.embedding()); !ok {
		t.Error("not named by two")
	}
	crowd(600)
}

// TestVotesOnPictures gives whole pictures, in which there are several faces.
func TestVotesOnPictures(t *testing.T) {
	g := open(t, t.TempDir())
	add(t, g, person("Ann", face("1", axis(1))))
	add(t, g, person("Bob", face("2", axis(2))))
	asked := 0
	v := gallery.NewVotes(counted{g, &asked}, model.Threshold)
	bob := like(map[int]float64{2: 0.8})
	for _, p := range []struct {
		at    timeline.Position
		faces [][]float32
		want  []string
	}{
		{0, nil, nil},
		{1000, [][]float32{axis(9), lookAt{0, 0.45, 100}.embedding(), bob}, []string{"", "", "Bob"}},
		{2000, [][]float32{bob, axis(9), lookAt{0, 0.46, 100}.embedding()}, []string{"Bob", "", "Ann"}},
		{2500, [][]float32{lookAt{0, 0.30, 100}.embedding()}, []string{""}}, // she turned away
		{3000, [][]float32{axis(1), lookAt{0, 0.60, 50}.embedding(), axis(9), axis(10)}, []string{"Ann", "Ann", "", ""}},
		{9001, [][]float32{lookAt{0, 0.30, 100}.embedding()}, []string{""}},
	} {
		asked = 0
		var got []string
		for _, f := range p.faces {
			who, _, _ := v.Name(p.at, f)
			got = append(got, who.Name)
		}
		if diff := cmp.Diff(p.want, got); diff != "" {
			t.Errorf("at %v (-want +got):\n%s", p.at, diff)
		}
		if asked != len(p.faces) {
			t.Errorf("at %v: asked %d times for %d faces", p.at, asked, len(p.faces))
		}
	}
}

type counted struct {
	gallery.Namer
	asked *int
}

func (c counted) Name(embedding []float32) (timeline.Entity, float64, bool) {
	*c.asked++
	return c.Namer.Name(embedding)
}
