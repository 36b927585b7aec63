package vision_test

import (
	"testing"
	"time"

	"spotter/vision"
)

// TestAgainIsForTheScene has the answer about a scene fail after the gate has gone on to another.
func TestAgainIsForTheScene(t *testing.T) {
	g := vision.NewGate(vision.GateOptions{MaxScene: 30 * time.Second})
	a, b := shot(1), shot(2)
	g.Admit(t.Context(), 0, a)
	failed := g.Verdict().Scene
	g.Admit(t.Context(), 1000, b)
	g.Again(failed)
	if g.Admit(t.Context(), 2000, b); g.Verdict().Ask != 0 {
		t.Error("the scene that was answered is asked about again")
	}
	if g.Admit(t.Context(), 3000, a); g.Verdict().Ask != vision.WantAll || !g.Verdict().Begins {
		t.Errorf("%+v, want the scene asked about that nobody answered for", g.Verdict())
	}
	if g.Admit(t.Context(), 4000, a); g.Verdict().Ask != 0 {
		t.Error("and again")
	}
}
