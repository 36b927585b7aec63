package fetch

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// Stream is an answer whose body is read as it comes. It holds its connection until Close, the end of its context or
// that of its getter; a reader that takes nothing for the request's Idle time loses it too.
type Stream struct {
	URL *url.URL // after redirects
	// Length is that of the body in bytes; -1 where the origin does not announce it.
	Length int64
	// Offset is the body's first byte in the resource, and Total the resource's length in bytes, 0 where it is not known.
	// Partial tells whether the body is the range that was asked for, rather than all.
	Offset, Total     int64
	Partial           bool
	ContentType, ETag string // as the origin sent them; may be empty

	body  io.Reader
	left  int64 // bytes that may still come
	end   func()
	unset func() bool // takes back that the context ends the stream
}

// Open is Get for bodies that are passed on rather than looked into: it returns when the head has come. Revalidate is
// not heeded. More than Limit bytes are ErrTooLarge, at once where that is announced, else from Read. Where the origin
// knows no ranges, one with a Length is cut out of all that it sends.
func (h *HTTP) Open(ctx context.Context, r Request) (*Stream, error) {
	if h.invalid != nil {
		return nil, h.invalid
	}
	if err := checkRange(r); err != nil {
		return nil, err
	}
	r.Revalidate = false
	ctx, w, err := h.begin(ctx, r.Idle)
	if err != nil {
		return nil, err
	}
	used := h.current.Load()
	a, err := h.follow(ctx, used, r, w)
	if err != nil {
		err = h.failed(ctx, used, w, err)
		h.end(w)
		return nil, err
	}
	end := sync.OnceFunc(func() {
		a.Body.Close()
		h.end(w)
	})
	s := &Stream{URL: a.url, ContentType: a.Header.Get("Content-Type"), ETag: a.Header.Get("ETag"), left: r.Limit, end: end}
	if err := s.open(w, r, a.Response); err != nil {
		err = h.failed(ctx, used, w, err)
		end()
		return nil, err
	}
	s.unset = context.AfterFunc(ctx, end)
	return s, nil
}

// open takes what the head says, and comes to the first byte that was asked for.
func (s *Stream) open(w *watch, r Request, resp *http.Response) error {
	s.body, s.Length = w.reader(resp.Body), resp.ContentLength
	encoding := strings.ToLower(strings.TrimSpace(resp.Header.Get("Content-Encoding")))
	packed := encoding == "gzip" || encoding == "x-gzip"
	switch {
	case resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusPartialContent:
		return &StatusError{Code: resp.StatusCode}
	case !packed && encoding != "" && encoding != "identity":
		return answerError("the origin answered in a content encoding which nobody asked for")
	case packed && resp.StatusCode == http.StatusPartialContent:
		return answerError("the origin answered with a range of a packed body")
	case packed:
		z, err := gzip.NewReader(s.body)
		if err != nil {
			return fmt.Errorf("read body: %w", noEOF(err))
		}
		s.body, s.Length, s.ETag = z, -1, "" // the tag is of the packed bytes
	}
	if resp.StatusCode == http.StatusPartialContent {
		if err := s.part(r, resp.Header.Get("Content-Range")); err != nil {
			return err
		}
	} else if r.Length > 0 {
		if err := s.cut(r); err != nil {
			return err
		}
	}
	if s.Length > r.Limit {
		return tooLarge(s.Length)
	}
	return nil
}

// part takes the answer to a range, which must be the one that was asked for, or what there is of it.
func (s *Stream) part(r Request, field string) error {
	from, to, total, ok := parseContentRange(field)
	n := to - from + 1
	if !ranged(r) || !ok || from != r.Offset || r.Length > 0 && n > r.Length || s.Length >= 0 && s.Length != n {
		return answerError("the origin answered with another range than that asked for")
	}
	s.Length, s.Offset, s.Total, s.Partial = n, from, total, true
	s.body = io.LimitReader(s.body, n)
	return nil
}

// cut takes a range out of a whole body.
func (s *Stream) cut(r Request) error {
	if r.Offset > maxSkip {
		return fmt.Errorf("the origin knows no ranges, and the one wanted starts at byte %d: %w", r.Offset, ErrTooLarge)
	}
	total := max(s.Length, 0)
	n := r.Length
	if s.Length >= 0 {
		if n = min(n, s.Length-r.Offset); n <= 0 {
			return &StatusError{Code: http.StatusRequestedRangeNotSatisfiable}
		}
	}
	if _, err := io.CopyN(io.Discard, s.body, r.Offset); err != nil {
		return fmt.Errorf("read body: %w", noEOF(err))
	}
	s.Length, s.Offset, s.Total, s.Partial = n, r.Offset, total, true
	s.body = io.LimitReader(s.body, n)
	return nil
}

// Read implements io.Reader. Its errors hold nothing of the request and of the answer.
func (s *Stream) Read(p []byte) (int, error) {
	if s.left <= 0 {
		var one [1]byte
		if n, err := s.body.Read(one[:]); n == 0 && errors.Is(err, io.EOF) {
			return 0, io.EOF
		}
		return 0, ErrTooLarge
	}
	n, err := s.body.Read(p[:min(int64(len(p)), s.left)])
	s.left -= int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		err = plain(err)
	}
	return n, err
}

// Close implements io.Closer. A connection whose body was read to its end is used again. Closing twice is allowed.
func (s *Stream) Close() error {
	s.unset()
	s.end()
	return nil
}
