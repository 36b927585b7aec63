package timeline

// Look is what is on screen in a window, as Timeline.Look finds it, and the room that it needs for that. It is made to be
// used again: the zero Look is ready, and one that was used before makes no garbage.
type Look struct {
	Celebrities []Sighting
	Objects     []Sighting
	Breaks      []Break

	celebrities, objects memory
}

// Sighting is one distinct entity of a window.
type Sighting struct {
	// Known is the entity as the answer of the highest confidence tells of it.
	*Known
	// Confidence of that answer, 0 to 100, and where it came from.
	Confidence float64
	Source     string
	// Span is from where the entity was first to where it was last seen, cut to the window.
	Span

	key key // of Known
}

// Look fills l, whose slices are used again, with the distinct celebrities and objects of the observations that meet the
// closed window [w.From, w.Until], in the order in which they were first seen, and with the breaks that meet it, uncut.
func (t *Timeline) Look(l *Look, w Span) {
	l.Celebrities, l.Objects = l.Celebrities[:0], l.Objects[:0]
	l.Breaks = t.breaks.appendMeeting(l.Breaks[:0], w)
	l.celebrities.clear()
	l.objects.clear()
	for i := t.next(0, w); i >= 0; i = t.next(i+1, w) {
		b := t.index[i].block
		for j := b.first(w); j < len(b.scenes); j++ {
			s := &b.scenes[j]
			if s.From > w.Until {
				break
			}
			if s.Until <= w.From {
				continue
			}
			cut := s.Cut(w)
			l.Celebrities = l.celebrities.add(l.Celebrities, t.known, b.mentions[s.celebrities:s.objects], cut, s.source)
			l.Objects = l.objects.add(l.Objects, t.known, b.mentions[s.objects:s.end], cut, s.source)
		}
	}
}

// memory remembers where in a list of sightings entities were found to belong. What it forgot, or has no room for, is
// looked for again.
type memory struct {
	era    uint64 // of the places that are right
	places [256]place
	// names and ids tell of most entities that are not in the list that they are not.
	names, ids sieve
}

type place struct {
	era    uint64
	entity uint32
	at     uint32
}

// sieve is a set of numbers that may have more than were put in.
type sieve [4]uint64

func (s *sieve) put(n uint32)      { s[n/64%4] |= 1 << (n % 64) }
func (s *sieve) has(n uint32) bool { return s[n/64%4]>>(n%64)&1 != 0 }

// forget makes all places wrong.
func (m *memory) forget() { m.era++ }

// clear is for an empty list.
func (m *memory) clear() {
	m.forget()
	m.names, m.ids = sieve{}, sieve{}
}

// add adds what one scene shows to the list.
func (m *memory) add(list []Sighting, known []*Known, scene []mention, cut Span, source string) []Sighting {
	for i := range scene {
		e := &scene[i]
		p := &m.places[e.entity%uint32(len(m.places))]
		if p.era != m.era || p.entity != e.entity {
			k := known[e.entity]
			at := m.find(list, k.key)
			*p = place{m.era, e.entity, uint32(at)}
			if at == len(list) {
				m.names.put(k.key.name)
				m.ids.put(k.key.id)
				list = append(list, Sighting{k, e.confidence, source, cut, k.key})
				continue
			}
		}
		s := &list[p.at]
		s.From, s.Until = min(s.From, cut.From), max(s.Until, cut.Until)
		if e.confidence > s.Confidence {
			s.Confidence, s.Source = e.confidence, source
			if s.index != e.entity {
				m.rename(s, known[e.entity])
			}
		}
	}
	return list
}

// rename says in other words who was seen. Where these are another name or id, others than before may belong to it.
func (m *memory) rename(s *Sighting, k *Known) {
	if s.key != k.key {
		m.forget()
		m.names.put(k.key.name)
		m.ids.put(k.key.id)
	}
	s.Known, s.key = k, k.key
}

// find returns the index of the first sighting that is of the same entity, or the list's length.
func (m *memory) find(list []Sighting, k key) int {
	if !m.names.has(k.name) && (k.id == 0 || !m.ids.has(k.id)) {
		return len(list)
	}
	for i := range list {
		if list[i].key.same(k) {
			return i
		}
	}
	return len(list)
}
