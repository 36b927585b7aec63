package capture

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"spotter/capture/fetch"
	"spotter/capture/playlist"
)

// maxFailed bounds the time between two loads that fail; where the target duration is known that does.
const maxFailed = 5 * time.Second

// follow reloads the playlist by the rules of RFC 8216 section 6.3.4 and fetches what is new.
func (f *Follower) follow(ctx context.Context, queue chan<- *download) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
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
	changed := f.observe(list)
	taken := f.pick(list, changed)
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
	case !changed && time.Since(f.feed.changedAt) > failoverAfter*list.Target && list.Slides() && f.choices > 1 && f.reader.started:
		f.log().Warn("playlist stands still", "url", fetch.Redact(f.feed.url.String()))
		f.fail()
		return 0
	}
	if _, blocks := f.feed.directives(f.reader.next); blocks && changed {
		return 0 // the origin holds the answer back until there is news
	}
	if changed {
		return wait
	}
	return wait / 2
}

// load brings the playlist in use up to date, or finds one.
func (f *Follower) load(ctx context.Context) error {
	if x := f.look(ctx); x != nil {
		f.log().Info("first choice is well again", "url", fetch.Redact(x.url.String()))
		clear(f.avoided)
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
	if status, ok := errors.AsType[*fetch.StatusError](err); ok {
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

// observe notes whether the playlist changed, the state that follows from it, and what is yet to come.
func (f *Follower) observe(list *playlist.Media) (changed bool) {
	x, state := f.feed, Live
	seen := cursor{end(list), len(list.Parts)}
	if seen.sequence == 0 || len(list.Segments)+len(list.Parts) == 0 {
		state = Waiting
	} else if changed = !f.reader.started || seen != f.lastSeen || f.reader.switched; changed {
		f.lastSeen, x.changedAt = seen, time.Now()
	} else if list.Slides() && time.Since(x.changedAt) > stalledAfter*list.Target {
		state = Stalled
	}
	if state == Stalled && f.Status().State != Stalled {
		f.fault(Fault{Kind: FaultStalled, URL: fetch.Redact(x.url.String()), Err: fmt.Errorf("no new segment for %s", time.Since(x.changedAt).Round(time.Second))})
	}
	if list.Ended {
		state = Ended
	}
	all, _ := pieces(list, cursor{})
	f.mu.Lock()
	if f.status.silent && state == Live {
		state = Waiting
	}
	f.status.State, f.status.pending, f.status.Duration = state, all, list.Duration()
	f.mu.Unlock()
	return changed
}

func (f *Follower) setState(s State) {
	f.mu.Lock()
	f.status.State = s
	f.mu.Unlock()
}
