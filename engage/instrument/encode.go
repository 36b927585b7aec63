package instrument

import (
	"bytes"
	"encoding/json"
	"time"

	"spotter/timeline"
)

// MarshalJSON returns the instrument as Parse takes it, with its id and without what is not said. The payload stands there
// byte for byte; json.Marshal would write its <, > and & in another way (json.Encoder.SetEscapeHTML).
func (i Instrument) MarshalJSON() ([]byte, error) {
	audience := make(map[string]conditionShape, len(i.Audience))
	for name, c := range i.Audience {
		audience[name] = conditionShape(c)
	}
	return encode(shape{
		ID: i.ID, Type: i.Type, Payload: i.Payload, Targets: targetsShape(i.Targets), Audience: audience, Flight: flightShape(i.Flight),
		Media: i.Media, Positions: i.Positions, Priority: i.Priority, Caps: capsShape(i.Caps), Pacing: i.Pacing,
		Cost: costShape(i.Cost), Budget: i.Budget,
	})
}

type shape struct {
	ID        string                    `json:"id"`
	Type      string                    `json:"type"`
	Payload   json.RawMessage           `json:"payload"`
	Targets   targetsShape              `json:"targets,omitzero"`
	Audience  map[string]conditionShape `json:"audience,omitempty"`
	Flight    flightShape               `json:"flight,omitzero"`
	Media     []string                  `json:"media,omitempty"`
	Positions []timeline.Span           `json:"positions,omitempty"`
	Priority  int                       `json:"priority,omitempty"`
	Caps      capsShape                 `json:"caps,omitzero"`
	Pacing    string                    `json:"pacing,omitempty"`
	Cost      costShape                 `json:"cost,omitzero"`
	Budget    float64                   `json:"budget,omitempty"`
}

type targetsShape struct {
	Any  []string `json:"any,omitempty"`
	All  []string `json:"all,omitempty"`
	None []string `json:"none,omitempty"`
}

// IsZero says that there are no targets, however that is written.
func (t targetsShape) IsZero() bool { return len(t.Any)+len(t.All)+len(t.None) == 0 }

type flightShape struct {
	Start time.Time `json:"start,omitzero"`
	End   time.Time `json:"end,omitzero"`
}

type capsShape struct {
	PerViewer int `json:"per_viewer,omitempty"`
	Total     int `json:"total,omitempty"`
}

type costShape struct {
	Decision float64 `json:"decision,omitempty"`
	View     float64 `json:"view,omitempty"`
	Click    float64 `json:"click,omitempty"`
	Answer   float64 `json:"answer,omitempty"`
	Convert  float64 `json:"convert,omitempty"`
}

type conditionShape struct {
	Min    *float64 `json:"min,omitempty"`
	Max    *float64 `json:"max,omitempty"`
	In     []any    `json:"in,omitempty"`
	NotIn  []any    `json:"not_in,omitempty"`
	Absent *bool    `json:"absent,omitempty"`
}

// encode returns v as JSON with no more escapes than are needed.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// quote returns a text as JSON.
func quote(s string) []byte {
	b, _ := encode(s) // a string has a JSON form
	return b
}

// compact returns JSON without the spaces between its parts. The text is known to be JSON.
func compact(text []byte) []byte {
	var b bytes.Buffer
	if json.Compact(&b, text) != nil {
		return nil
	}
	return b.Bytes()
}
