package timeline

// TextUnit is of how many bytes the room of a text is a multiple, so that it can be copied in steps of a length that is known.
const TextUnit = 32

// Texts are what a function wrote of the entities of a timeline, one behind the other in memory. They are not changed.
type Texts struct {
	at  []textAt // by the entity's number
	all []byte
}

// textAt is where a text is: its room goes on to the next multiple of TextUnit.
type textAt struct{ from, length uint32 }

// Texts returns what write appends of each entity, which is asked once. All callers must give the same function.
func (t *Timeline) Texts(write func(b []byte, e *Entity) []byte) *Texts {
	if t.table == nil {
		return new(Texts)
	}
	if x := t.table.texts.Load(); x != nil && len(x.at) >= len(t.known) {
		return x
	}
	return t.table.write(write)
}

// Of returns the text of an entity that a look-up in the timeline found. It must not be changed. All that it has the capacity
// for may be read, and that is a multiple of TextUnit.
func (x *Texts) Of(s *Sighting) []byte {
	at := x.at[s.number]
	end := at.from + at.length
	return x.all[at.from : end : (end+TextUnit-1)/TextUnit*TextUnit]
}

// write adds the texts of the entities that were numbered since they were asked for last.
func (t *table) write(write func(b []byte, e *Entity) []byte) *Texts {
	t.mu.Lock()
	defer t.mu.Unlock()
	var x Texts
	if old := t.texts.Load(); old != nil {
		x = *old
	}
	var rest [TextUnit]byte
	for _, k := range t.known[len(x.at):] {
		from := len(x.all)
		x.all = write(x.all, &k.Entity)
		x.at = append(x.at, textAt{uint32(from), uint32(len(x.all) - from)})
		x.all = append(x.all, rest[:-len(x.all)&(TextUnit-1)]...)
	}
	t.texts.Store(&x)
	return &x
}
