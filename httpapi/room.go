package httpapi

import (
	"sync/atomic"

	"github.com/valyala/fasthttp"

	"spotter/timeline"
)

const (
	// roomBytes is what all long answers together may take at once: each is in memory until its client has read it, and one
	// of twelve hours is 13 MB for a question of a hundred bytes.
	roomBytes = 256 << 20
	// longAnswer is from how many bytes on an answer takes room.
	longAnswer = 64 << 10
)

// room bounds the memory of long answers.
type room struct {
	bytes int64 // that there are
	taken atomic.Int64
}

// lease is the room that one request has. fasthttp closes it when the answer is written or its client is gone.
type lease struct {
	room *room
	n    int64
}

// Close implements io.Closer.
func (l *lease) Close() error {
	l.room.taken.Add(-l.n)
	l.n = 0
	return nil
}

// leaseKey is the key of a request's user value.
type leaseKey struct{}

// take takes n bytes more for a request, or returns a 503. A request may have more than all the room when it has it alone.
func (r *room) take(ctx *fasthttp.RequestCtx, n int) error {
	l, _ := ctx.UserValue(leaseKey{}).(*lease)
	if l == nil {
		if n < longAnswer {
			return nil
		}
		l = &lease{room: r}
		ctx.SetUserValue(leaseKey{}, l)
	}
	if r.taken.Add(int64(n)) > max(r.bytes, l.n+int64(n)) {
		r.taken.Add(-int64(n))
		return newProblem(fasthttp.StatusServiceUnavailable, "too many long answers are being read; ask for a shorter window, or again later")
	}
	l.n += int64(n)
	return nil
}

// takeFor takes what a list of observations will be as JSON, about.
func (r *room) takeFor(ctx *fasthttp.RequestCtx, list []*timeline.Observation) error {
	const observation, entity = 160, 64
	n := 0
	for _, o := range list {
		n += observation
		for _, entities := range [...][]timeline.Entity{o.Celebrities, o.Objects} {
			for i := range entities {
				e := &entities[i]
				n += entity + len(e.Name) + len(e.ID)
				for _, words := range [...][]string{e.URLs, e.Parents, e.Aliases} {
					for _, word := range words {
						n += len(word) + len(`"",`)
					}
				}
			}
		}
	}
	return r.take(ctx, n)
}
