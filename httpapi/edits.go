package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/valyala/fasthttp"

	"spotter/timeline"
)

const (
	pathObservation = "/v1/media/{media}/observations/{from}"
	// maxEntityName bounds a name and an id that a person gives, in bytes.
	maxEntityName = 256
	// maxUndo bounds a token, in bytes.
	maxUndo = 64
)

// Editor changes observations for a person who knows better. Errors wrap ErrUnknownMedia, ErrNoObservation or one of those that
// timeline.Edited and timeline.Undone return.
type Editor interface {
	// Edit makes the next revision of the observation of a media that begins at from, and returns it with a token that takes the
	// edit back. To ask the same again changes nothing and returns the same token. A Scope of timeline.EditsEverywhere is for the
	// observations that follow, too, where they show the entity. Of e it needs Do, Entity, To and Scope.
	Edit(media string, from timeline.Position, e timeline.Edit) (now *timeline.Observation, undo string, err error)
	// Undo takes an edit back, in all observations that it was made of.
	Undo(media string, from timeline.Position, undo string) (now *timeline.Observation, err error)
}

// ErrNoObservation is wrapped by the errors of Editor where no observation begins at a position.
var ErrNoObservation = errors.New("no observation begins there")

// editRoutes registers /v1/media/{media}/observations/{from} and its undo. A nil e changes nothing.
func (g *guarded) editRoutes(e Editor) {
	g.handle(fasthttp.MethodPost, pathObservation, editHandler(e, func(ctx *fasthttp.RequestCtx, media string, from timeline.Position) error {
		edit, err := readEdit(ctx)
		if err != nil {
			return err
		}
		now, undo, err := e.Edit(media, from, edit)
		if err != nil {
			return err
		}
		return writeJSON(ctx, struct {
			Observation *timeline.Observation `json:"observation"`
			Undo        string                `json:"undo"`
		}{now, undo})
	}))
	g.handle(fasthttp.MethodPost, pathObservation+"/undo", editHandler(e, func(ctx *fasthttp.RequestCtx, media string, from timeline.Position) error {
		var token struct {
			Undo string `json:"undo"`
		}
		if err := readMembers(ctx, &token); err != nil {
			return err
		}
		if token.Undo == "" || len(token.Undo) > maxUndo {
			return Faults{"undo: want the token that the edit was answered with"}
		}
		now, err := e.Undo(media, from, token.Undo)
		if err != nil {
			return err
		}
		return writeJSON(ctx, struct {
			Observation *timeline.Observation `json:"observation"`
		}{now})
	}))
}

// editHandler reads which observation is meant, and has h's errors told.
func editHandler(e Editor, h func(ctx *fasthttp.RequestCtx, media string, from timeline.Position) error) handler {
	return func(ctx *fasthttp.RequestCtx) error {
		if e == nil {
			return newProblem(fasthttp.StatusNotFound, "this process shows media that another watches: edit what was observed at the box that does")
		}
		segment, _ := ctx.UserValue("from").(string)
		from, err := timeline.ParsePosition(unescape(segment))
		if err != nil {
			return badParameter("from", "%v", err)
		}
		media := pathID(ctx)
		return editProblem(h(ctx, media, from), media, from)
	}
}

// editProblem returns err as a problem for the person who edits; nil stays nil.
func editProblem(err error, media string, from timeline.Position) error {
	is := func(list ...error) bool {
		return slices.ContainsFunc(list, func(target error) bool { return errors.Is(err, target) })
	}
	switch {
	case is(ErrUnknownMedia):
		return unknownMedia(media)
	case is(ErrNoObservation):
		return newProblem(fasthttp.StatusNotFound,
			fmt.Sprintf("no observation begins at %v: it may be older than what is kept; load the timeline again", from))
	case is(timeline.ErrNoEdit):
		return newProblem(fasthttp.StatusConflict, "this edit does not stand: it was taken back already, or is of another observation")
	case is(timeline.ErrManyEdits, timeline.ErrAmbiguousName):
		return newProblem(fasthttp.StatusConflict, err.Error())
	case is(timeline.ErrNotShown, timeline.ErrSameName):
		return newProblem(fasthttp.StatusUnprocessableEntity, err.Error())
	}
	return operatorProblem(err)
}

// readEdit reads the body of an edit.
func readEdit(ctx *fasthttp.RequestCtx) (timeline.Edit, error) {
	var body struct {
		Do     string         `json:"do"`
		Entity timeline.Name  `json:"entity"`
		To     *timeline.Name `json:"to"`
		Scope  string         `json:"scope"`
	}
	if err := readMembers(ctx, &body); err != nil {
		return timeline.Edit{}, err
	}
	e := timeline.Edit{Do: body.Do, Entity: body.Entity}
	f := checkName("entity", e.Entity)
	switch e.Do {
	case timeline.EditAccept, timeline.EditReject:
		if body.To != nil {
			f = append(f, "to: is for rename and merge only")
		}
	case timeline.EditRename, timeline.EditMerge:
		if body.To != nil {
			e.To = timeline.Name{Name: strings.TrimSpace(body.To.Name), ID: body.To.ID}
		}
		f = append(f, checkName("to", e.To)...)
	default:
		f = append(f, "do: want one of accept, reject, rename and merge")
	}
	switch {
	case body.Scope == timeline.EditsEverywhere && (e.Do == timeline.EditReject || e.Do == timeline.EditRename):
		e.Scope = body.Scope
	case body.Scope == timeline.EditsEverywhere:
		f = append(f, "scope: media is for reject and rename only")
	case body.Scope != "" && body.Scope != "observation":
		f = append(f, "scope: want observation or media")
	}
	if len(f) > 0 {
		return e, f
	}
	return e, nil
}

// checkName returns what is wrong with a member that names an entity.
func checkName(member string, n timeline.Name) (f Faults) {
	if n.Name == "" {
		f = append(f, member+".name: is missing")
	}
	for name, s := range map[string]string{"name": n.Name, "id": n.ID} {
		if len(s) > maxEntityName || strings.ContainsFunc(s, unicode.IsControl) {
			f = append(f, fmt.Sprintf("%s.%s: want at most %d bytes, and no control characters", member, name, maxEntityName))
		}
	}
	return f
}

// readMembers reads a JSON object that has no other members than into.
func readMembers(ctx *fasthttp.RequestCtx, into any) error {
	body, err := readJSON(ctx)
	if err != nil {
		return err
	}
	if !utf8.Valid(body) {
		return Faults{"the body is not UTF-8"}
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return Faults{clipFault(strings.TrimPrefix(err.Error(), "json: "))}
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Faults{"there is more after the object"}
	}
	return nil
}

// clipFault bounds what a fault repeats of a body.
func clipFault(s string) string {
	const most = 200
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "..."
	}
	return s
}
