package main

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"slices"
	"time"

	"spotter/internal/awsfault"
	"spotter/store"
	"spotter/sync/dynamodb"
	"spotter/timeline"
)

const (
	// stateEvery is how often the table learns how a media is doing, if that has changed.
	stateEvery = 2 * time.Second
	// stateLeast is how often it learns that nothing has: a box that says nothing for long is taken for gone.
	stateLeast = 10 * time.Second
)

// states keep in the table how each media is doing and what of it was analysed, so that the viewer API can be served from
// there: an observation says who was seen, and not where nobody was.
type states struct {
	table    *dynamodb.Table
	streams  *streams
	store    *store.Store
	maxScene time.Duration
	writes   func() bool // nil: always; else whether this box of a pair is the one that writes
	log      *slog.Logger

	written map[string]*dynamodb.State // last, by media
	told    map[string]time.Time       // when that was
	earlier map[string]*dynamodb.State // what the table had when this box began to write
	failing bool
}

// run writes what has changed, until ctx is done.
func (s *states) run(ctx context.Context) {
	tick := time.NewTicker(stateEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if s.writes != nil && !s.writes() {
			s.earlier = nil // the other box goes on from there
			continue
		}
		s.say(s.write(ctx))
	}
}

// lastTime bounds what last takes.
const lastTime = 2 * time.Second

// last writes what has changed since, once nothing changes any more.
func (s *states) last(ctx context.Context) {
	if s.failing || s.writes != nil && !s.writes() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, lastTime)
	defer cancel()
	s.say(s.write(ctx))
}

// say logs when writing begins to fail, and when it works again.
func (s *states) say(err error) {
	switch {
	case err != nil && !s.failing:
		s.log.Warn("the table does not learn how the media are doing", "kind", awsfault.KindOf(err), "error", err)
	case err == nil && s.failing:
		s.log.Info("the table learns again how the media are doing")
	}
	s.failing = err != nil
}

// write writes the states that are not as they were written last.
func (s *states) write(ctx context.Context) error {
	var failed []error
	if s.earlier == nil {
		list, err := s.table.States(ctx)
		if err != nil && awsfault.KindOf(err) != awsfault.Refused {
			return err
		}
		failed = append(failed, err)
		s.earlier, s.written, s.told = map[string]*dynamodb.State{}, map[string]*dynamodb.State{}, map[string]time.Time{}
		for i := range list {
			s.earlier[list[i].Status.Media] = &list[i]
		}
	}
	for _, id := range s.streams.configured().order {
		now, err := s.state(id)
		if err != nil {
			return err
		}
		if old := s.written[id]; old != nil && unchanged(old, now) && time.Since(s.told[id]) < stateLeast {
			continue
		}
		began := time.Now()
		if err := s.table.PutState(ctx, now); awsfault.KindOf(err) == awsfault.Refused { // its own fault
			failed = append(failed, err)
			continue
		} else if err != nil {
			return errors.Join(append(failed, err)...)
		}
		s.written[id], s.told[id] = now, began
	}
	return errors.Join(failed...)
}

// unchanged reports whether two states differ in nothing but when they were taken.
func unchanged(a, b *dynamodb.State) bool {
	x := *a
	x.Updated = b.Updated
	return reflect.DeepEqual(&x, b)
}

// after returns the time by which a state is newer than what the table has of a media: the clock of whoever wrote that, or
// this one, may have been ahead.
func (s *states) after(id string) time.Time {
	at := time.Now().Round(0)
	for _, old := range []*dynamodb.State{s.earlier[id], s.written[id]} {
		if old != nil && !at.Truncate(time.Millisecond).After(old.Updated) {
			at = old.Updated.Add(time.Millisecond)
		}
	}
	return at.Truncate(time.Millisecond)
}

// state returns how a media is doing. What waits for the table counts as not analysed: the table does not say yet who was
// seen there.
func (s *states) state(id string) (*dynamodb.State, error) {
	t, err := s.streams.Timeline(id, timeline.Span{})
	if err != nil {
		return nil, err
	}
	waiting, err := s.store.PendingSpans(dynamoDBSink, id) // after the snapshot, which may lack what is queued since
	if err != nil {
		return nil, err
	}
	status, err := s.streams.Status(id)
	if err != nil {
		return nil, err
	}
	now := &dynamodb.State{
		Status: status, Analyzed: timeline.Minus(t.Analyzed(), append(s.expired(t), waiting...)), Breaks: t.Breaks(all), Clock: s.store.Clock(id),
		MaxScene: s.maxScene, Updated: s.after(id),
	}
	if p, ok, err := s.streams.Settled(id); err == nil && ok {
		if len(waiting) > 0 {
			p = min(p, waiting[0].From)
		}
		now.Settled = &p
	}
	if old := s.earlier[id]; old != nil && !s.gone(old.Updated) { // of a run of this box before its file was lost, or of the other box
		now.Analyzed = timeline.New(nil, slices.Concat(old.Analyzed, now.Analyzed)).Analyzed()
		now.Breaks = new(timeline.Timeline).WithBreaks(old.Breaks).WithBreaks(now.Breaks).Breaks(all)
	}
	now.Status.AnalyzedUntil = nil
	if n := len(now.Analyzed); n > 0 {
		now.Status.AnalyzedUntil = &now.Analyzed[n-1].Until
	}
	return now, nil
}

// gone reports whether what was written by a moment has expired in the table.
func (s *states) gone(at time.Time) bool { return s.table.TTL > 0 && time.Since(at) >= s.table.TTL }

// expired returns where the observations of a snapshot lie that the table has no more.
func (s *states) expired(t *timeline.Timeline) (list []timeline.Span) {
	if s.table.TTL <= 0 {
		return nil
	}
	for _, o := range t.Within(all) {
		switch n := len(list); {
		case !s.gone(o.At):
		case n > 0 && o.From <= list[n-1].Until:
			list[n-1].Until = max(list[n-1].Until, o.Until)
		default:
			list = append(list, o.Span)
		}
	}
	return list
}

// all is a window that everything meets.
var all = timeline.Span{From: -timeline.MaxPosition, Until: timeline.MaxPosition}
