package httpapi_test

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"spotter/httpapi"
)

// pipes is a listener whose connections block as a full network does, and know deadlines.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p pipes) Close() error {
	close(p.done)
	return nil
}

func (p pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

func (p pipes) dial() net.Conn {
	mine, its := net.Pipe()
	p.conns <- its
	return mine
}

// slowly runs do on a connection to a viewer API, in a time that passes at once.
func slowly(t *testing.T, do func(t *testing.T, conn net.Conn)) {
	t.Helper()
	// The Date of answers is kept by a goroutine without an end, which must not be one of the bubble's.
	ask(newViewer(cup()), "GET", "/", "").Response.Header.Header()
	synctest.Test(t, func(t *testing.T) {
		s := guarded(t, httpapi.AccessConfig{})
		ln := pipes{make(chan net.Conn), make(chan struct{})}
		served := make(chan error, 1)
		go func() { served <- s.Serve(ln) }()
		conn := ln.dial()
		do(t, conn)
		conn.Close()
		if err := s.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute) // in which fasthttp's own goroutines notice
	})
}

// trickle sends a byte a second until the server hangs up, and returns how long that took and what it said.
func trickle(conn net.Conn, text io.ByteReader) (time.Duration, string) {
	answer := make(chan string, 1)
	start := time.Now()
	go func() {
		b, _ := io.ReadAll(conn) // whatever came before it hung up
		answer <- string(b)
	}()
	for {
		b, err := text.ReadByte()
		if err != nil {
			b = 'x'
		}
		if _, err := conn.Write([]byte{b}); err != nil {
			break
		}
		time.Sleep(time.Second)
	}
	took := time.Since(start)
	conn.Close()
	return took, <-answer
}

func TestSlowClientsAreHungUpOn(t *testing.T) {
	for name, sent := range map[string]string{
		"headers byte by byte": "GET /v1/media HTTP/1.1\r\nHost: spotter\r\nX-Padding: ",
		"body byte by byte":    "",
	} {
		t.Run(name, func(t *testing.T) {
			slowly(t, func(t *testing.T, conn net.Conn) {
				if sent == "" {
					if _, err := io.WriteString(conn, "POST /v1/decisions/d/events HTTP/1.1\r\nHost: spotter\r\nContent-Length: 60000\r\n\r\n"); err != nil {
						t.Fatal(err)
					}
				}
				took, said := trickle(conn, strings.NewReader(sent))
				if took < 9*time.Second || took > 12*time.Second || !strings.HasPrefix(said, "HTTP/1.1 408 ") {
					t.Errorf("after %s: %q", took, said)
				}
			})
		})
	}
}

func TestEndlessBodyIsRefused(t *testing.T) {
	slowly(t, func(t *testing.T, conn net.Conn) {
		go func() {
			// Chunks without an end, as fast as they are taken; the server hangs up.
			io.WriteString(conn, "POST /v1/decisions/d/events HTTP/1.1\r\nHost: spotter\r\nTransfer-Encoding: chunked\r\n\r\n")
			chunk := append(append([]byte("1000\r\n"), bytes.Repeat([]byte("x"), 0x1000)...), "\r\n"...)
			for {
				if _, err := conn.Write(chunk); err != nil {
					return
				}
			}
		}()
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusRequestEntityTooLarge {
			t.Error(resp.Status)
		}
	})
}

func TestWhoDoesNotReadIsHungUpOn(t *testing.T) {
	slowly(t, func(t *testing.T, conn net.Conn) {
		if _, err := io.WriteString(conn, "GET /v1/media HTTP/1.1\r\nHost: spotter\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(31 * time.Second)
		if b, err := io.ReadAll(conn); err != nil || len(b) > 0 {
			t.Errorf("after 31 s: %q, %v", b, err)
		}
	})
}

func TestIdleConnectionsAreClosed(t *testing.T) {
	slowly(t, func(t *testing.T, conn net.Conn) {
		if _, err := io.WriteString(conn, "GET /v1/media HTTP/1.1\r\nHost: spotter\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		r := bufio.NewReader(conn)
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		start := time.Now()
		_, err = r.ReadByte()
		if took := time.Since(start); err != io.EOF || took < 74*time.Second || took > 80*time.Second {
			t.Errorf("after %s: %v", took, err)
		}
	})
}
