package vision

import (
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

var (
	// ErrAway is wrapped while the cloud is left alone because it failed. It is tried again after some seconds.
	ErrAway = errors.New("cloud is left alone for now")

	// errNoVerdict is what a circuit is told of a call that says nothing of the cloud's health.
	errNoVerdict = errors.New("no verdict")
)

// circuit leaves one part of the cloud alone while it is dead, so that its deadline is not spent on every picture and no
// budget on what is not allowed. Refusals for pace and for one unfit picture come at once and say nothing of the next:
// they do not count.
type circuit struct {
	permanent *gobreaker.TwoStepCircuitBreaker[struct{}]
	transient *gobreaker.TwoStepCircuitBreaker[struct{}]
	last      atomic.Pointer[error] // what opened it
}

func newCircuit() *circuit {
	return &circuit{
		permanent: gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
			Timeout:      permanentPause,
			ReadyToTrip:  func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= 1 },
			IsSuccessful: func(err error) bool { return !errors.Is(err, ErrPermanent) },
			IsExcluded:   excluded,
		}),
		transient: gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
			Timeout:     transientPause,
			ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= tripAfter },
			IsExcluded:  func(err error) bool { return excluded(err) || errors.Is(err, ErrPermanent) },
		}),
	}
}

// excluded reports errors that tell nothing of the cloud's health.
func excluded(err error) bool {
	return errors.Is(err, ErrThrottled) || errors.Is(err, ErrPicture) || errors.Is(err, errNoVerdict)
}

// enter fails with ErrAway while the part is to be left alone; that error wraps what is wrong too, so it is permanent
// as long as that is. Otherwise leave is to be called once with what came of the call.
func (c *circuit) enter() (leave func(error), err error) {
	permanent, err := c.permanent.Allow()
	if err != nil {
		return nil, c.away()
	}
	transient, err := c.transient.Allow()
	if err != nil {
		permanent(errNoVerdict)
		return nil, c.away()
	}
	return func(err error) {
		if err != nil && !excluded(err) {
			c.last.Store(&err)
		}
		permanent(err)
		transient(err)
	}, nil
}

func (c *circuit) away() error {
	if why := c.last.Load(); why != nil {
		return fmt.Errorf("%w: %w", ErrAway, *why)
	}
	return ErrAway
}

// condemn takes in an error that came after leave was told that the call is late: only a permanent one is news. A late
// answer is none, since it would come late again.
func (c *circuit) condemn(err error) {
	if !errors.Is(err, ErrPermanent) || excluded(err) {
		return
	}
	if leave, open := c.permanent.Allow(); open == nil {
		c.last.Store(&err)
		leave(err)
	}
}
