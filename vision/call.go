package vision

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// parts are the single parts of a Want, each a circuit of its own: rights or an outage may take one and leave the other.
var parts = [...]Want{WantCelebrities, WantObjects}

// outcome is what came of a call to the cloud.
type outcome struct {
	answer  Answer
	missing Want  // what answer lacks of what was wanted
	err     error // why, nil where nothing is missing
	ended   bool  // the call was ended before the cloud answered
}

// missed returns what is worth asking again.
func (o *outcome) missed() Want {
	if errors.Is(o.err, ErrPicture) {
		return 0
	}
	return o.missing
}

// call is one call to the cloud that is under way.
type call struct {
	wanted Want
	result chan outcome // of capacity 1: nobody may be there to take it
	cancel context.CancelFunc
	leave  [len(parts)]func(error) // nil where the part is not asked about
}

// start asks the cloud about the parts that are not left alone, until the patience is over. report is to be called once.
func (a *Asker) start(ctx context.Context, p Picture) *call {
	c := &call{wanted: p.Wanted(), result: make(chan outcome, 1), cancel: func() {}}
	var refused outcome
	for i, part := range parts {
		if !c.wanted.Has(part) {
			continue
		}
		var err error
		if c.leave[i], err = a.circuits[i].enter(); err != nil {
			refused.missing |= part
			refused.err = err
		}
	}
	if refused.missing == c.wanted {
		c.result <- refused
		return c
	}
	p.Want = c.wanted &^ refused.missing
	patience := a.times.Load().patience
	timed, cancel := context.WithTimeout(ctx, patience)
	c.cancel = cancel
	a.group.Go(func() {
		defer cancel()
		o := a.recognize(timed, p, patience)
		o.missing |= refused.missing
		if o.err == nil {
			o.err = refused.err
		}
		c.result <- o
	})
	return c
}

// recognize asks the cloud and sorts what it says into parts.
func (a *Asker) recognize(ctx context.Context, p Picture, patience time.Duration) (o outcome) {
	answer, err := a.cloud.Recognize(ctx, p)
	if err == nil {
		return outcome{answer: only(answer, p.Want)}
	}
	o.missing = p.Want
	var partial *PartialError
	if errors.As(err, &partial) {
		o.missing &= partial.Missing
	}
	if came := p.Want &^ o.missing; came != 0 {
		o.answer = only(partial.Answer, came)
	}
	if o.missing == 0 {
		return o
	}
	o.err = err
	if ended := ctx.Err(); ended != nil {
		o.ended = true
		if errors.Is(ended, context.DeadlineExceeded) {
			o.err = lateness(patience)
		}
	}
	return o
}

func lateness(d time.Duration) error {
	return fmt.Errorf("cloud did not answer within %v: %w", d, context.DeadlineExceeded)
}

// await waits for a call until the deadline and tells the circuits what came of it. Where it is late, onTime is false,
// the outcome says so, and the call goes on.
func (a *Asker) await(ctx context.Context, c *call) (o outcome, onTime bool) {
	deadline := a.times.Load().deadline
	timer := time.NewTimer(deadline)
	defer timer.Stop()
	select {
	case o = <-c.result:
		onTime = true
	case <-timer.C:
		o = outcome{missing: c.wanted, err: lateness(deadline)}
	case <-ctx.Done():
	case <-a.closing:
	}
	if stopped := a.stopped(ctx); stopped != nil && (o.err != nil || !onTime) {
		o = outcome{missing: c.wanted, err: stopped}
		c.report(outcome{missing: c.wanted, err: errNoVerdict})
		return o, onTime
	}
	c.report(o)
	return o, onTime
}

// finish waits for a call as long as it takes, and ends it where the Asker is closed.
func (a *Asker) finish(c *call) outcome {
	select {
	case o := <-c.result:
		return o
	case <-a.closing:
		c.cancel()
		return <-c.result
	}
}

// report tells the circuits of the parts what came of the call.
func (c *call) report(o outcome) {
	for i, leave := range c.leave {
		switch {
		case leave == nil:
		case o.missing.Has(parts[i]):
			leave(o.err)
		default:
			leave(nil)
		}
	}
}

// only returns the wanted parts of an answer.
func only(a Answer, want Want) Answer {
	if !want.Has(WantCelebrities) {
		a.Celebrities, a.Faces = nil, nil
	}
	if !want.Has(WantObjects) {
		a.Objects, a.Places = nil, nil
	}
	return a
}

// merged returns the cloud's answer with what is missing of it from the local one, if there is one.
func merged(o outcome, here *Answer, wanted Want) Answer {
	if here == nil || o.missing == 0 {
		return o.answer
	}
	a := only(*here, o.missing)
	if !o.missing.Has(WantCelebrities) {
		a.Celebrities, a.Faces = o.answer.Celebrities, o.answer.Faces
	}
	if !o.missing.Has(WantObjects) {
		a.Objects, a.Places = o.answer.Objects, o.answer.Places
	}
	return only(a, wanted)
}
