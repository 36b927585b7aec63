package mediatest

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"time"

	"spotter/httpapi"
	"spotter/timeline"
)

var (
	people = []string{"Zoë Example", "Lin-Manuel Miranda", `"Quoted" \ Back`, "</script><b>Bold", "日本 太郎 🏆", "line\u2028end\ttab", "Nobody Known"}
	things = []string{"Couch", "Person", "Trophy & Cup", "Ball", "ボール", "Flag", "<i>Sign</i>", "Car"}
)

func confidence(r *rand.Rand) float64 { return float64(r.IntN(10_001)) / 100 }

// entities returns up to four of the names, each once; what belongs to a name is always the same.
func entities(r *rand.Rand, names []string, celebrities bool) []timeline.Entity {
	list := []timeline.Entity{}
	for _, i := range r.Perm(len(names))[:r.IntN(4)] {
		e := timeline.Entity{Name: names[i], Confidence: confidence(r)}
		switch {
		case celebrities && i%3 < 2:
			e.ID = fmt.Sprint("id", i)
			e.URLs = slices.Repeat([]string{"www.example.com/" + e.ID}, i%3)
		case !celebrities && i%2 == 0:
			e.Parents = []string{"Furniture", names[i]}
			e.Aliases = slices.Repeat([]string{"Sofa"}, i/4)
		}
		list = append(list, e)
	}
	return list
}

// Random returns an event as a box may have it after a hard day: scenes of up to 30 s, stretches without anybody, others that were
// not looked at, breaks, revisions, positions before zero, and as often as not a newest scene that is still on screen.
func Random(r *rand.Rand, id string, scenes int) Event {
	at := timeline.Position(r.IntN(1_500_000) - 900_000)
	var list []*timeline.Observation
	var analyzed []timeline.Span
	var breaks []timeline.Break
	for range scenes {
		length := timeline.Position(r.IntN(30_001))
		switch r.IntN(20) {
		case 0: // it was not looked at
			at += length * 4
			continue
		case 1, 2, 3: // nobody
		case 4: // a break, planned to be so long
			b := timeline.Break{ID: fmt.Sprint("<", len(breaks), ">"), Span: timeline.Span{From: at, Until: at + 2*length}, Open: r.IntN(3) == 0, Skipped: r.IntN(2) == 0}
			if r.IntN(5) == 0 {
				b.Until = b.From
			}
			breaks = append(breaks, b)
			fallthrough
		default:
			list = append(list, &timeline.Observation{
				Media: id, Span: timeline.Span{From: at, Until: at + length}, Revision: 1 + r.IntN(4), At: zero.Add(time.Duration(at) * time.Millisecond),
				Source:      []string{timeline.SourceRekognition, timeline.SourceONNX, timeline.SourceClassic}[r.IntN(3)],
				Celebrities: entities(r, people, true), Objects: entities(r, things, false),
			})
		}
		analyzed = append(analyzed, timeline.Span{From: at, Until: at + length})
		at += max(length, 1)
	}
	e := Event{Status: httpapi.Status{Media: id, State: httpapi.StateLive, StartedAt: &zero}, Zero: zero}
	if n := len(list) - 1; n >= 0 && list[n].Until == at && r.IntN(2) == 0 {
		list[n].Open = true
	}
	e.Timeline = timeline.New(list, analyzed).WithBreaks(breaks)
	if end, ok := e.Timeline.AnalyzedUntil(); ok {
		edge, settled := end+5000, end-60_000
		e.Status.AnalyzedUntil, e.Status.LiveEdge = &end, &edge
		if r.IntN(4) > 0 {
			e.Settled = &settled
		}
	}
	if last := e.Timeline.Last(); last != nil {
		e.Status.Source = last.Source
	}
	return e
}

// Window returns the path of a random question about an event.
func Window(r *rand.Rand, e *Event) string {
	length := timeline.Position(r.IntN(20_001))
	switch r.IntN(10) {
	case 0:
		length = 0
	case 1, 2:
		length = timeline.Position(r.IntN(3_600_001))
	}
	span := timeline.Span{From: 0, Until: 1}
	if list := e.Timeline.Analyzed(); len(list) > 0 {
		span = timeline.Span{From: list[0].From, Until: list[len(list)-1].Until}
	}
	from := span.From - 120_000 + timeline.Position(r.Int64N(int64(span.Len()+240_000)))
	if r.IntN(5) == 0 { // where most viewers are
		from = span.Until - length + timeline.Position(r.IntN(60_000)) - 50_000
	}
	media := "/v1/media/" + url.PathEscape(e.Status.Media)
	back := timeline.Position(r.Int64N(int64(length) + 1))
	offsets := fmt.Sprintf("&backward=%v&forward=%v", back, length-back)
	switch r.IntN(12) {
	case 0:
		at := e.Zero.Add((from + back).Duration()).Format(time.RFC3339Nano)
		return media + "/context?time=" + at + offsets
	case 1, 2, 3:
		return media + fmt.Sprintf("/context?position=%v", from+back) + offsets
	case 4:
		list := []string{fmt.Sprintf("from=%v", from), fmt.Sprintf("until=%v", from+length)}
		return media + "/timeline?" + strings.Join(list[r.IntN(2):][:r.IntN(2)], "&")
	}
	return crowded(r, media, timeline.Span{From: from, Until: from + length})
}

// crowded returns the path of what many viewers ask for at once, about a window or where it begins.
func crowded(r *rand.Rand, media string, w timeline.Span) string {
	switch r.IntN(8) {
	case 0:
		return media + fmt.Sprintf("/timeline.vtt?from=%v&until=%v", w.From, w.Until)
	case 1, 2:
		length := []int{1, 2, 5, 10, 15, 30, 60}[r.IntN(7)]
		from := int(w.From) / 1000 / length * length
		return media + fmt.Sprintf("/windows/%d-%d", from, from+length)
	case 3:
		return media + fmt.Sprintf("/metadata/%d.vtt", w.From/10_000)
	case 4:
		return media + fmt.Sprintf("/%s.m3u8?from=%v", []string{"metadata", "dateranges"}[r.IntN(2)], w.From)
	}
	return media + fmt.Sprintf("/timeline?from=%v&until=%v", w.From, w.Until)
}
