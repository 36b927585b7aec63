package timeline

// Texts are what a function wrote of the entities of a timeline, one behind the other in memory. They are not changed.
type Texts struct {
	ends []uint32 // of each entity's text in all, by the entity's number; the first is 0
	all  []byte
}

// Texts returns what write appends of each entity, which is asked once. All callers must give the same function.
func (t *Timeline) Texts(write func(b []byte, e *Entity) []byte) *Texts {
	if t.table == nil {
		return new(Texts)
	}
	if x := t.table.texts.Load(); x != nil && len(x.ends) > len(t.known) {
		return x
	}
	return t.table.write(write)
}

// Of returns the text of an entity that a look-up in the timeline found. It must not be changed.
func (x *Texts) Of(s *Sighting) []byte { return x.all[x.ends[s.number]:x.ends[s.number+1]] }

// write adds the texts of the entities that were numbered since they were asked for last.
func (t *table) write(write func(b []byte, e *Entity) []byte) *Texts {
	t.mu.Lock()
	defer t.mu.Unlock()
	x := Texts{ends: []uint32{0}}
	if old := t.texts.Load(); old != nil {
		x = *old
	}
	for _, k := range t.known[len(x.ends)-1:] {
		x.all = write(x.all, &k.Entity)
		x.ends = append(x.ends, uint32(len(x.all)))
	}
	t.texts.Store(&x)
	return &x
}
