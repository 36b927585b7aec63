package timeline

// Look is what is on screen in a window, as Timeline.Look finds it, and the room that it needs for that. It is made to be
// used again: the zero Look is ready, and one that was used before makes no garbage.
type Look struct {
	Celebrities []Sighting
	Objects     []Sighting
	Breaks      []Break

	celebrities, objects memory
	read                 uint32 // what block.warm returned
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
	// Hundredths is Confidence in hundredths, rounded; 0 for what is no number or beyond a million.
	Hundredths int32

	number uint32 // of Known
	key    key    // of Known
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
		l.read += b.warm(w)
		for j := b.first(w); j < len(b.scenes); j++ {
			s := &b.scenes[j]
			if s.From > w.Until {
				break
			}
			if s.Until <= w.From {
				continue
			}
			cut, source := s.Cut(w), t.sources[s.source]
			l.Celebrities = l.celebrities.add(l.Celebrities, t.known, b.mentions[s.celebrities:s.objects], cut, source)
			l.Objects = l.objects.add(l.Objects, t.known, b.mentions[s.objects:s.end], cut, source)
		}
	}
}

// memory remembers where in a list of sightings entities were found to belong. What it forgot, or has no room for, is
// looked for again. It is used from its beginning on, so that little of it has to come into the CPU's cache.
type memory struct {
	// names and ids tell of most entities that are not in the list that they are not.
	names, ids sieve
	// slots, of the entities whose numbers end alike, is 1 + the place of the last; 0 where there is none.
	slots  [256]uint8
	used   int // of places
	places [255]place
}

type place struct{ entity, at uint32 }

// sieve is a set of numbers that may have more than were put in.
type sieve [4]uint64

func (s *sieve) put(n uint32)      { s[n/64%4] |= 1 << (n % 64) }
func (s *sieve) has(n uint32) bool { return s[n/64%4]>>(n%64)&1 != 0 }

// forget empties all places.
func (m *memory) forget() {
	m.slots = [256]uint8{}
	m.used = 0
}

// clear is for an empty list.
func (m *memory) clear() {
	m.forget()
	m.names, m.ids = sieve{}, sieve{}
}

// remember puts an entity in a place.
func (m *memory) remember(entity uint32, at int) {
	if m.used == len(m.places) {
		m.forget()
	}
	m.places[m.used] = place{entity, uint32(at)}
	m.used++
	m.slots[uint8(entity)] = uint8(m.used)
}

// add adds what one scene shows to the list.
func (m *memory) add(list []Sighting, known []numbered, scene []mention, cut Span, source string) []Sighting {
	for i := range scene {
		e := &scene[i]
		var at int
		if slot := m.slots[uint8(e.entity)]; slot != 0 && m.places[slot-1].entity == e.entity {
			at = int(m.places[slot-1].at)
		} else {
			k := &known[e.entity]
			at = m.find(list, k.key)
			m.remember(e.entity, at)
			if at == len(list) {
				m.names.put(k.key.name)
				m.ids.put(k.key.id)
				list = append(list, Sighting{k.Known, e.confidence, source, cut, e.hundredths, e.entity, k.key})
				continue
			}
		}
		s := &list[at]
		s.From, s.Until = min(s.From, cut.From), max(s.Until, cut.Until)
		if e.confidence > s.Confidence {
			s.Confidence, s.Hundredths, s.Source = e.confidence, e.hundredths, source
			if s.number != e.entity {
				m.rename(s, &known[e.entity])
			}
		}
	}
	return list
}

// rename says in other words who was seen. Where these are another name or id, others than before may belong to it.
func (m *memory) rename(s *Sighting, k *numbered) {
	if s.key != k.key {
		m.forget()
		m.names.put(k.key.name)
		m.ids.put(k.key.id)
	}
	s.Known, s.number, s.key = k.Known, k.index, k.key
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
