package vision

import (
	"cmp"
	"slices"

	"spotter/timeline"
)

const (
	// mostExemplars bounds the views of a person that are kept, the most different ones.
	mostExemplars = 8
	// sameExemplar is the similarity from which a view is none but what is kept already.
	sameExemplar = 0.9
	// A face that the cloud did not know is worth asking about again where it is clearer by a factor in size or
	// sharpness, and mostAsked times in all.
	clearer   = 1.5
	mostAsked = 3
)

// identity is one person of the event, or what passes for one.
type identity struct {
	exemplars [][]float32     // embeddings, the most different ones
	who       timeline.Entity // whom the cloud named; without a name if it did not
	met       uint64          // by the clock
	offered   quality         // of the faces that Meet called fresh
	asked     quality         // of the faces that the cloud did not know
}

// quality is how often a person's face was shown to somebody, and the best of it.
type quality struct {
	times           int
	side, sharpness float64
}

// worth reports whether showing the face may bring more than what was shown before.
func (q *quality) worth(f *Face) bool {
	if q.times == 0 {
		return true
	}
	return q.times < mostAsked && (side(f) >= clearer*q.side || f.Sharpness >= clearer*q.sharpness)
}

func (q *quality) add(f *Face) {
	q.times++
	q.side, q.sharpness = max(q.side, side(f)), max(q.sharpness, f.Sharpness)
}

// side returns the longer side of a face's box.
func side(f *Face) float64 { return max(f.Box.Width, f.Box.Height) }

// placed is where an identity was in a picture.
type placed struct {
	box Box
	who *identity
}

// offer reports whether the face is worth asking about, and takes it that it will be.
func (p *identity) offer(f *Face) bool {
	if p.who.Name != "" || !p.offered.worth(f) || !p.asked.worth(f) {
		return false
	}
	p.offered.add(f)
	return true
}

// similarity returns how like the embedding is to the nearest view, a cosine.
func (p *identity) similarity(embedding []float32) float64 {
	best := -1.0
	for _, view := range p.exemplars {
		best = max(best, cosine(view, embedding))
	}
	return best
}

// learn keeps a view of the person. Where there are too many, one of the two most alike goes: that which is more like
// the others.
func (p *identity) learn(embedding []float32) {
	if p.similarity(embedding) >= sameExemplar {
		return
	}
	p.exemplars = append(p.exemplars, slices.Clone(embedding))
	if len(p.exemplars) <= mostExemplars {
		return
	}
	var sums [mostExemplars + 1]float64
	var a, b int
	closest := -2.0
	for i := range p.exemplars {
		for j := range i {
			s := cosine(p.exemplars[i], p.exemplars[j])
			sums[i] += s
			sums[j] += s
			if s > closest {
				closest, a, b = s, i, j
			}
		}
	}
	if sums[b] > sums[a] {
		a = b
	}
	p.exemplars = slices.Delete(p.exemplars, a, a+1)
}

// cosine returns the similarity of two embeddings of L2 norm 1; those of different networks are not alike.
func cosine(a, b []float32) float64 {
	if len(a) != len(b) {
		return -1
	}
	var s0, s1, s2, s3 float32 // four sums do not wait for each other
	for len(a) >= 4 && len(b) >= 4 {
		s0 += a[0] * b[0]
		s1 += a[1] * b[1]
		s2 += a[2] * b[2]
		s3 += a[3] * b[3]
		a, b = a[4:], b[4:]
	}
	for i, v := range a {
		s0 += v * b[i]
	}
	return float64(s0 + s1 + s2 + s3)
}

// telling reports whether a face has an embedding that can be compared.
func telling(f *Face) bool {
	norm := cosine(f.Embedding, f.Embedding)
	return norm > 0.9 && norm < 1.1
}

// same reports whether two are one: by id where both have one, else by name.
func same(a, b *timeline.Entity) bool {
	if a.ID != "" && b.ID != "" {
		return a.ID == b.ID
	}
	return a.Name == b.Name
}

// byBox returns for each face whom the cloud named in its place. The two draw boxes of different shapes, so faces belong
// together where the centre of one lies in the other, those with the largest overlap first.
func byBox(faces []Face, cloud []NamedFace) []timeline.Entity {
	type pair struct {
		face, cloud int
		overlap     float64
	}
	var pairs []pair
	for i := range faces {
		for j := range cloud {
			b, c := faces[i].Box, cloud[j].Box
			if o := b.Overlap(c); o > 0 && (b.holdsCentre(c) || c.holdsCentre(b)) {
				pairs = append(pairs, pair{i, j, o})
			}
		}
	}
	slices.SortStableFunc(pairs, func(a, b pair) int { return cmp.Compare(b.overlap, a.overlap) })
	whose := make([]timeline.Entity, len(faces))
	placed, used := make([]bool, len(faces)), make([]bool, len(cloud))
	for _, p := range pairs {
		if !placed[p.face] && !used[p.cloud] {
			placed[p.face], used[p.cloud] = true, true
			whose[p.face] = cloud[p.cloud].Who
		}
	}
	return whose
}

// holdsCentre reports whether the centre of c lies in b.
func (b Box) holdsCentre(c Box) bool {
	x, y := c.Left+c.Width/2, c.Top+c.Height/2
	return x >= b.Left && x <= b.Left+b.Width && y >= b.Top && y <= b.Top+b.Height
}
