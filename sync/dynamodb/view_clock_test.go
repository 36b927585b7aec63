package dynamodb_test

import (
	"testing"
	"testing/synctest"
	"time"

	"spotter/httpapi"
	"spotter/sync/dynamodb"
)

// TestViewOfABoxWithAWrongClock: a live stream counts as stalled when its box falls silent, and not because its clock is
// another than that of who answers.
func TestViewOfABoxWithAWrongClock(t *testing.T) {
	for name, skew := range map[string]time.Duration{"right": 0, "behind": -10 * time.Minute, "ahead": 10 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := fill(t, new(readable), hours(1))
				say := func() {
					m.mu.Lock()
					defer m.mu.Unlock()
					s := m.states[0]
					s.Status.State, s.Updated = httpapi.StateLive, time.Now().Add(skew)
					m.states = []dynamodb.State{s}
				}
				v := dynamodb.NewView(m, dynamodb.ViewOptions{})
				state := func() string {
					s, err := v.Status("m")
					if err != nil {
						t.Fatal(err)
					}
					return s.State
				}
				for i := range 60 {
					if i%10 == 0 {
						say()
					}
					if got := state(); i > 10 && got != httpapi.StateLive {
						t.Fatalf("%d s: %s, though the box tells every 10 s", i, got)
					}
					time.Sleep(time.Second)
				}
				for range 40 {
					state()
					time.Sleep(time.Second)
				}
				if got := state(); got != httpapi.StateStalled {
					t.Errorf("%s, though the box has been silent for 50 s", got)
				}
				time.Sleep(time.Hour)
				say()
				time.Sleep(time.Minute)
				if got := state(); got != httpapi.StateStalled && skew <= 0 {
					t.Errorf("%s, though the box spoke a minute ago, when nobody listened", got)
				}
			})
		})
	}
}
