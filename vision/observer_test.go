package vision_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"spotter/timeline"
	"spotter/vision"
)

var now = time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)

func names(of ...string) vision.Answer {
	a := vision.Answer{Source: timeline.SourceClassic}
	for _, n := range of {
		a.Objects = append(a.Objects, timeline.Entity{Name: n, Confidence: 90})
	}
	return a
}

// history applies what an observer reports the way a store does.
type history struct {
	*timeline.Timeline
	missed []timeline.Span
}

func (h *history) add(s vision.Seen) {
	h.Timeline = h.With(nil, []timeline.Span{s.Analyzed})
	for _, o := range s.Observations {
		if now, _ := timeline.Settle(h.At(o.From), o); now != nil {
			h.Timeline = h.With([]*timeline.Observation{now}, nil)
		}
	}
	if s.Missed.Len() > 0 {
		h.missed = append(h.missed, s.Missed)
	}
}

func span(from, until timeline.Position) timeline.Span {
	return timeline.Span{From: from, Until: until}
}

func (h *history) spans() []timeline.Span {
	var out []timeline.Span
	for _, o := range h.Within(span(-1_000_000, 1_000_000)) {
		out = append(out, o.Span)
	}
	return out
}

func TestObserver(t *testing.T) {
	for _, c := range []struct {
		name     string
		play     func(o *vision.Observer, h *history)
		spans    []timeline.Span
		analyzed []timeline.Span
		missed   []timeline.Span
	}{
		{
			"a scene lasts until the next one begins",
			func(o *vision.Observer, h *history) {
				h.add(o.Answer(0, names("Person"), now))
				h.add(o.Through(2000))
				h.add(o.Answer(3000, names("Car"), now))
				h.add(o.Through(4000))
			},
			[]timeline.Span{span(0, 3000), span(3000, 4000)},
			[]timeline.Span{span(0, 4000)},
			nil,
		},
		{
			"a hole ends the scene where it was last seen",
			func(o *vision.Observer, h *history) {
				h.add(o.Answer(0, names("Person"), now))
				h.add(o.Through(2000))
				h.add(o.Break())
				h.add(o.Answer(6000, names("Person"), now))
				h.add(o.Through(8000))
			},
			[]timeline.Span{span(0, 2000), span(6000, 8000)},
			[]timeline.Span{span(0, 2000), span(6000, 8000)},
			nil,
		},
		{
			"a scene that nobody could name is missed, not analysed",
			func(o *vision.Observer, h *history) {
				h.add(o.Answer(0, names("Person"), now))
				h.add(o.Through(2000))
				h.add(o.Unanswered(3000))
				h.add(o.Through(4000))
				h.add(o.Answer(5000, names("Car"), now))
				h.add(o.Through(6000))
			},
			[]timeline.Span{span(0, 3000), span(5000, 6000)},
			[]timeline.Span{span(0, 3000), span(5000, 6000)},
			[]timeline.Span{span(3000, 5000)},
		},
		{
			"a hole ends a missed scene where it was last seen",
			func(o *vision.Observer, h *history) {
				h.add(o.Unanswered(1000))
				h.add(o.Through(2000))
				h.add(o.Through(4000))
				h.add(o.Break())
				h.add(o.Through(6000))
				h.add(o.Unanswered(8000))
				h.add(o.Break())
				h.add(o.Break())
			},
			nil, nil,
			[]timeline.Span{span(1000, 4000)},
		},
		{
			"one missed scene after the other",
			func(o *vision.Observer, h *history) {
				h.add(o.Unanswered(1000))
				h.add(o.Unanswered(2000))
				h.add(o.Unanswered(2000))
				h.add(o.Through(2500))
				h.add(o.Answer(3000, names(), now))
			},
			[]timeline.Span{span(3000, 3000)},
			nil,
			[]timeline.Span{span(1000, 2000), span(2000, 3000)},
		},
		{
			"nothing is known before the first answer",
			func(o *vision.Observer, h *history) {
				h.add(o.Break())
				h.add(o.Through(2000))
			},
			nil, nil, nil,
		},
		{
			"an empty scene is an observation too",
			func(o *vision.Observer, h *history) {
				h.add(o.Answer(0, names(), now))
				h.add(o.Through(2000))
			},
			[]timeline.Span{span(0, 2000)},
			[]timeline.Span{span(0, 2000)},
			nil,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := &history{Timeline: new(timeline.Timeline)}
			c.play(vision.NewObserver("m", nil), h)
			if d := cmp.Diff(c.spans, h.spans()); d != "" {
				t.Errorf("spans (-want +got):\n%s", d)
			}
			if d := cmp.Diff(c.analyzed, h.Analyzed(), cmpopts.EquateEmpty()); d != "" {
				t.Errorf("analysed (-want +got):\n%s", d)
			}
			if d := cmp.Diff(c.missed, h.missed); d != "" {
				t.Errorf("missed (-want +got):\n%s", d)
			}
		})
	}
}

// The end of a scene is told, for whoever was told of its beginning only, such as the cloud; and once.
func TestObserverClosesAtTheEnd(t *testing.T) {
	o := vision.NewObserver("m", nil)
	first := o.Answer(0, names("Person"), now)
	longer := o.Through(2000)
	end := o.Answer(3000, names("Car"), now)
	if got := first.Observations[0]; !got.Open || got.Until != 0 || got.Revision != 0 {
		t.Errorf("what was handed out changed, or has a revision: %+v", got)
	}
	if got := longer.Observations[0]; !got.Open || got.Span != span(0, 2000) {
		t.Errorf("the scene that lasts is %+v", got)
	}
	if got := end.Observations[0]; got.Open || got.Span != span(0, 3000) {
		t.Errorf("the ended scene is %+v", got)
	}
	if again := o.Break().Observations; len(again) != 1 || again[0].From != 3000 || again[0].Open {
		t.Errorf("a break ends %v", again)
	}
	if again := o.Break().Observations; again != nil {
		t.Errorf("a second break ends %v again", again)
	}
}

// After a restart the scene that was on screen ends where it was last seen; one that has ended does not end again.
func TestObserverResumes(t *testing.T) {
	for name, c := range map[string]struct {
		open bool
		want []timeline.Span
	}{
		"on screen": {true, []timeline.Span{span(0, 2000), span(9000, 9000)}},
		"ended":     {false, []timeline.Span{span(9000, 9000)}},
	} {
		t.Run(name, func(t *testing.T) {
			stored := &timeline.Observation{Media: "m", Span: span(0, 2000), Revision: 3, Open: c.open}
			o := vision.NewObserver("m", stored)
			if seen := o.Through(5000); seen.Observations != nil || seen.Analyzed.Len() != 0 {
				t.Errorf("a scene of an earlier run lasts: %+v", seen)
			}
			var got []timeline.Span
			for _, x := range o.Answer(9000, names("Person"), now).Observations {
				if x.Open != (x.From == 9000) {
					t.Errorf("open is %v at %v", x.Open, x.From)
				}
				got = append(got, x.Span)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("spans (-want +got):\n%s", d)
			}
			if stored.Open != c.open {
				t.Error("the stored observation was changed")
			}
		})
	}
}
