package intruder

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"
)

// worker sends one message after another. What is well-formed goes over a connection that is kept, as a player's does.
type worker struct {
	addr   string
	r      *rand.Rand
	media  []string // escaped
	report Report

	conn  *net.TCPConn // nil where the next message needs a new one
	in    *bufio.Reader
	body  bytes.Buffer
	probe http.Request // tells http.ReadResponse the method
}

func (w *worker) run(ctx context.Context, n int) error {
	defer w.hangUp()
	for w.report.Sent < n {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		m := w.message()
		w.report.Sent += max(1, len(m.methods))
		if !m.sound {
			w.hangUp()
		}
		if w.conn == nil {
			conn, err := dial(ctx, w.r, w.addr)
			if err != nil {
				return err
			}
			w.conn, w.in = conn, bufio.NewReader(conn)
		}
		if m.sound {
			w.converse(&m)
		} else {
			w.provoke(&m)
		}
	}
	return nil
}

func (w *worker) hangUp() {
	if w.conn != nil {
		w.conn.Close()
		w.conn = nil
	}
}

// converse sends well-formed requests and expects an answer to each, unless the server says with one that it hangs up.
func (w *worker) converse(m *message) {
	w.conn.SetDeadline(time.Now().Add(patience))
	if _, err := w.conn.Write(m.text); err != nil {
		w.report.fault(m, "%v", err)
		w.hangUp()
		return
	}
	for _, method := range m.methods {
		more, err := w.read(m, method)
		if err != nil {
			w.report.fault(m, "no answer to a well-formed request: %v", err)
		}
		if err != nil || !more {
			w.hangUp()
			return
		}
	}
}

// provoke sends what is not well-formed, and nothing more. The server may answer, hang up, or do one after the other.
func (w *worker) provoke(m *message) {
	defer w.hangUp()
	w.conn.SetDeadline(time.Now().Add(patience))
	if m.slow {
		for _, b := range m.text {
			if _, err := w.conn.Write([]byte{b}); err != nil {
				break
			}
		}
	} else if _, err := w.conn.Write(m.text); err != nil && !hungUp(err) {
		w.report.fault(m, "%v", err)
		return
	}
	if m.abandoned {
		w.report.Unanswered++
		return // in the middle of it
	}
	w.conn.CloseWrite() // an error means that the server hung up already, which reading tells
	for answers := 0; ; answers++ {
		more, err := w.read(m, firstWord(m.text))
		switch {
		case err == nil && more:
			continue
		case err == nil:
		case hungUp(err) || errors.Is(err, io.EOF):
			if answers == 0 {
				w.report.Unanswered++
			}
		default:
			w.report.fault(m, "%v", err)
		}
		return
	}
}

// hungUp reports whether a connection ended from the other side, also where that threw away what it had said before.
func hungUp(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && !op.Timeout()
}

// firstWord is the method of what may be a request.
func firstWord(text []byte) string {
	word, _, _ := bytes.Cut(text, []byte(" "))
	return string(word)
}

// read reads one answer and judges it. more is false when the connection is of no use after it.
func (w *worker) read(m *message, method string) (more bool, err error) {
	if _, err := w.in.Peek(1); err != nil {
		return false, err // io.EOF between two answers, which is no torn one
	}
	w.probe.Method = method
	resp, err := http.ReadResponse(w.in, &w.probe)
	for err == nil && resp.StatusCode < 200 {
		resp, err = http.ReadResponse(w.in, &w.probe)
	}
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	w.report.Answers[resp.StatusCode]++
	kind := resp.Header.Get("Content-Type")
	if strings.HasPrefix(kind, "text/event-stream") && resp.StatusCode == http.StatusOK {
		w.report.Streams++
		return false, nil
	}
	w.body.Reset()
	if _, err := w.body.ReadFrom(resp.Body); err != nil {
		if m.sound {
			return false, err
		}
		return false, nil // it would not read the rest of what it refused
	}
	w.judge(m, resp, kind)
	return !resp.Close, nil
}

func (w *worker) judge(m *message, resp *http.Response, kind string) {
	status, body := resp.StatusCode, w.body.Bytes()
	switch {
	case status >= 500 && status != http.StatusServiceUnavailable:
		w.report.fault(m, "%s %s", resp.Status, body)
	case status >= 400 && kind != "application/problem+json":
		w.report.fault(m, "%s as %q", resp.Status, kind)
	case len(body) == 0 || resp.Header.Get("Content-Encoding") != "":
	case strings.HasSuffix(kind, "json") && !json.Valid(body):
		w.report.fault(m, "%s with broken JSON %s", resp.Status, body)
	case strings.HasSuffix(kind, "json") && !utf8.Valid(body):
		w.report.fault(m, "%s with broken UTF-8 %q", resp.Status, body)
	}
}
