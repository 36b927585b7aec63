// Package fetch owns reading resources over HTTP from origins that may be slow, broken or hostile: which addresses are
// asked, with which credentials, for how long and for how much.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

var (
	// ErrTooLarge is wrapped when a body is larger than its limit.
	ErrTooLarge = errors.New("larger than allowed")
	// ErrAddress is wrapped for addresses that are not asked.
	ErrAddress = errors.New("refused address")
	// ErrIdle is wrapped when an origin sent nothing for a request's Idle time.
	ErrIdle = errors.New("the origin sends nothing")
)

// Request asks for all of a resource, or for a sub-range.
type Request struct {
	URL *url.URL
	// Offset and Length are a sub-range in bytes; Length 0 means from Offset to the end.
	Offset, Length int64
	Limit          int64 // bytes of body at most; more is ErrTooLarge
	// Idle is how long the origin may send nothing, first byte included; 0 stands for 9 s.
	Idle time.Duration
	// Revalidate asks with the validators of the last answer, where it had any, and gets that answer's body again when
	// the origin says that it has not changed. It is for playlists.
	Revalidate bool
}

// Response is the answer to a Request. Its body is the caller's, but that of a revalidated one must not be changed.
type Response struct {
	Body []byte
	URL  *url.URL // after redirects: what the body's relative URIs are relative to
	// NotModified says that the origin answered 304 and Body is the last answer's.
	NotModified bool
}

// Getter reads resources. It is safe for concurrent use.
type Getter interface {
	Get(ctx context.Context, r Request) (Response, error)
}

// StatusError is an HTTP answer other than success.
type StatusError struct {
	Code       int
	RetryAfter time.Duration // what the origin asked for; 0 where it did not
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("the origin answered %d %s", e.Code, http.StatusText(e.Code))
}

// Gone reports whether asking again for the same resource is useless.
func (e *StatusError) Gone() bool {
	return e.Code >= 400 && e.Code < 500 && e.Code != http.StatusRequestTimeout && e.Code != http.StatusTooEarly &&
		e.Code != http.StatusTooManyRequests
}
