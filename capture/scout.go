package capture

import (
	"context"
	"time"

	"spotter/capture/fetch"
	"spotter/capture/playlist"
)

const (
	// minAway and maxAway bound how long another playlist than the first choice is followed until the first choice is
	// tried again; each time that it is not well the time doubles.
	minAway = 20 * time.Second
	maxAway = 5 * time.Minute
)

// scout looks, in the background, whether the first choice is well again.
type scout struct {
	found chan *feed // capacity 1; nil: it is not
	wait  time.Duration
	at    time.Time // of the next look
}

// look starts a scout where one is due, and returns what the last one found, or nil. Its goroutine is one of f.background.
func (f *Follower) look(ctx context.Context) *feed {
	s := &f.scout
	select {
	case x := <-s.found:
		s.found = nil
		s.wait = min(2*s.wait, maxAway)
		s.at = time.Now().Add(s.wait)
		if x != nil && f.feed != nil && x.url.String() != f.feed.url.String() {
			return x
		}
		return nil
	default:
	}
	if f.feed == nil || f.Recording || !f.away() {
		s.wait, s.at = minAway, time.Now().Add(minAway)
		return nil
	}
	if s.found != nil || time.Now().Before(s.at) {
		return nil
	}
	s.found = make(chan *feed, 1)
	found, current, order := s.found, *f.feed, f.steering.copy()
	f.spawn(func() { found <- f.reconnoitre(ctx, &current, order) })
	return nil
}

// away reports whether there is a better choice than the playlist in use.
func (f *Follower) away() bool { return f.feed.source > 0 || !f.feed.first }

// reconnoitre returns the first choice's playlist if it is as fresh as the one in use, else nil. It runs in the
// background and touches nothing of the follower that changes.
func (f *Follower) reconnoitre(ctx context.Context, current *feed, steering *steering) *feed {
	c, err := consult(ctx, f.Getter, f.Sources[0], 0, f.dense(), maxIdle)
	if err != nil {
		return nil
	}
	c.options = steering.order(c.options)
	x, err := c.open(ctx, f.Getter, f.dense(), maxIdle, func(*option) bool { return false })
	if err != nil || len(x.list.Segments) == 0 {
		return nil
	}
	if x.url.String() == current.url.String() {
		return x
	}
	before := x.list
	if !sleep(ctx, x.list.Target+x.list.Target/2) {
		return nil
	}
	if err := x.loadWith(ctx, f.Getter, "", false); err != nil || !newer(x.list, before) || stale(x.list, current.list, time.Since(current.loadedAt)) {
		return nil
	}
	last := x.list.Segments[len(x.list.Segments)-1]
	if _, err := f.Getter.Get(ctx, fetch.Request{
		URL: last.URL, Offset: last.Bytes.Offset, Length: last.Bytes.Length, Limit: MaxSegmentBytes, Idle: idle(x.list.Target),
	}); err != nil && !last.Gap {
		return nil // its playlist is well, its segments are not
	}
	return x
}

// newer reports whether a playlist has grown.
func newer(list, before *playlist.Media) bool {
	return len(list.Segments) > 0 && (list.Last() != before.Last() || len(list.Parts) != len(before.Parts)) && !list.Ended
}

// stale reports whether a playlist ends well before another did some time ago, as far as their program date-times tell.
func stale(list, other *playlist.Media, ago time.Duration) bool {
	a, b := wallEnd(list), wallEnd(other)
	if a.IsZero() || b.IsZero() {
		return false
	}
	return b.Add(ago).Sub(a) > startBehind*list.Target
}

// wallEnd returns the program date-time at which a playlist's last segment ends, zero where it has none.
func wallEnd(list *playlist.Media) time.Time {
	if list == nil || len(list.Segments) == 0 {
		return time.Time{}
	}
	last := &list.Segments[len(list.Segments)-1]
	if last.Wall.IsZero() {
		return time.Time{}
	}
	return last.Wall.Add(last.Duration)
}
