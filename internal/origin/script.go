package origin

import (
	"bytes"
	"net"
	"net/http"
	"strconv"
)

// Act answers one request in place of the origin. It may call o.Serve to answer as if nothing were wrong.
type Act func(o *Origin, w http.ResponseWriter, r *http.Request)

// On adds acts to the script of a path. Each request takes the next one; after the last the origin is healthy again.
func (o *Origin) On(path string, acts ...Act) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.scripts[path] = append(o.scripts[path], acts...)
}

// scripted takes the next act of a path's script.
func (o *Origin) scripted(path string) Act {
	acts := o.scripts[path]
	if len(acts) == 0 {
		return nil
	}
	o.scripts[path] = acts[1:]
	return acts[0]
}

// Times returns an act n times over.
func Times(n int, act Act) []Act {
	acts := make([]Act, n)
	for i := range acts {
		acts[i] = act
	}
	return acts
}

// Healthy answers as if nothing were wrong: a place in a script.
func Healthy() Act {
	return func(o *Origin, w http.ResponseWriter, r *http.Request) { o.Serve(w, r) }
}

// Status answers with a status code and a short text.
func Status(code int) Act {
	return func(_ *Origin, w http.ResponseWriter, _ *http.Request) { http.Error(w, http.StatusText(code), code) }
}

// Body answers 200 with other bytes.
func Body(b []byte) Act {
	return func(_ *Origin, w http.ResponseWriter, r *http.Request) { _, _ = w.Write(b) }
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

// Truncate announces the whole body and closes the connection after the first half.
func Truncate() Act {
	return func(o *Origin, w http.ResponseWriter, r *http.Request) {
		body, _ := o.resource(r.URL.Path)
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body[:len(body)/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// Half answers 200 with the first half of the body, as an origin does whose segment is still being written.
func Half() Act {
	return func(o *Origin, w http.ResponseWriter, r *http.Request) {
		body, _ := o.resource(r.URL.Path)
		_, _ = w.Write(body[:len(body)/2])
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

// Oversize sends size bytes, without announcing how many they are unless announce is set.
func Oversize(size int64, announce bool) Act {
	return func(_ *Origin, w http.ResponseWriter, _ *http.Request) {
		if announce {
			w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
		}
		block := bytes.Repeat([]byte("#"), 64<<10)
		for left := size; left > 0; left -= int64(len(block)) {
			if _, err := w.Write(block[:min(left, int64(len(block)))]); err != nil {
				return // the client had enough
			}
		}
	}
}

// Redirect answers 302. An act that sends a path to itself, often enough, is a loop.
func Redirect(to string) Act {
	return func(_ *Origin, w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) }
}

// IgnoreRange answers 200 with all of the body whatever range was asked for.
func IgnoreRange() Act {
	return func(o *Origin, w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Range")
		o.Serve(w, r)
	}
}

// Stale answers with the media playlist as it was n segments ago.
func Stale(n int) Act {
	return func(o *Origin, w http.ResponseWriter, r *http.Request) {
		o.mu.Lock()
		body := o.media(len(o.list) - n)
		o.mu.Unlock()
		_, _ = w.Write(body)
	}
}
