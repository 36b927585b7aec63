package httpapi_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"spotter/httpapi"
	"spotter/internal/mediatest"
	"spotter/timeline"
)

// wideScenes are more than a client that does not read has room for in its buffers and the server's.
const wideScenes = 40

// room sets how many bytes may lie unread.
func (s *stream) room(n int) {
	s.t.Helper()
	if err := s.conn.(*net.TCPConn).SetReadBuffer(n); err != nil {
		s.t.Fatal(err)
	}
}

// wide is a scene of 50 kB.
func wide(i int) *timeline.Observation {
	o := scene(i, 1)
	o.Objects = []timeline.Entity{{Name: strings.Repeat("x", 50_000), Confidence: 50}}
	return o
}

func TestLiveDropsSlowClients(t *testing.T) {
	l := newLive(t, httpapi.LiveLimits{Write: 300 * time.Millisecond})
	slow, quick := l.follow(t, ""), l.follow(t, "")
	slow.room(4 << 10)
	for i := range wideScenes {
		l.media.put(wide(i))
		quick.observations(1)
	}
	l.eventually(t, metricDropped, 1)
	l.eventually(t, metricClients, 1)
	if _, err := io.Copy(io.Discard, slow.r); err == nil {
		t.Error("a stream that was cut off looks like one that has ended")
	}
	l.media.put(scene(wideScenes, 1))
	quick.observations(1)
}

func TestLiveDropsClientsBehind(t *testing.T) {
	l := newLive(t, httpapi.LiveLimits{Events: 4})
	behind, quick := l.follow(t, ""), l.follow(t, "")
	behind.room(4 << 10)
	for i := range wideScenes {
		l.media.put(wide(i))
		quick.observations(1)
	}
	behind.room(1 << 20)
	var e sent
	for e.name != "error" {
		e = behind.next()
	}
	if e.data != `{"reason":"behind"}` {
		t.Errorf("%+v", e)
	}
	if _, err := behind.read(); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	l.eventually(t, metricDropped, 1)
}

func TestLiveMediaGoes(t *testing.T) {
	l := newLive(t, httpapi.LiveLimits{})
	s := l.follow(t, "")
	s.next()
	l.media.change(func(b *mediatest.Box) { delete(b.Timelines, final) })
	if e := s.next(); e.name != "error" || e.data != `{"reason":"media_gone"}` {
		t.Errorf("%+v", e)
	}
}

func TestLiveHeartbeat(t *testing.T) {
	l := newLive(t, httpapi.LiveLimits{Heartbeat: 20 * time.Millisecond})
	s := l.follow(t, "")
	s.next()
	for range 3 {
		if e, err := s.read(); e.name != ":" || err != nil {
			t.Fatalf("%+v, %v", e, err)
		}
	}
	half := l.follow(t, "")
	l.eventually(t, metricClients, 2)
	if err := half.conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	l.eventually(t, metricClients, 1)
	s.conn.Close()
	l.eventually(t, metricClients, 0)
	if n := l.metric(t, metricDropped); n != 0 {
		t.Errorf("%v dropped that went", n)
	}
}

func TestLiveOverTLS(t *testing.T) {
	origin := httptest.NewTLSServer(nil)
	defer origin.Close()
	l := newLive(t, httpapi.LiveLimits{})
	m := newMoving()
	secure := newViewer(m)
	httpapi.SetLive(secure, httpapi.LiveLimits{Look: time.Millisecond, Heartbeat: 20 * time.Millisecond})
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: origin.TLS.Certificates, MinVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	l.client = clientOn(t, secure, ln, nil)
	conn, err := tls.Dial("tcp", ln.Addr().String(), origin.Client().Transport.(*http.Transport).TLSClientConfig)
	if err != nil {
		t.Fatal(err)
	}
	s := followOn(t, conn, "", "HTTP/1.1")
	s.next()
	if e, err := s.read(); e.name != ":" || err != nil { // after the probe, which times out
		t.Fatalf("%+v, %v", e, err)
	}
	m.put(scene(1, 1))
	s.observations(1)
}

// TestLiveLosesNothing follows a random event with clients that come and go, through feeds that are forgotten and a backend
// that fails: each ends up with the newest revision of all that it was to see, and hears of no scene twice on one
// connection.
func TestLiveLosesNothing(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			l := newLive(t, httpapi.LiveLimits{Events: 20, Idle: 5 * time.Millisecond})
			done := make(chan struct{})
			ended := make(chan error, 4)
			const scenes = 400
			for i := range cap(ended) {
				rng := rand.New(rand.NewPCG(seed, uint64(i)))
				go func() { ended <- l.wander(t, rng, done) }()
			}
			rng := rand.New(rand.NewPCG(seed, 99))
			revisions := make([]int, scenes)
			for i := range scenes {
				revisions[i] = 1
				list := []*timeline.Observation{scene(i, 1)}
				for range rng.IntN(3) {
					back := i - rng.IntN(min(i+1, 10))
					revisions[back]++
					list = append(list, scene(back, revisions[back]))
				}
				l.media.put(list...)
				l.media.settle(timeline.Position(i-10) * 2000)
				l.media.mu.Lock()
				l.media.fail = nil
				if rng.IntN(20) == 0 {
					l.media.fail = httpapi.ErrUnavailable
				}
				l.media.mu.Unlock()
				if rng.IntN(3) == 0 {
					<-time.After(time.Duration(rng.IntN(8)) * time.Millisecond)
				}
			}
			l.media.mu.Lock()
			l.media.fail = nil
			l.media.mu.Unlock()
			close(done)
			for range cap(ended) {
				if err := <-ended; err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// wander follows from the beginning with many connections, and checks at the end what it saw.
func (l *liveServer) wander(t *testing.T, rng *rand.Rand, done <-chan struct{}) error {
	saw := map[string]int{}
	last := "0"
	var over <-chan time.Time // once the event has ended: when all must have come
	for {
		select {
		case <-done:
			done, over = nil, time.After(15*time.Second)
		case <-over:
			return fmt.Errorf("still lacks (+): %s", cmp.Diff(saw, l.media.revisions()))
		default:
		}
		if over != nil && cmp.Equal(l.media.revisions(), saw) {
			return nil
		}
		conn, err := (&net.Dialer{}).DialContext(context.WithoutCancel(t.Context()), "tcp", l.addr)
		if err != nil {
			return err
		}
		wait := time.Duration(rng.IntN(30)) * time.Millisecond
		last, err = visit(conn, last, wait, saw)
		conn.Close()
		if err != nil {
			return err
		}
		<-time.After(time.Duration(rng.IntN(15)) * time.Millisecond)
	}
}

// revisions returns the revision of each scene.
func (m *moving) revisions() map[string]int {
	all := map[string]int{}
	m.change(func(b *mediatest.Box) {
		for _, o := range b.Timelines[final].Within(mediatest.All) {
			all[o.From.String()] = o.Revision
		}
	})
	return all
}

// visit follows over one connection for a while, notes what it sees and returns the id to go on from.
func visit(conn net.Conn, last string, wait time.Duration, saw map[string]int) (string, error) {
	s, err := open(conn, "", "HTTP/1.1", "Last-Event-ID: "+last)
	if err != nil {
		return last, err
	}
	if s.head.StatusCode != http.StatusOK {
		return last, nil // the backend fails
	}
	s.last, s.buffer = last, last
	conn.SetDeadline(time.Now().Add(wait))
	here := map[timeline.Position]int{}
	for {
		e, err := s.read()
		var network net.Error
		if errors.Is(err, io.EOF) || errors.As(err, &network) && network.Timeout() {
			return s.last, nil
		}
		if err != nil {
			return s.last, err
		}
		if e.name != "observation" {
			continue
		}
		var o timeline.Observation
		if err := json.Unmarshal([]byte(e.data), &o); err != nil {
			return s.last, err
		}
		if here[o.From] >= o.Revision {
			return s.last, fmt.Errorf("%v r%d after r%d", o.From, o.Revision, here[o.From])
		}
		here[o.From] = o.Revision
		saw[o.From.String()] = max(saw[o.From.String()], o.Revision)
	}
}

// TestLiveEndsWithItsToken has the token end that let a client in.
func TestLiveEndsWithItsToken(t *testing.T) {
	secret := []byte("0123456789abcdef0123456789abcdef")
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, secret, 0o600); err != nil {
		t.Fatal(err)
	}
	access, err := httpapi.NewAccess(httpapi.AccessConfig{JWT: &httpapi.JWTConfig{SecretFile: path}, Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	l := newLiveFor(t, httpapi.LiveLimits{Heartbeat: 20 * time.Millisecond}, access)
	token := signed(t, jwt.SigningMethodHS256, secret, "", jwt.MapClaims{"exp": time.Now().Add(2 * time.Second).Unix()})
	s := l.follow(t, "?key="+token)
	if e := s.next(); e.name != "state" {
		t.Fatalf("%+v, want the stream to begin", e)
	}
	if e := s.next(); e.name != "error" || e.data != `{"reason":"expired"}` {
		t.Errorf("%+v, want it to end with the token", e)
	}
}
