package httpapi

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http/pprof"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/fasthttpadaptor"
)

// profileTimeout is writeTimeout on the admin listener: a CPU profile or trace takes as long as was asked for.
const profileTimeout = 5 * time.Minute

// AdminConfig is what the admin API shows and steers.
type AdminConfig struct {
	// Registerer gets the listener's own metrics; it may be nil.
	Registerer prometheus.Registerer
	// Gatherer is what /metrics shows.
	Gatherer prometheus.Gatherer
	// Ready returns the checks of /readyz, and Alive those of /healthz: the parts without which the program does no work and is
	// to be restarted. Each is called for each request and must be quick; nil has none.
	Ready, Alive func() []Check
	// Control starts and stops media; nil leaves these routes out.
	Control Control
	// Profiles, Instruments and Decisions are what engagement stands on; without them these routes say that it is off.
	Profiles    Profiles
	Instruments Instruments
	Decisions   Decisions
	Log         *slog.Logger
}

// NewAdmin returns the admin API's server. It asks nobody who they are: it belongs on loopback. NewAdmin panics when
// the registerer already has an admin listener's metrics.
func NewAdmin(c AdminConfig) *Server {
	s := newServer("admin", c.Registerer, c.Log)
	s.fast.WriteTimeout = profileTimeout
	s.get("/metrics", adapt(fasthttpadaptor.NewFastHTTPHandler(promhttp.HandlerFor(c.Gatherer, promhttp.HandlerOpts{}))))
	s.get("/healthz", healthz(c.Alive))
	s.get("/readyz", readyz(c.Ready))
	// The index links to its profiles relatively, so /debug/pprof is sent on to where it ends with a slash.
	s.router.RedirectTrailingSlash = true
	s.get("/debug/pprof/{profile:*}", profiles())
	if c.Control != nil {
		controlRoutes(s, c.Control)
	}
	s.profileRoutes(c.Profiles)
	instrumentRoutes(s, c.Instruments)
	s.get("/v1/decisions", decisions(c.Decisions))
	return s
}

func (s *Server) post(pattern string, h handler) { s.change(fasthttp.MethodPost, pattern, h) }

// handle implements routes.
func (s *Server) handle(method, pattern string, h func(ctx *fasthttp.RequestCtx) error) {
	if method == fasthttp.MethodGet {
		s.get(pattern, h)
	} else {
		s.change(method, pattern, h)
	}
}

// change registers what changes something.
func (s *Server) change(method, pattern string, h handler) {
	s.router.Handle(method, pattern, s.metrics.route(pattern, s.log, sameOrigin(h)))
}

// profiles serves net/http/pprof under /debug/pprof/.
func profiles() handler {
	special := map[string]fasthttp.RequestHandler{
		"cmdline": fasthttpadaptor.NewFastHTTPHandlerFunc(pprof.Cmdline),
		"profile": fasthttpadaptor.NewFastHTTPHandlerFunc(pprof.Profile),
		"symbol":  fasthttpadaptor.NewFastHTTPHandlerFunc(pprof.Symbol),
		"trace":   fasthttpadaptor.NewFastHTTPHandlerFunc(pprof.Trace),
	}
	index := fasthttpadaptor.NewFastHTTPHandlerFunc(pprof.Index) // and each profile of runtime/pprof by its name
	return func(ctx *fasthttp.RequestCtx) error {
		name, _ := ctx.UserValue("profile").(string)
		if h, ok := special[name]; ok {
			h(ctx)
		} else {
			index(ctx)
		}
		return nil
	}
}

func adapt(h fasthttp.RequestHandler) handler {
	return func(ctx *fasthttp.RequestCtx) error {
		h(ctx)
		return nil
	}
}

// Check is one line of GET /readyz and of GET /healthz.
type Check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
	// Mend is what to do about it, in words for an operator; empty where there is nothing to do, or Detail says it.
	Mend string `json:"mend,omitempty"`
}

// failing returns the checks that do not hold.
func failing(checks []Check) (out []Check) {
	for _, c := range checks {
		if !c.OK {
			out = append(out, c)
		}
	}
	return out
}

// healthz answers 200 while every part lives, else 503: with its checks for who asks for JSON, else with a line for each that
// fails.
func healthz(alive func() []Check) handler {
	return func(ctx *fasthttp.RequestCtx) error {
		checks := []Check{}
		if alive != nil {
			checks = append(checks, alive()...)
		}
		dead := failing(checks)
		if len(dead) > 0 {
			ctx.SetStatusCode(fasthttp.StatusServiceUnavailable)
		}
		ctx.Response.Header.Set(fasthttp.HeaderCacheControl, cacheNever)
		ctx.Response.Header.Set(fasthttp.HeaderVary, fasthttp.HeaderAccept)
		if strings.Contains(string(ctx.Request.Header.Peek(fasthttp.HeaderAccept)), "application/json") {
			return writeJSON(ctx, struct {
				Healthy bool    `json:"healthy"`
				Checks  []Check `json:"checks"`
			}{len(dead) == 0, checks})
		}
		ctx.SetContentType("text/plain; charset=utf-8")
		if len(dead) == 0 {
			ctx.SetBodyString("ok\n")
		}
		for _, c := range dead {
			fmt.Fprintf(ctx, "%s: %s\n", c.Name, c.Detail)
		}
		return nil
	}
}

// readyz answers 200 when every check is ok, else 503.
func readyz(ready func() []Check) handler {
	return func(ctx *fasthttp.RequestCtx) error {
		answer := struct {
			Ready  bool    `json:"ready"`
			Checks []Check `json:"checks"`
		}{Checks: []Check{}}
		if ready != nil {
			answer.Checks = append(answer.Checks, ready()...)
		}
		if answer.Ready = len(failing(answer.Checks)) == 0; !answer.Ready {
			ctx.SetStatusCode(fasthttp.StatusServiceUnavailable)
		}
		ctx.Response.Header.Set(fasthttp.HeaderCacheControl, cacheNever)
		return writeJSON(ctx, answer)
	}
}

// steer answers 204 when do has done what it says.
func steer(do func(id string) error) handler {
	return func(ctx *fasthttp.RequestCtx) error {
		id := pathID(ctx)
		err := do(id)
		switch {
		case errors.Is(err, ErrUnknownMedia):
			return unknownMedia(id)
		case err != nil:
			// The reader is the operator, who can mend it.
			return newProblem(fasthttp.StatusInternalServerError, err.Error())
		}
		ctx.SetStatusCode(fasthttp.StatusNoContent)
		return nil
	}
}

// sameOrigin refuses what a web page of another origin makes its visitor's browser send: on a loopback listener the
// browser is let in where the page is not. Tools send neither header.
func sameOrigin(h handler) handler {
	return func(ctx *fasthttp.RequestCtx) error {
		header := &ctx.Request.Header
		foreign := false
		switch site := string(header.Peek("Sec-Fetch-Site")); site {
		case "same-origin", "none":
		case "":
			if origin := header.Peek(fasthttp.HeaderOrigin); len(origin) > 0 {
				u, err := url.Parse(string(origin))
				foreign = err != nil || u.Host != string(ctx.Host())
			}
		default:
			foreign = true
		}
		if foreign {
			return newProblem(fasthttp.StatusForbidden, fmt.Sprintf("pages of other origins may not use %s", ctx.Method()))
		}
		return h(ctx)
	}
}
