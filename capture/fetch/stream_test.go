package fetch_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/capture/fetch"
)

type opened struct {
	Body                  string
	Length, Offset, Total int64
	Partial               bool
	Type, ETag            string
}

func TestOpen(t *testing.T) {
	const ten = "0123456789"
	for name, tc := range map[string]struct {
		answer http.HandlerFunc
		ask    fetch.Request
		want   opened
		is     error // of opening or of reading
	}{
		"whole":           {answer(200, header("Content-Type", "video/mp4", "ETag", `"a"`), ten), fetch.Request{}, opened{ten, 10, 0, 0, false, "video/mp4", `"a"`}, nil},
		"chunked":         {raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n"), fetch.Request{}, opened{ten, -1, 0, 0, false, "", ""}, nil},
		"packed":          {answer(200, header("Content-Encoding", "gzip", "ETag", `"a"`, "Content-Type", "a/b"), string(packed(ten))), fetch.Request{}, opened{ten, -1, 0, 0, false, "a/b", ""}, nil},
		"packed part":     {answer(206, header("Content-Encoding", "gzip", "Content-Range", "bytes 2-4/10"), "234"), fetch.Request{Offset: 2, Length: 3}, opened{}, errAny},
		"another coding":  {answer(200, header("Content-Encoding", "br"), ten), fetch.Request{}, opened{}, errAny},
		"a range":         {answer(206, header("Content-Range", "bytes 2-4/10", "Content-Type", "a/b"), "234"), fetch.Request{Offset: 2, Length: 3}, opened{"234", 3, 2, 10, true, "a/b", ""}, nil},
		"a shorter range": {answer(206, header("Content-Range", "bytes 8-9/10", "Content-Type", "a/b"), "89"), fetch.Request{Offset: 8, Length: 3}, opened{"89", 2, 8, 10, true, "a/b", ""}, nil},
		"a longer range":  {answer(206, header("Content-Range", "bytes 2-5/10"), "2345"), fetch.Request{Offset: 2, Length: 3}, opened{}, errAny},
		"another range":   {answer(206, header("Content-Range", "bytes 0-2/10"), "012"), fetch.Request{Offset: 2, Length: 3}, opened{}, errAny},
		"unasked range":   {answer(206, header("Content-Range", "bytes 0-9/10"), ten), fetch.Request{}, opened{}, errAny},
		"a range cut":     {answer(200, header("Content-Type", "a/b"), ten), fetch.Request{Offset: 2, Length: 3}, opened{"234", 3, 2, 10, true, "a/b", ""}, nil},
		"a range beyond":  {answer(200, plain, ten), fetch.Request{Offset: 10, Length: 3}, opened{}, &fetch.StatusError{Code: 416}},
		"an open range":   {answer(200, header("Content-Type", "a/b"), ten), fetch.Request{Offset: 7}, opened{ten, 10, 0, 0, false, "a/b", ""}, nil},
		"missing":         {answer(404, plain, ten), fetch.Request{}, opened{}, &fetch.StatusError{Code: 404}},
		"too large":       {answer(200, plain, strings.Repeat("z", 101)), fetch.Request{}, opened{}, fetch.ErrTooLarge},
		"endless":         {raw("HTTP/1.0 200 OK\r\n\r\n" + strings.Repeat("z", 200)), fetch.Request{}, opened{}, fetch.ErrTooLarge},
		"cut off":         {raw("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n" + ten), fetch.Request{}, opened{}, io.ErrUnexpectedEOF},
		"of the limit":    {raw("HTTP/1.0 200 OK\r\nContent-Type: a/b\r\n\r\n" + strings.Repeat("z", 100)), fetch.Request{}, opened{strings.Repeat("z", 100), -1, 0, 0, false, "a/b", ""}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, tc.answer)
			tc.ask.URL, tc.ask.Limit = address(t, s.URL+"/a?"+secret), 100
			got, err := open1(t, local(t), tc.ask)
			quiet(t, err)
			var status *fetch.StatusError
			switch {
			case errors.As(tc.is, &status):
				var got *fetch.StatusError
				if !errors.As(err, &got) || got.Code != status.Code {
					t.Errorf("%v, want %v", err, tc.is)
				}
				return
			case tc.is != nil:
				if err == nil || tc.is != errAny && !errors.Is(err, tc.is) {
					t.Errorf("%v, want %v", err, tc.is)
				}
				return
			case err != nil:
				t.Fatal(err)
			}
			if got.Type == "text/plain; charset=utf-8" { // net/http's own
				got.Type = ""
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func open1(t *testing.T, h *fetch.HTTP, r fetch.Request) (opened, error) {
	t.Helper()
	s, err := h.Open(t.Context(), r)
	if err != nil {
		return opened{}, err
	}
	defer s.Close()
	body, err := io.ReadAll(s)
	return opened{string(body), s.Length, s.Offset, s.Total, s.Partial, s.ContentType, s.ETag}, err
}

// A stream whose reader has gone away, and never closes it, does not keep its getter from closing.
func TestOpenEnds(t *testing.T) {
	for name, end := range map[string]func(cancel context.CancelFunc, h *fetch.HTTP, s *fetch.Stream){
		"by its context": func(cancel context.CancelFunc, _ *fetch.HTTP, _ *fetch.Stream) { cancel() },
		"by its getter":  func(_ context.CancelFunc, h *fetch.HTTP, _ *fetch.Stream) { h.Close() },
		"by Close":       func(_ context.CancelFunc, _ *fetch.HTTP, s *fetch.Stream) { s.Close(); s.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			gone := make(chan struct{})
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				defer close(gone)
				for r.Context().Err() == nil {
					if _, err := io.WriteString(w, strings.Repeat("z", 4096)); err != nil {
						return
					}
				}
			})
			h := local(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			s, err := h.Open(ctx, fetch.Request{URL: address(t, server.URL), Limit: 1 << 40, Idle: time.Minute})
			if err != nil {
				t.Fatal(err)
			}
			end(cancel, h, s)
			<-gone
			if n, err := io.Copy(io.Discard, s); err == nil {
				t.Errorf("%d bytes and no error", n)
			}
		})
	}
}
