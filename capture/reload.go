package capture

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"spotter/capture/fetch"
	"spotter/capture/playlist"
)

// maxFailed bounds the time between two loads that fail; where the target duration is known that does.
const maxFailed = 5 * time.Second

// follow reloads the playlist by the rules of RFC 8216 section 6.3.4 and fetches what is new.
func (f *Follower) follow(ctx context.Context, abort context.CancelCauseFunc, queue chan<- *download) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	f.abort = abort
	defer f.background.Wait() // a recording's last segments are still under way
	for {
		began := time.Now()
		wait, done, err := f.reload(ctx, queue)
		if done || err != nil {
			return err
		}
		if !sleep(ctx, time.Until(began.Add(min(max(wait, minReload), maxReload)))) {
			return nil
		}
	}
}

// reload loads the playlist once and fetches its new segments. It returns how long after the load's start the next
// one is due.
func (f *Follower) reload(ctx context.Context, queue chan<- *download) (wait time.Duration, done bool, err error) {
	err = f.load(ctx)
	if ctx.Err() != nil {
		return 0, true, nil
	}
	if err != nil {
		return f.loadFailed(err)
	}
	list := f.feed.list
	f.failures = 0
	changed := f.changed(list)
	taken := f.pick(list, changed)
	if len(taken) > 0 {
		f.grewAt, f.feed.grewAt = time.Now(), time.Now()
	}
	f.observe(list)
	for i := range taken {
		if err := f.fetchInto(ctx, &taken[i], list, queue); err != nil {
			return 0, true, nil // only ctx ends it
		}
	}
	f.anticipate(ctx, list)
	if list.Ended && (changed || !f.ended) && f.OnEnd != nil {
		if err := hand(ctx, &download{end: true}, queue); err != nil {
			return 0, true, nil // only ctx ends it
		}
	}
	f.ended = list.Ended
	return f.due(list, changed), f.Recording && list.Ended, nil
}

// due returns how long after the start of one load the next is due (RFC 8216 section 6.3.4, rfc8216bis section 6.2.5.2).
func (f *Follower) due(list *playlist.Media, changed bool) time.Duration {
	wait := list.Target
	if len(list.Parts) > 0 || list.PartTarget > 0 {
		wait = list.PartTarget
	}
	switch {
	case list.Ended && time.Since(f.feed.changedAt) > time.Minute:
		return max(list.Target, 5*time.Second)
	case list.Ended: // perhaps by mistake
		return list.Target
	case f.reader.started && grows(list) && time.Since(f.feed.grewAt) > f.patient(list):
		f.say(slog.LevelWarn, "playlist stands still", "url", fetch.Redact(f.feed.url.String()))
		f.fail()
		return 0
	case f.feed.usable(f.dense()) != nil:
		f.log().Info("playlist of I-frames no longer fits", "url", fetch.Redact(f.feed.url.String()))
		f.fail()
		return 0
	case f.choices > 1 && !f.Recording && f.failed.Load() >= failedPieces:
		f.say(slog.LevelWarn, "segments cannot be had", "url", fetch.Redact(f.feed.url.String()))
		f.failed.Store(0)
		f.mu.Lock()
		placed := f.status.clock
		f.mu.Unlock()
		f.reader.resume(&placed) // another may have what was lost
		f.fail()
		return 0
	}
	if _, blocks := f.feed.directives(f.reader.next); blocks && changed {
		return 0 // the origin holds the answer back until there is news
	}
	if !changed {
		wait /= 2
	}
	return f.feed.pace(wait)
}

// failedPieces is how many pieces in a row that cannot be had make another playlist be tried.
const failedPieces = 3

// grows reports whether a playlist is expected to.
func grows(list *playlist.Media) bool { return !list.Ended && !list.VOD }

// patient returns for how long a playlist may bring nothing new until another is looked for.
func (f *Follower) patient(list *playlist.Media) time.Duration {
	if f.choices > 1 {
		return failoverAfter * list.Target
	}
	return 2 * stalledAfter * list.Target // its multivariant playlist may name another
}

// load brings the playlist in use up to date, or finds one.
func (f *Follower) load(ctx context.Context) error {
	if x := f.look(ctx); x != nil {
		f.log().Info("first choice is well again", "url", fetch.Redact(x.url.String()))
		clear(f.avoided)
		f.steering.begin(x.steering)
		f.adopt(x)
		return nil
	}
	if f.consultSteering(ctx) {
		f.feed = nil // the catalog is opened again in the new order
	}
	if f.feed != nil {
		return f.feed.load(ctx, f.Getter, f.reader.next)
	}
	x, err := f.open(ctx)
	if err != nil {
		return err
	}
	f.adopt(x)
	return nil
}

func (f *Follower) loadFailed(err error) (time.Duration, bool, error) {
	f.failures++
	alone := f.feed == nil || f.choices <= 1
	if f.unpublished(err) {
		if f.failures == 1 {
			f.log().Info("waiting for the stream", "url", fetch.Redact(f.Sources[0].String()), "reason", err)
		}
	} else {
		at := f.Sources[f.source]
		if f.feed != nil {
			at = f.feed.url
		}
		f.fault(Fault{Kind: FaultPlaylist, URL: fetch.Redact(at.String()), Err: err})
	}
	limit := resolveAfter
	if f.choices > 1 {
		limit = failoverAfter - 1
	}
	if f.failures >= limit {
		f.fail()
	}
	if f.failures >= resolveAfter {
		if f.Recording {
			return 0, true, err
		}
		if f.reader.started {
			f.setState(Stalled)
		}
	}
	most := maxFailed
	if before := f.reader.before; before != nil {
		most = min(max(before.Target, time.Second), most)
	}
	wait := min(time.Duration(f.failures)*time.Second, most)
	if status, ok := errors.AsType[*fetch.StatusError](err); ok && alone {
		wait = max(wait, min(status.RetryAfter, maxReload))
	}
	return wait, false, nil
}

// unpublished reports whether an error only says that there is no stream yet, or none with pictures.
func (f *Follower) unpublished(err error) bool {
	if f.reader.started || f.Recording {
		return false
	}
	status, ok := errors.AsType[*fetch.StatusError](err)
	return ok && status.Code == http.StatusNotFound || errors.Is(err, errNoVideo)
}

// changed reports whether the playlist differs from the last one.
func (f *Follower) changed(list *playlist.Media) bool {
	seen := cursor{end(list), len(list.Parts)}
	if empty(list) || f.reader.started && seen == f.lastSeen && !f.reader.switched {
		return false
	}
	f.lastSeen, f.feed.changedAt = seen, time.Now()
	return true
}

func empty(list *playlist.Media) bool {
	return end(list) == 0 || len(list.Segments)+len(list.Parts) == 0
}

// observe notes the state that follows from a playlist, and what is yet to come.
func (f *Follower) observe(list *playlist.Media) {
	state := Live
	switch {
	case list.Ended:
		state = Ended
	case empty(list):
		state = Waiting
	case grows(list) && (time.Since(f.feed.changedAt) > stalledAfter*list.Target || time.Since(f.grewAt) > 2*stalledAfter*list.Target):
		state = Stalled
	}
	if state == Stalled && f.Status().State != Stalled {
		f.fault(Fault{Kind: FaultStalled, URL: fetch.Redact(f.feed.url.String()), Err: fmt.Errorf("no new segment for %s", time.Since(f.grewAt).Round(time.Second))})
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	from := cursor{} // what was placed need not be kept
	if f.status.clock.Source == f.reader.name {
		from.sequence = f.status.clock.Next
	}
	if f.status.silent && state == Live {
		state = Waiting
	}
	f.status.State, f.status.Duration, f.status.URL = state, list.Duration(), f.feed.url
	f.status.pending, _ = pieces(list, from)
}

func (f *Follower) setState(s State) {
	f.mu.Lock()
	f.status.State = s
	f.mu.Unlock()
}
