package offline

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"spotter/engage/ledger"
	"spotter/engage/policy"
)

// ReadNDJSON gives the samples that WriteNDJSON wrote, each time anew from what open returns. Keys that Line does not have
// are left out. An error names its line.
func ReadNDJSON(open func() (io.ReadCloser, error)) Samples {
	return func(yield func(*Sample, error) bool) {
		r, err := open()
		if err != nil {
			yield(nil, err)
			return
		}
		defer r.Close()
		d := json.NewDecoder(bufio.NewReaderSize(r, 1<<16))
		for n := 1; ; n++ {
			var l Line
			err := d.Decode(&l)
			if errors.Is(err, io.EOF) {
				return
			}
			var s *Sample
			if err == nil {
				s, err = l.sample()
			}
			if err != nil {
				yield(nil, fmt.Errorf("decision on line %d: %w", n, err))
				return
			}
			if !yield(s, nil) {
				return
			}
		}
	}
}

// sample is what LineOf made the line of.
func (l *Line) sample() (*Sample, error) {
	s := &Sample{
		Number: l.Decision,
		Decision: &ledger.Decision{
			At: l.At, Media: l.Media, Position: l.Position, Case: &policy.Case{Context: l.Context, Arms: l.Arms},
			Choice: l.Choice, Propensity: l.Propensity, Policy: l.Policy,
		},
		Reward: l.Reward,
	}
	if l.Viewer != "" {
		viewer, err := hex.DecodeString(l.Viewer)
		if err != nil || len(viewer) != len(s.Viewer) {
			return nil, fmt.Errorf("viewer %q is not %d hex digits", l.Viewer, 2*len(s.Viewer))
		}
		s.Viewer = ledger.Viewer(viewer)
	}
	for _, e := range l.Events {
		at := l.At.Add(time.Duration(e.After * float64(time.Second)))
		s.Events = append(s.Events, &ledger.Event{At: at, Decision: l.Decision, Type: e.Type, Value: e.Value})
	}
	return s, check(s)
}
