package origin_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/internal/origin"
)

// TestActs asks each act for a segment of 4000 bytes and says what the client sees. The numbers are of bytes.
func TestActs(t *testing.T) {
	body := bytes.Repeat([]byte("0123456789"), 400)
	clip := origin.Clip{Segments: []origin.Segment{{Body: body, Duration: 2 * time.Second}, {Body: []byte("next"), Duration: 2 * time.Second}}}
	path := origin.SegmentPath(0)
	for name, tc := range map[string]struct {
		act    origin.Act
		header []string
		want   string
	}{
		"healthy":           {origin.Healthy(), nil, "200 4000 0s"},
		"healthy, a range":  {origin.Healthy(), []string{"Range", "bytes=10-19"}, "206 10 0s"},
		"status":            {origin.Status(410), nil, "410 5 0s"},
		"retry after":       {origin.RetryAfter(503, 7), nil, "503 20 0s Retry-After=7"},
		"challenge":         {origin.Challenge(), nil, `401 13 0s Www-Authenticate=Basic realm="origin"`},
		"not modified":      {origin.NotModified(), nil, "304 0 0s"},
		"redirect":          {origin.Redirect(origin.SegmentPath(1)), nil, "302 33 0s Location=/segment/1"},
		"redirect loop":     {origin.RedirectLoop(), nil, "302 40 0s Location=/segment/0?turn=1"},
		"swap":              {origin.Swap(origin.SegmentPath(1)), nil, "200 4 0s"},
		"body":              {origin.Body([]byte("abc")), nil, "200 3 0s"},
		"page":              {origin.Page(), nil, "200 92 0s"},
		"noise":             {origin.Noise(1000), nil, "200 1000 0s"},
		"half":              {origin.Half(), nil, "200 2000 0s"},
		"truncate":          {origin.Truncate(), nil, "200 2000 0s unexpected EOF"},
		"reset":             {origin.Reset(), nil, "0 0 0s EOF"},
		"delay":             {origin.Delay(3 * time.Second), nil, "200 4000 3s"},
		"slow":              {origin.Slow(1000), nil, "200 4000 4s"},
		"stall":             {origin.Stall(1234), nil, "200 1234 1m0s context deadline exceeded"},
		"hold":              {origin.Hold(nil), nil, "0 0 1m0s context deadline exceeded"},
		"chunked":           {origin.Chunked(), nil, "200 4000 0s chunked"},
		"chunked, cut":      {origin.TruncateChunked(), nil, "200 4000 0s chunked unexpected EOF"},
		"gzip":              {origin.Gzip(), nil, "200 4000 0s unzipped"},
		"gzip, cut":         {origin.BadGzip(), nil, "200 0 0s unzipped unexpected EOF"},
		"oversize":          {origin.Oversize(100_000, true), nil, "200 100000 0s"},
		"oversize, chunked": {origin.Oversize(100_000, false), nil, "200 100000 0s chunked"},
		"range ignored":     {origin.IgnoreRange(), []string{"Range", "bytes=10-19"}, "200 4000 0s"},
		"a wrong range":     {origin.WrongRange(), []string{"Range", "bytes=10-19"}, "206 2000 0s Content-Range=bytes 0-1999/4000"},
		"BOM":               {origin.Edit(origin.BOM), nil, "200 4003 0s"},
		"corrupt":           {origin.Edit(origin.Corrupt), nil, "200 4000 0s"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, clip, origin.Style{}, func(b *bubble) {
				b.Publish(2)
				b.On(path, tc.act)
				b.client.Timeout = time.Minute
				b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
				if diff := cmp.Diff(tc.want, seen(t, b.client, path, tc.header...)); diff != "" {
					t.Error(diff)
				}
				if got := seen(t, b.client, path); got != "200 4000 0s" {
					t.Errorf("afterwards: %s", got)
				}
			})
		})
	}
}

// seen is what a client sees: status, bytes, time, what is special, and the error.
func seen(t *testing.T, client *http.Client, path string, header ...string) string {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, "http://origin.example"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	began := time.Now()
	resp, err := client.Do(r)
	if err != nil {
		return fmt.Sprintf("0 0 %v %s", time.Since(began), last(err))
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	got := fmt.Sprintf("%d %d %v", resp.StatusCode, len(body), time.Since(began))
	for _, name := range []string{"Retry-After", "Www-Authenticate", "Location"} {
		if v := resp.Header.Get(name); v != "" {
			got += " " + name + "=" + v
		}
	}
	if v := resp.Header.Get("Content-Range"); v != "" && len(body) != 10 {
		got += " Content-Range=" + v
	}
	if len(resp.TransferEncoding) > 0 {
		got += " chunked"
	}
	if resp.Uncompressed {
		got += " unzipped"
	}
	if err != nil {
		got += " " + last(err)
	}
	return got
}

// last is the innermost part of an error's text.
func last(err error) string {
	text, _, _ := strings.Cut(err.Error(), " (")
	return strings.TrimSpace(text[strings.LastIndex(text, ":")+1:])
}

func TestPlaylistActs(t *testing.T) {
	list := func(body string) string { return strings.Join(lines(body, "/segment/"), " ") }
	inBubble(t, letters(4), origin.Style{}, func(b *bubble) {
		b.Publish(4)
		b.On(origin.Media, origin.Caches(4, 2)...)
		var got []string
		for range 5 {
			got = append(got, list(b.get(origin.Media).body))
		}
		if diff := cmp.Diff([]string{"0 1 2 3", "0 1", "0 1 2 3", "0 1", "0 1 2 3"}, got); diff != "" {
			t.Error(diff)
		}
		b.On(origin.Media, origin.Edit(origin.CRLF), origin.Edit(origin.Lines("#EXT-X-NONSENSE:1", "", "# a remark")))
		if body := b.get(origin.Media).body; strings.Count(body, "\r\n") != strings.Count(body, "\n") || body == "" {
			t.Errorf("%q", body)
		}
		if body := b.get(origin.Media).body; !strings.HasPrefix(body, "#EXTM3U\n#EXT-X-NONSENSE:1\n\n# a remark\n#EXT-X-VERSION") {
			t.Error(body)
		}
	})
}

// TestGzipUnasked has the client not say that it reads gzip.
func TestGzipUnasked(t *testing.T) {
	inBubble(t, letters(1), origin.Style{}, func(b *bubble) {
		b.Publish(1)
		b.On(origin.SegmentPath(0), origin.Gzip())
		z, err := gzip.NewReader(strings.NewReader(b.get(origin.SegmentPath(0), "Accept-Encoding", "identity").body))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(z); string(got) != "a" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	})
}
