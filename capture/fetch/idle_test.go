package fetch_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"spotter/capture/fetch"
)

// In a network of pipes and with a clock that does not wait: what an idle time ends, and what it does not.
func TestIdle(t *testing.T) {
	for _, secure := range []bool{false, true} {
		for name, tc := range map[string]struct {
			idle, took time.Duration
			f          http.HandlerFunc
			good       bool
		}{
			"no answer":             {2 * time.Second, 2 * time.Second, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, false},
			"no answer, by default": {0, 9 * time.Second, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, false},
			"a body that stops": {2 * time.Second, 3 * time.Second, func(w http.ResponseWriter, r *http.Request) {
				drip(w, 2, time.Second)
				<-r.Context().Done()
			}, false},
			"a slow answer": {2 * time.Second, 1 * time.Second, func(w http.ResponseWriter, _ *http.Request) {
				time.Sleep(time.Second)
				io.WriteString(w, "z")
			}, true},
			"a slow body": {2 * time.Second, 59 * time.Second, func(w http.ResponseWriter, _ *http.Request) { drip(w, 60, time.Second) }, true},
			"slow redirects": {2 * time.Second, 5 * time.Second, func(w http.ResponseWriter, r *http.Request) {
				if n := len(r.URL.Path); n < 6 {
					time.Sleep(time.Second)
					w.Header().Set("Location", r.URL.Path+"o")
					w.WriteHeader(http.StatusFound)
				}
			}, true},
			"an error whose body stops": {2 * time.Second, 2 * time.Second, func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(http.StatusNotFound)
				w.(http.Flusher).Flush()
				<-r.Context().Done()
			}, false},
		} {
			t.Run(fmt.Sprintf("%s, secure %v", name, secure), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := newBubble(secure, tc.f)
					h := b.open(secure)
					defer stop(b, h)
					began := time.Now()
					_, err := h.Get(t.Context(), fetch.Request{URL: address(t, scheme(secure)+"://example.com/?"+secret), Limit: limit, Idle: tc.idle})
					quiet(t, err)
					var status *fetch.StatusError
					if (err == nil) != tc.good || err != nil && !errors.Is(err, fetch.ErrIdle) && !errors.As(err, &status) {
						t.Error(err)
					}
					if took := time.Since(began); took != tc.took {
						t.Errorf("after %s, want %s", took, tc.took)
					}
				})
			})
		}
	}
}

func scheme(secure bool) string {
	if secure {
		return "https"
	}
	return "http"
}

func drip(w http.ResponseWriter, n int, every time.Duration) {
	for i := range n {
		if i > 0 {
			time.Sleep(every)
		}
		io.WriteString(w, "z")
		w.(http.Flusher).Flush()
	}
}

// A connection that was kept and has become a black hole costs one request, not the retry too.
func TestBlackHole(t *testing.T) {
	for _, secure := range []bool{false, true} {
		t.Run(scheme(secure), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBubble(secure, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) })
				h := b.open(secure)
				defer stop(b, h)
				get := func() (string, error) {
					r, err := h.Get(t.Context(), fetch.Request{URL: address(t, scheme(secure)+"://example.com/"), Limit: limit, Idle: time.Second})
					return string(r.Body), err
				}
				want := map[bool]string{false: "HTTP/1.1", true: "HTTP/2.0"}[secure]
				for range 3 {
					if got, err := get(); err != nil || got != want {
						t.Fatalf("%q, %v", got, err)
					}
				}
				if n := b.dials.Load(); n != 1 {
					t.Errorf("%d connections for three requests", n)
				}
				b.darken()
				if _, err := get(); !errors.Is(err, fetch.ErrIdle) {
					t.Errorf("in the dark: %v", err)
				}
				if got, err := get(); err != nil || got != want || b.dials.Load() != 2 {
					t.Errorf("the retry: %q, %v, %d connections", got, err, b.dials.Load())
				}
			})
		})
	}
}

// A dead connection of HTTP/2 is found by its pings, long before an idle time of a minute.
func TestPing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(true, func(w http.ResponseWriter, r *http.Request) {
			drip(w, 1, 0)
			<-r.Context().Done()
		})
		h := b.open(true)
		defer stop(b, h)
		time.AfterFunc(time.Second, b.darken)
		began := time.Now()
		_, err := h.Get(t.Context(), fetch.Request{URL: address(t, "https://example.com/"), Limit: limit, Idle: time.Minute})
		if took := time.Since(began); err == nil || errors.Is(err, fetch.ErrIdle) || took > 15*time.Second {
			t.Errorf("%v after %s", err, took)
		}
	})
}

// A deadline or an end of the caller's is told as such.
func TestCallerEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(false, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		h := b.open(false)
		defer stop(b, h)
		r := fetch.Request{URL: address(t, "http://example.com/?"+secret), Limit: limit}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := h.Get(ctx, r); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if _, err := h.Get(ctx, r); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// Close ends what is under way, dials too, and what is asked for later.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(false, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		dialing := fetch.NewHTTP(fetch.Options{Hosts: []string{"example.com"}, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}})
		for name, h := range map[string]*fetch.HTTP{"waiting": b.open(false), "dialling": dialing} {
			var wait sync.WaitGroup
			for range 3 {
				wait.Go(func() {
					if _, err := h.Get(t.Context(), fetch.Request{URL: address(t, "http://example.com/"), Limit: limit}); !errors.Is(err, net.ErrClosed) {
						t.Errorf("%s: %v", name, err)
					}
				})
			}
			synctest.Wait()
			h.Close()
			wait.Wait()
			h.Close()
			if _, err := h.Get(t.Context(), fetch.Request{URL: address(t, "http://example.com/"), Limit: limit}); !errors.Is(err, net.ErrClosed) {
				t.Errorf("%s, later: %v", name, err)
			}
		}
		b.Server.Close()
	})
}

// Certificates are verified, and a redirect leaves https for an own host alone.
func TestTLS(t *testing.T) {
	secure := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if to := r.URL.Query().Get("to"); to != "" {
			w.Header().Set("Location", to)
			w.WriteHeader(http.StatusFound)
			return
		}
		io.WriteString(w, r.Proto)
	}))
	secure.EnableHTTP2 = true
	secure.Config.ErrorLog = silent
	secure.StartTLS()
	defer secure.Close()
	clear := serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "clear") })
	roots := x509Pool(secure)
	dns := resolver(t, map[string][]string{"example.com": {"127.0.0.1"}, "cdn.example": {"127.0.0.1"}, "origin.example": {"127.0.0.1"}})
	_, port, _ := net.SplitHostPort(secure.Listener.Addr().String())
	for name, tc := range map[string]struct {
		url   string
		trust bool
		want  string
		is    any
	}{
		"trusted":                    {"https://example.com:" + port + "/", true, "HTTP/2.0", nil},
		"of an unknown authority":    {"https://example.com:" + port + "/?" + secret, false, "", new(*tls.CertificateVerificationError)},
		"for another name":           {"https://cdn.example:" + port + "/?" + secret, true, "", new(*tls.CertificateVerificationError)},
		"http where https is":        {"http://example.com:" + port + "/?" + secret, true, "", new(*fetch.StatusError)},
		"a downgrade to an own host": {"https://example.com:" + port + "/?to=" + at(clear, "origin.example", "/"), true, "clear", nil},
		"a downgrade elsewhere":      {"https://example.com:" + port + "/?to=" + at(clear, "cdn.example", "/"), true, "", fetch.ErrAddress},
		"a downgrade on one host":    {"https://example.com:" + port + "/?to=" + at(clear, "example.com", "/"), true, "", fetch.ErrAddress},
	} {
		t.Run(name, func(t *testing.T) {
			o := fetch.Options{Hosts: []string{"origin.example"}, Allow: []string{"example.com", "cdn.example"}, Resolver: dns}
			h := fetch.NewHTTP(o)
			if tc.trust {
				h.Close()
				h = fetch.NewTrusting(o, roots)
			}
			defer h.Close()
			r, err := h.Get(t.Context(), fetch.Request{URL: address(t, tc.url), Limit: limit})
			quiet(t, err)
			if string(r.Body) != tc.want || (err == nil) != (tc.is == nil) {
				t.Fatalf("%q, %v", r.Body, err)
			}
			switch is := tc.is.(type) {
			case nil:
			case error:
				if !errors.Is(err, is) {
					t.Error(err)
				}
			default:
				if !errors.As(err, is) {
					t.Error(err)
				}
			}
		})
	}
	t.Run("https where http is spoken", func(t *testing.T) {
		h := open(t, fetch.Options{Hosts: []string{"127.0.0.1"}})
		_, err := h.Get(t.Context(), fetch.Request{URL: address(t, "https"+clear.URL[len("http"):]+"/?"+secret), Limit: limit})
		if err == nil {
			t.Error("no error")
		}
		quiet(t, err)
	})
}
