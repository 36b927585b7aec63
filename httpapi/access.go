package httpapi

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"runtime/debug"
	"strings"
	"time"

	"github.com/valyala/fasthttp"
)

// routeRefused is the route label of requests that were refused before they came to a route.
const routeRefused = "refused"

// AccessConfig says who may ask the viewer API what. Without KeysFile and JWT, everybody may ask everything.
type AccessConfig struct {
	// KeysFile holds API keys as ParseKeys reads them. It is read again when it changes.
	KeysFile string
	// JWT has JSON Web Tokens asked for; nil asks for none. KeysFile must then be empty.
	JWT *JWTConfig
	// Origins are those whose web pages may read answers, such as https://app.example; "*" stands for all.
	Origins []string
	// RequestsPerSecond is what one client may ask in the long run; 0 sets no limit.
	RequestsPerSecond float64
	// Burst is what one client may ask at once; 0 stands for the requests of one second, at least 1.
	Burst int
	// TrustedProxies are those whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix
	Log            *slog.Logger
}

// Access says who may ask the viewer API what, how often, and from which pages. It is safe for use by many goroutines.
type Access struct {
	who     authenticator // nil: everybody
	origins origins
	limits  *limits // nil: none
}

// authenticator tells who sent a credential, or an error that is a *refusal.
type authenticator interface {
	// known returns the identity without work that a client could make us do for nothing.
	known(credential []byte, now time.Time) (*Identity, bool)
	// verify is asked for a credential that is not known.
	verify(credential []byte, now time.Time) (*Identity, error)
	// holds reports whether who was let in once still would be, to a media.
	holds(id *Identity, media string, now time.Time) bool
}

// Identity is who asks, as far as a key or a token tells. It is shared by requests and not to be changed.
type Identity struct {
	// Key is the name of the API key; empty for a token.
	Key string
	// Viewer is the token's subject (RFC 7519, section 4.1.2); empty for a key.
	Viewer string
	// Profile are the viewer's attributes from the token's claim "profile"; nil where it has none.
	Profile map[string]any
	// Until is when the credential ends; zero for a key.
	Until time.Time

	media map[string]bool // nil: all
	who   authenticator
	hash  [sha256.Size]byte // of the key
	by    *verifier         // of the token
}

// MayAsk reports whether the media may be asked for. A nil Identity, of a box that asks nobody who they are, may ask
// for every one.
func (i *Identity) MayAsk(media string) bool { return i == nil || i.media == nil || i.media[media] }

// Holds reports whether what let i in still does, to a media: a key may be withdrawn, and a token end, while a stream lasts.
func (i *Identity) Holds(media string, now time.Time) bool {
	return i == nil || i.who == nil || i.who.holds(i, media, now)
}

// limitTo lets i ask for the media named and no others.
func (i *Identity) limitTo(media []string) {
	i.media = make(map[string]bool, len(media))
	for _, id := range media {
		i.media[id] = true
	}
}

// identityKey is the key of a request's user value.
type identityKey struct{}

// IdentityOf returns who sent the request; nil where nobody is asked.
func IdentityOf(ctx *fasthttp.RequestCtx) *Identity {
	i, _ := ctx.UserValue(identityKey{}).(*Identity)
	return i
}

// NewAccess reads the files that c names. Errors say what is wrong with them, and nothing of what is secret in them.
func NewAccess(c AccessConfig) (*Access, error) {
	a := &Access{origins: newOrigins(c.Origins)}
	if c.RequestsPerSecond > 0 {
		a.limits = newLimits(c.RequestsPerSecond, c.Burst, c.TrustedProxies)
	}
	var err error
	switch {
	case c.KeysFile != "" && c.JWT != nil:
		return nil, errors.New("either keys or tokens can be asked for, not both")
	case c.KeysFile != "":
		a.who, err = openKeys(c.KeysFile, c.Log)
	case c.JWT != nil:
		a.who, err = openTokens(*c.JWT, c.Log)
	}
	if err != nil {
		return nil, err
	}
	return a, nil
}

// protect puts a before all that s answers. A nil Access lets all pages read, and everybody ask.
func (a *Access) protect(s *Server) {
	if a == nil {
		a = &Access{origins: newOrigins([]string{"*"})}
	}
	next := s.fast.Handler
	s.fast.Handler = func(ctx *fasthttp.RequestCtx) {
		if err := a.admit(ctx, s); err != nil {
			err.write(ctx)
			s.metrics.requests.WithLabelValues(routeRefused, fmt.Sprint(err.Status)).Inc()
		} else {
			next(ctx)
		}
		a.origins.write(ctx)
		if a.who != nil {
			keepPrivate(ctx)
		}
	}
}

// admit lets a request in or returns why not.
func (a *Access) admit(ctx *fasthttp.RequestCtx, s *Server) (refused *refusal) {
	if a.who == nil && a.limits == nil {
		return nil
	}
	defer func() {
		if v := recover(); v != nil {
			s.metrics.panics.Inc()
			s.log.Error("access panicked", "panic", fmt.Sprintf("%T", v), "stack", string(debug.Stack()))
			refused = refuse(fasthttp.StatusInternalServerError, "the server could not answer; its log says why")
		}
	}()
	now := time.Now()
	if a.who == nil || !private(ctx) {
		return a.limits.take(ctx, nil, now)
	}
	id, refused := a.identify(ctx, now)
	if refused != nil {
		return refused
	}
	ctx.SetUserValue(identityKey{}, id)
	if id.media == nil {
		return nil
	}
	return id.checkMedia(ctx)
}

// identify returns who asks and charges them for it. What is not known yet is charged to the address before anything is
// verified: a signature costs more to check than to invent.
func (a *Access) identify(ctx *fasthttp.RequestCtx, now time.Time) (*Identity, *refusal) {
	credential, refused := findCredential(ctx)
	defer dropCredential(ctx)
	if refused == nil && len(credential) > 0 {
		if id, ok := a.who.known(credential, now); ok {
			return id, a.limits.take(ctx, id, now)
		}
	}
	if slow := a.limits.take(ctx, nil, now); slow != nil {
		return nil, slow
	}
	switch {
	case refused != nil:
		return nil, refused
	case len(credential) == 0:
		return nil, unauthorized("", "this box answers those who send a key or token: Authorization: Bearer ...")
	}
	id, err := a.who.verify(credential, now)
	if err != nil {
		return nil, unauthorized("invalid_token", err.Error())
	}
	return id, nil
}

// private reports whether a request needs a credential. All data lies below /v1/; the page, the client and the
// description of the API tell nothing of any media, and a browser asks before a cross-origin request without credentials
// (Fetch standard, section 3.3.5).
func private(ctx *fasthttp.RequestCtx) bool {
	const data = "/v1/"
	path := ctx.Request.URI().PathOriginal()
	return len(path) >= len(data) && string(path[:len(data)]) == data && !ctx.IsOptions()
}

// checkMedia refuses a request for media that i may not ask for, and says the same of media that there is not.
func (i *Identity) checkMedia(ctx *fasthttp.RequestCtx) *refusal {
	// The path as it came is what the router sees too: no other spelling of it leads to a media.
	path := string(ctx.Request.URI().PathOriginal())
	if rest, ok := strings.CutPrefix(path, prefixMedia); ok {
		segment, _, _ := strings.Cut(rest, "/")
		return i.check(unescape(segment))
	}
	for key, value := range ctx.QueryArgs().All() {
		if string(key) != "media" {
			continue
		}
		for media := range strings.SplitSeq(string(value), ",") {
			if refused := i.check(media); refused != nil {
				return refused
			}
		}
	}
	return nil
}

func (i *Identity) check(media string) *refusal {
	if i.MayAsk(media) {
		return nil
	}
	r := refuse(fasthttp.StatusForbidden, fmt.Sprintf("your key or token is not for media %q", clip(media)))
	r.Parameter = "media"
	r.challenge = challenge("insufficient_scope", "")
	return r
}

// keepPrivate keeps answers that not everybody may have out of caches that everybody shares (RFC 9111, section 3.5 does
// so for the header Authorization alone).
func keepPrivate(ctx *fasthttp.RequestCtx) {
	if !private(ctx) {
		return
	}
	h := &ctx.Response.Header
	was := h.Peek(fasthttp.HeaderCacheControl)
	if len(was) == 0 {
		h.Set(fasthttp.HeaderCacheControl, cacheNever)
		return
	}
	if string(was) == cacheNever || bytes.Contains(was, []byte("private")) {
		return
	}
	var room [128]byte
	b := append(room[:0], "private"...)
	for rest, more := was, true; more; {
		var directive []byte
		directive, rest, more = bytes.Cut(rest, []byte(","))
		directive = bytes.TrimSpace(directive)
		// s-maxage and proxy-revalidate are for shared caches only.
		switch name, _, _ := bytes.Cut(directive, []byte("=")); string(name) {
		case "public", "s-maxage", "proxy-revalidate":
		default:
			b = append(append(b, ", "...), directive...)
		}
	}
	h.SetBytesV(fasthttp.HeaderCacheControl, b)
}
