package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"time"

	"spotter/timeline"
)

const (
	// silence is after how long without a byte a connection counts as dead; the server says something every 15 s.
	silence = 45 * time.Second
	// leastReconnect is the time between two connections where the server has not said its own.
	leastReconnect = time.Second
)

// ErrMediaGone ends Follow when the box no longer has the media.
var ErrMediaGone = errors.New("the media is gone")

// Event is one thing that became known. Exactly one of Observation, Break and State is set.
type Event struct {
	// ID resumes behind this event, in another process too (FollowOptions.After); it is opaque.
	ID string
	// Observation is new, or of a higher revision than the one that was told before with the same From.
	Observation *timeline.Observation
	// Break is new or changed.
	Break *timeline.Break
	// State is the media's: waiting, live, stalled, ended or stopped.
	State string
}

// FollowOptions say where Follow begins: without one, with what comes from now on.
type FollowOptions struct {
	// After is the ID of the last event that was handled.
	After string
	// From, where After is empty, is the position from which on to be told of what is there already, back twelve hours at most.
	From *timeline.Position
}

// Follow tells of what becomes known of a media until ctx ends, the loop is left or the box refuses. A connection that is lost, or
// silent for 45 s, is made anew by Follow itself, and goes on where the last one was.
//
// Each observation is told at least once: after a longer absence, a restart of the box or on another copy behind a balancer some are
// told again, with the same revision. Of one media and From keep the one with the highest revision, and all is as on the box. To go on
// in another process keep Event.ID after the event was handled, not before.
//
// The last pair has the error: ctx's, ErrMediaGone, or a *Problem that to ask again would not mend. Until then the error is nil.
func (c *Client) Follow(ctx context.Context, media string, o FollowOptions) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		f := follower{client: c, media: media, options: o, retry: leastReconnect, yield: yield}
		for failures := 1; ; failures++ {
			told, err := f.connect(ctx)
			if f.left {
				return
			}
			if ctx.Err() != nil {
				yield(Event{}, ctx.Err())
				return
			}
			if final(err) {
				yield(Event{}, err)
				return
			}
			if told {
				failures = 1
			}
			wait := backoff(failures, f.retry)
			var p *Problem
			if errors.As(err, &p) {
				wait = max(wait, p.RetryAfter)
			}
			if !pause(ctx, wait) {
				yield(Event{}, ctx.Err())
				return
			}
		}
	}
}

// final reports whether to connect again would not help.
func final(err error) bool {
	var p *Problem
	return errors.Is(err, ErrMediaGone) || errors.Is(err, errBadEvent) || errors.As(err, &p) && !p.Temporary()
}

var errBadEvent = errors.New("event cannot be read")

// follower is one Follow.
type follower struct {
	client  *Client
	media   string
	options FollowOptions
	retry   time.Duration
	yield   func(Event, error) bool
	left    bool // the loop was left
}

// connect reads one connection to its end and reports whether it brought anything.
func (f *follower) connect(ctx context.Context) (told bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	watch := time.AfterFunc(silence, cancel)
	defer watch.Stop()

	query := make(url.Values)
	switch {
	case f.options.After != "":
		query.Set("last_event_id", f.options.After)
	case f.options.From != nil:
		query.Set("from", f.options.From.String())
	}
	resp, err := f.client.send(ctx, mediaPath(f.media)+"/live", query, "text/event-stream")
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	lines := newEventReader(resp.Body, func() { watch.Reset(silence) })
	for {
		e, err := lines.next()
		if err != nil {
			return told, err
		}
		told = true
		if e.retry > 0 {
			f.retry = min(e.retry, mostPause)
		}
		if err := f.tell(e); err != nil || f.left {
			return told, err
		}
		if e.id != "" {
			f.options.After = e.id
		}
	}
}

// tell hands an event on. Kinds that are not known are left out: a newer box may have some.
func (f *follower) tell(e rawEvent) error {
	out := Event{ID: f.options.After}
	if e.id != "" {
		out.ID = e.id
	}
	var err error
	switch e.kind {
	case "observation":
		err = json.Unmarshal(e.data, &out.Observation)
	case "break":
		err = json.Unmarshal(e.data, &out.Break)
	case "state":
		var state struct{ State string }
		err = json.Unmarshal(e.data, &state)
		out.State = state.State
	case "error":
		return ended(e.data)
	default:
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w: %w", e.kind, errBadEvent, err)
	}
	f.left = !f.yield(out, nil)
	return nil
}

// ended returns why the server hung up: a client that was behind goes on from its last event.
func ended(data []byte) error {
	var why struct{ Reason string }
	if err := json.Unmarshal(data, &why); err != nil {
		return fmt.Errorf("error: %w: %w", errBadEvent, err)
	}
	if why.Reason == "media_gone" {
		return ErrMediaGone
	}
	return fmt.Errorf("the server ended the stream: %s", why.Reason)
}
