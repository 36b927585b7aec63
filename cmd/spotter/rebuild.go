package main

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"spotter/internal/awsfault"
	"spotter/store"
	"spotter/sync/dynamodb"
	"spotter/timeline"
)

const (
	// rebuildPatience is how long a start waits for the table's states: without them the positions of a stream would begin anew.
	rebuildPatience = time.Minute
	// rebuildChunk is how much of an event is fetched and put back at once.
	rebuildChunk = timeline.Position(5 * time.Minute / time.Millisecond)
	// minRebuildWait and maxRebuildWait bound the pause after the table did not answer.
	minRebuildWait, maxRebuildWait = time.Second, time.Minute
)

// rebuild puts back from the table what was lost with a damaged store.
type rebuild struct {
	store *store.Store
	table dynamodb.Reader
	media []string
	age   timeline.Position // of the retention: what is older is not fetched
	log   *slog.Logger

	states []dynamodb.State // of media, with something analysed
}

// newRebuild returns what is to be done after a damaged store was set aside, now or before an earlier start; nil where there is
// nothing to do, or no table to do it from.
func newRebuild(c *config, s *store.Store, table dynamodb.Reader, log *slog.Logger) *rebuild {
	since, ok := s.Rebuilding()
	if !ok || table == nil {
		return nil
	}
	log.Warn("what was lost with the damaged store is fetched from the table", "since", since, "table", c.Sync.DynamoDB.Table)
	r := &rebuild{store: s, table: table, age: timeline.FromDuration(c.Retention.Age), log: log}
	for _, m := range c.Media {
		r.media = append(r.media, m.ID)
	}
	return r
}

// begin puts back clocks and breaks, before any stream is read: a stream goes on counting its positions as before. Where the table
// does not answer in time, those that count from their first segment begin anew.
func (r *rebuild) begin(ctx context.Context) error {
	if r == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, rebuildPatience)
	defer cancel()
	if err := r.readStates(ctx); err != nil {
		r.log.Error("the table does not say where the streams were: they are read as if for the first time, and what they had seen is fetched later; "+
			"for their old positions mend the access to the table, stop spotter, and move the store away", "error", err)
		return nil
	}
	for i := range r.states {
		x := &r.states[i]
		if err := r.store.Refill(store.Batch{Media: x.Status.Media, Breaks: x.Breaks, Clock: x.Clock}); err != nil {
			return fmt.Errorf("rebuild: %w", err)
		}
	}
	return nil
}

// run puts back what was seen, the newest first, until all is there or ctx is done. What was looked at counts as looked at only with
// what was seen there. A run that was cut off begins again at the next start.
func (r *rebuild) run(ctx context.Context) {
	if r == nil {
		return
	}
	begin := time.Now()
	if r.states == nil && r.keepTrying(ctx, func() error { return r.readStates(ctx) }) != nil {
		return
	}
	total := 0
	for i := range r.states {
		n, err := r.refill(ctx, &r.states[i])
		if total += n; err != nil {
			return // ctx is done
		}
	}
	if err := r.keepTrying(ctx, r.store.Rebuilt); err != nil {
		return
	}
	r.log.Info("the store is rebuilt from the table: what had not reached the table by then is lost", "observations", total, "took", time.Since(begin).Round(time.Millisecond))
}

func (r *rebuild) readStates(ctx context.Context) error {
	all, err := r.table.States(ctx)
	if err != nil && awsfault.KindOf(err) != awsfault.Refused { // one media's item cannot be read
		return err
	}
	r.states = []dynamodb.State{}
	for _, s := range all {
		if slices.Contains(r.media, s.Status.Media) {
			r.states = append(r.states, s)
		}
	}
	return nil
}

// refill puts back one media's observations.
func (r *rebuild) refill(ctx context.Context, s *dynamodb.State) (total int, err error) {
	media := s.Status.Media
	if len(s.Analyzed) == 0 {
		return 0, nil
	}
	end := s.Analyzed[len(s.Analyzed)-1].Until
	oldest := s.Analyzed[0].From
	if r.age > 0 {
		oldest = max(oldest, end-r.age)
	}
	longest := timeline.FromDuration(s.MaxScene) + rebuildChunk
	told := time.Now()
	for until := end; until > oldest; {
		from := max(until-rebuildChunk, oldest)
		var list []*timeline.Observation
		err := r.keepTrying(ctx, func() (err error) {
			w := timeline.Span{From: from, Until: until}
			if until-rebuildChunk <= oldest {
				w.From -= longest // scenes that began before
			}
			if list, err = r.table.Query(ctx, media, w, true); err != nil {
				return err
			}
			return r.store.Refill(store.Batch{Media: media, Observations: list, Analyzed: parts(s.Analyzed, timeline.Span{From: from, Until: until})})
		})
		if err != nil {
			return total, err
		}
		total += len(list)
		if time.Since(told) > quietTime {
			told = time.Now()
			r.log.Info("the store is being rebuilt", "media", media, "observations", total, "done", fmt.Sprintf("%d%%", 100*(end-from)/(end-oldest)))
		}
		until = from
	}
	return total, nil
}

// parts are the parts of spans that lie in w.
func parts(spans []timeline.Span, w timeline.Span) (list []timeline.Span) {
	for _, s := range spans {
		if x := (timeline.Span{From: max(s.From, w.From), Until: min(s.Until, w.Until)}); x.Until > x.From {
			list = append(list, x)
		}
	}
	return list
}

// keepTrying does something until that works; it returns ctx's error where that is done before.
func (r *rebuild) keepTrying(ctx context.Context, do func() error) error {
	wait, said := minRebuildWait, ""
	for {
		err := do()
		if err == nil || ctx.Err() != nil {
			return ctx.Err()
		}
		if said != err.Error() {
			said = err.Error()
			r.log.Warn("the store cannot be rebuilt yet, and is tried again", "error", err)
		}
		sleep(ctx, wait)
		wait = min(2*wait, maxRebuildWait)
	}
}
