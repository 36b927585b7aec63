package httpapi

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"log/slog"
	"math"
	"net/netip"
	"time"

	"github.com/valyala/fasthttp"
	"golang.org/x/time/rate"
)

// How often one address may send a wrong admin token. A token of minToken letters is not found so in the age of the universe; one
// that is a word of a list might be without a limit.
const (
	guessesPerSecond = 0.2
	guessesAtOnce    = 10
	// The same of wrong tokens with a long body, of all addresses together: where they come from is not known before the body is.
	longGuessesPerSecond = 1
	longGuessesAtOnce    = 60
)

// AdminToken is the admin listener's token, for the page's routes on the viewer listener. It is safe for use by many goroutines.
type AdminToken struct {
	file    *reloaded[[sha256.Size]byte]
	guesses *limits
	long    *rate.Limiter // of those with a long body
}

// OpenAdminToken reads the file of Server.RequireToken, which is read again when it changes. The proxies are those whose
// X-Forwarded-For says from where a wrong token came. Errors tell nothing of the token.
func OpenAdminToken(path string, proxies []netip.Prefix, log *slog.Logger) (*AdminToken, error) {
	file, err := openReloaded(log, parseToken, path)
	if err != nil {
		return nil, fmt.Errorf("token: %w", err)
	}
	return &AdminToken{file, newLimits(guessesPerSecond, guessesAtOnce, proxies), rate.NewLimiter(longGuessesPerSecond, longGuessesAtOnce)}, nil
}

// admit returns nil for who sends the token. From where too many wrong ones came even the right one is refused for a while: who
// guesses would else learn as much from not being refused.
func (t *AdminToken) admit(ctx *fasthttp.RequestCtx, now time.Time) *refusal {
	token := bearer(ctx.Request.Header.Peek(fasthttp.HeaderAuthorization))
	if token == nil {
		return unauthorized("", "this is for those who send the token of the admin listener: Authorization: Bearer ...")
	}
	from := t.guesses.of(client{network: network(t.guesses.address(ctx))})
	// The place among the wrong ones is taken before the token is looked at, so that many at once find no more places.
	place := from.ReserveN(now, 1)
	if wait := place.DelayFrom(now); wait > 0 {
		place.CancelAt(now)
		r := refuse(fasthttp.StatusTooManyRequests, "too many wrong tokens of the admin listener came from this address: try again later")
		r.retryAfter = max(1, int(math.Ceil(wait.Seconds())))
		return r
	}
	if !sameToken(token, t.file.get(now)) {
		return unauthorized("invalid_token", wrongToken)
	}
	place.CancelAt(now)
	return nil
}

// mayBeLong reports whether a token's body may be long. How soon a body is refused tells whether the token is right, so this is
// limited as admit is: after too many wrong ones even the right one is refused.
func (t *AdminToken) mayBeLong(token []byte, now time.Time) bool {
	if token == nil {
		return false
	}
	place := t.long.ReserveN(now, 1)
	if place.DelayFrom(now) > 0 {
		place.CancelAt(now)
		return false
	}
	if !sameToken(token, t.file.get(now)) {
		return false
	}
	place.CancelAt(now)
	return true
}

const wrongToken = "this is not the token of the admin listener"

// sameToken compares hashes: what their comparison takes tells nothing of the token or its length.
func sameToken(token []byte, want [sha256.Size]byte) bool {
	got := sha256.Sum256(token)
	return subtle.ConstantTimeCompare(got[:], want[:]) == 1
}
