package main

import (
	"context"
	"errors"
	"time"

	"github.com/dustin/go-humanize"

	"spotter/store"
	"spotter/timeline"
)

// houseKeeping is how often old observations are dropped.
const houseKeeping = 10 * time.Minute

// keepHouse drops what is older, or more, than the retention allows, until ctx is done.
func (a *app) keepHouse(ctx context.Context) {
	tick := time.NewTicker(houseKeeping)
	defer tick.Stop()
	for {
		if err := a.tidy(); err != nil {
			a.log.Warn("old observations stay", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// tidy drops each media's observations from before the retention's age, and then, while the rest takes more than its
// bytes, the oldest tenth of each again.
func (a *app) tidy() error {
	age := timeline.FromDuration(a.config.Retention.Age)
	failed := a.prune(func(_, until timeline.Position) timeline.Position { return until - age })
	for failed == nil {
		used, err := a.store.InUse()
		for _, sink := range a.config.sinks() { // what waits for the cloud is bounded by itself, and never at the viewers' cost
			used -= a.store.Backlog(sink.Name).Bytes
		}
		used -= used * a.kept() / wholeShare
		if err != nil || used <= a.config.Retention.bytes() {
			return err
		}
		dropped := 0
		failed = a.prune(func(from, until timeline.Position) timeline.Position {
			dropped++
			return oldestTenth(from, until)
		})
		if dropped == 0 {
			return nil
		}
		a.log.Warn("observations dropped for room", "used", humanize.IBytes(uint64(used)), "allowed", a.config.Retention.MaxBytes)
	}
	return failed
}

// tidyEarly drops the oldest tenth of each media's observations, again and again, until that many bytes of the store's file are
// free, or nothing that may go is left.
func (a *app) tidyEarly(spare int64) error {
	all := a.observations()
	defer func() {
		if n := all - a.observations(); n > 0 { // one line, however often
			a.log.Warn("observations dropped because the disk is full", "observations", n)
		}
	}()
	for a.store.Spare() < spare {
		before := a.observations()
		if err := a.prune(oldestTenth); err != nil {
			return err
		}
		if a.observations() == before {
			return nil
		}
	}
	return nil
}

// oldestTenth returns where the oldest tenth of a stretch ends, which is a second long at least.
func oldestTenth(from, until timeline.Position) timeline.Position {
	return from + max(1000, (until-from)/10)
}

// observations counts those of all media.
func (a *app) observations() (n int) {
	for _, id := range a.store.Media() {
		if t, ok := a.store.Timeline(id); ok {
			n += t.Len()
		}
	}
	return n
}

// wholeShare is what kept returns where all observations wait.
const wholeShare = 1000

// kept returns what share of the observations waits for the table and so cannot be dropped: to prune them would take from viewers
// what was analysed, and free nothing.
func (a *app) kept() int64 {
	all, waiting := a.observations(), 0
	for _, sink := range a.config.sinks() {
		if sink.Kind == store.Observations {
			waiting += a.store.Backlog(sink.Name).Entries
		}
	}
	return int64(wholeShare * min(waiting, all) / max(all, 1))
}

// prune drops of each media what ends at or before a position between the begin and the end of what was analysed.
func (a *app) prune(before func(from, until timeline.Position) timeline.Position) error {
	var failed []error
	for _, id := range a.store.Media() {
		t, ok := a.store.Timeline(id)
		if !ok || len(t.Analyzed()) == 0 {
			continue
		}
		spans := t.Analyzed()
		_, err := a.store.Prune(id, before(spans[0].From, spans[len(spans)-1].Until))
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}
