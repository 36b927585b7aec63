package main

import (
	"context"
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
	if s.earlier == nil {
		list, err := s.table.States(ctx)
		if err != nil {
			return err
		}
		s.earlier, s.written = map[string]*dynamodb.State{}, map[string]*dynamodb.State{}
		for i := range list {
			s.earlier[list[i].Status.Media] = &list[i]
		}
	}
	for _, id := range s.streams.order {
		now, err := s.state(id)
		if err != nil {
			return err
		}
		if old := s.written[id]; old != nil && unchanged(old, now) && now.Updated.Sub(old.Updated) < stateLeast {
			continue
		}
		if err := s.table.PutState(ctx, now); err != nil {
			return err
		}
		s.written[id] = now
	}
	return nil
}

// unchanged reports whether two states differ in nothing but when they were taken.
func unchanged(a, b *dynamodb.State) bool {
	x := *a
	x.Updated = b.Updated
	return reflect.DeepEqual(&x, b)
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
		Status: status, Analyzed: timeline.Minus(t.Analyzed(), waiting), Breaks: t.Breaks(all), Clock: s.store.Clock(id),
		MaxScene: s.maxScene, Updated: time.Now(),
	}
	if p, ok, err := s.streams.Settled(id); err == nil && ok {
		if len(waiting) > 0 {
			p = min(p, waiting[0].From)
		}
		now.Settled = &p
	}
	if old := s.earlier[id]; old != nil { // of a run of this box before its file was lost, or of the other box
		now.Analyzed = timeline.New(nil, slices.Concat(old.Analyzed, now.Analyzed)).Analyzed()
		now.Breaks = new(timeline.Timeline).WithBreaks(old.Breaks).WithBreaks(now.Breaks).Breaks(all)
	}
	now.Status.AnalyzedUntil = nil
	if n := len(now.Analyzed); n > 0 {
		now.Status.AnalyzedUntil = &now.Analyzed[n-1].Until
	}
	return now, nil
}

// all is a window that everything meets.
var all = timeline.Span{From: -timeline.MaxPosition, Until: timeline.MaxPosition}
