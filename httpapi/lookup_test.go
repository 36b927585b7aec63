package httpapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/timeline"
)

// contextAnswer is what the hand-written encoder must write, for encoding/json to write.
type contextAnswer struct {
	Media         string             `json:"media"`
	From          timeline.Position  `json:"from"`
	Until         timeline.Position  `json:"until"`
	AnalyzedUntil *timeline.Position `json:"analyzed_until"`
	Complete      bool               `json:"complete"`
	Celebrities   []timeline.Seen    `json:"celebrities"`
	Objects       []timeline.Seen    `json:"objects"`
	Breaks        []breakAnswer      `json:"breaks,omitempty"`
}

type breakAnswer struct {
	ID string `json:"id"`
	timeline.Span
	Open    bool `json:"open"`
	Skipped bool `json:"skipped"`
}

func breakAnswers(list []timeline.Break) []breakAnswer {
	out := []breakAnswer{}
	for _, b := range list {
		out = append(out, breakAnswer(b))
	}
	return out
}

// observation is a timeline.Observation without its MarshalJSON, which escapes HTML whatever the encoder was told.
type observation timeline.Observation

type timelineAnswer struct {
	Observations []observation `json:"observations"`
	Breaks       []breakAnswer `json:"breaks"`
}

var hostile = []string{
	"Person", "Lin-Manuel Miranda", "", `"quoted" \ back`, "</script><script>alert(1)", "a\x00b\x1f\x7f\t\n\r\b\f",
	"bad \xff\xfe utf-8 \xed\xa0\x80", "cut off \xe2\x82", "line\u2028paragraph\u2029end\u2027\u202a", "日本語 🏆", "\ufffd real",
}

func randomTimeline(r *rand.Rand) *timeline.Timeline {
	entities := func() []timeline.Entity {
		var list []timeline.Entity
		for range r.IntN(4) {
			e := timeline.Entity{Name: hostile[r.IntN(len(hostile))], Confidence: math.Round(r.Float64()*10000) / 100}
			if r.IntN(2) == 0 {
				e.ID = hostile[r.IntN(len(hostile))]
				e.URLs = slices.Repeat([]string{hostile[r.IntN(len(hostile))]}, r.IntN(3))
			}
			if r.IntN(4) == 0 {
				e.Parents, e.Aliases = hostile[:r.IntN(3)], hostile[1:1+r.IntN(3)]
			}
			list = append(list, e)
		}
		return list
	}
	var list []*timeline.Observation
	for range r.IntN(30) {
		from := timeline.Position(r.IntN(100_000) - 20_000)
		list = append(list, &timeline.Observation{
			Media: "cup-final", Span: timeline.Span{From: from, Until: from + timeline.Position(1+r.IntN(20_000))},
			Source: hostile[r.IntN(2)], Revision: r.IntN(3), Celebrities: entities(), Objects: entities(),
		})
	}
	var analyzed []timeline.Span
	for range r.IntN(3) {
		from := timeline.Position(r.IntN(100_000) - 20_000)
		analyzed = append(analyzed, timeline.Span{From: from, Until: from + timeline.Position(1+r.IntN(100_000))})
	}
	var breaks []timeline.Break
	for range r.IntN(4) {
		from := timeline.Position(r.IntN(100_000) - 20_000)
		b := timeline.Break{
			ID: hostile[r.IntN(len(hostile))], Span: timeline.Span{From: from, Until: from + timeline.Position(r.IntN(20_000))},
			Open: r.IntN(3) == 0, Skipped: r.IntN(2) == 0,
		}
		breaks = append(breaks, b)
	}
	return timeline.New(list, analyzed).WithBreaks(breaks)
}

func encode(t *testing.T, v any) string {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func observations(list []*timeline.Observation, breaks []timeline.Break) timelineAnswer {
	answer := timelineAnswer{[]observation{}, breakAnswers(breaks)}
	for _, o := range list {
		plain := observation(*o)
		plain.Celebrities, plain.Objects = notNull(o.Celebrities), notNull(o.Objects)
		answer.Observations = append(answer.Observations, plain)
	}
	return answer
}

// notNull returns list as encoding/json must see it to write [].
func notNull[T any](list []T) []T { return append([]T{}, list...) }

func TestAnswersEqualEncodingJSON(t *testing.T) {
	m := cup()
	s := newViewer(m)
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		tl := randomTimeline(r)
		m.Timelines["cup-final"] = tl
		w := timeline.Span{From: timeline.Position(r.IntN(120_000) - 30_000)}
		w.Until = w.From + timeline.Position(r.IntN(40_000))
		split := timeline.Position(r.Int64N(int64(w.Len()) + 1))

		var c timeline.Context
		tl.Context(&c, w)
		want := contextAnswer{"cup-final", w.From, w.Until, nil, tl.Complete(w), notNull(c.Celebrities), notNull(c.Objects), breakAnswers(c.Breaks)}
		if p, ok := tl.AnalyzedUntil(); ok {
			want.AnalyzedUntil = &p
		}
		ctx := request(fmt.Sprintf("/v1/media/cup-final/context?position=%v&backward=%v&forward=%v", w.From+split, split, w.Len()-split))
		s.Handle(ctx)
		if diff := cmp.Diff(encode(t, want), string(ctx.Response.Body())); diff != "" {
			t.Fatal(diff)
		}

		ctx = request(fmt.Sprintf("/v1/media/cup-final/timeline?from=%v&until=%v", w.From, w.Until))
		s.Handle(ctx)
		if diff := cmp.Diff(encode(t, observations(tl.Within(w), tl.Breaks(w))), string(ctx.Response.Body())); diff != "" {
			t.Fatal(diff)
		}
	}
}

func TestConfidence(t *testing.T) {
	m := cup()
	s := newViewer(m)
	for confidence, want := range map[float64]string{
		99.126: "99.13", 99.999: "100", 50: "50", 0.004: "0", math.Copysign(0, -1): "0", 12.5: "12.5",
		math.Inf(1): "0", math.NaN(): "0", math.Inf(-1): "0", 61.499999999: "61.5", 7.05: "7.05", -1.5: "-1.5", 1e300: "0",
	} {
		m.Timelines["cup-final"] = timeline.New([]*timeline.Observation{{
			Span: timeline.Span{From: 0, Until: 1000}, Objects: []timeline.Entity{{Name: "Cup", Confidence: confidence}},
		}}, nil)
		ctx := request("/v1/media/cup-final/context?position=0")
		s.Handle(ctx)
		if body := string(ctx.Response.Body()); !strings.Contains(body, `"confidence":`+want+`,`) {
			t.Errorf("%v: %s", confidence, body)
		}
	}
}

func FuzzContextQuery(f *testing.F) {
	for _, q := range []string{
		"position=50&backward=10&forward=5", "position=1&position=2", "time=2026-11-23T16:00:50+02:00&profile=p1", "position=-0",
		"backward=3600&forward=0.001&position=1", "&&=&=1&position", "position=%zz&engage=1", "position=1&engage=&profile=%00",
	} {
		f.Add(q)
	}
	s := newViewer(cup())
	f.Fuzz(func(t *testing.T, query string) {
		ctx := request("/v1/media/cup-final/context")
		ctx.Request.URI().SetQueryString(query)
		s.Handle(ctx)
		var got struct {
			From, Until *float64
			Celebrities []any
			Parameter   string
		}
		if err := json.Unmarshal(ctx.Response.Body(), &got); err != nil {
			t.Fatalf("%v: %s", err, ctx.Response.Body())
		}
		switch code := ctx.Response.StatusCode(); {
		case code == 200 && got.From != nil && got.Until != nil && got.Celebrities != nil:
			if length := *got.Until - *got.From; length < 0 || length > 3600.0001 {
				t.Errorf("a window of %v s", length)
			}
		case code == 400 && slices.Contains([]string{"position", "time", "backward", "forward", "profile", "engage"}, got.Parameter):
		default:
			t.Errorf("status %d: %s", code, ctx.Response.Body())
		}
	})
}
