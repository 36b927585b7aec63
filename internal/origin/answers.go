package origin

import (
	"net"
	"net/http"
	"strconv"
	"time"
)

// Status answers with a status code and a short text.
func Status(code int) Act {
	return func(_ *Origin, w http.ResponseWriter, _ *http.Request) { http.Error(w, http.StatusText(code), code) }
}

// RetryAfter answers with a status code and a Retry-After of so many seconds.
func RetryAfter(code, seconds int) Act {
	return func(_ *Origin, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
		http.Error(w, http.StatusText(code), code)
	}
}

// Challenge answers 401 and asks for basic authentication.
func Challenge() Act {
	return func(_ *Origin, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Basic realm="origin"`)
		http.Error(w, http.StatusText(http.StatusUnauthorized), http.StatusUnauthorized)
	}
}

// NotModified answers 304, also to a client that did not ask whether anything changed.
func NotModified() Act {
	return func(_ *Origin, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) }
}

// Redirect answers 302. An act that sends a path to itself, often enough, is a loop.
func Redirect(to string) Act {
	return func(_ *Origin, w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) }
}

// RedirectLoop answers 302 to the same path with a query that differs each time.
func RedirectLoop() Act {
	return func(_ *Origin, w http.ResponseWriter, r *http.Request) {
		turn, _ := strconv.Atoi(r.URL.Query().Get("turn"))
		http.Redirect(w, r, r.URL.Path+"?turn="+strconv.Itoa(turn+1), http.StatusFound)
	}
}

// Swap answers with what is at another path.
func Swap(path string) Act {
	return func(o *Origin, w http.ResponseWriter, r *http.Request) {
		other := r.Clone(r.Context())
		other.URL.Path = path
		o.Serve(w, other)
	}
}

// Reset closes the connection without an answer; over TCP with a reset. On a connection that was used before, Go's
// client asks once more by itself.
func Reset() Act {
	return func(_ *Origin, w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = conn.Close()
	}
}

// Hold waits until release is closed, or the client goes away, and is healthy then.
func Hold(release <-chan struct{}) Act {
	return func(o *Origin, w http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
			o.Serve(w, r)
		case <-r.Context().Done():
		}
	}
}

// Delay waits for a while and is healthy then.
func Delay(d time.Duration) Act {
	return func(o *Origin, w http.ResponseWriter, r *http.Request) {
		if pause(r, d) {
			o.Serve(w, r)
		}
	}
}

// pause lets time go by; it returns false when the client goes away meanwhile.
func pause(r *http.Request, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

// IgnoreRange answers 200 with all of the body whatever range was asked for.
func IgnoreRange() Act {
	return func(o *Origin, w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Range")
		o.Serve(w, r)
	}
}

// WrongRange answers 206 with the first bytes of the body, and says that they are those.
func WrongRange() Act {
	return func(o *Origin, w http.ResponseWriter, r *http.Request) {
		body, _ := o.resource(r)
		n := (len(body) + 1) / 2
		w.Header().Set("Content-Range", "bytes 0-"+strconv.Itoa(n-1)+"/"+strconv.Itoa(len(body)))
		w.Header().Set("Content-Length", strconv.Itoa(n))
		w.WriteHeader(http.StatusPartialContent)
		_, _ = w.Write(body[:n])
	}
}

// Stale answers with the media playlist as it was n segments ago.
func Stale(n int) Act {
	return func(o *Origin, w http.ResponseWriter, r *http.Request) {
		s, _ := o.stream(r.URL.Path)
		o.mu.Lock()
		body := o.media(s, len(s.list)-n, false)
		o.mu.Unlock()
		w.Header().Set("Content-Type", playlistType)
		_, _ = w.Write(body)
	}
}
