//go:build !race

package httpapi_test

import (
	"testing"

	"spotter/httpapi"
	"spotter/timeline"
)

// The race detector makes sync.Pool drop things, so this is not for it.
func TestLookUpAllocatesNothing(t *testing.T) {
	m := cup()
	m.Timelines["cup-final"] = event(20_000, 2_160).WithBreaks([]timeline.Break{{ID: "7", Span: timeline.Span{From: 20_045_000, Until: 20_075_000}}})
	m.Timelines["warm-up"] = busy(22_000)
	s, engaging := newViewer(m), engaging(m, oneInstrument{{Decision: "d1", ID: "couch", Type: "trivia", Payload: []byte(`{"q":1}`)}})
	for name, question := range map[string]struct{ media, query string }{
		"position": {"cup-final", "position=20050&backward=10&forward=5"},
		"time":     {"cup-final", "time=2026-11-23T15:00:00Z&backward=10&forward=5"},
		"engage":   {"cup-final", "position=20050.25&forward=15&engage=1"},
		"busy":     {"warm-up", "position=20050&backward=10&forward=5"},
	} {
		t.Run(name, func(t *testing.T) {
			if n := testing.AllocsPerRun(1000, lookUp(s, question.media, question.query)); n != 0 {
				t.Errorf("%v allocations", n)
			}
		})
	}
	direct, request := s.DirectConn(&discard{}), []byte(plainLookUp)
	if n := testing.AllocsPerRun(1000, func() { direct.Answer(request) }); n != 0 {
		t.Errorf("%v allocations past fasthttp", n)
	}
	// An instrument's answer takes none more; that of a viewer has the id to keep.
	for name, tc := range map[string]struct {
		query string
		most  float64
	}{"nobody in particular": {"position=20050&engage=1", 0}, "a viewer": {"position=20050&profile=p1&decision=d1", 2}} {
		t.Run(name, func(t *testing.T) {
			if n := testing.AllocsPerRun(1000, lookUp(engaging, "cup-final", tc.query)); n > tc.most {
				t.Errorf("%v allocations", n)
			}
		})
	}
}

// oneInstrument suits everybody.
type oneInstrument []httpapi.Instrument

// Decide implements httpapi.Engagement.
func (o oneInstrument) Decide(*httpapi.EngagementQuery) (httpapi.Instrument, bool) { return o[0], true }

// Event implements httpapi.Engagement.
func (o oneInstrument) Event(string, httpapi.Event) error { return nil }

// lookUp returns a look-up that goes as fasthttp would have it: request and answer are used again.
func lookUp(s *httpapi.Server, media, query string) func() {
	ctx := request("/v1/media/" + media + "/context?" + query)
	return func() {
		ctx.Request.URI().SetQueryString(query)
		ctx.Response.Reset()
		ctx.ResetUserValues()
		s.Handle(ctx)
	}
}
