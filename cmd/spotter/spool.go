package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
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
	after      map[place]func(vision.Answer, vision.Want) []revision
	unanswered map[string]timeline.Position // by media
	ended      chan struct{}                // receives after one of these has ended
}

// revision is what becomes of the observation that begins at from.
type revision struct {
	from   timeline.Position
	change func(*timeline.Observation) bool
}

type place struct {
	media string
	from  timeline.Position
}

// spooler asks the cloud again about the pictures that it missed, the newest first, while it is there and as far as the
// budget leaves something.
type spooler struct {
	store    spoolStore
	asker    *vision.Asker
	upgrades *upgrades
	metrics  *meters
	log      *slog.Logger

	unstored map[place]paidAnswer // paid for, and to be stored yet
	later    map[place]bool       // failed by themselves: to be asked after all others
}

// spoolStore is the part of the store that the spooler needs.
type spoolStore interface {
	reviser
	NewestSpooled(skip func(media string, from timeline.Position) bool) (f store.SpooledFrame, ok bool, err error)
	Unspool(media string, from timeline.Position, change func(o *timeline.Observation) bool) (found bool, err error)
	Spool(f store.SpooledFrame) (dropped int, err error)
	SpoolChanged() <-chan struct{}
}

// paidAnswer is an answer about a spooled picture.
type paidAnswer struct {
	at     time.Time // the picture's
	answer vision.Answer
	want   vision.Want
}

// mostUnstored bounds the answers that are kept while the store fails.
const mostUnstored = 64

// run empties the spool until ctx is done.
func (s *spooler) run(ctx context.Context) {
	wait := minSpoolWait
	for ctx.Err() == nil {
		f, ok, err := s.store.NewestSpooled(s.skips)
		switch {
		case err != nil:
			s.log.Error("spool cannot be read", "error", err)
			sleep(ctx, maxSpoolWait)
		case !ok && len(s.later) > 0:
			clear(s.later) // once more: each has waited
		case !ok:
			select {
			case <-ctx.Done():
			case <-s.store.SpoolChanged():
			case <-s.upgrades.changed():
			}
		case s.again(ctx, f):
			wait = minSpoolWait
		default:
			sleep(ctx, wait)
			wait = min(2*wait, maxSpoolWait)
		}
	}
}

// skips reports whether a picture is not to be asked about now.
func (s *spooler) skips(media string, from timeline.Position) bool {
	return s.later[place{media, from}] || s.upgrades.onScreen(media, from)
}

// postpone lets others go before a picture.
func (s *spooler) postpone(f store.SpooledFrame) {
	if s.later == nil {
		s.later = make(map[place]bool)
	}
	s.later[place{f.Media, f.From}] = true
}

// again asks about one picture and reports whether the spool is done with it.
func (s *spooler) again(ctx context.Context, f store.SpooledFrame) bool {
	if t, ok := s.store.Timeline(f.Media); f.Until <= f.From && (!ok || t.At(f.From) == nil) {
		return s.upgrade(f, vision.Answer{}, 0) == nil // a run ended with the scene: nobody knows how long it was
	}
	all := vision.Want(f.Want)
	key := place{f.Media, f.From}
	got, paid := s.unstored[key]
	if !paid || !got.at.Equal(f.At) {
		var ok bool
		if got, ok = s.ask(ctx, f); !ok {
			return false
		}
	}
	if err := s.upgrade(f, got.answer, got.want); err != nil {
		if s.unstored == nil || len(s.unstored) == mostUnstored {
			s.unstored = make(map[place]paidAnswer)
		}
		s.unstored[key] = got
		s.log.Error("better answer cannot be stored", "media", f.Media, "position", f.From, "error", err)
		return false
	}
	delete(s.unstored, key)
	if got.want == 0 || got.want == all {
		return true
	}
	f.Want = uint8(all &^ got.want)
	if _, err := s.store.Spool(f); err != nil {
		s.log.Error("picture cannot be spooled", "media", f.Media, "position", f.From, "error", err)
	}
	s.postpone(f)
	return false
}

// ask asks the cloud about a picture and reports whether that is worth storing.
func (s *spooler) ask(ctx context.Context, f store.SpooledFrame) (paidAnswer, bool) {
	got := paidAnswer{at: f.At, want: vision.Want(f.Want)}
	var err error
	got.answer, err = s.asker.Again(ctx, vision.Picture{Media: f.Media, At: f.From, JPEG: f.JPEG, Width: f.Width, Height: f.Height, Want: got.want})
	var partial *vision.PartialError
	switch {
	case errors.As(err, &partial):
		got.answer, got.want = partial.Answer, got.want&^partial.Missing
	case errors.Is(err, vision.ErrPicture):
		got.answer, got.want = vision.Answer{}, 0 // never fit
	case err != nil:
		if ctx.Err() == nil && !errors.Is(err, vision.ErrAway) && !errors.Is(err, vision.ErrThrottled) {
			s.postpone(f)
		}
		return got, false
	}
	if got.want != 0 {
		s.metrics.upgraded.WithLabelValues(f.Media).Inc()
	}
	return got, true
}

// upgrade takes a picture out of the spool and puts the better answer where the picture's was. It may be done again where it
// fails.
func (s *spooler) upgrade(f store.SpooledFrame, answer vision.Answer, want vision.Want) error {
	at := place{f.Media, f.From}
	if want == 0 {
		s.upgrades.forget(at)
		_, err := s.store.Unspool(f.Media, f.From, nil)
		return err
	}
	list := s.upgrades.of(at, answer, want)
	if err := revise(s.store, f.Media, list[1:]); err != nil {
		return err
	}
	if _, err := s.store.Unspool(f.Media, f.From, list[0].change); err != nil {
		return err
	}
	if want == vision.Want(f.Want) {
		s.upgrades.forget(at)
	}
	return nil
}

// revise puts better answers in the place of what observations say.
func revise(r reviser, media string, list []revision) error {
	for _, x := range list {
		if _, err := r.Revise(media, x.from, x.change); err != nil {
			return fmt.Errorf("revise at %s: %w", x.from, err)
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

// note remembers whom to ask which observations repeat the answer at a place. which must not hold the picture.
func (u *upgrades) note(p place, which func(vision.Answer, vision.Want) []revision) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.after == nil || len(u.after) == mostUpgrades {
		u.after = make(map[place]func(vision.Answer, vision.Want) []revision)
	}
	u.after[p] = which
}

// of returns what a better answer for a place makes of the observations that it is for, that of the place first.
func (u *upgrades) of(p place, answer vision.Answer, want vision.Want) []revision {
	u.mu.Lock()
	which := u.after[p]
	u.mu.Unlock()
	if which == nil {
		return []revision{{p.from, better(answer, want)}}
	}
	return which(answer, want)
}

// forget ends what note began.
func (u *upgrades) forget(p place) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.after, p)
}

// changed returns the channel that receives after a scene has ended for which nobody could answer. It is for one reader.
func (u *upgrades) changed() <-chan struct{} {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.signal()
}

// signal returns the channel. The caller holds mu.
func (u *upgrades) signal() chan struct{} {
	if u.ended == nil {
		u.ended = make(chan struct{}, 1)
	}
	return u.ended
}

// wait tells that nobody could answer for the scene on screen of a media; over, that it has ended.
func (u *upgrades) wait(p place) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.unanswered == nil {
		u.unanswered = make(map[string]timeline.Position)
	}
	u.unanswered[p.media] = p.from
	u.tell()
}

func (u *upgrades) over(p place) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if from, ok := u.unanswered[p.media]; ok && from == p.from {
		delete(u.unanswered, p.media)
		u.tell()
	}
}

// off tells that nothing of a media is on screen any more.
func (u *upgrades) off(media string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.unanswered, media)
	u.tell()
}

// tell wakes the reader of changed. The caller holds mu.
func (u *upgrades) tell() {
	select {
	case u.signal() <- struct{}{}:
	default:
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
