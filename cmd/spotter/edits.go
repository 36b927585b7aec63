package main

import (
	"crypto/rand"
	"errors"
	"log/slog"
	"time"

	"spotter/httpapi"
	"spotter/timeline"
	"spotter/vision/local/gallery"
)

const (
	// editBatch is how many observations a transaction of an edit changes, so that recording never waits long for it.
	editBatch = 200
	// mostEdited bounds the observations that one edit reaches.
	mostEdited = 20_000
)

// editStore is the part of the store that edits need.
type editStore interface {
	Timeline(media string) (t *timeline.Timeline, ok bool)
	Edit(media string, from []timeline.Position, change func(o *timeline.Observation) (*timeline.Observation, error)) (now []*timeline.Observation, err error)
}

// edits changes observations for a person who knows better.
type edits struct {
	store  editStore
	people *gallery.Gallery // nil where there is none
	log    *slog.Logger
}

// Edit implements httpapi.Editor. What begins at from is edited first: where a later transaction fails, the same request goes on
// with the same token.
func (x *edits) Edit(media string, from timeline.Position, e timeline.Edit) (*timeline.Observation, string, error) {
	e.Undo, e.At, e.Known = rand.Text(), time.Now(), x.known(e.To)
	edit := func(o *timeline.Observation) (*timeline.Observation, error) { return timeline.Edited(o, e) }
	first, err := x.change(media, []timeline.Position{from}, edit)
	if err != nil {
		return nil, "", err
	}
	newest := first[0].Edits.List[len(first[0].Edits.List)-1]
	e.Undo = newest.Undo
	edited := 1
	if e.Scope == timeline.EditsEverywhere {
		rest := x.where(media, from, func(o *timeline.Observation) bool { return o.From > from && o.Shows(e.Entity) })
		n, err := x.changeAll(media, rest, edit)
		if edited += n; err != nil {
			return nil, "", err
		}
	}
	x.log.Info("observation edited", "media", media, "from", from, "do", e.Do, "entity", e.Entity.Name, "to", e.To.Name, "observations", edited)
	return first[0], e.Undo, nil
}

// Undo implements httpapi.Editor. What begins at from comes last: where a transaction fails, the same request goes on.
func (x *edits) Undo(media string, from timeline.Position, undo string) (*timeline.Observation, error) {
	t, ok := x.store.Timeline(media)
	if !ok {
		return nil, unknownMedia(media)
	}
	o := t.At(from)
	if o == nil {
		return nil, httpapi.ErrNoObservation
	}
	e, ok := o.HasEdit(undo)
	if !ok {
		return nil, timeline.ErrNoEdit
	}
	takeBack := func(o *timeline.Observation) (*timeline.Observation, error) {
		return timeline.Undone(o, undo, time.Now())
	}
	undone := 1
	if e.Scope == timeline.EditsEverywhere {
		rest := x.where(media, -timeline.MaxPosition, func(o *timeline.Observation) bool {
			_, ok := o.HasEdit(undo)
			return ok && o.From != from
		})
		n, err := x.changeAll(media, rest, takeBack)
		if undone += n; err != nil {
			return nil, err
		}
	}
	now, err := x.change(media, []timeline.Position{from}, takeBack)
	if err != nil {
		return nil, err
	}
	x.log.Info("edit taken back", "media", media, "from", from, "do", e.Do, "entity", e.Entity.Name, "observations", undone)
	return now[0], nil
}

// known returns what the gallery knows of a name, or nil.
func (x *edits) known(n timeline.Name) *timeline.Entity {
	if x.people == nil || n.Name == "" {
		return nil
	}
	wanted := n.ID
	if wanted == "" {
		wanted = n.Name
	}
	p, err := x.people.Find(wanted)
	if err != nil || n.ID != "" && p.ID != n.ID {
		return nil // nobody, or several of whom the person did not say which
	}
	return &timeline.Entity{Name: p.Name, ID: p.ID, URLs: p.URLs}
}

// change changes what begins at one of some positions, and returns that. An error where nothing does.
func (x *edits) change(media string, from []timeline.Position, with func(*timeline.Observation) (*timeline.Observation, error)) ([]*timeline.Observation, error) {
	if _, ok := x.store.Timeline(media); !ok {
		return nil, unknownMedia(media)
	}
	now, err := x.store.Edit(media, from, with)
	if err == nil && len(now) == 0 {
		err = httpapi.ErrNoObservation
	}
	return now, err
}

// where returns where the observations of a media begin, from a position on, that are meant: mostEdited at most.
func (x *edits) where(media string, from timeline.Position, meant func(*timeline.Observation) bool) (list []timeline.Position) {
	t, ok := x.store.Timeline(media)
	if !ok {
		return nil
	}
	for _, o := range t.Within(timeline.Span{From: from, Until: timeline.MaxPosition}) {
		if meant(o) {
			if list = append(list, o.From); len(list) == mostEdited {
				break
			}
		}
	}
	return list
}

// changeAll changes what begins at some positions, in transactions of bounded size. What cannot be changed, for others changed it
// meanwhile or it has too many edits, stays as it is. It returns how many were changed.
func (x *edits) changeAll(media string, from []timeline.Position, with func(*timeline.Observation) (*timeline.Observation, error)) (n int, err error) {
	for len(from) > 0 {
		batch := from[:min(editBatch, len(from))]
		from = from[len(batch):]
		changed := 0
		_, err := x.store.Edit(media, batch, func(o *timeline.Observation) (*timeline.Observation, error) {
			now, err := with(o)
			for _, stays := range []error{timeline.ErrNotShown, timeline.ErrAmbiguousName, timeline.ErrSameName, timeline.ErrManyEdits, timeline.ErrNoEdit} {
				if errors.Is(err, stays) {
					return o, nil
				}
			}
			if now != o {
				changed++
			}
			return now, err
		})
		if err != nil {
			return n, err
		}
		n += changed
	}
	return n, nil
}
