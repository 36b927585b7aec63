package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"mime"
	"slices"

	"github.com/valyala/fasthttp"
)

const (
	// maxEvent is the most of an event's body, in bytes.
	maxEvent = 4 << 10
	// maxValue is the largest value of an event.
	maxValue = 1e9
)

var eventTypes = [...]string{EventView, EventClick, EventAnswer, EventConvert, EventDismiss}

// event answers POST /v1/decisions/{decision}/events: 204 when the event is joined to its decision.
func (v *viewer) event(ctx *fasthttp.RequestCtx) error {
	if v.engagement == nil {
		return notEngaged()
	}
	// text/plain is what navigator.sendBeacon says of a string, and all that a page may send on without a preflight.
	if err := checkContentType(ctx, contentTypeJSON, "text/plain"); err != nil {
		return err
	}
	body := ctx.PostBody()
	if len(body) > maxEvent {
		return tooLarge(maxEvent)
	}
	e, err := parseEvent(body)
	if err != nil {
		return err
	}
	e.Now = ctx.Time()
	segment, _ := ctx.UserValue("decision").(string)
	if err := v.engagement.Event(unescape(segment), e); err != nil {
		return refusedEvent(e, err)
	}
	ctx.Response.Header.Set(fasthttp.HeaderCacheControl, cacheNever)
	ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}

// parseEvent reads an event; errors are problems that name the member at fault.
func parseEvent(body []byte) (Event, error) {
	var e Event
	var members map[string]json.RawMessage // names in exactly these letters, which a struct would not ask for
	if err := json.Unmarshal(body, &members); err != nil || members == nil {
		return e, newProblem(fasthttp.StatusBadRequest, `the body must be a JSON object such as {"type":"click","value":1}`)
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if name != "type" && name != "value" {
			return e, badParameter(clip(name), "an event has type and value, but no %q", clip(name))
		}
	}
	if err := json.Unmarshal(members["type"], &e.Type); err != nil || !slices.Contains(eventTypes[:], e.Type) {
		return e, badParameter("type", "type must be one of %q", eventTypes)
	}
	if text, ok := members["value"]; ok {
		err := json.Unmarshal(text, &e.Value)
		if err != nil || e.Value == nil || !(*e.Value >= 0 && *e.Value <= maxValue) {
			return e, badParameter("value", "value must be a number from 0 to %.0f", maxValue)
		}
	}
	return e, nil
}

// refusedEvent returns what to tell of an error of Engagement.Event.
func refusedEvent(e Event, err error) error {
	for _, refused := range []struct {
		is     error
		status int
		says   string
	}{
		{ErrForgedDecision, fasthttp.StatusForbidden, "this decision was not made by this box: send the id of an instrument as a context gave it, to the box that gave it"},
		{ErrUnknownDecision, fasthttp.StatusNotFound, "this decision is not known any more: ask for a new context"},
		{ErrDuplicateEvent, fasthttp.StatusConflict, fmt.Sprintf("this decision has its %s already: send each type of event once", e.Type)},
		{ErrLateEvent, fasthttp.StatusGone, "this decision is too old for events: ask for a new context"},
	} {
		if errors.Is(err, refused.is) {
			return newProblem(refused.status, refused.says)
		}
	}
	return fmt.Errorf("join event: %w", err)
}

// notEngaged is the problem of what engagement alone has.
func notEngaged() error {
	return newProblem(fasthttp.StatusNotFound, "this box engages nobody: its configuration has no section engage")
}

func tooLarge(most int64) error {
	return newProblem(fasthttp.StatusRequestEntityTooLarge, fmt.Sprintf("a body may have %d bytes here", most))
}

// contentTypeForm is what curl says of any body that it is not told the type of. Nothing here takes a form, so it is read as what it
// should be.
const contentTypeForm = "application/x-www-form-urlencoded"

// checkContentType returns a 415 (RFC 9110, section 15.5.16) for a body that is of none of these media types, nor said to be a form.
func checkContentType(ctx *fasthttp.RequestCtx, allowed ...string) error {
	got, _, err := mime.ParseMediaType(string(ctx.Request.Header.ContentType()))
	if (err == nil || errors.Is(err, mime.ErrInvalidMediaParameter)) && (got == contentTypeForm || slices.Contains(allowed, got)) {
		return nil
	}
	return newProblem(fasthttp.StatusUnsupportedMediaType, fmt.Sprintf("send the body as one of %q", allowed))
}
