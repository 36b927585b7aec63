package gallery_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/timeline"
	"spotter/vision/local/gallery"
)

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
