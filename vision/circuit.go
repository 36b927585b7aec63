package vision

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"
)

const (
	// tripAfter failures in a row, the cloud is left alone for transientPause, then asked about one picture.
	tripAfter      = 3
	transientPause = 10 * time.Second
	// permanentPause follows a single permanent error, since only a person can mend it.
	permanentPause = 2 * time.Minute
)

// errOpen is wrapped while the cloud is left alone.
var errOpen = errors.New("cloud is left alone for now")

// circuit gives a recogniser a deadline, and leaves it alone while it is dead, so that its deadline is not spent on
// every picture. Refusals for pace and for one unfit picture come at once and say nothing of the next: they do not count.
type circuit struct {
	inner     Recognizer
	deadline  time.Duration
	permanent *gobreaker.CircuitBreaker[Answer]
	transient *gobreaker.CircuitBreaker[Answer]
	last      atomic.Pointer[error] // what opened it
}

func guard(r Recognizer, deadline time.Duration) *circuit {
	return &circuit{
		inner:    r,
		deadline: deadline,
		permanent: gobreaker.NewCircuitBreaker[Answer](gobreaker.Settings{
			Timeout:      permanentPause,
			ReadyToTrip:  func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= 1 },
			IsSuccessful: func(err error) bool { return !errors.Is(err, ErrPermanent) },
			IsExcluded:   excluded,
		}),
		transient: gobreaker.NewCircuitBreaker[Answer](gobreaker.Settings{
			Timeout:     transientPause,
			ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= tripAfter },
			IsExcluded:  func(err error) bool { return excluded(err) || errors.Is(err, ErrPermanent) },
		}),
	}
}

// excluded reports errors that tell nothing of the recogniser's health.
func excluded(err error) bool {
	return errors.Is(err, ErrThrottled) || errors.Is(err, ErrPicture) || errors.Is(err, errGivenUp) || isOpen(err)
}

func isOpen(err error) bool {
	return errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests)
}

// errGivenUp is wrapped when the caller's own context ended, which is not the recogniser's fault.
var errGivenUp = errors.New("caller gave up")

// Recognize asks the recogniser until the deadline, or fails at once while it is left alone. That error wraps what is
// wrong, so it is permanent as long as that is.
func (c *circuit) Recognize(ctx context.Context, p Picture) (Answer, error) {
	a, err := c.permanent.Execute(func() (Answer, error) {
		return c.transient.Execute(func() (Answer, error) { return c.ask(ctx, p) })
	})
	if !isOpen(err) {
		return a, err
	}
	if why := c.last.Load(); why != nil {
		return Answer{}, fmt.Errorf("%w: %w", errOpen, *why)
	}
	return Answer{}, errOpen
}

func (c *circuit) ask(ctx context.Context, p Picture) (Answer, error) {
	timed, cancel := context.WithTimeout(ctx, c.deadline)
	defer cancel()
	a, err := c.inner.Recognize(timed, p)
	switch {
	case err == nil:
		return a, nil
	case ctx.Err() != nil:
		return Answer{}, fmt.Errorf("%w: %w", errGivenUp, ctx.Err())
	case timed.Err() != nil:
		err = fmt.Errorf("cloud did not answer within %v: %w", c.deadline, context.DeadlineExceeded)
	}
	if !excluded(err) {
		c.last.Store(&err)
	}
	return Answer{}, err
}
