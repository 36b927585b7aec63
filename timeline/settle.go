package timeline

// Settle decides what stands at an observation's key after o came where old, which may be nil, stood. now is nil when
// old stays as it is; fresh says that now is news to whoever was told of old: it has a revision of its own. Neither old
// nor o is changed, and o's revision plays no part: revisions are numbered here and by Revise only, from 1.
//
// An open observation is one whose scene may still be on screen. While it is, only its span grows, and that is no news;
// then it is closed, and keeps what it says by then, for a better answer may have come in the meantime. A closed one
// stays: to see a scene a second time, as after a restart, changes nothing.
func Settle(old, o *Observation) (now *Observation, fresh bool) {
	if old == nil {
		c := *o
		c.Revision = 1
		c.normalize()
		return &c, true
	}
	if !old.Open || o.Open && o.Until <= old.Until {
		return nil, false
	}
	c := *old
	c.Until = max(old.Until, o.Until)
	if !o.Open {
		c.Open = false
		c.Revision++
	}
	return &c, !o.Open
}

// Revise lets change alter a copy of old and returns it with the next revision, or nil when change returns false. It may
// alter Source, Celebrities, Objects and At; anything else it alters is put back. The lists belong to old too: change must
// replace them, not their entities.
//
// Where people edited old, change is given what the recognisers said, and their edits are applied to what it makes of that.
func Revise(old *Observation, change func(o *Observation) bool) *Observation {
	c := *old
	c.Celebrities, c.Objects = old.told()
	if !change(&c) {
		return nil
	}
	now := *old
	now.Source, now.Celebrities, now.Objects, now.At = c.Source, c.Celebrities, c.Objects, c.At
	if old.Edits.stand() {
		now.edit(old.Edits.List, old.Edits.At)
	}
	now.Revision++
	now.normalize()
	return &now
}

// normalize makes o as it will be read back from disk.
func (o *Observation) normalize() {
	o.At = o.At.UTC().Round(0)
	if o.Celebrities == nil {
		o.Celebrities = []Entity{}
	}
	if o.Objects == nil {
		o.Objects = []Entity{}
	}
}
