package vision_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/timeline"
	"spotter/vision"
)

const alike = 0.40 // the threshold of these tests

// stranger returns the embedding of a person like nobody else: of two, the cosine is within 0.3 of zero.
func stranger(seed int) []float32 {
	r := rand.New(rand.NewPCG(uint64(seed), 1))
	e := make([]float32, 128)
	for i := range e {
		e[i] = float32(r.NormFloat64())
	}
	return unit(e)
}

func unit(e []float32) []float32 {
	var sum float64
	for _, v := range e {
		sum += float64(v) * float64(v)
	}
	for i := range e {
		e[i] /= float32(math.Sqrt(sum))
	}
	return e
}

func dot(a, b []float32) (sum float64) {
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}

// view returns an embedding of the given cosine with e, and otherwise like nobody.
func view(e []float32, cosine float64, seed int) []float32 {
	rest := stranger(1_000_000 + seed)
	along := dot(rest, e)
	for i := range rest {
		rest[i] -= float32(along) * e[i]
	}
	unit(rest)
	out := make([]float32, len(e))
	for i := range out {
		out[i] = float32(cosine)*e[i] + float32(math.Sqrt(1-cosine*cosine))*rest[i]
	}
	return out
}

// between returns an embedding of the given cosines with two that are not alike.
func between(a, b []float32, withA, withB float64) []float32 {
	b = unit(subtract(b, a, dot(a, b)))
	out := make([]float32, len(a))
	rest := stranger(999_999)
	rest = subtract(subtract(rest, a, dot(rest, a)), b, dot(rest, b))
	unit(rest)
	for i := range out {
		out[i] = float32(withA)*a[i] + float32(withB)*b[i] + float32(math.Sqrt(1-withA*withA-withB*withB))*rest[i]
	}
	return out
}

func subtract(a, b []float32, times float64) []float32 {
	out := make([]float32, len(a))
	for i := range out {
		out[i] = a[i] - float32(times)*b[i]
	}
	return out
}

// at returns a face of a size in the middle of a picture, left of it or right of it.
func at(x, side float64, embedding []float32) vision.Face {
	box := vision.Box{Left: x - side/2, Top: 0.4 - side/2, Width: side, Height: side}
	return vision.Face{Box: box, Confidence: 90, Sharpness: 200, Embedding: embedding}
}

func group(faces ...vision.Face) []vision.Face { return faces }

func star(name string, confidence float64) timeline.Entity {
	return timeline.Entity{Name: name, ID: "id-" + name, URLs: []string{"www.example.com/" + name}, Confidence: confidence}
}

// cloudSays is an answer of the cloud, which draws a taller box than the local models, with the names of the faces from
// the first on; an empty one is a face that it does not know.
func cloudSays(faces []vision.Face, who ...timeline.Entity) vision.Answer {
	a := vision.Answer{Source: timeline.SourceRekognition}
	for i, e := range who {
		b := faces[i].Box
		b.Top, b.Height, b.Left, b.Width = b.Top-0.3*b.Height, 1.4*b.Height, b.Left-0.1*b.Width, 1.1*b.Width
		a.Faces = append(a.Faces, vision.NamedFace{Box: b, Who: e})
		if e.Name != "" {
			a.Celebrities = append(a.Celebrities, e)
		}
	}
	return a
}

func wantKnown(t *testing.T, m *vision.Identities, faces []vision.Face, ask bool, names ...string) {
	t.Helper()
	celebrities, got := m.Known(faces)
	var list []string
	for _, c := range celebrities {
		list = append(list, c.Name)
	}
	if d := cmp.Diff(names, list); d != "" || got != ask {
		t.Errorf("ask %v, want %v; names (-want +got):\n%s", got, ask, d)
	}
}

func wantFresh(t *testing.T, m *vision.Identities, fresh bool, faces ...vision.Face) {
	t.Helper()
	if got := m.Meet(faces); got != fresh {
		t.Errorf("fresh %v, want %v", got, fresh)
	}
}

// TestNamedOnce follows one celebrity from the first look on.
func TestNamedOnce(t *testing.T) {
	m := vision.NewIdentities(alike)
	ann := stranger(1)
	first := group(at(0.5, 0.1, ann))
	wantFresh(t, m, true, first...)
	wantFresh(t, m, false, first...) // it is being asked
	wantKnown(t, m, first, true)
	m.Learn(first, cloudSays(first, star("Ann", 91)))
	again := group(at(0.3, 0.15, view(ann, 0.5, 1)))
	wantFresh(t, m, false, again...)
	wantKnown(t, m, again, false, "Ann")
	wantKnown(t, m, group(at(0.3, 0.15, view(ann, 0.3, 2))), true)

	m.Learn(again, cloudSays(again, star("Ann", 98)))
	m.Learn(first, cloudSays(first, star("Ann", 60)))
	if got, _ := m.Known(first); !cmp.Equal(got, []timeline.Entity{star("Ann", 98)}) {
		t.Errorf("got %v, want the cloud's best", got)
	}
	m.Learn(first, cloudSays(first, timeline.Entity{})) // an unlucky look
	wantKnown(t, m, first, false, "Ann")
}

// TestStranger proves that somebody whom the cloud does not know is asked about again only when clearer, three times in all.
func TestStranger(t *testing.T) {
	for name, clearer := range map[string]func(f vision.Face, by float64) vision.Face{
		"larger": func(f vision.Face, by float64) vision.Face { return at(0.5, by*f.Box.Width, f.Embedding) },
		"sharper": func(f vision.Face, by float64) vision.Face {
			f.Sharpness *= by
			return f
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := vision.NewIdentities(alike)
			f, calls := at(0.5, 0.05, stranger(1)), 0
			for look := range 200 {
				now := clearer(f, math.Pow(1.02, float64(look)))
				fresh := m.Meet(group(now))
				if _, ask := m.Known(group(now)); ask != fresh {
					t.Fatalf("look %d: fresh %v, ask %v", look, fresh, ask)
				}
				if fresh {
					calls++
					m.Learn(group(now), cloudSays(nil))
				}
				if want := min(1+look/21, 3); calls != want {
					t.Fatalf("look %d: %d calls, want %d", look, calls, want)
				}
			}
		})
	}
	t.Run("named at last", func(t *testing.T) {
		m := vision.NewIdentities(alike)
		small, large := group(at(0.5, 0.05, stranger(1))), group(at(0.5, 0.2, stranger(1)))
		m.Meet(small)
		m.Learn(small, cloudSays(small, timeline.Entity{}))
		wantKnown(t, m, small, false)
		wantKnown(t, m, large, true)
		m.Learn(large, cloudSays(large, star("Ann", 90)))
		wantKnown(t, m, small, false, "Ann")
	})
}

// TestAskedBeforeMet proves that a face of which the cloud has said that it does not know it is not offered again.
func TestAskedBeforeMet(t *testing.T) {
	m := vision.NewIdentities(alike)
	f := at(0.5, 0.1, stranger(1))
	m.Learn(group(f), cloudSays(group(f), timeline.Entity{}))
	wantFresh(t, m, false, f)
	wantFresh(t, m, true, at(0.5, 0.16, stranger(1)))
}

// TestOnePersonMetAsTwo has a person pass for two, whom one name then joins.
func TestOnePersonMetAsTwo(t *testing.T) {
	m := vision.NewIdentities(alike)
	ann, bea := stranger(1), stranger(2)
	m.Meet(group(at(0.2, 0.1, ann)))
	m.Cut()
	m.Meet(group(at(0.8, 0.1, bea))) // the same one from the other side
	both := group(at(0.5, 0.1, between(ann, bea, 0.62, 0.60)))
	m.Learn(both, cloudSays(both, star("Ann", 90)))
	wantKnown(t, m, both, false, "Ann")
	wantKnown(t, m, group(at(0.8, 0.1, bea)), false, "Ann")
}

// TestCloudAway proves that a face that nobody could ask about is offered no more than three times, and asked about at the
// next chance.
func TestCloudAway(t *testing.T) {
	m := vision.NewIdentities(alike)
	fresh := 0
	for look := range 300 {
		f := group(at(0.5, 0.02*math.Pow(1.01, float64(look)), stranger(1)))
		if m.Meet(f) {
			fresh++
		}
		wantKnown(t, m, f, true)
	}
	if fresh != 3 {
		t.Errorf("fresh %d times, want 3", fresh)
	}
}

func TestWithoutEmbedding(t *testing.T) {
	m := vision.NewIdentities(alike)
	nan := stranger(1)
	nan[5] = float32(math.NaN())
	for name, e := range map[string][]float32{"none": nil, "empty": {}, "not a number": nan, "zero": make([]float32, 128)} {
		t.Run(name, func(t *testing.T) {
			f := group(at(0.5, 0.1, e))
			wantFresh(t, m, false, f...)
			m.Learn(f, cloudSays(f, star("Ann", 90)))
			wantKnown(t, m, f, true)
			wantKnown(t, m, group(at(0.5, 0.019, e)), false)
		})
	}
	if people, _ := m.Size(); people != 0 {
		t.Errorf("%d people of whom nothing is known", people)
	}
	wantKnown(t, m, nil, false)
}

// TestTurning follows a face that turns until it is like itself no more.
func TestTurning(t *testing.T) {
	ann := stranger(1)
	profile := view(ann, 0.3, 1) // like none of the looks before, but for its place
	cases := []struct {
		name  string
		cut   bool
		next  vision.Face
		fresh bool
	}{
		{"in its place", false, at(0.52, 0.1, profile), false},
		{"elsewhere", false, at(0.8, 0.1, profile), true},
		{"after a cut", true, at(0.52, 0.1, profile), true},
		{"somebody else", false, at(0.52, 0.1, view(ann, 0.2, 1)), true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := vision.NewIdentities(alike)
			first := group(at(0.5, 0.1, ann))
			m.Meet(first)
			m.Learn(first, cloudSays(first, star("Ann", 90)))
			if c.cut {
				m.Cut()
			}
			wantFresh(t, m, c.fresh, c.next)
			if c.fresh {
				wantKnown(t, m, group(c.next), true)
			} else {
				wantKnown(t, m, group(c.next), false, "Ann")
				wantKnown(t, m, group(at(0.1, 0.1, view(profile, 0.6, 7))), false, "Ann")
			}
		})
	}
	t.Run("not two at once", func(t *testing.T) {
		m := vision.NewIdentities(alike)
		m.Meet(group(at(0.5, 0.1, ann)))
		wantFresh(t, m, true, at(0.52, 0.1, profile), at(0.55, 0.1, ann))
	})
}

// TestConfusable proves that a face as near to one as to another is not named, and is told apart from then on.
func TestConfusable(t *testing.T) {
	ann, bea := stranger(1), stranger(2)
	both := between(ann, bea, 0.60, 0.57)
	for _, c := range []struct {
		name   string
		second timeline.Entity
		truth  timeline.Entity
		want   []string
	}{
		{"two names", star("Bea", 90), star("Bea", 80), []string{"Bea"}},
		{"a third one", star("Bea", 90), star("Cleo", 80), []string{"Cleo"}},
		{"nobody after all", star("Bea", 90), timeline.Entity{}, nil},
		{"a name and a stranger", timeline.Entity{}, timeline.Entity{}, nil},
		{"one person in two guises", star("Ann", 90), star("Ann", 90), []string{"Ann"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := vision.NewIdentities(alike)
			two := group(at(0.3, 0.1, ann), at(0.7, 0.1, bea))
			m.Meet(two)
			m.Learn(two, cloudSays(two, star("Ann", 90), c.second))
			face := group(at(0.5, 0.1, both))
			if c.second.Name == "Ann" {
				wantKnown(t, m, face, false, "Ann")
				return
			}
			wantKnown(t, m, face, true)
			wantFresh(t, m, false, face...)
			m.Learn(face, cloudSays(face, c.truth))
			wantKnown(t, m, face, false, c.want...)
			wantKnown(t, m, group(two[0]), false, "Ann")
		})
	}
}

// TestWhose matches the cloud's faces with the local ones.
func TestWhose(t *testing.T) {
	ann, bea, tom := stranger(1), stranger(2), stranger(3)
	left, middle, right := at(0.2, 0.1, ann), at(0.28, 0.1, bea), at(0.8, 0.1, tom)
	named := func(box vision.Box, name string) vision.NamedFace {
		return vision.NamedFace{Box: box, Who: star(name, 90)}
	}
	plain := func(names ...string) (a vision.Answer) {
		for _, n := range names {
			a.Celebrities = append(a.Celebrities, star(n, 90))
		}
		return a
	}
	blurred := at(0.5, 0.1, nil)
	cases := []struct {
		name   string
		faces  []vision.Face
		answer vision.Answer
		want   []string // of each face; "?" where it is to be asked about still
	}{
		{"in another order", group(left, middle, right), vision.Answer{Faces: []vision.NamedFace{
			named(right.Box, "Tom"), named(left.Box, "Ann"), named(middle.Box, "Bea"),
		}}, []string{"Ann", "Bea", "Tom"}},
		{"overlapping boxes", group(left, middle), cloudSays(group(left, middle), star("Ann", 90), star("Bea", 90)), []string{"Ann", "Bea"}},
		{"one of two", group(left, right), cloudSays(group(left, right), timeline.Entity{}, star("Tom", 90)), []string{"", "Tom"}},
		{"a face not seen here", group(left), vision.Answer{Faces: []vision.NamedFace{named(right.Box, "Tom")}}, []string{""}},
		{"whole head in the cloud's box", group(left), vision.Answer{Faces: []vision.NamedFace{
			named(vision.Box{Left: 0.1, Top: 0.2, Width: 0.2, Height: 0.4}, "Ann"),
		}}, []string{"Ann"}},
		{"no boxes, one and one", group(left), plain("Ann"), []string{"Ann"}},
		{"no boxes, nobody", group(left, right), plain(), []string{"", ""}},
		{"no boxes, one of two", group(left, right), plain("Ann"), []string{"?", "?"}},
		{"no boxes, two for one", group(left), plain("Ann", "Bea"), []string{"?"}},
		{"no boxes, one of them blurred", group(left, blurred), plain("Ann"), []string{"?", "?"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := vision.NewIdentities(alike)
			m.Meet(c.faces)
			m.Learn(c.faces, c.answer)
			for i, f := range c.faces {
				switch c.want[i] {
				case "?":
					wantKnown(t, m, group(f), true)
				case "":
					wantKnown(t, m, group(f), false)
				default:
					wantKnown(t, m, group(f), false, c.want[i])
				}
			}
		})
	}
	t.Run("no boxes, the other one is known", func(t *testing.T) {
		m := vision.NewIdentities(alike)
		m.Learn(group(left), plain("Ann"))
		m.Learn(group(right, left), plain("Ann", "Tom"))
		wantKnown(t, m, group(right), false, "Tom")
		m.Learn(group(left, middle), plain("Ann"))
		wantKnown(t, m, group(middle), false)
	})
	t.Run("twice in the picture", func(t *testing.T) {
		m := vision.NewIdentities(alike)
		m.Learn(group(left), plain("Ann"))
		wantKnown(t, m, group(left, at(0.8, 0.1, view(ann, 0.7, 1))), false, "Ann")
	})
}
