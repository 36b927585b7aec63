package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"spotter/timeline"
)

// contextAnswer is the part of a /context answer that the demo reads.
type contextAnswer struct {
	Complete    bool            `json:"complete"`
	Celebrities []timeline.Seen `json:"celebrities"`
	Objects     []timeline.Seen `json:"objects"`
}

// lookUp asks for the middle of a scene, less a second at each end where the picture changes.
func (d *demonstration) lookUp(ctx context.Context, s timeline.Span) (a contextAnswer, err error) {
	const edge = 1000
	middle := (s.From + s.Until) / 2
	side := max(0, s.Len()/2-edge)
	err = d.ask(ctx, fmt.Sprintf("/v1/media/%s/context?position=%s&backward=%s&forward=%s", demoMedia, middle, side, side), &a)
	return a, err
}

// has reports whether an entity of that name is there; the empty name always is.
func (a contextAnswer) has(name string) bool {
	if name == "" {
		return true
	}
	for _, e := range append(a.Celebrities, a.Objects...) {
		if e.Name == name {
			return true
		}
	}
	return false
}

func (a contextAnswer) String() string {
	var list []string
	for _, e := range append(a.Celebrities, a.Objects...) {
		list = append(list, fmt.Sprintf("%s %.0f", printable(e.Name), e.Confidence))
	}
	if list == nil {
		return "-"
	}
	return strings.Join(list, ", ")
}

// ask reads one answer of the viewer API.
func (d *demonstration) ask(ctx context.Context, path string, into any) error {
	body, err := askBox(ctx, d.conf, path)
	if err != nil {
		return err
	}
	return json.Unmarshal(body, into)
}
