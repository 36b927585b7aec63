package httpapi

import (
	"github.com/valyala/fasthttp"

	"spotter/timeline"
)

// timeline answers GET /v1/media/{media}/timeline: the observations and breaks that meet a window, uncut.
func (v *viewer) timeline(ctx *fasthttp.RequestCtx) error {
	e, err := v.askedExtract(ctx)
	if err != nil {
		return err
	}
	if err := v.room.takeFor(ctx, e.observations); err != nil {
		return err
	}
	body := []byte(`{"observations":[`)
	for i, o := range e.observations {
		if i > 0 {
			body = append(body, ',')
		}
		body = appendObservation(body, o)
	}
	body = append(appendBreaks(append(body, `],"breaks":`...), e.breaks), '}')
	return v.reply(ctx, e, contentTypeJSON, body)
}

// askedExtract reads the window of a query's from and until.
func (v *viewer) askedExtract(ctx *fasthttp.RequestCtx) (*extract, error) {
	id := pathID(ctx)
	q, err := parseTimelineQuery(ctx.QueryArgs())
	if err != nil {
		return nil, v.refuse(id, err)
	}
	return v.extract(id, q)
}

// window returns the window that is asked for: where nothing else was said, from where the analysis began to where it ends.
func (v *viewer) window(id string, q timelineQuery) (timeline.Span, error) {
	w := timeline.Span{From: q.from, Until: q.until}
	if !q.hasFrom || !q.hasUntil {
		t, err := v.media.Timeline(id, nowhere)
		if err != nil {
			return w, missing(id, err)
		}
		analyzed := t.Analyzed()
		if !q.hasUntil {
			w.Until = w.From
			if len(analyzed) > 0 {
				w.Until = analyzed[len(analyzed)-1].Until
			}
		}
		if !q.hasFrom {
			w.From = w.Until
			if len(analyzed) > 0 {
				w.From = min(w.Until, analyzed[0].From)
			}
		}
	}
	if w.Len() > maxTimelineWindow {
		return w, badParameter("from", "a window may be at most %v seconds; give from and until", maxTimelineWindow)
	}
	return w, nil
}
