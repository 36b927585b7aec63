package main

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"time"

	"spotter/engage"
	"spotter/engage/instrument"
	"spotter/engage/ledger"
	"spotter/httpapi"
)

// engaging shows an engine to both listeners.
type engaging struct {
	engine *engage.Engine
	ledger *ledger.Ledger
	window time.Duration // of events
}

// viewers returns what the viewer API asks for instruments; nil where viewers are not engaged.
func (e *engagement) viewers() httpapi.Engagement {
	if e == nil {
		return nil
	}
	return e.shown()
}

func (e *engagement) shown() engaging { return engaging{e.engine, e.ledger, e.window} }

// administer adds what the admin API asks for; nothing where viewers are not engaged.
func (e *engagement) administer(a *httpapi.AdminConfig) {
	if e != nil {
		shown := e.shown()
		a.Profiles, a.Instruments, a.Decisions = shown, shown, shown
	}
}

// Decide implements httpapi.Engagement.
func (e engaging) Decide(q *httpapi.EngagementQuery) (httpapi.Instrument, bool) {
	question := engage.Question(*q)
	d, ok := e.engine.Decide(&question)
	if !ok {
		return httpapi.Instrument{}, false
	}
	return httpapi.Instrument{Decision: d.ID, ID: d.Instrument.ID, Type: d.Instrument.Type, Payload: d.Instrument.Payload}, true
}

// Event implements httpapi.Engagement.
func (e engaging) Event(decision string, event httpapi.Event) error {
	return translated(e.engine.Event(decision, engage.EventInput{Type: event.Type, Value: event.Value}, event.Now), httpapi.ErrUnknownDecision)
}

// Profile implements httpapi.Profiles.
func (e engaging) Profile(id string) ([]byte, error) {
	body, err := e.engine.Profile(id)
	return body, translated(err, httpapi.ErrUnknownProfile)
}

// PutProfile implements httpapi.Profiles.
func (e engaging) PutProfile(id string, body []byte) error {
	return translated(e.engine.PutProfile(id, body), nil)
}

// EraseViewer implements httpapi.Profiles.
func (e engaging) EraseViewer(id string) error { return translated(e.engine.EraseViewer(id), nil) }

// ImportProfiles implements httpapi.Profiles.
func (e engaging) ImportProfiles(r io.Reader) (int, error) {
	n, err := e.engine.ImportProfiles(r)
	return n, translated(err, nil)
}

// Instruments implements httpapi.Instruments.
func (e engaging) Instruments() ([]json.RawMessage, error) {
	all := e.engine.Instruments()
	list := make([]json.RawMessage, len(all))
	for i := range all {
		text, err := all[i].MarshalJSON() // json.Marshal would write the payloads anew
		if err != nil {
			return nil, err
		}
		list[i] = text
	}
	return list, nil
}

// Instrument implements httpapi.Instruments.
func (e engaging) Instrument(id string) (json.RawMessage, error) {
	text, err := e.engine.Instrument(id)
	return text, translated(err, httpapi.ErrUnknownInstrument)
}

// PutInstrument implements httpapi.Instruments.
func (e engaging) PutInstrument(id string, body []byte) (created bool, err error) {
	_, err = e.engine.Instrument(id)
	created = errors.Is(err, engage.ErrUnknown)
	return created, translated(e.engine.PutInstrument(id, body), nil)
}

// DeleteInstrument implements httpapi.Instruments.
func (e engaging) DeleteInstrument(id string) error {
	return translated(e.engine.DeleteInstrument(id), httpapi.ErrUnknownInstrument)
}

// Statistics implements httpapi.Instruments.
func (e engaging) Statistics() httpapi.EngagementStatistics {
	s := e.engine.Stats()
	out := httpapi.EngagementStatistics{Policy: s.Policy, Decisions: int64(s.Decisions)}
	for _, i := range s.Instruments {
		one := httpapi.InstrumentStatistics{
			ID: i.ID, Type: i.Type, InFile: i.InFile, Decisions: int64(i.Decisions), Events: wide(i.Events),
			Reward: i.Reward, Spent: i.Spent, BudgetLeft: i.BudgetLeft,
		}
		if i.Left != nil {
			left := int64(*i.Left)
			one.Left = &left
		}
		out.Instruments = append(out.Instruments, one)
	}
	for _, p := range s.Policies {
		out.Policies = append(out.Policies, httpapi.PolicyStatistics{
			Policy: p.Policy, Decisions: int64(p.Decisions), Events: wide(p.Events), Reward: p.Reward,
		})
	}
	return out
}

func wide(counts map[string]int) map[string]int64 {
	out := make(map[string]int64, len(counts))
	for name, n := range counts {
		out[name] = int64(n)
	}
	return out
}

// translated returns an error of the engine as the listeners know it; unknown is what they call what there is not.
func translated(err, unknown error) error {
	var faults instrument.Faults
	var lines *engage.ImportError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &faults):
		out := make(httpapi.Faults, len(faults))
		for i := range faults {
			out[i] = faults[i].String()
		}
		return out
	case errors.As(err, &lines):
		out := make(httpapi.Faults, len(lines.Faults))
		for i, fault := range lines.Faults {
			out[i] = fault.Error()
		}
		return out
	case errors.Is(err, engage.ErrProfile):
		return httpapi.Faults(strings.Split(err.Error(), "\n")) // errors.Join puts each on a line
	case errors.Is(err, engage.ErrForged):
		return httpapi.ErrForgedDecision
	case errors.Is(err, engage.ErrDuplicate):
		return httpapi.ErrDuplicateEvent
	case errors.Is(err, engage.ErrLate):
		return httpapi.ErrLateEvent
	case errors.Is(err, engage.ErrInFile):
		return httpapi.ErrInstrumentInFile
	case errors.Is(err, engage.ErrUnknown) && unknown != nil:
		return unknown
	}
	return err
}
