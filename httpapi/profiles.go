package httpapi

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/valyala/fasthttp"
)

const (
	pathProfiles = "/v1/profiles"
	// maxImport is the most of profiles at once, in bytes: some 200,000 of 300 bytes.
	maxImport = 64 << 20
	// importTimeout is readTimeout for these.
	importTimeout = 2 * time.Minute
	// maxFaults is how many faults of an import are told.
	maxFaults = 100
)

// Profiles keeps what is known of viewers, by their ids.
type Profiles interface {
	// Profile returns a viewer's attributes as a JSON object. The error wraps ErrUnknownProfile where there are none.
	Profile(id string) ([]byte, error)
	// PutProfile replaces a viewer's attributes by those of a JSON object. The error is Faults where the object cannot be taken.
	PutProfile(id string, body []byte) error
	// EraseViewer forgets all of a viewer, of whom nothing need be known.
	EraseViewer(id string) error
	// ImportProfiles puts the profile of each line, a JSON object with "id" and the attributes, and says how many it put. Lines
	// that cannot be taken do not keep it from the others, and are Faults. An error of r is returned wrapped.
	ImportProfiles(r io.Reader) (imported int, err error)
}

// Faults is the error of what was sent and cannot be taken, with all that is wrong with it, each with its place.
type Faults []string

func (f Faults) Error() string { return strings.Join(f, "; ") }

// ErrUnknownProfile is wrapped by the errors of Profiles when a viewer has no profile.
var ErrUnknownProfile = errors.New("unknown profile")

// viewerRoutes registers the routes of single profiles. No viewer's id may reach the log, so their handlers return problems alone:
// the path of any other error is logged.
func viewerRoutes(r routes, p Profiles) {
	const one = pathProfiles + "/{id}"
	r.handle(fasthttp.MethodGet, one, profileHandler(p, func(ctx *fasthttp.RequestCtx, id string) error {
		body, err := p.Profile(id)
		if err != nil {
			return err
		}
		ctx.SetContentType(contentTypeJSON)
		ctx.SetBody(body)
		return nil
	}))
	r.handle(fasthttp.MethodPut, one, profileHandler(p, func(ctx *fasthttp.RequestCtx, id string) error {
		body, err := readJSON(ctx)
		if err != nil {
			return err
		}
		ctx.SetStatusCode(fasthttp.StatusNoContent)
		return p.PutProfile(id, body)
	}))
	r.handle(fasthttp.MethodDelete, one, profileHandler(p, func(ctx *fasthttp.RequestCtx, id string) error {
		ctx.SetStatusCode(fasthttp.StatusNoContent)
		return p.EraseViewer(id)
	}))
}

// profileRoutes registers the profiles' routes.
func (s *Server) profileRoutes(p Profiles) {
	viewerRoutes(s, p)
	s.post(pathProfiles, importProfiles(p))
	s.fast.StreamRequestBody = true // so that an import is never in memory, and one without a token is not read
	s.fast.HeaderReceived = func(h *fasthttp.RequestHeader) fasthttp.RequestConfig {
		if h.IsPost() && string(h.RequestURI()) == pathProfiles {
			return fasthttp.RequestConfig{ReadTimeout: importTimeout}
		}
		return fasthttp.RequestConfig{}
	}
}

// profileHandler answers for the profile whose id the path has.
func profileHandler(p Profiles, h func(ctx *fasthttp.RequestCtx, id string) error) handler {
	return func(ctx *fasthttp.RequestCtx) error {
		if p == nil {
			return notEngaged()
		}
		segment, _ := ctx.UserValue("id").(string)
		id := unescape(segment)
		if fault := checkProfile(id); fault != "" {
			return badParameter("id", "a viewer's id %s", fault)
		}
		ctx.Response.Header.Set(fasthttp.HeaderCacheControl, cacheNever)
		return operatorProblem(h(ctx, id))
	}
}

// operatorProblem returns err as a problem for the operator, who can mend it and may read all of it; nil stays nil.
func operatorProblem(err error) error {
	var p *problem
	var faults Faults
	switch {
	case err == nil || errors.As(err, &p):
		return err
	case errors.As(err, &faults):
		p = newProblem(fasthttp.StatusBadRequest, "the body cannot be taken: "+countFaults(len(faults)))
		p.Faults = faults
	case errors.Is(err, ErrUnknownProfile):
		p = newProblem(fasthttp.StatusNotFound, "this viewer has no profile")
	case errors.Is(err, ErrUnknownInstrument):
		p = newProblem(fasthttp.StatusNotFound, "there is no such instrument")
	case errors.Is(err, ErrInstrumentInFile):
		p = newProblem(fasthttp.StatusConflict, "this instrument stands in the configured file: change it there")
	default:
		p = newProblem(fasthttp.StatusInternalServerError, err.Error())
	}
	return p
}

func countFaults(n int) string {
	if n == 1 {
		return "it has a fault"
	}
	return fmt.Sprintf("it has %d faults", n)
}

// readJSON returns a copy of a body of JSON of at most maxBody bytes.
func readJSON(ctx *fasthttp.RequestCtx) ([]byte, error) {
	if err := checkContentType(ctx, contentTypeJSON); err != nil {
		return nil, err
	}
	r := capBody(ctx, maxBody)
	body, err := io.ReadAll(r)
	if err != nil {
		return nil, r.problem(err)
	}
	return body, nil
}

// importProfiles answers POST /v1/profiles.
func importProfiles(p Profiles) handler {
	return func(ctx *fasthttp.RequestCtx) error {
		if p == nil {
			return notEngaged()
		}
		if err := checkContentType(ctx, "application/x-ndjson"); err != nil {
			return err
		}
		if ctx.Request.Header.ContentLength() > maxImport {
			return tooLarge(maxImport)
		}
		r := capBody(ctx, maxImport)
		n, err := p.ImportProfiles(r)
		var faults Faults
		switch {
		case r.err != nil:
			return r.problem(r.err)
		case err != nil && !errors.As(err, &faults):
			return operatorProblem(err)
		}
		ctx.Response.Header.Set(fasthttp.HeaderCacheControl, cacheNever)
		return writeJSON(ctx, struct {
			Imported int      `json:"imported"`
			Faults   []string `json:"faults"`
		}{n, append([]string{}, faults[:min(len(faults), maxFaults)]...)})
	}
}

// capped is a request's body, of which only so much can be read.
type capped struct {
	r          io.Reader
	left, most int64
	err        error // but io.EOF
}

// capBody returns a request's body, however it came. The bytes are good until the request is answered.
func capBody(ctx *fasthttp.RequestCtx, most int64) *capped {
	r := ctx.RequestBodyStream()
	if r == nil {
		r = bytes.NewReader(ctx.Request.Body())
	}
	return &capped{r: r, left: most, most: most}
}

var errTooLarge = errors.New("the body is too large")

// Read implements io.Reader.
func (c *capped) Read(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	if int64(len(p)) > c.left+1 {
		p = p[:c.left+1] // a byte more tells the end from the rest
	}
	n, err := c.r.Read(p)
	if int64(n) > c.left {
		n, err = int(c.left), errTooLarge
	}
	c.left -= int64(n)
	if err != nil && err != io.EOF {
		c.err = err
	}
	return n, err
}

// problem tells why the body could not be read.
func (c *capped) problem(err error) error {
	if errors.Is(err, errTooLarge) {
		return tooLarge(c.most)
	}
	var network net.Error
	if errors.As(err, &network) && network.Timeout() {
		return newProblem(fasthttp.StatusRequestTimeout, "the body did not arrive in time")
	}
	return newProblem(fasthttp.StatusBadRequest, "the body ended before it was complete")
}
