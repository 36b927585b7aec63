package engage

import (
	"errors"
	"fmt"
	"time"

	"spotter/engage/instrument"
	"spotter/engage/ledger"
)

// MaxValue bounds the value of an event.
const MaxValue = 1e9

// EventInput is what a viewer did.
type EventInput struct {
	// Type is view, click, answer, convert or dismiss.
	Type string
	// Value is 0 to MaxValue; nil stands for 1.
	Value *float64
}

// Event joins what a viewer did to the decision of an id. It returns ErrBadType, ErrBadValue, ErrForged, ErrLate, ErrUnknown,
// ErrDuplicate, or what keeps the ledger from writing.
func (e *Engine) Event(id string, in EventInput, now time.Time) error {
	err := e.event(id, in, now)
	if err == nil {
		e.metrics.events.WithLabelValues(in.Type).Inc()
		return nil
	}
	reason := "ledger"
	for _, r := range refusals {
		if errors.Is(err, r.err) {
			reason = r.reason
		}
	}
	e.metrics.refused.WithLabelValues(reason).Inc()
	if reason == "ledger" {
		e.fault("keeping an event", err)
	}
	return err
}

// refusals are the labels of refused events.
var refusals = [...]struct {
	err    error
	reason string
}{
	{ErrBadType, "type"},
	{ErrBadValue, "value"},
	{ErrForged, "forged"},
	{ErrLate, "late"},
	{ErrUnknown, "unknown"},
	{ErrDuplicate, "duplicate"},
}

func (e *Engine) event(id string, in EventInput, now time.Time) error {
	value := 1.0
	if in.Value != nil {
		value = *in.Value
	}
	reward, err := rewardOf(in.Type, value)
	if err != nil {
		return err
	}
	number, at, err := e.verify(id)
	if err != nil {
		return err
	}
	if now.Sub(at) > e.window {
		return fmt.Errorf("%w: it was made more than %v ago", ErrLate, e.window)
	}
	chosen, err := e.chosen(number, at)
	if err != nil {
		return err
	}
	// What an event adds hangs on those before it, so those of one decision come one after the other.
	lock := &e.judging[number%uint64(len(e.judging))]
	lock.Lock()
	defer lock.Unlock()
	before, err := e.ledger.Rewarded(number)
	if err != nil {
		return err
	}
	return e.record(chosen, &ledger.Event{At: now, Decision: number, Type: in.Type, Value: value, Reward: max(0, reward-before)})
}

// rewardOf returns what an event is worth by itself, 0 to 1.
func rewardOf(kind string, value float64) (float64, error) {
	if !(value >= 0 && value <= MaxValue) {
		return 0, ErrBadValue
	}
	switch kind {
	case "view", "dismiss":
		return 0, nil
	case "click", "answer", "convert":
		return min(value, 1), nil
	}
	return 0, ErrBadType
}

// chosen is what was chosen, and by which version of a policy.
type chosen struct{ instrument, policy string }

// chosen returns what the decision of a number that was made at that time chose: after a power cut a number may have been
// given out twice.
func (e *Engine) chosen(number uint64, at time.Time) (chosen, error) {
	if d := e.recent.get(number); d != nil && d.at.Equal(at) {
		return chosen{d.instrument, d.policy}, nil
	}
	d, err := e.ledger.Decision(number)
	if err != nil {
		return chosen{}, err
	}
	if !d.At.Equal(at) {
		return chosen{}, ErrUnknown
	}
	return chosen{d.Case.Arms[d.Choice].Instrument, d.Policy}, nil
}

// record charges the instrument and writes the event down.
func (e *Engine) record(c chosen, event *ledger.Event) error {
	a := e.set.Load().active(c.instrument)
	if a != nil && !a.tally.has(event.Decision) {
		a = nil
	}
	if a != nil {
		event.Cost = a.tally.charge(costOf(&a.Cost, event.Type), a.Budget)
	}
	if err := e.ledger.Append(&ledger.Record{Event: event}); err != nil {
		if a != nil {
			a.tally.refund(event.Cost)
		}
		return err
	}
	if a != nil {
		a.tally.happened(event.Type, event.Reward)
	}
	e.metrics.family(c.policy).happened(event.Type, event.Reward)
	return nil
}

func costOf(c *instrument.Cost, kind string) float64 {
	switch kind {
	case "view":
		return c.View
	case "click":
		return c.Click
	case "answer":
		return c.Answer
	case "convert":
		return c.Convert
	}
	return 0
}
