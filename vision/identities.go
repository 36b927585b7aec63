package vision

import (
	"slices"
	"sync"

	"spotter/timeline"
)

const (
	// mostPeople bounds the identities of an event; the one met longest ago goes. With mostExemplars at 128 numbers
	// each they take 8 MB at most.
	mostPeople = 2000
	// margin is how much more a face has to be like one identity than like any other to be that one for certain.
	margin = 0.05
	// sureMargin above the threshold, a view is certain enough to be kept as one of that person.
	sureMargin = 0.15
	// turnedMargin below the threshold, a face in the place where a person was in the picture before is that person, seen
	// from another side; samePlace is the least Box.Overlap of the two.
	turnedMargin = 0.15
	samePlace    = 0.4
	// leastWidth is the width of the smallest face that the cloud can name: 40 pixels of 1920 (Amazon Rekognition
	// Developer Guide, "Recommendations for facial comparison input images").
	leastWidth = 0.02
)

// Identities is the memory of one event's faces: who the cloud said they are, so that it need not be asked again. It is
// kept in working memory only, is bounded, and may be used from several goroutines.
type Identities struct {
	threshold float64

	mu       sync.Mutex
	people   []*identity
	clock    uint64   // counts what was met
	previous []placed // faces of the picture before
}

// NewIdentities returns an empty memory. threshold is the cosine from which two faces are one person by the model that
// makes the embeddings, such as 0.363 for SFace.
func NewIdentities(threshold float64) *Identities { return &Identities{threshold: threshold} }

// Cut tells that the scene changed, so that where faces were in the picture before means nothing.
func (m *Identities) Cut() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.previous = nil
}

// Meet takes in the faces of the next sampled picture and reports whether the cloud is worth asking whose they are: the
// event does not know one of them, or the cloud did not and it is clearer now. Without an embedding a face is never
// fresh.
func (m *Identities) Meet(faces []Face) (fresh bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := make([]placed, 0, len(faces))
	var unknown []*Face
	for i := range faces {
		f := &faces[i]
		if !telling(f) {
			continue
		}
		best := m.match(f.Embedding)
		if best.who == nil {
			unknown = append(unknown, f)
			continue
		}
		m.met(best.who)
		if best.clear && (best.similarity >= m.threshold+sureMargin || m.wasAt(f.Box, best.who)) {
			best.who.learn(f.Embedding)
		}
		now = append(now, placed{f.Box, best.who})
		fresh = best.who.offer(f) || fresh
	}
	for _, f := range unknown {
		who := m.turned(f, now)
		if who == nil {
			who = m.add()
		}
		m.met(who)
		who.learn(f.Embedding)
		now = append(now, placed{f.Box, who})
		fresh = who.offer(f) || fresh
	}
	m.previous = now
	return fresh
}

// wasAt reports whether an identity was in this place in the picture before.
func (m *Identities) wasAt(b Box, who *identity) bool {
	return slices.ContainsFunc(m.previous, func(p placed) bool { return p.who == who && p.box.Overlap(b) >= samePlace })
}

// turned returns the identity that was in the face's place in the picture before, if it may be the same person from
// another side, and is not another face of this picture.
func (m *Identities) turned(f *Face, now []placed) *identity {
	var who *identity
	least := samePlace
	for _, p := range m.previous {
		taken := slices.ContainsFunc(now, func(n placed) bool { return n.who == p.who })
		if o := p.box.Overlap(f.Box); o >= least && !taken && p.who.similarity(f.Embedding) >= m.threshold-turnedMargin {
			who, least = p.who, o
		}
	}
	return who
}

// Known returns the celebrities that the cloud has named before among the faces of a picture, each once and most
// confident first, and whether it is worth asking about one of the faces.
func (m *Identities) Known(faces []Face) (celebrities []timeline.Entity, ask bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range faces {
		f := &faces[i]
		if !telling(f) { // nothing here can tell who it is
			ask = ask || f.Box.Width >= leastWidth
			continue
		}
		switch best := m.match(f.Embedding); {
		case best.who == nil || !best.clear:
			ask = true
		case best.who.who.Name != "":
			celebrities = Union(celebrities, []timeline.Entity{best.who.who})
		default:
			ask = ask || best.who.asked.worth(f)
		}
	}
	return celebrities, ask
}

// Learn takes in what the cloud said of a picture in which local models found faces; a must answer for celebrities.
// The cloud's faces are matched with these by their boxes. Where it gives no boxes, one face and one celebrity of whom
// nothing else is known are each other's. A face that it did not name is nobody.
func (m *Identities) Learn(faces []Face, a Answer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	boxed := slices.ContainsFunc(a.Faces, func(f NamedFace) bool { return f.Box.Width > 0 && f.Box.Height > 0 })
	whose, told := byBox(faces, a.Faces), true
	if !boxed {
		whose, told = m.byCount(faces, a.Celebrities)
	}
	for i := range faces {
		f := &faces[i]
		switch who := whose[i]; {
		case !telling(f):
		case who.Name != "":
			m.name(f, who)
		case told:
			m.nobody(f)
		}
	}
}

// byCount returns for each face whom the cloud named, as far as that follows from how many there are, and whether it
// follows that the others are nobody.
func (m *Identities) byCount(faces []Face, celebrities []timeline.Entity) (whose []timeline.Entity, told bool) {
	whose = make([]timeline.Entity, len(faces))
	left := slices.Clone(celebrities)
	var open []int // faces that may be one of those left
	for i := range faces {
		best := m.match(faces[i].Embedding)
		at := -1
		if best.clear {
			at = slices.IndexFunc(left, func(e timeline.Entity) bool { return same(&e, &best.who.who) })
		}
		if at < 0 {
			open = append(open, i)
			continue
		}
		whose[i] = left[at]
		left = slices.Delete(left, at, at+1)
	}
	if len(left) == 1 && len(open) == 1 {
		whose[open[0]] = left[0]
		return whose, true
	}
	return whose, len(left) == 0
}

// name gives a face the name that the cloud said.
func (m *Identities) name(f *Face, who timeline.Entity) {
	best := m.match(f.Embedding)
	p := best.who
	if p == nil || p.who.Name != "" && !same(&p.who, &who) {
		p = m.named(&who, f.Embedding)
	}
	for _, other := range m.people { // the same person under another number
		if other.who.Name == "" && other.similarity(f.Embedding) >= m.threshold+sureMargin {
			other.who = who
		}
	}
	if p.who.Name == "" || who.Confidence > p.who.Confidence {
		p.who = who
	}
	m.met(p)
	p.learn(f.Embedding)
}

// named returns an identity of that name that the face may be one of, or a new one: the face is like nobody, or like
// somebody else, from whom the margin will tell it.
func (m *Identities) named(who *timeline.Entity, embedding []float32) *identity {
	for _, p := range m.people {
		if same(&p.who, who) && p.similarity(embedding) >= m.threshold {
			return p
		}
	}
	return m.add()
}

// nobody notes that the cloud does not know a face. Whom it named before stays named: it saw that face better.
func (m *Identities) nobody(f *Face) {
	best := m.match(f.Embedding)
	p := best.who
	switch {
	case p == nil, p.who.Name != "" && !best.clear:
		p = m.add()
	case p.who.Name != "":
		return
	}
	p.asked.add(f)
	m.met(p)
	p.learn(f.Embedding)
}

// match is whose face an embedding shows.
type match struct {
	who        *identity // nil for nobody who was met
	similarity float64
	clear      bool // nobody of another name is nearly as similar
}

// match returns the identity with the view that is nearest to an embedding, if it is near enough.
func (m *Identities) match(embedding []float32) match {
	best, all := match{similarity: -1}, make([]float64, len(m.people))
	for i, p := range m.people {
		all[i] = p.similarity(embedding)
		if all[i] >= m.threshold && all[i] > best.similarity {
			best.who, best.similarity = p, all[i]
		}
	}
	best.clear = best.who != nil
	for i, p := range m.people {
		if best.clear && all[i] > best.similarity-margin && !same(&p.who, &best.who.who) {
			best.clear = false
		}
	}
	return best
}

// add makes a new identity. The one met longest ago goes where there are too many.
func (m *Identities) add() *identity {
	if len(m.people) == mostPeople {
		oldest := 0
		for i, p := range m.people {
			if p.met < m.people[oldest].met {
				oldest = i
			}
		}
		m.people = slices.Delete(m.people, oldest, oldest+1)
	}
	p := new(identity)
	m.people = append(m.people, p)
	m.met(p)
	return p
}

func (m *Identities) met(p *identity) {
	m.clock++
	p.met = m.clock
}
