package engage

import (
	"maps"
	"math"
	"sync"

	"spotter/engage/instrument"
	"spotter/engage/ledger"
)

// tally is the account of one instrument over all viewers. It outlives changes of the instrument.
type tally struct {
	mu        sync.Mutex
	idle      sync.Cond // told when pending comes to 0
	since     uint64    // the number of the last record before its first decision, the highest there is before that
	decisions int
	pending   int // decisions that are reserved and not yet in the ledger
	spent     float64
	reward    float64
	events    map[string]int
	closed    bool // the instrument was deleted
}

func newTally(t ledger.Total) *tally {
	n := &tally{since: t.Since, decisions: t.Decisions, spent: t.Spent, reward: t.Reward, events: maps.Clone(t.Events)}
	if n.events == nil {
		n.events = make(map[string]int)
	}
	if t.Decisions == 0 {
		n.since = math.MaxUint64
	}
	n.idle.L = &n.mu
	return n
}

// room reports whether the instrument may be chosen once more, due being the share of cap and budget that may be used by
// now. The caller holds t.mu.
func (t *tally) room(i *instrument.Instrument, due float64) bool {
	if t.closed {
		return false
	}
	if i.Caps.Total > 0 && t.decisions >= max(1, int(math.Floor(float64(i.Caps.Total)*due))) {
		return false
	}
	if i.Budget <= 0 {
		return true
	}
	// Sums of prices such as 0.1 are off by rounding; the slack lets the last one in.
	slack := i.Budget * 1e-9
	limit := min(i.Budget, max(i.Budget*due, i.Cost.Decision))
	if i.Cost.Decision > 0 {
		return t.spent+i.Cost.Decision <= limit+slack
	}
	return t.spent < limit-slack
}

// open reports whether the instrument may be chosen, and reserves nothing.
func (t *tally) open(i *instrument.Instrument, due float64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.room(i, due)
}

// reserve counts a decision, unless there is no room for one; done or release must follow.
func (t *tally) reserve(i *instrument.Instrument, due float64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.room(i, due) {
		return false
	}
	t.decisions++
	t.pending++
	t.spent += i.Cost.Decision
	return true
}

// done says that a reserved decision is in the ledger under that number.
func (t *tally) done(number uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.since = min(t.since, number-1)
	t.settle()
}

// has reports whether the decision of a number is of this account, not of that of an instrument that had the id before.
func (t *tally) has(number uint64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return number > t.since
}

// release takes a reservation back.
func (t *tally) release(cost float64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.decisions--
	t.spent = max(0, t.spent-cost)
	t.settle()
}

func (t *tally) settle() {
	if t.pending--; t.pending == 0 {
		t.idle.Broadcast()
	}
}

// charge takes up to cost from what is left of the budget and returns what it took; refund gives it back.
func (t *tally) charge(cost, budget float64) float64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if budget > 0 {
		cost = max(0, min(cost, budget-t.spent))
	}
	t.spent += cost
	return cost
}

func (t *tally) refund(cost float64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.spent = max(0, t.spent-cost)
}

// happened counts an event that is in the ledger.
func (t *tally) happened(kind string, reward float64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.events[kind]++
	t.reward += reward
}

// close lets no further decision be reserved and waits for those that are.
func (t *tally) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	for t.pending > 0 {
		t.idle.Wait()
	}
}

// reopen undoes close.
func (t *tally) reopen() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = false
}
