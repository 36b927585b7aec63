package fetch_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"spotter/capture/fetch"
)

func TestRedact(t *testing.T) {
	for in, want := range map[string]string{
		"https://user:s3cret@h:8/a/b?token=s3cret#s3cret": "https://h:8/a/b?...",
		"http://h/a":                    "http://h/a",
		"http://h/a#s3%63ret":           "http://h/a",
		"data:text/plain;base64,s3cret": "data:...",
		"http://h/%zz?s3cret":           "(unreadable address)",
	} {
		if got := fetch.Redact(in); got != want {
			t.Errorf("%s is %s, want %s", in, got, want)
		}
	}
}

func TestFolder(t *testing.T) {
	dir := t.TempDir()
	inside := filepath.Join(dir, "recording")
	for path, text := range map[string]string{filepath.Join(inside, "sub", "a b.ts"): "0123456789", filepath.Join(dir, "secret"): "no"} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Symlink("../secret", filepath.Join(inside, "link")), syscall.Mkfifo(filepath.Join(inside, "pipe"), 0o600)); err != nil {
		t.Fatal(err)
	}
	f, err := fetch.NewFolder(inside)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	list := f.URL("sub/list.m3u8")
	for name, tc := range map[string]struct {
		uri            string
		offset, length int64
		limit          int64
		want           string // empty: refused
		is             error
	}{
		"a file":             {"a%20b.ts", 0, 0, 10, "0123456789", nil},
		"a range":            {"a%20b.ts", 2, 3, 3, "234", nil},
		"an open range":      {"a%20b.ts", 7, 0, 3, "789", nil},
		"a range past it":    {"a%20b.ts", 8, 3, 10, "", io.ErrUnexpectedEOF},
		"an open one past":   {"a%20b.ts", 11, 0, 10, "", io.ErrUnexpectedEOF},
		"a range out of any": {"a%20b.ts", 1<<63 - 2, 5, 10, "", nil},
		"a negative range":   {"a%20b.ts", -1, 5, 10, "", nil},
		"too large":          {"a%20b.ts", 0, 0, 9, "", fetch.ErrTooLarge},
		"too large a range":  {"a%20b.ts", 0, 3, 2, "", fetch.ErrTooLarge},
		"missing":            {"c.ts", 0, 0, 9, "", fs.ErrNotExist},
		"a folder":           {"/sub", 0, 0, 1 << 20, "", fetch.ErrAddress},
		"a pipe":             {"/pipe", 0, 0, 1 << 20, "", fetch.ErrAddress},
		"dots":               {"../../secret", 0, 0, 9, "", fs.ErrNotExist},
		"hidden dots":        {"..%2f..%2fsecret", 0, 0, 9, "", nil},
		"a link outside":     {"../link", 0, 0, 9, "", nil},
		"an absolute path":   {filepath.ToSlash(filepath.Join(dir, "secret")), 0, 0, 9, "", fs.ErrNotExist},
		"the network":        {"http://h/a?token=s3cret", 0, 0, 9, "", fetch.ErrAddress},
		"another host":       {"//h/a", 0, 0, 9, "", fetch.ErrAddress},
	} {
		t.Run(name, func(t *testing.T) {
			u, err := list.Parse(tc.uri)
			if err != nil {
				t.Fatal(err)
			}
			r, err := f.Get(t.Context(), fetch.Request{URL: u, Offset: tc.offset, Length: tc.length, Limit: tc.limit})
			if string(r.Body) != tc.want || (err == nil) != (tc.want != "") || tc.is != nil && !errors.Is(err, tc.is) {
				t.Fatalf("%q, %v", r.Body, err)
			}
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Error(err)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Get(ctx, fetch.Request{URL: f.URL("sub/a b.ts"), Limit: 10}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
