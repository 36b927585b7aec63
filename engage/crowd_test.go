package engage_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"spotter/engage"
	"spotter/engage/policy"
)

// audience is a crowd of which each clicks or not two seconds after the choice.
type audience struct {
	t       *testing.T
	e       *engage.Engine
	rand    *rand.Rand
	now     time.Time
	late    []func(now time.Time)
	viewers int
}

// watch lets rate viewers a second decide for so many seconds, the engine learning four times a second, and returns the share of the
// choices that were best.
func (c *audience) watch(rate, seconds int, best string) float64 {
	c.t.Helper()
	hits, n := 0, 0
	for range 4 * seconds {
		c.now = c.now.Add(time.Second / 4)
		for range rate / 4 {
			c.viewers++
			d := must(c.t, c.e, ask(fmt.Sprint("p", c.viewers), at(c.now)))
			chance := 0.1
			if d.Instrument.ID == best {
				chance = 0.6
				hits++
			}
			n++
			clicks := c.rand.Float64() < chance
			c.late = append(c.late, func(now time.Time) {
				if clicks {
					if err := c.e.Event(d.ID, engage.EventInput{Type: "click"}, now); err != nil {
						c.t.Error(err)
					}
				}
			})
		}
		if due := len(c.late) - 2*rate; due > 0 {
			for _, f := range c.late[:due] {
				f(c.now)
			}
			c.late = c.late[due:]
		}
		flush(c.t, c.e)
	}
	return float64(hits) / float64(n)
}

// TestCrowdThatTurnsIsFollowed: after an alarm of drift, what came late of the choices before it was learned at the weight of
// thousands, and soon all were shown what nobody likes.
func TestCrowdThatTurnsIsFollowed(t *testing.T) {
	for name, learner := range map[string]func(policy.Options) policy.Learner{"LinUCB": policy.NewLinUCB, "Thompson": policy.NewThompson} {
		t.Run(name, func(t *testing.T) {
			e := newEngine(t, engage.Config{Learner: learner(policy.Options{Dimensions: 16}), Seed: 3}, choices()...)
			c := &audience{t: t, e: e, rand: rand.New(rand.NewPCG(1, 2)), now: noon}
			c.watch(200, 20, "upsell")
			c.watch(200, 30, "chess-quiz")
			if share := c.watch(200, 15, "chess-quiz"); share < 0.85 {
				t.Errorf("30 seconds after viewers turned, what they like now is %v of the choices, want 0.85", share)
			}
		})
	}
}
