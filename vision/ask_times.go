package vision

import (
	"fmt"
	"time"
)

// askTimes are how long the cloud may take.
type askTimes struct{ deadline, patience time.Duration }

// times returns those of the options, with the patience that they leave out.
func (o AskOptions) times() askTimes {
	t := askTimes{o.Deadline, o.Patience}
	if t.patience == 0 {
		t.patience = min(5*t.deadline, max(maxPatience, 2*t.deadline))
	}
	return t
}

// Deadline returns how long a picture waits for the cloud now; 0 where the mode has none.
func (a *Asker) Deadline() time.Duration { return a.times.Load().deadline }

// SetTimes puts another deadline and patience in the place of the options', for the pictures that come from now on. A patience
// of 0 is chosen as by NewAsker. It fails with ErrMode where they do not fit, and then changes nothing.
func (a *Asker) SetTimes(deadline, patience time.Duration) error {
	if !a.mode.UsesCloud() {
		return nil
	}
	if deadline <= 0 || patience != 0 && patience <= deadline {
		return fmt.Errorf("%s: %w: a deadline of %v with a patience of %v", a.mode, ErrMode, deadline, patience)
	}
	t := AskOptions{Deadline: deadline, Patience: patience}.times()
	a.times.Store(&t)
	return nil
}
