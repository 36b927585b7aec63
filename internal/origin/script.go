package origin

import (
	"net/http"
	"strings"
)

// Act answers one request in place of the origin. It may call o.Serve to answer as if nothing were wrong.
//
//	Healthy              as if nothing were wrong: a place in a script
//	Status               a status code and a short text
//	RetryAfter           a status code with Retry-After
//	Challenge            401 with WWW-Authenticate
//	NotModified          304 whatever was asked
//	Redirect             302 to another path or address
//	RedirectLoop         302 to itself, each time with another query
//	Swap                 another path's resource
//	Body, Page, Noise    200 with given bytes, an HTML page, bytes that are no media
//	Edit                 the right body after a change; BOM, CRLF, Lines and Corrupt are such changes
//	Half                 200 with the first half, as of a file that is still being written
//	Truncate             the whole length announced, the connection closed after half of it
//	Stall                the whole length announced, silence after so many bytes until the client goes
//	Reset                the connection closed without an answer, over TCP with a reset
//	Hold                 silence until the test releases it or the client goes
//	Delay                silence for a while, then healthy
//	Slow                 so many bytes a second
//	Chunked              no length announced
//	TruncateChunked      no length announced, and the connection closed before the last chunk
//	Gzip, BadGzip        compressed; compressed and cut short
//	Oversize             more bytes than anyone wants, with or without their number announced
//	IgnoreRange          200 with all of the body whatever range was asked for
//	WrongRange           206 with bytes from elsewhere
//	Stale                the media playlist as it was some segments ago
//	Caches               turns of two caches, the second of which is behind
//
// What lasts belongs to Style or is a method: Continuous, HideDiscontinuities, Target, ClockEvery, Drift, Gate, Tags; Skip,
// Break, Jump, Mark, Restart, Renumber, End, and Append for a segment without bytes, of audio only or of another codec.
type Act func(o *Origin, w http.ResponseWriter, r *http.Request)

// persistent is an act for all paths below a prefix.
type persistent struct {
	prefix string
	act    Act
}

// On adds acts to the script of a path. Each request takes the next one; after the last the origin is healthy again.
func (o *Origin) On(path string, acts ...Act) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.scripts[path] = append(o.scripts[path], acts...)
}

// Every gives all requests whose path begins with prefix to an act, where their path's script has none; nil ends that.
// A prefix of its own is what breaks one pathway, or one rendition, and no other.
func (o *Origin) Every(prefix string, act Act) {
	o.mu.Lock()
	defer o.mu.Unlock()
	kept := o.always[:0]
	for _, p := range o.always {
		if p.prefix != prefix {
			kept = append(kept, p)
		}
	}
	if o.always = kept; act != nil {
		o.always = append(o.always, persistent{prefix, act})
	}
}

// scripted takes the next act for a path.
func (o *Origin) scripted(path string) Act {
	if acts := o.scripts[path]; len(acts) > 0 {
		o.scripts[path] = acts[1:]
		return acts[0]
	}
	for _, p := range o.always {
		if strings.HasPrefix(path, p.prefix) {
			return p.act
		}
	}
	return nil
}

// Times returns an act n times over.
func Times(n int, act Act) []Act {
	acts := make([]Act, n)
	for i := range acts {
		acts[i] = act
	}
	return acts
}

// Caches returns n turns of two caches that stand before the origin, the second of which is behind by so many segments.
func Caches(n, behind int) (acts []Act) {
	for i := range n {
		if i%2 == 0 {
			acts = append(acts, Healthy())
		} else {
			acts = append(acts, Stale(behind))
		}
	}
	return acts
}

// Healthy answers as if nothing were wrong: a place in a script.
func Healthy() Act {
	return func(o *Origin, w http.ResponseWriter, r *http.Request) { o.Serve(w, r) }
}
