package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"spotter/httpapi"
	"spotter/httpapi/client"
)

// demoInstruments are the demo's instruments: trivia for when a person is on screen, and two offers for when nothing else is,
// of which the demo's viewers click one only.
const demoInstruments = `instruments:
  - id: who-is-walking
    type: trivia
    priority: 1
    targets: {any: [Person]}
    payload: {question: "How many people cross the square?"}
  - id: scarf
    type: offer
    payload: {text: "A scarf in your team's colours"}
  - id: season-ticket
    type: offer
    payload: {text: "A season ticket"}
`

const (
	demoTrivia  = "who-is-walking"
	demoClicked = "season-ticket"
)

// writeDemoInstruments has the demo's viewers engaged.
func writeDemoInstruments(conf *config, dir string) error {
	path := filepath.Join(dir, "instruments.yaml")
	conf.Engage = defaultEngage()
	conf.Engage.Instruments = path
	return os.WriteFile(path, []byte(demoInstruments), 0o600)
}

// audience are the demo's viewers: each asks for an instrument where the stream is analysed, and may click it.
type audience struct {
	client *client.Client
	asked  int

	suited, unsuited int    // look-ups with a person and trivia, or without both; and others
	offers           []bool // whether the offer that is clicked was chosen, in order
}

// newAudience returns viewers of the box whose viewer listener is at url.
func newAudience(url string) (*audience, error) {
	c, err := client.New(client.Config{BaseURL: url})
	return &audience{client: c}, err
}

// watch lets n viewers ask for what suits them now.
func (a *audience) watch(ctx context.Context, n int) error {
	status, err := a.client.Status(ctx, demoMedia)
	if err != nil || status.AnalyzedUntil == nil {
		return err
	}
	for range n {
		a.asked++
		// A moment before the edge, so that the answer is complete.
		got, err := a.client.Context(ctx, demoMedia, client.Query{
			At: max(0, *status.AnalyzedUntil-500), Profile: "viewer-" + strconv.Itoa(a.asked),
		})
		if err != nil {
			return err
		}
		if err := a.take(ctx, got); err != nil {
			return err
		}
	}
	return nil
}

// take does what a viewer does with an answer.
func (a *audience) take(ctx context.Context, got *client.Context) error {
	if len(got.Instruments) == 0 {
		return errors.New("a look-up with a profile was given no instrument")
	}
	one := got.Instruments[0]
	person := slices.ContainsFunc(got.Objects, func(s client.Sighting) bool {
		return s.Name == "Person" || slices.Contains(s.Parents, "Person")
	})
	if person != (one.ID == demoTrivia) {
		a.unsuited++
	} else {
		a.suited++
	}
	if one.ID == demoTrivia {
		return nil
	}
	a.offers = append(a.offers, one.ID == demoClicked)
	if one.ID != demoClicked {
		return nil
	}
	return a.client.Event(ctx, one.Decision, httpapi.EventClick, 1)
}

// swayTime is how long viewers ask before their clicks must have moved the choice.
const swayTime = 20 * time.Second

// verdict says in a line what came of it, and whether that is what should have.
func (a *audience) verdict(watched time.Duration) (string, error) {
	tenth := max(1, len(a.offers)/10)
	early, late := share(a.offers[:min(tenth, len(a.offers))]), share(a.offers[max(0, len(a.offers)-tenth):])
	line := fmt.Sprintf("engagement: %d look-ups; trivia for Person just where a person is on screen in %d of them; the offer that viewers click is chosen in %.0f%% of the first tenth and %.0f%% of the last",
		a.asked, a.suited, 100*early, 100*late)
	switch {
	case a.unsuited > 0:
		return line, fmt.Errorf("%d of %d instruments did not suit what was on screen", a.unsuited, a.asked)
	case watched >= swayTime && len(a.offers) >= 100 && late < 0.8:
		return line, fmt.Errorf("clicks did not move the choice: %.0f%% of the last offers are the one that is clicked", 100*late)
	}
	return line, nil
}

func share(list []bool) float64 {
	n := 0
	for _, yes := range list {
		if yes {
			n++
		}
	}
	return float64(n) / float64(max(1, len(list)))
}
