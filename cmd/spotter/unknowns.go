package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"spotter/timeline"
	"spotter/vision/local/gallery"
)

const (
	// bindInterval is how often it is looked whether the gallery or the file of unknown faces has changed.
	bindInterval = time.Second
	// saveInterval is the least time between two writings of the file, for every thousand looks that it holds.
	saveInterval = 5 * time.Second
	// settleTime is how long after a look its observation may still come: the cloud takes its deadline, and a scene is
	// recorded with its segment. A name is tried again meanwhile, every retryInterval.
	settleTime    = time.Minute
	retryInterval = 10 * time.Second
	// complaintInterval is how often the same error is logged.
	complaintInterval = 10 * time.Minute
)

// reviser is the part of the store that late binding needs.
type reviser interface {
	// Timeline returns the newest snapshot of a media; ok is false when there is none.
	Timeline(media string) (t *timeline.Timeline, ok bool)
	// Revise lets change alter a copy of the observation that begins at from, and keeps it as the next revision when
	// change returns true. found tells whether there is one.
	Revise(media string, from timeline.Position, change func(o *timeline.Observation) bool) (found bool, err error)
}

// lateBinding keeps the faces that nobody could name and, when the gallery can name one, puts the name into what was
// observed. A nil one keeps nothing.
type lateBinding struct {
	unknowns *gallery.Unknowns
	people   *gallery.Gallery
	store    reviser
	log      *slog.Logger

	version uint64    // of the gallery, as last bound
	again   time.Time // when to bind again although the gallery is the same; zero for never
	until   time.Time // looks from before it may still be reported or their observations come
	saved   time.Time
	failure string    // as last logged
	failed  time.Time // when it was
}

// newLateBinding opens what is kept of unknown faces. It returns nil where none are to be kept, and forgets those of
// before, or where there is no gallery to name them.
func newLateBinding(c *config, people *gallery.Gallery, store reviser, log *slog.Logger) (*lateBinding, error) {
	keep := c.Vision.Local.UnknownFaces.Keep
	if keep == 0 {
		return nil, gallery.EraseUnknowns(c.unknownFacesFile())
	}
	if people == nil {
		return nil, nil
	}
	unknowns, err := gallery.OpenUnknowns(c.unknownFacesFile(), people.Model(), keep)
	if err != nil {
		return nil, err
	}
	b := &lateBinding{unknowns: unknowns, people: people, store: store, log: log, version: people.Version() - 1}
	return b, b.unknowns.Save() // who erases the file erases what is in memory, so it must be there
}

func (c *config) unknownFacesFile() string { return filepath.Join(c.DataDir, "unknown-faces.json") }

// sees remembers a look at a face that nobody could name. The embedding is copied.
func (b *lateBinding) sees(media string, at timeline.Position, embedding []float32) {
	if b == nil {
		return
	}
	if _, err := b.unknowns.Add(media, at, embedding); err != nil {
		b.log.Debug("unknown face not kept", "media", media, "error", err)
	}
}

// keptSince returns the first position of a media from which on an observation may still get a name.
func (b *lateBinding) keptSince(media string) (timeline.Position, bool) {
	if b == nil {
		return 0, false
	}
	return b.unknowns.Since(media)
}

// run binds and saves until ctx is done, and then saves a last time.
func (b *lateBinding) run(ctx context.Context) {
	if b == nil {
		return
	}
	tick := time.NewTicker(bindInterval)
	defer tick.Stop()
	b.saved = time.Now()
	for ctx.Err() == nil {
		b.complain(b.turn(ctx))
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	b.complain(b.unknowns.Save())
}

// complain logs an error, but the same one again only after a while.
func (b *lateBinding) complain(err error) {
	if err == nil || err.Error() == b.failure && time.Since(b.failed) < complaintInterval {
		return
	}
	b.failure, b.failed = err.Error(), time.Now()
	b.log.Warn("late binding of faces failed", "error", err)
}

// turn takes over what was forgotten elsewhere, binds if the gallery has changed or names wait for their observations,
// and saves if it is time.
func (b *lateBinding) turn(ctx context.Context) error {
	err := b.unknowns.Refresh()
	now := time.Now()
	if v := b.people.Version(); v != b.version {
		b.version, b.until, b.again = v, now.Add(settleTime), now
	}
	if !b.again.IsZero() && !now.Before(b.again) {
		waits, failed := b.bind(ctx)
		err = errors.Join(err, failed)
		// A face may have been asked for before the gallery changed, and be reported after it.
		if b.again = time.Now().Add(retryInterval); !waits && failed == nil && b.again.After(b.until) {
			b.again = time.Time{}
		}
	}
	if now.Sub(b.saved) >= saveInterval*time.Duration(1+b.unknowns.Len()/1000) {
		b.saved = now
		err = errors.Join(err, b.unknowns.Save())
	}
	return err
}

// bind puts the names that kept faces have got into what was observed, and forgets these faces. waits tells that some of
// it was not observed yet.
func (b *lateBinding) bind(ctx context.Context) (waits bool, err error) {
	named := b.unknowns.Named(ctx, b.people)
	var done []gallery.Named
	type naming struct{ unknown, name string }
	revised := map[naming]int{}
	for _, n := range named {
		if ctx.Err() != nil {
			break
		}
		found, changed, failed := b.revise(n)
		if failed != nil {
			err = failed
			break
		}
		if revised[naming{n.ID, n.Who.Name}] += changed; found || time.Since(n.At) > settleTime {
			done = append(done, n)
		} else {
			waits = true
		}
	}
	for who, observations := range revised {
		if observations > 0 {
			b.log.Info("unknown face named", "unknown", who.unknown, "name", who.name, "observations", observations)
		}
	}
	return waits, errors.Join(err, b.unknowns.Drop(done))
}

// revise adds who was seen to the observations that cover the look. found tells whether there is any.
func (b *lateBinding) revise(n gallery.Named) (found bool, changed int, err error) {
	t, ok := b.store.Timeline(n.Media)
	if !ok {
		return false, 0, nil
	}
	for _, o := range t.Within(timeline.Span{From: n.Position, Until: n.Position}) {
		if shows(o, n.Who) {
			found = true
			continue
		}
		added := false
		there, err := b.store.Revise(n.Media, o.From, func(o *timeline.Observation) bool {
			if added = !shows(o, n.Who); added {
				o.Celebrities = append(slices.Clone(o.Celebrities), n.Who)
			}
			return added
		})
		if err != nil {
			return found, changed, fmt.Errorf("name %s at %s of %s: %w", n.Who.Name, n.Position, n.Media, err)
		}
		if found = found || there; there && added {
			changed++
		}
	}
	return found, changed, nil
}

// shows reports whether somebody is among an observation's celebrities already, whoever said so.
func shows(o *timeline.Observation, who timeline.Entity) bool {
	return slices.ContainsFunc(o.Celebrities, func(e timeline.Entity) bool {
		return e.ID != "" && e.ID == who.ID || strings.EqualFold(e.Name, who.Name)
	})
}
