package httpapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

const (
	// maxPhoto is the most of a photo, in bytes. How many pixels it may have is for People to say.
	maxPhoto = 10 << 20
	// photoTimeout is how long one photo may be looked at: less than the 15 s for which the page waits.
	photoTimeout = 12 * time.Second
)

// photos has photos looked at, one at a time: what a photo takes of memory and of the processor, it takes once.
type photos struct {
	people People
	busy   atomic.Bool
}

// photoRoute registers POST /admin/v1/gallery.
func (g *guarded) photoRoute(p People) {
	one := &photos{people: p}
	g.handleBody(fasthttp.MethodPost, pathGallery, maxPhoto, peopleHandler(p, one.add))
}

// add answers POST /admin/v1/gallery?name=NAME&id=ID.
func (p *photos) add(ctx *fasthttp.RequestCtx) error {
	if err := checkContentType(ctx, "image/jpeg", "image/png"); err != nil {
		return err
	}
	args := ctx.QueryArgs()
	who := PersonName{Name: string(args.Peek("name")), ID: string(args.Peek("id"))}
	if err := who.check(); err != nil {
		return err
	}
	photo := ctx.PostBody()
	if !isPhoto(photo) {
		return Faults{"what was sent is not a JPEG or PNG picture"}
	}
	if !p.busy.CompareAndSwap(false, true) {
		return newProblem(fasthttp.StatusServiceUnavailable, "another photo is being looked at: send this one again in a second")
	}
	defer p.busy.Store(false)
	limited, cancel := context.WithTimeout(ctx, photoTimeout)
	defer cancel()
	added, err := p.people.AddPhoto(limited, who, photo)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return Faults{fmt.Sprintf("to look at the photo took longer than %v: send a smaller one", photoTimeout)}
	case errors.Is(err, context.Canceled):
		return newProblem(fasthttp.StatusServiceUnavailable, "the box is stopping: send the photo again when it runs")
	case err != nil:
		return err
	}
	added.Hints = append([]string{}, added.Hints...)
	return writeJSON(ctx, added)
}

// isPhoto reports whether b begins as a JPEG (ITU-T T.81, B.1.1.3) or PNG (W3C PNG, 5.2) does.
func isPhoto(b []byte) bool {
	return bytes.HasPrefix(b, []byte("\xff\xd8\xff")) || bytes.HasPrefix(b, []byte("\x89PNG\r\n\x1a\n"))
}
