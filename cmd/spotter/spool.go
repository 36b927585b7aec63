package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"spotter/store"
	"spotter/timeline"
	"spotter/vision"
)

const (
	// minSpoolWait and maxSpoolWait bound the pause after the cloud has refused or missed a picture again.
	minSpoolWait = time.Second
	maxSpoolWait = 30 * time.Second
)

// mostUpgrades bounds what is remembered beside the spool; what is forgotten is upgraded only where the picture was.
const mostUpgrades = 4096

// upgrades knows which observations repeat the answer of one that the cloud missed, so that the better answer reaches them
// too, and which scenes on screen nobody could answer for.
type upgrades struct {
	mu         sync.Mutex
	after      map[place]func(vision.Answer, vision.Want) []timeline.Position
	unanswered map[string]timeline.Position // by media
}

type place struct {
	media string
	from  timeline.Position
}

// spooler asks the cloud again about the pictures that it missed, the newest first, while it is there and as far as the
// budget leaves something.
type spooler struct {
	store    *store.Store
	asker    *vision.Asker
	upgrades *upgrades
	metrics  *meters
	log      *slog.Logger
}

// run empties the spool until ctx is done.
func (s *spooler) run(ctx context.Context) {
	wait := minSpoolWait
	for ctx.Err() == nil {
		f, ok, err := s.store.NewestSpooled(s.upgrades.onScreen)
		switch {
		case err != nil:
			s.log.Error("spool cannot be read", "error", err)
			sleep(ctx, maxSpoolWait)
		case !ok:
			select {
			case <-ctx.Done():
			case <-s.store.SpoolChanged():
			}
		case s.again(ctx, f):
			wait = minSpoolWait
		default:
			sleep(ctx, wait)
			wait = min(2*wait, maxSpoolWait)
		}
	}
}

// again asks about one picture and reports whether the spool is done with it.
func (s *spooler) again(ctx context.Context, f store.SpooledFrame) bool {
	if t, ok := s.store.Timeline(f.Media); f.Until <= f.From && (!ok || t.At(f.From) == nil) {
		return s.upgrade(f, vision.Answer{}, 0) == nil // a run ended with the scene: nobody knows how long it was
	}
	want := vision.Want(f.Want)
	answer, err := s.asker.Again(ctx, vision.Picture{JPEG: f.JPEG, Width: f.Width, Height: f.Height, Want: want})
	var partial *vision.PartialError
	switch {
	case errors.As(err, &partial):
		answer, want = partial.Answer, want&^partial.Missing
	case errors.Is(err, vision.ErrPicture):
		answer, want = vision.Answer{}, 0 // never fit
	case err != nil:
		return false
	}
	if err := s.upgrade(f, answer, want); err != nil {
		s.log.Error("better answer cannot be stored", "media", f.Media, "position", f.From, "error", err)
		return false
	}
	if partial != nil {
		f.Want = uint8(partial.Missing)
		if _, err := s.store.Spool(f); err != nil {
			s.log.Error("picture cannot be spooled", "media", f.Media, "position", f.From, "error", err)
		}
		return false
	}
	return true
}

// upgrade takes a picture out of the spool and puts the better answer where the picture's was.
func (s *spooler) upgrade(f store.SpooledFrame, answer vision.Answer, want vision.Want) error {
	if want == 0 {
		_, err := s.store.Unspool(f.Media, f.From, nil)
		return err
	}
	s.metrics.upgraded.WithLabelValues(f.Media).Inc()
	all := s.upgrades.take(place{f.Media, f.From}, answer, want)
	if _, err := s.store.Unspool(f.Media, f.From, better(answer, want)); err != nil {
		return err
	}
	return revise(s.store, f.Media, slices.DeleteFunc(all, func(p timeline.Position) bool { return p == f.From }), answer, want)
}

// revise puts a better answer in the place of what the observations that begin at from say.
func revise(r reviser, media string, from []timeline.Position, answer vision.Answer, want vision.Want) error {
	for _, p := range from {
		if _, err := r.Revise(media, p, better(answer, want)); err != nil {
			return fmt.Errorf("revise at %s: %w", p, err)
		}
	}
	return nil
}

// better returns the change by which an answer takes the place of what an observation says.
func better(answer vision.Answer, want vision.Want) func(*timeline.Observation) bool {
	return func(o *timeline.Observation) bool {
		was := vision.Answer{Source: o.Source, Celebrities: o.Celebrities, Objects: o.Objects}
		now := was.Improve(answer, want)
		o.Source, o.Celebrities, o.Objects, o.At = now.Source, now.Celebrities, now.Objects, time.Now()
		return true
	}
}

// note remembers whom to ask which observations repeat the answer at a place.
func (u *upgrades) note(p place, which func(vision.Answer, vision.Want) []timeline.Position) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.after == nil || len(u.after) == mostUpgrades {
		u.after = make(map[place]func(vision.Answer, vision.Want) []timeline.Position)
	}
	u.after[p] = which
}

// take returns the observations that a better answer for a place is for, that of the place among them.
func (u *upgrades) take(p place, answer vision.Answer, want vision.Want) []timeline.Position {
	u.mu.Lock()
	which := u.after[p]
	delete(u.after, p)
	u.mu.Unlock()
	if which == nil {
		return []timeline.Position{p.from}
	}
	return which(answer, want)
}

// wait tells that nobody could answer for the scene on screen of a media; over, that it has ended.
func (u *upgrades) wait(p place) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.unanswered == nil {
		u.unanswered = make(map[string]timeline.Position)
	}
	u.unanswered[p.media] = p.from
}

func (u *upgrades) over(p place) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if from, ok := u.unanswered[p.media]; ok && from == p.from {
		delete(u.unanswered, p.media)
	}
}

// onScreen reports whether a scene lasts for which nobody could answer. Its picture stays in the spool until it is known how
// long it was.
func (u *upgrades) onScreen(media string, from timeline.Position) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	p, ok := u.unanswered[media]
	return ok && p == from
}
