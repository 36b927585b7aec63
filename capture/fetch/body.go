package fetch

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxSkip is how much is read in vain of an origin that knows no ranges.
const maxSkip = 256 << 20

func ranged(r Request) bool { return r.Offset > 0 || r.Length > 0 }

// read returns the body that was asked for, or the error for an answer that is none.
func (h *HTTP) read(w *watch, r Request, resp *http.Response) ([]byte, error) {
	body := w.reader(resp.Body)
	encoding := strings.ToLower(strings.TrimSpace(resp.Header.Get("Content-Encoding")))
	packed := encoding == "gzip" || encoding == "x-gzip"
	switch {
	case resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusPartialContent:
		drain(w, resp.Body)
		err := &StatusError{Code: resp.StatusCode, RetryAfter: retryAfter(resp.Header, time.Now())}
		if resp.StatusCode == http.StatusNotModified {
			return nil, fmt.Errorf("nobody asked whether it has changed: %w", err)
		}
		return nil, err
	case !packed && encoding != "" && encoding != "identity":
		return nil, answerError("the origin answered in the content encoding " + quote(encoding) + ", which nobody asked for")
	case resp.StatusCode == http.StatusPartialContent:
		if packed {
			return nil, answerError("the origin answered with a range of a packed body")
		}
		return readPart(body, r, resp)
	}
	announced := resp.ContentLength
	if packed {
		if announced > r.Limit {
			return nil, tooLarge(announced)
		}
		z, err := gzip.NewReader(body)
		if err != nil {
			return nil, fmt.Errorf("read body: %w", noEOF(err))
		}
		body, announced = z, -1
	}
	if ranged(r) {
		return readWithin(body, r, announced)
	}
	return readAll(body, announced, r.Limit)
}

// readPart reads the answer to a range, which must be the one that was asked for.
func readPart(body io.Reader, r Request, resp *http.Response) ([]byte, error) {
	if !ranged(r) {
		return nil, answerError("the origin answered with a range that nobody asked for")
	}
	from, to, total, ok := parseContentRange(resp.Header.Get("Content-Range"))
	if !ok || from != r.Offset || resp.ContentLength >= 0 && resp.ContentLength != to-from+1 {
		return nil, answerError("the origin answered with another range than that asked for")
	}
	want := r.Length
	if want == 0 && total > 0 {
		want = total - from
	}
	switch got := to - from + 1; {
	case want > 0 && got > want:
		return nil, answerError("the origin answered with another range than that asked for")
	case want > 0 && got < want:
		return nil, fmt.Errorf("read body: %d of %d bytes: %w", got, want, io.ErrUnexpectedEOF)
	default:
		return readAll(body, got, r.Limit)
	}
}

// parseContentRange reads "bytes from-to/total" (RFC 9110, 14.4); an unknown total is 0.
func parseContentRange(s string) (from, to, total int64, ok bool) {
	s, ok = strings.CutPrefix(strings.TrimSpace(s), "bytes ")
	span, size, slash := strings.Cut(s, "/")
	a, b, dash := strings.Cut(span, "-")
	if !ok || !slash || !dash {
		return 0, 0, 0, false
	}
	var err error
	read := func(digits string) int64 {
		n, e := strconv.ParseUint(strings.TrimSpace(digits), 10, 62)
		err = errors.Join(err, e)
		return int64(n)
	}
	from, to = read(a), read(b)
	if size != "*" {
		if total = read(size); to >= total {
			return 0, 0, 0, false
		}
	}
	return from, to, total, err == nil && from <= to
}

// readWithin cuts a range out of a whole body, for origins that know no ranges.
func readWithin(body io.Reader, r Request, announced int64) ([]byte, error) {
	if r.Offset > maxSkip {
		return nil, fmt.Errorf("the origin knows no ranges, and the one wanted starts at byte %d: %w", r.Offset, ErrTooLarge)
	}
	if announced >= 0 && announced < r.Offset+r.Length {
		return nil, fmt.Errorf("read body: a range past the end: %w", io.ErrUnexpectedEOF)
	}
	if _, err := io.CopyN(io.Discard, body, r.Offset); err != nil {
		return nil, fmt.Errorf("read body: %w", noEOF(err))
	}
	if r.Length > 0 {
		return readAll(io.LimitReader(body, r.Length), r.Length, r.Limit)
	}
	if announced >= 0 {
		announced -= r.Offset
	}
	return readAll(body, announced, r.Limit)
}

// readAll reads to the end, into one allocation where the size is announced; -1 is not announced.
func readAll(r io.Reader, announced, limit int64) ([]byte, error) {
	if announced > limit {
		return nil, tooLarge(announced)
	}
	if announced < 0 {
		limit = min(limit, math.MaxInt64-1)
		b, err := io.ReadAll(io.LimitReader(r, limit+1))
		if int64(len(b)) > limit {
			return nil, fmt.Errorf("over %d bytes: %w", limit, ErrTooLarge)
		}
		if err != nil {
			return nil, fmt.Errorf("read body: %w", err)
		}
		return b, nil
	}
	b := make([]byte, announced)
	if n, err := io.ReadFull(r, b); err != nil {
		return nil, fmt.Errorf("read body: %d of %d bytes: %w", n, announced, noEOF(err))
	}
	// Only at the end is it known that a chunked body is whole, and its connection free.
	switch n, err := io.ReadFull(r, make([]byte, 1)); {
	case n > 0:
		return nil, answerError("the origin sent more than it announced")
	case !errors.Is(err, io.EOF):
		return nil, fmt.Errorf("read body: %w", err)
	}
	return b, nil
}

func tooLarge(n int64) error { return fmt.Errorf("%d bytes: %w", n, ErrTooLarge) }

// noEOF is for an end that comes too early.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
