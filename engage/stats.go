package engage

import (
	"maps"

	"spotter/engage/instrument"
)

// Stats is what the engine has done.
type Stats struct {
	// Policy is the version of the policy that chooses now.
	Policy string
	// Decisions counts those of the instruments there are, since their beginning.
	Decisions int
	// Policies are the families of policies that chose, by name. They count the decisions of instruments that were deleted too.
	Policies []PolicyStats
	// Instruments are in the order of Engine.Instruments.
	Instruments []InstrumentStats
}

// PolicyStats is what came of the choices of the policies of one family, such as linucb, since the ledger counts them.
type PolicyStats struct {
	Policy    string
	Decisions int
	// Events by type.
	Events map[string]int
	// Reward is the sum over its decisions, each 0 to 1.
	Reward float64
}

// InstrumentStats is the account of one instrument.
type InstrumentStats struct {
	ID        string
	Type      string
	InFile    bool // it stands in the file, not in the admin API
	Decisions int
	// Events by type.
	Events map[string]int
	// Reward is the sum over its decisions, Spent what it took from its budget.
	Reward, Spent float64
	// Left of the total cap and of the budget; nil where there is none.
	Left       *int
	BudgetLeft *float64
}

// Stats returns what the engine has done until now.
func (e *Engine) Stats() Stats {
	e.admin.Lock()
	defer e.admin.Unlock()
	s := e.set.Load()
	out := Stats{
		Policy: e.policy.Load().version, Policies: e.metrics.policies(),
		Instruments: make([]InstrumentStats, len(s.list)),
	}
	inFile := make(map[string]bool, len(e.file))
	for i := range e.file {
		inFile[e.file[i].ID] = true
	}
	for i := range s.list {
		a := &s.list[i]
		one := a.tally.stats(a.Instrument)
		one.InFile = inFile[a.ID]
		out.Instruments[i] = one
		out.Decisions += one.Decisions
	}
	return out
}

func (t *tally) stats(i *instrument.Instrument) InstrumentStats {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := InstrumentStats{
		ID: i.ID, Type: i.Type, Decisions: t.decisions, Events: maps.Clone(t.events), Reward: t.reward, Spent: t.spent,
	}
	if i.Caps.Total > 0 {
		left := max(0, i.Caps.Total-t.decisions)
		out.Left = &left
	}
	if i.Budget > 0 {
		left := max(0, i.Budget-t.spent)
		out.BudgetLeft = &left
	}
	return out
}
