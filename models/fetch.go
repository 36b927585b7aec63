package models

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// newClient returns a client that waits only so long for a connection and for the beginning of an answer.
func newClient() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DialContext = (&net.Dialer{Timeout: 10 * time.Second}).DialContext
	t.ResponseHeaderTimeout = 30 * time.Second
	return &http.Client{Transport: t}
}

var errStalled = errors.New("the server sends nothing more")

// watch returns a context that ends, because of errStalled, when wake is not called for so long. The caller must call
// stop.
func watch(ctx context.Context, stall time.Duration) (watched context.Context, wake, stop func()) {
	watched, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(stall, func() { cancel(errStalled) })
	return watched, func() { timer.Reset(stall) }, func() {
		timer.Stop()
		cancel(nil)
	}
}

// stalled returns err, or what made it where that is the end of patience.
func stalled(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), errStalled) {
		return transient{error: errStalled}
	}
	return err
}

// content is what a source sends, from where part ends.
type content struct {
	io.ReadCloser
	cut  bool   // a clean end before the last byte is a transfer that broke off
	kind string // for the message that it is the wrong file: a note on its type, or ""
}

// open opens the source where part ends. A server that cannot go on from there sends all of it: then part is emptied.
func open(ctx context.Context, client *http.Client, part *partial, m Model, s source) (*content, error) {
	if s.remote {
		return get(ctx, client, part, m, s.at)
	}
	in, err := os.Open(s.at)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: put the file there under its upstream name", fs.ErrNotExist)
	}
	if err != nil {
		return nil, err
	}
	if _, err := in.Seek(part.size, io.SeekStart); err != nil {
		in.Close()
		return nil, err
	}
	return &content{ReadCloser: in}, nil
}

func get(ctx context.Context, client *http.Client, part *partial, m Model, address string) (*content, error) {
	tag := part.version(address)
	resp, err := request(ctx, client, address, part.size, tag)
	if err != nil {
		return nil, explain(ctx, err, m)
	}
	in, err := accept(resp, part, m, address, tag)
	if err != nil {
		resp.Body.Close()
		return nil, err
	}
	if in != nil {
		return in, nil
	}
	// This server cannot go on from what is on disk: ask for all of it.
	resp.Body.Close()
	if err := part.restart(); err != nil {
		return nil, err
	}
	return get(ctx, client, part, m, address)
}

// request asks for the bytes from have on, unless the file is another by now than the one of the tag (RFC 9110, section
// 13.1.5). It asks for no coding: a range of a compressed file is of no use.
func request(ctx context.Context, client *http.Client, address string, have int64, tag string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept-Encoding", "identity")
	if have > 0 {
		req.Header.Set("Range", "bytes="+strconv.FormatInt(have, 10)+"-")
		if tag != "" {
			req.Header.Set("If-Range", tag)
		}
	}
	return client.Do(req)
}

// accept returns the content of an answer, or nil for one that does not go on from where part ends.
func accept(resp *http.Response, part *partial, m Model, address, tag string) (*content, error) {
	switch resp.StatusCode {
	case http.StatusOK:
		return whole(resp, part, m, address)
	case http.StatusPartialContent:
		if part.size == 0 {
			return nil, errors.New("the server sends a part where all was asked for")
		}
		got := resp.Header.Get("ETag")
		changed := tag != "" && got != "" && got != tag
		if changed || coding(resp) != "" || !resumes(resp, part.size, m.Bytes) {
			return nil, nil
		}
		return &content{ReadCloser: resp.Body, cut: resp.ContentLength < 0}, nil
	case http.StatusRequestedRangeNotSatisfiable:
		if part.size > 0 {
			return nil, nil
		}
	}
	return nil, refusal(resp, m)
}

// whole returns the content of an answer that has all of the file, and empties part for it.
func whole(resp *http.Response, part *partial, m Model, address string) (*content, error) {
	in := &content{ReadCloser: resp.Body, kind: kind(resp)}
	switch c := coding(resp); {
	case c == "gzip":
		z, err := gzip.NewReader(resp.Body)
		if err != nil {
			return nil, transient{error: fmt.Errorf("read gzip: %w", err)}
		}
		in.ReadCloser = both{z, resp.Body}
	case c != "":
		return nil, fmt.Errorf("the server sends it with the coding %q, which was not asked for", c)
	case resp.ContentLength >= 0 && resp.ContentLength != m.Bytes:
		return nil, fmt.Errorf("%s is %w: it has %d bytes, not %d%s", m.File, ErrAltered, resp.ContentLength, m.Bytes, in.kind)
	default:
		// Without a length, and not in chunks, the end of the connection is the end of the file.
		in.cut = resp.ContentLength < 0 && len(resp.TransferEncoding) == 0
	}
	if err := part.restart(); err != nil {
		return nil, err
	}
	tag := resp.Header.Get("ETag")
	if coding(resp) != "" || strings.HasPrefix(tag, "W/") {
		tag = "" // not of these very bytes
	}
	return in, part.setVersion(address, tag)
}

// both reads a decoder and closes it and what it reads from.
type both struct {
	io.ReadCloser
	under io.Closer
}

func (b both) Close() error { return errors.Join(b.ReadCloser.Close(), b.under.Close()) }

// coding returns the content coding of an answer, "" for none.
func coding(resp *http.Response) string {
	c := strings.ToLower(strings.TrimSpace(resp.Header.Get("Content-Encoding")))
	if c == "identity" {
		return ""
	}
	return c
}

// kind returns a note on an answer that is a page: what a proxy puts in place of the file.
func kind(resp *http.Response) string {
	if t := resp.Header.Get("Content-Type"); strings.HasPrefix(t, "text/html") {
		return " (it is a web page: a proxy or a log-in may be in the way)"
	}
	return ""
}

// resumes reports whether a 206 begins at byte have and belongs to a file of the given size (RFC 9110, section 14.4).
func resumes(resp *http.Response, have, size int64) bool {
	rest, ok := strings.CutPrefix(resp.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", have))
	if !ok {
		return false
	}
	_, total, ok := strings.Cut(rest, "/")
	return ok && (total == "*" || total == strconv.FormatInt(size, 10))
}

// copy adds what comes to part until it has all of m. Content that ends before or goes on after that is of another file:
// then part is emptied.
func (p *Puller) copy(part *partial, in *content, m Model, wake func()) error {
	buf := make([]byte, 64<<10)
	for {
		wake()
		n, err := in.Read(buf)
		if part.size+int64(n) > m.Bytes {
			return errors.Join(fmt.Errorf("%s is %w: it is longer than %d bytes%s", m.File, ErrAltered, m.Bytes, in.kind), part.restart())
		}
		if _, err := part.Write(buf[:n]); err != nil {
			return err
		}
		if p.Progress != nil && n > 0 {
			p.Progress(m.Name, part.size, m.Bytes)
		}
		switch {
		case err == nil:
		case err == io.EOF && part.size == m.Bytes:
			return nil
		case err == io.EOF && !in.cut:
			return errors.Join(fmt.Errorf("%s is %w: it is shorter than %d bytes%s", m.File, ErrAltered, m.Bytes, in.kind), part.restart())
		case err == io.EOF:
			return brokenOff(part, m, io.ErrUnexpectedEOF)
		default:
			return brokenOff(part, m, err)
		}
	}
}

func brokenOff(part *partial, m Model, err error) error {
	return transient{error: fmt.Errorf("it broke off after %d of %d bytes: %w", part.size, m.Bytes, err)}
}
