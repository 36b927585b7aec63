package capture

import (
	"context"
	"slices"

	"spotter/capture/fetch"
	"spotter/capture/playlist"
)

// early is the download of a part that the origin has announced and not published yet; the origin holds its answer back
// until it is (rfc8216bis section 6.2.6).
type early struct {
	hint   playlist.Hint
	cancel context.CancelFunc
	done   chan struct{}
	body   []byte // nil: it could not be had
}

// anticipation is the early download under way, if any.
type anticipation struct{ now *early }

// anticipate asks for the part that a playlist hints at, in the background.
func (f *Follower) anticipate(ctx context.Context, list *playlist.Media) {
	hint := partHint(list)
	if now := f.ahead.now; now != nil {
		if hint != nil && same(&now.hint, hint) {
			return
		}
		now.cancel()
		f.ahead.now = nil
	}
	if hint == nil || f.feed == nil || f.Recording || list.Ended {
		return
	}
	own, cancel := context.WithTimeout(ctx, loadTime+list.Target)
	e := &early{hint: *hint, cancel: cancel, done: make(chan struct{})}
	f.ahead.now = e
	quiet := idle(list.Target) + list.Target
	f.spawn(func() {
		defer close(e.done)
		defer cancel()
		answer, err := f.Getter.Get(own, fetch.Request{
			URL: hint.URL, Offset: hint.Bytes.Offset, Length: hint.Bytes.Length, Limit: MaxSegmentBytes, Idle: quiet,
		})
		if err == nil {
			e.body = answer.Body
		}
	})
}

// partHint returns where the next part will be, or nil. A sub-range of unknown length is left alone: the answer would last
// until its segment ends.
func partHint(list *playlist.Media) *playlist.Hint {
	i := slices.IndexFunc(list.Hints, func(h playlist.Hint) bool { return !h.Map })
	if i < 0 {
		return nil
	}
	known := list.Parts
	if n := len(list.Segments); len(known) == 0 && n > 0 {
		known = list.Segments[n-1].Parts
	}
	if len(known) > 0 && known[0].Bytes.Length > 0 && list.Hints[i].Bytes.Length == 0 {
		return nil
	}
	return &list.Hints[i]
}

func same(a, b *playlist.Hint) bool { return a.URL.String() == b.URL.String() && a.Bytes == b.Bytes }

// take returns the early download of a piece, or nil.
func (a *anticipation) take(p *piece) *early {
	e := a.now
	if e == nil || !p.partial || !same(&e.hint, &playlist.Hint{URL: p.url, Bytes: p.bytes}) {
		return nil
	}
	a.now = nil
	return e
}

// wait returns the body, or nil where it could not be had.
func (e *early) wait(ctx context.Context) []byte {
	select {
	case <-e.done:
		return e.body
	case <-ctx.Done():
		e.cancel()
		return nil
	}
}
