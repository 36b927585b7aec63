package scorecard

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"time"

	"spotter/internal/scorecard/record"
)

// Card is everything that one run of `make scorecard` found out.
type Card struct {
	Made    time.Time     `json:"made"`
	Quick   bool          `json:"quick"`
	Took    time.Duration `json:"took_ns"`
	Machine Machine       `json:"machine"`
	Figures []Figure      `json:"figures"`
	// Absent is what was left out, and why.
	Absent []Absence `json:"absent,omitempty"`
}

// Absence is something that was not measured.
type Absence struct {
	What string `json:"what"`
	Why  string `json:"why"`
}

// Add puts measurements on the card. One of the same group, name and place on a curve replaces what was there.
func (c *Card) Add(list ...record.Measurement) {
	for _, m := range list {
		if m.Absent != "" {
			c.leaveOut(Absence{m.Group + ": " + m.Name, m.Absent})
			continue
		}
		f := Compute(m)
		same := func(o Figure) bool { return o.Group == f.Group && o.Name == f.Name && o.Axis == f.Axis && o.X == f.X }
		if i := slices.IndexFunc(c.Figures, same); i >= 0 {
			c.Figures[i] = f
		} else {
			c.Figures = append(c.Figures, f)
		}
	}
}

// LeaveOut says that something was not measured.
func (c *Card) LeaveOut(list ...Absence) {
	for _, a := range list {
		c.leaveOut(a)
	}
}

func (c *Card) leaveOut(a Absence) {
	if !slices.Contains(c.Absent, a) {
		c.Absent = append(c.Absent, a)
	}
}

// section is the figures under one heading that are on no curve.
type section struct {
	Title   string
	Figures []Figure
}

// sections are the figures by heading, in the order in which the headings came first.
func (c *Card) sections() (list []section) {
	for _, f := range c.Figures {
		if f.Axis != "" {
			continue
		}
		i := slices.IndexFunc(list, func(s section) bool { return s.Title == f.Group })
		if i < 0 {
			i, list = len(list), append(list, section{Title: f.Group})
		}
		list[i].Figures = append(list[i].Figures, f)
	}
	return list
}

// curve is one thing over what it grows with.
type curve struct {
	Group, Name, Unit, Axis string
	Points                  []Figure // by X
}

// curves are the figures on curves, in the order in which they came first.
func (c *Card) curves() (list []curve) {
	for _, f := range c.Figures {
		if f.Axis == "" {
			continue
		}
		i := slices.IndexFunc(list, func(o curve) bool { return o.Group == f.Group && o.Name == f.Name && o.Axis == f.Axis })
		if i < 0 {
			i, list = len(list), append(list, curve{Group: f.Group, Name: f.Name, Unit: f.Unit, Axis: f.Axis})
		}
		list[i].Points = append(list[i].Points, f)
	}
	for _, o := range list {
		slices.SortFunc(o.Points, func(a, b Figure) int { return cmp.Compare(a.X, b.X) })
	}
	return list
}

// goals are the figures that have one.
func (c *Card) goals() (list []Figure) {
	for _, f := range c.Figures {
		if f.Goal != nil {
			list = append(list, f)
		}
	}
	return list
}

// WriteJSON writes all of the card to a file.
func (c *Card) WriteJSON(path string) error {
	text, err := json.MarshalIndent(c, "", " ")
	if err != nil {
		return fmt.Errorf("write scorecard: %w", err)
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

// ReadJSON reads a card that WriteJSON wrote.
func ReadJSON(path string) (*Card, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read scorecard: %w", err)
	}
	c := new(Card)
	if err := json.Unmarshal(text, c); err != nil {
		return nil, fmt.Errorf("read scorecard %s: %w", path, err)
	}
	return c, nil
}
