package engage

import (
	"fmt"
	"maps"
	"slices"
	"sync/atomic"

	"spotter/engage/instrument"
	"spotter/engage/ledger"
	"spotter/engage/policy"
)

// set is the instruments of one moment. It is not changed once made.
type set struct {
	catalog *instrument.Catalog
	list    []active // as catalog.All
	byID    map[string]int
	targets []policy.Feature // as catalog.Targets
	groups  [slots]atomic.Pointer[group]
}

// active is an instrument with its account and with the features of it that never change.
type active struct {
	*instrument.Instrument
	tally *tally
	plain []policy.Feature
}

// eligible sets r.arms to the instruments that may be shown but for caps, pacing and budgets.
func (s *set) eligible(r *room, a *asked) []arm {
	q := &r.question
	q.Media, q.Position, q.Now, q.Look, q.Viewer = a.Media, a.Position, a.Now, a.Look, a.profile.attributes
	r.matches = s.catalog.Eligible(r.matches[:0], q)
	q.Look, q.Viewer = nil, nil
	r.arms = r.arms[:0]
	for _, m := range r.matches {
		one := &s.list[m.Index]
		if one.Caps.PerViewer > 0 && a.Viewer == "" {
			continue
		}
		r.arms = append(r.arms, arm{one, m.Index, m.Targets})
	}
	return r.arms
}

// active returns the instrument of an id, or nil.
func (s *set) active(id string) *active {
	if i, ok := s.byID[id]; ok {
		return &s.list[i]
	}
	return nil
}

// UseFile puts the instruments of the file in place of those that it held before. One that the admin API made under the same
// id gives way to the file's. Counts stay, also those of instruments that the file no longer has: they go on should it have
// them again.
func (e *Engine) UseFile(list []instrument.Instrument) {
	e.admin.Lock()
	defer e.admin.Unlock()
	e.file = slices.Clone(list)
	for i := range list {
		if _, ok := e.made[list[i].ID]; ok {
			e.log.Warn("the instruments' file has an instrument that the admin API made too; the file's is used", "instrument", list[i].ID)
		}
	}
	e.rebuild()
}

// rebuild makes the set anew. The caller holds e.admin, or is New.
func (e *Engine) rebuild() {
	all := slices.Clone(e.file)
	for _, id := range slices.Sorted(maps.Keys(e.made)) {
		if !e.inFile(id) {
			all = append(all, e.made[id])
		}
	}
	s := &set{catalog: instrument.NewCatalog(all), byID: make(map[string]int, len(all))}
	sorted := s.catalog.All()
	s.list = make([]active, len(sorted))
	for i := range sorted {
		one := &sorted[i]
		t := e.tallies[one.ID]
		if t == nil {
			t = newTally(ledger.Total{})
			e.tallies[one.ID] = t
		}
		s.list[i] = active{one, t, []policy.Feature{category("type", one.Type), priority(one.Priority)}}
		s.byID[one.ID] = i
	}
	for _, name := range s.catalog.Targets() {
		s.targets = append(s.targets, category("target", name))
	}
	e.set.Store(s)
}

func (e *Engine) inFile(id string) bool {
	return slices.ContainsFunc(e.file, func(i instrument.Instrument) bool { return i.ID == id })
}

// PutInstrument adds or replaces an instrument, given as the JSON that instrument.Parse reads, whose faults it returns. A
// change keeps the counts. It returns ErrInFile for one of the file.
func (e *Engine) PutInstrument(id string, text []byte) error {
	i, err := instrument.Parse(id, text)
	if err != nil {
		return err
	}
	e.admin.Lock()
	defer e.admin.Unlock()
	if e.inFile(id) {
		return ErrInFile
	}
	if err := e.ledger.PutInstrument(id, text); err != nil {
		return fmt.Errorf("keeping the instrument: %w", err)
	}
	e.made[id] = i
	e.rebuild()
	return nil
}

// DeleteInstrument takes an instrument away that the admin API made, and with it its counts. It returns ErrInFile for one of
// the file, and ErrUnknown when there is none.
func (e *Engine) DeleteInstrument(id string) error {
	e.admin.Lock()
	defer e.admin.Unlock()
	if e.inFile(id) {
		return ErrInFile
	}
	old, ok := e.made[id]
	if !ok {
		return ErrUnknown
	}
	delete(e.made, id)
	t := e.tallies[id]
	e.rebuild()
	t.close()
	if err := e.drop(id); err != nil {
		t.reopen()
		e.made[id] = old
		e.rebuild()
		return err
	}
	delete(e.tallies, id)
	return nil
}

// drop takes an instrument and its counts out of the ledger.
func (e *Engine) drop(id string) error {
	if err := e.ledger.DeleteInstrument(id); err != nil {
		return fmt.Errorf("deleting the instrument: %w", err)
	}
	if err := e.ledger.Forget(id); err != nil {
		return fmt.Errorf("deleting the instrument's counts: %w", err)
	}
	return nil
}

// Instrument returns the JSON of an instrument, or ErrUnknown.
func (e *Engine) Instrument(id string) ([]byte, error) {
	a := e.set.Load().active(id)
	if a == nil {
		return nil, ErrUnknown
	}
	return a.MarshalJSON() // json.Marshal would write the payload anew
}

// Instruments returns all instruments, those of higher priority first, then by id.
func (e *Engine) Instruments() []instrument.Instrument {
	return slices.Clone(e.set.Load().catalog.All())
}
