package mediatest

import (
	"time"

	"spotter/httpapi"
	"spotter/timeline"
)

var zero = time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)

// CupFinal is the id of the event that most questions are about.
const CupFinal = "cup-final"

// Cup returns an event of two minutes with two observations in the first, another that has not been analysed and one with a
// hostile name.
func Cup() []Event {
	edge, done, settled := timeline.Position(125_500), timeline.Position(120_000), timeline.Position(60_000)
	started := zero
	return []Event{
		{Status: httpapi.Status{Media: "<b>&/\"é", State: httpapi.StateStopped}, Timeline: timeline.New(nil, nil), Zero: zero},
		{
			Status: httpapi.Status{
				Media: CupFinal, State: httpapi.StateLive, LiveEdge: &edge, AnalyzedUntil: &done, StartedAt: &started,
				Source: timeline.SourceRekognition, Faults: []httpapi.Fault{{At: zero, Kind: "fetch", Message: "404 <b>", Count: 3}},
			},
			Timeline: timeline.New([]*timeline.Observation{
				{
					Media: CupFinal, Span: timeline.Span{From: 10_000, Until: 45_000}, Source: timeline.SourceONNX, Revision: 1,
					Objects: []timeline.Entity{{Name: "Couch", Confidence: 93.404}},
				},
				{
					Media: CupFinal, Span: timeline.Span{From: 45_000, Until: 50_250}, Source: timeline.SourceRekognition, Revision: 2,
					Celebrities: []timeline.Entity{{Name: "Lin-Manuel Miranda", ID: "3Ir0du6", URLs: []string{"www.imdb.com/name/nm0592135"}, Confidence: 99.1}},
					Objects:     []timeline.Entity{{Name: "Couch", Confidence: 90}},
				},
			}, []timeline.Span{{From: 0, Until: done}}),
			Settled: &settled, Zero: zero,
		},
		{Status: httpapi.Status{Media: "warm-up", State: httpapi.StateWaiting}, Timeline: timeline.New(nil, nil), Zero: zero},
	}
}

// event returns one that shows a timeline, settled before 140 s.
func event(id string, t *timeline.Timeline) Event {
	settled := timeline.Position(140_000)
	return Event{Status: httpapi.Status{Media: id, State: httpapi.StateEnded}, Timeline: t, Settled: &settled, Zero: zero}
}
