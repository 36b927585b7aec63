package gallery

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"spotter/timeline"
)

// confusionMargin is by how much the best match must be more similar than any other person. Two people who are that
// close are not told apart, and a wrong name costs more than none. On the kit's photos, with MobileFaceNet, the right
// person is 0.6 ahead of the next at least, and on its clip, with 0.35 against 0.27, still 0.08.
const confusionMargin = 0.05

// snapshot is the folder at one moment. It does not change.
type snapshot struct {
	files   map[string]*file
	people  []Person
	rows    []row // the comparable embeddings; one person's stand together
	unused  []error
	version uint64
}

// row is an embedding of length one, and whose it is.
type row struct {
	person int
	unit   []float32
}

// newSnapshot orders what was read of the folder.
func newSnapshot(files map[string]*file, m Model) *snapshot {
	s := &snapshot{files: files}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if f := files[name]; f.err != nil {
			s.unused = append(s.unused, f.err)
		} else {
			s.people = append(s.people, f.person)
		}
	}
	slices.SortStableFunc(s.people, func(a, b Person) int {
		return cmp.Or(strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), strings.Compare(a.ID, b.ID))
	})
	for i := range s.people {
		p := &s.people[i]
		if p.Uses(m) == 0 {
			s.unused = append(s.unused, fmt.Errorf("%s (%s) was enrolled for %s, whose embeddings %s cannot compare: add the photos again",
				p.Name, p.ID, modelsOf(p), m.Name))
		}
		for _, f := range p.Faces {
			if f.of(m) {
				s.rows = append(s.rows, row{i, unit(f.Embedding)})
			}
		}
	}
	return s
}

// modelsOf names the models that a person was enrolled for.
func modelsOf(p *Person) string {
	var list []string
	for _, f := range p.Faces {
		if name := f.Model + " " + f.Version; !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return strings.Join(list, ", ")
}

// Name returns who a face is by its embedding, how similar it is, -1 to 1, to the nearest of that person's faces, and
// whether that is enough: at least the model's threshold, and more than to any other person by a margin. The entity's
// confidence is Confidence of the similarity. A change of the folder counts within a second. This is the judgement of
// a single look; Votes weighs several.
func (g *Gallery) Name(embedding []float32) (timeline.Entity, float64, bool) {
	g.refresh()
	s := g.now.Load()
	best, similarity, margin := s.nearest(embedding)
	if best < 0 {
		return timeline.Entity{}, 0, false
	}
	if similarity < g.model.Threshold || margin < confusionMargin {
		return timeline.Entity{}, similarity, false
	}
	p := &s.people[best]
	return timeline.Entity{Name: p.Name, ID: p.ID, URLs: p.URLs, Confidence: Confidence(similarity, g.model.Threshold)}, similarity, true
}

// Certain is Name for a single look that has no others to vote with it: the match must be a strong one.
func (g *Gallery) Certain(embedding []float32) (who timeline.Entity, ok bool) {
	who, similarity, ok := g.Name(embedding)
	if !ok || similarity < g.model.Threshold+strongMargin {
		return timeline.Entity{}, false
	}
	return who, true
}

// confidenceSlope is how steeply the confidence rises at the threshold, a unit of similarity. With MobileFaceNet, whose
// threshold lies in the middle between the least similar photos of one person and the most similar of two, those come
// to 94 and 4.
const confidenceSlope = 20

// Confidence maps a cosine similarity to Rekognition's scale of 0 to 100, with one decimal: 50 at the threshold and the
// logistic curve around it, so that it never falls as the similarity rises.
func Confidence(similarity, threshold float64) float64 {
	return math.Round(1000/(1+math.Exp(confidenceSlope*(threshold-similarity)))) / 10
}

// nearest returns the person with the most similar embedding, or -1, and by how much that is more similar than any
// other person's.
func (s *snapshot) nearest(embedding []float32) (best int, similarity, margin float64) {
	length := norm(embedding)
	if length == 0 || math.IsNaN(length) || math.IsInf(length, 0) {
		return -1, 0, 0
	}
	best, similarity = -1, math.Inf(-1)
	second := math.Inf(-1)
	for _, r := range s.rows {
		if len(r.unit) != len(embedding) {
			continue
		}
		switch d := dot(r.unit, embedding) / length; {
		case d > similarity && r.person != best:
			best, similarity, second = r.person, d, similarity
		case d > similarity:
			similarity = d
		case d > second && r.person != best:
			second = d
		}
	}
	if best < 0 {
		return -1, 0, 0
	}
	return best, similarity, similarity - second
}

// Confusion is two people whom the model takes for one another.
type Confusion struct {
	Person, Other Person
	// Similarity is the highest of a face of the one with a face of the other.
	Similarity float64
}

// String says it to the operator.
func (c Confusion) String() string {
	return fmt.Sprintf("%s (%s) may be taken for %s (%s): their faces are similar by %.2f", c.Person.Name, c.Person.ID, c.Other.Name, c.Other.ID, c.Similarity)
}

// Check returns the other people in the gallery who have a face that the model takes for one of p's, the most similar
// first. A face of either is then named only where it is clearly the one and not the other.
func (g *Gallery) Check(p Person) []Confusion {
	g.refresh()
	s := g.now.Load()
	var list []Confusion
	for i := range s.people {
		if other := s.people[i]; other.ID != p.ID {
			if most := likeness(&p, &other, g.model); most >= g.model.Threshold {
				list = append(list, Confusion{Person: p, Other: other, Similarity: most})
			}
		}
	}
	slices.SortStableFunc(list, func(a, b Confusion) int { return cmp.Compare(b.Similarity, a.Similarity) })
	return list
}

// Confusions returns all pairs of people whom the model takes for one another, each once, the most similar first.
func (g *Gallery) Confusions() []Confusion {
	g.refresh()
	s := g.now.Load()
	most := make(map[[2]int]float64)
	for i, a := range s.rows { // people stand in order
		for _, b := range s.rows[:i] {
			if a.person == b.person || len(a.unit) != len(b.unit) {
				continue
			}
			pair := [2]int{b.person, a.person}
			if d := dot(a.unit, b.unit); d >= g.model.Threshold && d > most[pair] {
				most[pair] = d
			}
		}
	}
	var list []Confusion
	for _, pair := range slices.SortedFunc(maps.Keys(most), func(p, q [2]int) int { return slices.Compare(p[:], q[:]) }) {
		list = append(list, Confusion{Person: s.people[pair[0]], Other: s.people[pair[1]], Similarity: most[pair]})
	}
	slices.SortStableFunc(list, func(a, b Confusion) int { return cmp.Compare(b.Similarity, a.Similarity) })
	return list
}

// Misfits returns the faces that the model takes for none of the person's other faces, and how similar each is to the
// nearest of these. A person of whom the model has one face only has none.
func (p *Person) Misfits(m Model) (faces []Face, similarity []float64) {
	for i := range p.Faces {
		if !p.Faces[i].of(m) {
			continue
		}
		most, others := -1.0, 0
		for j := range p.Faces {
			if i != j && p.Faces[j].of(m) {
				most, others = max(most, Similarity(p.Faces[i].Embedding, p.Faces[j].Embedding)), others+1
			}
		}
		if others > 0 && most < m.Threshold {
			faces, similarity = append(faces, p.Faces[i]), append(similarity, most)
		}
	}
	return faces, similarity
}

// likeness returns the highest similarity of two people's faces, -1 where they cannot be compared.
func likeness(p, q *Person, m Model) float64 {
	most := -1.0
	for _, a := range p.Faces {
		for _, b := range q.Faces {
			if a.of(m) && b.of(m) {
				most = max(most, Similarity(a.Embedding, b.Embedding))
			}
		}
	}
	return most
}

// Similarity returns the cosine of the angle between two embeddings, -1 to 1; 0 for such as cannot be compared.
func Similarity(a, b []float32) float64 {
	if len(a) != len(b) {
		return 0
	}
	if s := dot(a, b) / (norm(a) * norm(b)); !math.IsNaN(s) {
		return s
	}
	return 0
}

func dot(a, b []float32) (sum float64) {
	b = b[:len(a)]
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}

func norm(e []float32) float64 { return math.Sqrt(dot(e, e)) }

// unit returns an embedding of length one.
func unit(e []float32) []float32 {
	n := norm(e)
	out := make([]float32, len(e))
	for i := range e {
		out[i] = float32(float64(e[i]) / n)
	}
	return out
}
