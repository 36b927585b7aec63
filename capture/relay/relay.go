// Package relay owns passing a media's stream on to players that are not to learn where it comes from: playlists whose
// addresses lead back here, under names that cannot be made up, and what these names stand for, as it comes.
package relay

import (
	"context"
	"errors"
	"net/url"
	"sync/atomic"
	"time"

	"spotter/capture/fetch"
	"spotter/capture/playlist"
)

// Index is the name of the playlist that a player begins with.
const Index = "index.m3u8"

// Limits of what is passed on.
const (
	MaxPlaylistBytes = 4 << 20
	MaxSegmentBytes  = 96 << 20 // as many as the box itself takes
	maxKeyBytes      = 1 << 10

	// blockedIdle is how long an origin may hold a playlist back until it has what was asked for (rfc8216bis section
	// 6.2.5.2): some target durations.
	blockedIdle = 20 * time.Second
)

var (
	// ErrName is returned for a name that the relay has not given.
	ErrName = errors.New("not a name that a playlist from here gives")
	// ErrBusy is returned while as many requests to origins are under way as may be.
	ErrBusy = errors.New("as many requests to origins are under way as may be")
)

// Origin reads from a media's origins; *fetch.HTTP is one.
type Origin interface {
	fetch.Getter
	Open(ctx context.Context, r fetch.Request) (*fetch.Stream, error)
}

// Slots bound how many requests relays have under way together.
type Slots struct{ taken chan struct{} }

// NewSlots returns n slots.
func NewSlots(n int) *Slots { return &Slots{make(chan struct{}, n)} }

func (s *Slots) take() error {
	select {
	case s.taken <- struct{}{}:
		return nil
	default:
		return ErrBusy
	}
}

func (s *Slots) give() { <-s.taken }

// Relay passes one media's stream on. It is safe for concurrent use.
type Relay struct {
	origin Origin
	urls   []*url.URL // of the stream's playlist, the preferred one first
	good   atomic.Int32
	seal   *sealer
	slots  *Slots
	lists  lists
}

// New returns a relay of the stream at urls, of which the later ones stand in for the first.
func New(origin Origin, urls []*url.URL, slots *Slots) (*Relay, error) {
	seal, err := newSealer()
	if err != nil {
		return nil, err
	}
	return &Relay{origin: origin, urls: urls, seal: seal, slots: slots}, nil
}

// Request is what a player asks for.
type Request struct {
	Name string // Index, or one from a playlist
	// Delivery is a query of delivery directives (rfc8216bis section 6.2.5), for playlists.
	Delivery string
	// Offset and Length are a range in bytes, for segments; Length 0 means to the end.
	Offset, Length int64
}

// Answer is a playlist, or a body that must be closed.
type Answer struct {
	Playlist *playlist.Rewritten // nil: Body
	Body     *Body
	Key      bool // the body is a key
}

// Body is a stream that holds one of the slots until it is closed.
type Body struct {
	*fetch.Stream
	slots  *Slots
	closed atomic.Bool
}

// Close implements io.Closer.
func (b *Body) Close() error {
	if b.closed.Swap(true) {
		return nil
	}
	defer b.slots.give()
	return b.Stream.Close()
}

// Ask asks the origin. Its errors are ErrName, ErrBusy, and else for Explain. The body ends with ctx.
func (r *Relay) Ask(ctx context.Context, q Request) (Answer, error) {
	if q.Name == Index {
		list, err := r.index(ctx, q.Delivery)
		return Answer{Playlist: list}, err
	}
	t, err := r.seal.open(q.Name)
	if err != nil {
		return Answer{}, err
	}
	if t.use == playlist.UsePlaylist {
		list, err := r.playlist(ctx, q.Name, t, q.Delivery)
		return Answer{Playlist: list}, err
	}
	ask := fetch.Request{URL: t.url, Offset: q.Offset, Length: min(q.Length, MaxSegmentBytes), Limit: MaxSegmentBytes}
	if t.use == playlist.UseKey {
		ask.Limit, ask.Offset, ask.Length = maxKeyBytes, 0, 0
	}
	if err := r.slots.take(); err != nil {
		return Answer{}, err
	}
	stream, err := r.origin.Open(ctx, ask)
	if err != nil {
		r.slots.give()
		return Answer{}, err
	}
	return Answer{Body: &Body{Stream: stream, slots: r.slots}, Key: t.use == playlist.UseKey}, nil
}

// index returns the playlist that a player begins with, from the address that was good last or else from the next.
func (r *Relay) index(ctx context.Context, delivery string) (list *playlist.Rewritten, err error) {
	first := int(r.good.Load())
	for i := range r.urls {
		n := (first + i) % len(r.urls)
		list, err = r.playlist(ctx, Index, target{use: playlist.UsePlaylist, url: r.urls[n]}, delivery)
		if err == nil {
			r.good.Store(int32(n))
			return list, nil
		}
		if errors.Is(err, ErrBusy) || ctx.Err() != nil {
			break
		}
	}
	return nil, err
}

// playlist returns the rewritten playlist of a target. Those who ask for the same at one time share one request.
func (r *Relay) playlist(ctx context.Context, name string, t target, delivery string) (*playlist.Rewritten, error) {
	key := name + "\n" + delivery
	if name == Index {
		key += "\n" + t.url.String()
	}
	return r.lists.get(key, func() (*playlist.Rewritten, error) {
		if err := r.slots.take(); err != nil {
			return nil, err
		}
		defer r.slots.give()
		ask := fetch.Request{URL: t.url, Limit: MaxPlaylistBytes}
		if delivery != "" {
			u := *t.url
			if ask.Idle, ask.URL = blockedIdle, &u; u.RawQuery != "" {
				u.RawQuery += "&"
			}
			u.RawQuery += delivery
		}
		answer, err := r.origin.Get(ctx, ask)
		if err != nil {
			return nil, err
		}
		return playlist.Rewrite(answer.Body, answer.URL, t.imported, r.seal.name)
	})
}
