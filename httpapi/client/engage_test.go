package client_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"spotter/httpapi"
	"spotter/httpapi/client"
	"spotter/internal/mediatest"
)

// trivia is an engagement that knows one instrument, and remembers the events.
type trivia struct{ events []string }

// Decide implements httpapi.Engagement.
func (t *trivia) Decide(q *httpapi.EngagementQuery) (httpapi.Instrument, bool) {
	decision := q.Keep
	if decision == "" {
		decision = "d/1 of " + q.Viewer
	}
	return httpapi.Instrument{Decision: decision, ID: "couch", Type: "trivia", Payload: json.RawMessage(`{"q":1}`)}, true
}

// Event implements httpapi.Engagement.
func (t *trivia) Event(decision string, e httpapi.Event) error {
	t.events = append(t.events, fmt.Sprintf("%s: %s %v", decision, e.Type, *e.Value))
	if len(t.events) > 1 {
		return httpapi.ErrDuplicateEvent
	}
	return nil
}

func TestEngage(t *testing.T) {
	e := new(trivia)
	s := httpapi.NewViewer(httpapi.ViewerConfig{
		Media: mediatest.NewBox(mediatest.Cup()...), Engagement: e, Registerer: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler),
	})
	c := dial(t, client.Config{BaseURL: "http://spotter", HTTP: mediatest.Client(t, s)})
	got, err := c.Context(t.Context(), "cup-final", client.Query{At: 50_000, Profile: "p1"})
	if err != nil {
		t.Fatal(err)
	}
	want := []client.Instrument{{Decision: "d/1 of p1", ID: "couch", Type: "trivia", Payload: json.RawMessage(`{"q":1}`)}}
	if diff := cmp.Diff(want, got.Instruments); diff != "" {
		t.Error(diff)
	}
	decision := got.Instruments[0].Decision
	if got, err = c.Context(t.Context(), "cup-final", client.Query{At: 51_000, Engage: true, Decision: decision}); err != nil || got.Instruments[0].Decision != decision {
		t.Errorf("%v, %+v", err, got)
	}
	if err := c.Event(t.Context(), decision, client.EventClick, 0.5); err != nil {
		t.Error(err)
	}
	var p *client.Problem
	if err := c.Event(t.Context(), decision, client.EventClick, 1); !errors.As(err, &p) || p.Status != http.StatusConflict {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"d/1 of p1: click 0.5", "d/1 of p1: click 1"}, e.events); diff != "" {
		t.Error(diff)
	}
}

// TestEventsAreSentAgain has an answer lost: that the event is there already is then what was wanted.
func TestEventsAreSentAgain(t *testing.T) {
	lost := answer{err: io.ErrUnexpectedEOF}
	for name, tc := range map[string]struct {
		list  []answer
		asked int
		fails bool
	}{
		"at once":                 {[]answer{{status: 204}}, 1, false},
		"not arrived":             {[]answer{lost, {status: 204}}, 2, false},
		"arrived, but not told":   {[]answer{lost, problem(409, "")}, 2, false},
		"there already":           {[]answer{problem(409, "")}, 1, true},
		"forged":                  {[]answer{problem(403, "")}, 1, true},
		"the network stays away":  {[]answer{lost}, 3, true},
		"not what is to be told":  {[]answer{{status: 200, body: "<html>"}}, 1, true},
		"the server was too busy": {[]answer{problem(429, "1"), {status: 204}}, 2, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := &answers{list: tc.list}
				err := dial(t, client.Config{BaseURL: "http://box.example/cdn", HTTP: &http.Client{Transport: a}}).Event(t.Context(), "d/1", client.EventView, 1)
				if (err != nil) != tc.fails || len(a.seen) != tc.asked {
					t.Errorf("asked %d times: %v", len(a.seen), err)
				}
				for _, req := range a.seen {
					if body, _ := io.ReadAll(req.Body); string(body) != `{"type":"view","value":1}` || req.URL.EscapedPath() != "/cdn/v1/decisions/d%2F1/events" {
						t.Errorf("%s %s", req.URL, body)
					}
				}
			})
		})
	}
}
