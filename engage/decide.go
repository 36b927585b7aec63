package engage

import (
	"errors"
	"fmt"
	"math"
	"time"

	"spotter/engage/instrument"
	"spotter/engage/ledger"
	"spotter/engage/policy"
	"spotter/timeline"
)

// Question asks for an instrument for a viewer, now. Only Media and Now are required.
type Question struct {
	Media    string
	Position timeline.Position // of the player
	// Window was looked up, and Look is what it shows.
	Window timeline.Span
	Look   *timeline.Look
	// Viewer is the viewer's own id; empty stands for nobody. An instrument with a cap per viewer is not shown
	// then: the cap could not be kept.
	Viewer string
	// Attributes of the viewer, such as a token brings them: string, float64, bool and lists of these. nil stands for the
	// stored profile.
	Attributes map[string]any
	// Keep is the id of an earlier decision, which is answered again while it may still be shown to this viewer.
	Keep string
	Now  time.Time
}

// Decision is an instrument that was chosen for a viewer.
type Decision struct {
	// ID is signed; events name it.
	ID string
	// Instrument may not be changed.
	Instrument *instrument.Instrument
}

// room is what a decision needs besides what stays of it.
type room struct {
	question instrument.Question
	matches  []instrument.Match
	arms     []arm
	group    []arm
	known    []*timeline.Known
	weights  []float64
	id       [2 * idBytes]byte
	text     [2 * idBytes]byte
	sum      []byte
}

// arm is an instrument that may be shown, and which of its targets are on screen.
type arm struct {
	*active
	index   int      // in set.list
	targets []uint32 // numbers in set.targets
}

// asked is a question with what was found out about the viewer.
type asked struct {
	*Question
	who     *viewer // nil: nobody
	hashed  ledger.Viewer
	profile *profile
}

// Decide chooses an instrument, and has counted it against its caps and its budget when it returns. It returns false when none
// may be shown, and also when the choice cannot be kept in the ledger.
func (e *Engine) Decide(q *Question) (Decision, bool) {
	began := time.Now()
	r := e.rooms.Get().(*room)
	defer func() {
		e.rooms.Put(r)
		e.metrics.seconds.Observe(time.Since(began).Seconds())
	}()
	a, err := e.ask(q)
	if err != nil {
		e.fault("reading a profile", err)
	}
	s := e.set.Load()
	all := s.eligible(r, a)
	if q.Keep != "" {
		if d, ok := e.keep(a, all); ok {
			return d, true
		}
	}
	for {
		arms, err := e.highest(r, a, all)
		if err != nil {
			e.fault("reading counts", err)
		}
		if len(arms) == 0 {
			return Decision{}, false
		}
		d, choice := e.choose(r, s, a, arms)
		if e.reserve(a, arms[choice]) {
			return e.write(a, arms[choice], d)
		}
		// Another look-up took the last place since; what is left is looked at again.
	}
}

// ask finds out who is watching.
func (e *Engine) ask(q *Question) (*asked, error) {
	a := &asked{Question: q, profile: new(profile)}
	var err error
	if q.Viewer != "" {
		a.who, a.profile, err = e.viewers.who(q.Viewer, q.Attributes == nil)
		a.hashed = a.who.hashed
	}
	if q.Attributes != nil {
		a.profile = &profile{attributes: q.Attributes, features: e.names.attributes(q.Attributes)}
	}
	return a, err
}

// highest returns those of the highest priority that caps, pacing and budgets leave any of.
func (e *Engine) highest(r *room, a *asked, all []arm) ([]arm, error) {
	for len(all) > 0 {
		n := 1
		for n < len(all) && all[n].Priority == all[0].Priority {
			n++
		}
		r.group = r.group[:0]
		for _, m := range all[:n] {
			if m.tally.open(m.Instrument, instrument.Paced(m.Instrument, a.Now)) {
				r.group = append(r.group, m)
			}
		}
		group := r.group
		if a.Viewer != "" && len(group) > 0 {
			var err error
			if group, err = e.viewers.open(a, group); err != nil {
				return nil, err
			}
		}
		if len(group) > 0 {
			return group, nil
		}
		all = all[n:]
	}
	return nil, nil
}

// choose lets the policy weigh the arms and draws one.
func (e *Engine) choose(r *room, s *set, a *asked, arms []arm) (*ledger.Decision, int) {
	c := &policy.Case{Context: e.names.context(r, a.Question, a.profile.features), Arms: s.describe(arms)}
	p := e.policy.Load()
	r.weights = append(r.weights[:0], make([]float64, len(arms))...)
	d := &ledger.Decision{
		At: a.Now, Media: a.Media, Position: a.Position, Viewer: a.hashed, Case: c, Propensity: 1, Policy: p.version,
	}
	if err := weigh(p.Policy, c, r.weights); err != nil {
		e.metrics.fallbacks.Inc()
		if e.faults.fresh(err.Error(), time.Now()) {
			e.log.Error("the policy failed, so instruments are chosen by priority", "policy", p.version, "error", err)
		}
		d.Policy = e.priority.Version()
		return d, 0
	}
	d.Choice = policy.Draw(r.weights, e.seed, e.draws.Add(1))
	d.Propensity = r.weights[d.Choice]
	return d, d.Choice
}

// weigh asks the policy, and refuses what are no probabilities.
func weigh(p policy.Policy, c *policy.Case, weights []float64) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	if err := p.Weigh(c, weights); err != nil {
		return err
	}
	sum := 0.0
	for _, w := range weights {
		if !(w >= 0 && w <= 1+1e-6) {
			return fmt.Errorf("a probability is %v", w)
		}
		sum += w
	}
	if !(math.Abs(sum-1) <= 1e-6) {
		return fmt.Errorf("the probabilities add up to %v", sum)
	}
	return nil
}

// reserve counts the choice against all that bounds it, or nothing at all.
func (e *Engine) reserve(a *asked, m arm) bool {
	if a.Viewer != "" {
		ok, err := e.viewers.reserve(a, m)
		if err != nil {
			e.fault("reading counts", err)
		}
		if !ok {
			return false
		}
	}
	if m.tally.reserve(m.Instrument, instrument.Paced(m.Instrument, a.Now)) {
		return true
	}
	if a.Viewer != "" {
		e.viewers.settle(a, m, false)
	}
	return false
}

// write puts the decision into the ledger, and takes its reservation back when that fails.
func (e *Engine) write(a *asked, m arm, d *ledger.Decision) (Decision, bool) {
	d.Cost = m.Cost.Decision
	record := &ledger.Record{Decision: d}
	err := e.ledger.Append(record)
	if err != nil {
		m.tally.release(d.Cost)
	} else {
		m.tally.done(record.Number)
		// Before settle, which lets an erasure of the viewer go on.
		e.recent.put(&decided{number: record.Number, at: d.At, instrument: m.ID, policy: d.Policy, media: d.Media, viewer: d.Viewer})
	}
	if a.Viewer != "" {
		e.viewers.settle(a, m, err == nil)
	}
	if err != nil {
		e.fault("keeping a decision", err)
		return Decision{}, false
	}
	e.metrics.decided(m.Type, d.Policy, e.policy.Load())
	return Decision{ID: e.sign(record.Number, d.At), Instrument: m.Instrument}, true
}

// keep returns the earlier decision that the question names, if it was this viewer's and may still be shown.
func (e *Engine) keep(a *asked, arms []arm) (Decision, bool) {
	number, at, err := e.verify(a.Keep)
	if err != nil || a.Now.Sub(at) > e.window {
		return Decision{}, false
	}
	d := e.recent.get(number)
	if d == nil {
		old, err := e.ledger.Decision(number)
		if err != nil {
			if !errors.Is(err, ledger.ErrUnknown) {
				e.fault("reading a decision", err)
			}
			return Decision{}, false
		}
		d = &decided{number: number, at: old.At, instrument: old.Case.Arms[old.Choice].Instrument, media: old.Media, viewer: old.Viewer}
	}
	if !d.at.Equal(at) || d.media != a.Media || d.viewer != a.hashed {
		return Decision{}, false
	}
	for i := range arms {
		if arms[i].ID == d.instrument {
			return Decision{ID: a.Keep, Instrument: arms[i].Instrument}, true
		}
	}
	return Decision{}, false
}

// fault counts and says that the ledger failed; it never says for whom.
func (e *Engine) fault(doing string, err error) {
	e.metrics.ledger.Inc()
	if e.faults.fresh(doing+err.Error(), time.Now()) {
		e.log.Error("the ledger failed; look-ups go on", "while", doing, "error", err)
	}
}
