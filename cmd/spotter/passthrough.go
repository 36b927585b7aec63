package main

import (
	"context"
	"errors"
	"sync"

	"spotter/capture/fetch"
	"spotter/capture/relay"
	"spotter/httpapi"
)

// originRequests is how many requests to origins players may have under way together, for all media.
const originRequests = 64

// passthrough passes the streams that are configured on to players of the box's own page.
type passthrough struct {
	streams *streams
	slots   *relay.Slots

	mu     sync.Mutex
	relays map[*stream]*relay.Relay // a stream that a reload replaced has its names replaced too
}

var _ httpapi.Origins = (*passthrough)(nil)

func newPassthrough(s *streams) *passthrough {
	return &passthrough{streams: s, slots: relay.NewSlots(originRequests), relays: map[*stream]*relay.Relay{}}
}

// asksOrigin reports whether a stream comes over the network.
func (s *stream) asksOrigin() bool {
	_, network := s.source.getter.(relay.Origin)
	return network && !s.source.recording
}

// Ask implements httpapi.Origins.
func (p *passthrough) Ask(ctx context.Context, media string, q httpapi.OriginQuestion) (*httpapi.OriginAnswer, error) {
	r, err := p.relay(media)
	if err != nil {
		return nil, err
	}
	answer, err := r.Ask(ctx, relay.Request{Name: q.Resource, Delivery: q.Delivery, Offset: q.Offset, Length: q.Length})
	switch {
	case errors.Is(err, relay.ErrName):
		return nil, httpapi.ErrNoResource
	case errors.Is(err, relay.ErrBusy):
		return nil, httpapi.ErrOriginsBusy
	case err != nil:
		status, words := relay.Explain(err)
		return nil, &httpapi.OriginError{Status: status, Detail: words, Err: err}
	case answer.Playlist != nil:
		return &httpapi.OriginAnswer{Playlist: answer.Playlist}, nil
	}
	b := answer.Body
	return &httpapi.OriginAnswer{
		Body: b, Length: b.Length, Partial: b.Partial, Offset: b.Offset, Total: b.Total,
		Secret: answer.Key, Type: b.ContentType, ETag: b.ETag,
	}, nil
}

// relay returns the relay of a media's stream as it is configured now, and forgets those of streams that are no more.
func (p *passthrough) relay(media string) (*relay.Relay, error) {
	set := p.streams.configured()
	x, ok := set.byID[media]
	if !ok || !x.asksOrigin() {
		return nil, httpapi.ErrNoStream
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if r, ok := p.relays[x]; ok {
		return r, nil
	}
	for old := range p.relays {
		if set.byID[old.pipeline.media.ID] != old {
			delete(p.relays, old)
		}
	}
	r, err := relay.New(x.source.getter.(relay.Origin), x.source.urls, p.slots)
	if err == nil {
		p.relays[x] = r
	}
	return r, err
}

var _ relay.Origin = (*fetch.HTTP)(nil)
