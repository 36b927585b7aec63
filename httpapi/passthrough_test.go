package httpapi_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"spotter/httpapi"
)

// fakeOrigins answers by the resource's name, and keeps what it was asked. The real one is tested beside it.
type fakeOrigins struct {
	mu     sync.Mutex
	asked  []httpapi.OriginQuestion
	open   int // bodies that are not closed
	ctxErr error
}

type fakePlaylist struct{}

func (fakePlaylist) Size(query string) int { return len("#EXTM3U\na.ts\n") + len(query) }

func (fakePlaylist) Append(b []byte, query string) []byte {
	return append(b, "#EXTM3U\na.ts"+query+"\n"...)
}

type fakeBody struct {
	io.Reader
	closed func()
}

func (b *fakeBody) Close() error {
	b.closed()
	return nil
}

func (f *fakeOrigins) Ask(ctx context.Context, media string, q httpapi.OriginQuestion) (*httpapi.OriginAnswer, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, q)
	if media != "cup-final" {
		return nil, httpapi.ErrNoStream
	}
	body := func(text string) *fakeBody {
		f.open++
		return &fakeBody{strings.NewReader(text), func() {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.open--
			f.ctxErr = errors.Join(f.ctxErr, ctx.Err())
		}}
	}
	switch q.Resource {
	case "index.m3u8":
		return &httpapi.OriginAnswer{Playlist: fakePlaylist{}}, nil
	case "a.ts":
		if q.Length > 0 {
			return &httpapi.OriginAnswer{Body: body("234"), Length: 3, Partial: true, Offset: 2, Total: 10, Type: "video/mp2t", ETag: `"tag"`}, nil
		}
		return &httpapi.OriginAnswer{Body: body("0123456789"), Length: 10, Type: "video/MP2T; a=b", ETag: `"tag"`}, nil
	case "chunked":
		return &httpapi.OriginAnswer{Body: body("<script>"), Length: -1, Type: "text/html", ETag: "x\"<"}, nil
	case "key":
		return &httpapi.OriginAnswer{Body: body("0123456789abcdef"), Length: 16, Secret: true, Type: "video/mp4", ETag: `"tag"`}, nil
	case "busy":
		return nil, httpapi.ErrOriginsBusy
	case "slow":
		return nil, &httpapi.OriginError{Status: 504, Detail: "the origin does not answer", Err: errors.New("dial 192.0.2.1")}
	case "beyond":
		return nil, &httpapi.OriginError{Status: 416, Detail: "no such bytes"}
	}
	return nil, httpapi.ErrNoResource
}

func passing(o httpapi.Origins) *httpapi.Server {
	return httpapi.NewViewer(httpapi.ViewerConfig{Media: cup(), Origins: o, Registerer: prometheus.NewRegistry(), Log: quiet()})
}

func TestPassthrough(t *testing.T) {
	const path = "/v1/media/{media}/hls/{resource}"
	d := describe(t)
	o := new(fakeOrigins)
	t.Cleanup(func() { // when the server has ended
		if o.open != 0 || o.ctxErr != nil {
			t.Errorf("%d bodies are open; %v while they were", o.open, o.ctxErr)
		}
	})
	c := client(t, passing(o))
	for name, tc := range map[string]struct {
		resource string
		headers  []string
		want     string // status, Content-Type, Cache-Control, body
		asks     httpapi.OriginQuestion
	}{
		"playlist":         {"cup-final/hls/index.m3u8?key=a&b=c", nil, "200 application/vnd.apple.mpegurl no-cache #EXTM3U\na.ts\n", httpapi.OriginQuestion{Resource: "index.m3u8"}},
		"blocking":         {"cup-final/hls/index.m3u8?_HLS_skip=v2&x=y&_HLS_part=02&_HLS_msn=7", nil, "200 application/vnd.apple.mpegurl no-cache #EXTM3U\na.ts\n", httpapi.OriginQuestion{Resource: "index.m3u8", Delivery: "_HLS_msn=7&_HLS_part=2&_HLS_skip=v2"}},
		"segment":          {"cup-final/hls/a.ts", nil, "200 video/mp2t private, max-age=60 0123456789", httpapi.OriginQuestion{Resource: "a.ts"}},
		"it has it":        {"cup-final/hls/a.ts", []string{"If-None-Match", `"x", W/"tag"`}, "304 video/mp2t private, max-age=60 ", httpapi.OriginQuestion{Resource: "a.ts"}},
		"range":            {"cup-final/hls/a.ts", []string{"Range", "bytes=2-4"}, "206 video/mp2t private, max-age=60 234", httpapi.OriginQuestion{Resource: "a.ts", Offset: 2, Length: 3}},
		"open range":       {"cup-final/hls/a.ts", []string{"Range", "bytes=2-"}, "200 video/mp2t private, max-age=60 0123456789", httpapi.OriginQuestion{Resource: "a.ts", Offset: 2}},
		"last bytes":       {"cup-final/hls/a.ts", []string{"Range", "bytes=-4"}, "200 video/mp2t private, max-age=60 0123456789", httpapi.OriginQuestion{Resource: "a.ts"}},
		"several ranges":   {"cup-final/hls/a.ts", []string{"Range", "bytes=0-1,3-4"}, "200 video/mp2t private, max-age=60 0123456789", httpapi.OriginQuestion{Resource: "a.ts"}},
		"endless range":    {"cup-final/hls/a.ts", []string{"Range", "bytes=0-99999999999999999999999"}, "200 video/mp2t private, max-age=60 0123456789", httpapi.OriginQuestion{Resource: "a.ts"}},
		"page":             {"cup-final/hls/chunked", nil, "200 application/octet-stream private, max-age=60 <script>", httpapi.OriginQuestion{Resource: "chunked"}},
		"key":              {"cup-final/hls/key", nil, "200 application/octet-stream no-store 0123456789abcdef", httpapi.OriginQuestion{Resource: "key"}},
		"unknown resource": {"cup-final/hls/other", nil, "404 application/problem+json no-store", httpapi.OriginQuestion{Resource: "other"}},
		"recording":        {"warm-up/hls/index.m3u8", nil, "404 application/problem+json no-store", httpapi.OriginQuestion{Resource: "index.m3u8"}},
		"unknown media":    {"other/hls/index.m3u8", nil, "404 application/problem+json no-store", httpapi.OriginQuestion{}},
		"busy":             {"cup-final/hls/busy", nil, "503 application/problem+json no-store", httpapi.OriginQuestion{Resource: "busy"}},
		"slow":             {"cup-final/hls/slow", nil, "504 application/problem+json no-store", httpapi.OriginQuestion{Resource: "slow"}},
		"beyond":           {"cup-final/hls/beyond", nil, "416 application/problem+json no-store", httpapi.OriginQuestion{Resource: "beyond"}},
		"bad number":       {"cup-final/hls/index.m3u8?_HLS_msn=-1", nil, "400 application/problem+json no-store", httpapi.OriginQuestion{}},
		"bad skip":         {"cup-final/hls/index.m3u8?_HLS_skip=http://x", nil, "400 application/problem+json no-store", httpapi.OriginQuestion{}},
		"twice":            {"cup-final/hls/index.m3u8?_HLS_msn=1&_HLS_msn=2", nil, "400 application/problem+json no-store", httpapi.OriginQuestion{}},
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			t.Run(name+" "+method, func(t *testing.T) {
				o.asked = nil
				resp, body := send(t, c, method, "/v1/media/"+tc.resource, tc.headers...)
				d.check(t, path, resp, body)
				got := fmt.Sprint(resp.StatusCode, " ", resp.Header.Get("Content-Type"), " ", resp.Header.Get("Cache-Control"))
				want := tc.want
				if resp.StatusCode < 400 {
					want, _, _ = strings.Cut(tc.want, " #EXTM3U")
					if method == http.MethodGet {
						got, want = got+" "+body, tc.want
					} else if resp.StatusCode != 304 && strings.Contains(tc.want, "max-age=60 ") {
						want, _, _ = strings.Cut(tc.want, "=60 ")
						want += "=60"
					} else {
						want = strings.TrimSuffix(strings.TrimSuffix(want, " "), " 0123456789abcdef")
					}
				}
				if got != want {
					t.Errorf("%q, want %q", got, want)
				}
				var asked httpapi.OriginQuestion
				if len(o.asked) > 0 {
					asked = o.asked[0]
				}
				if diff := cmp.Diff(tc.asks, asked); diff != "" {
					t.Error(diff)
				}
				if strings.Contains(body, "192.0.2.1") {
					t.Error(body)
				}
			})
		}
	}
}

// TestPassthroughCarriesTheKey asks with a key in each way: only one in the address is in the addresses of the answer, and
// none is in a log, a problem, or what an origin is asked.
func TestPassthroughCarriesTheKey(t *testing.T) {
	keys := filepath.Join(t.TempDir(), "keys")
	key := keyFor(t, keys, "app", "cup-final", "panics")
	var log logged
	access, err := httpapi.NewAccess(httpapi.AccessConfig{KeysFile: keys, Log: log.logger()})
	if err != nil {
		t.Fatal(err)
	}
	o := new(fakeOrigins)
	c := client(t, httpapi.NewViewer(httpapi.ViewerConfig{
		Media: hazard{cup()}, Access: access, Origins: o, Registerer: prometheus.NewRegistry(), Log: log.logger(),
	}))
	for _, tc := range []struct {
		name, address string
		headers       []string
		status        int
		want          string
	}{
		{"in the address", "cup-final/hls/index.m3u8?key=" + key, nil, 200, "#EXTM3U\na.ts?key=" + key + "\n"},
		{"in a header", "cup-final/hls/index.m3u8", []string{"Authorization", "Bearer " + key}, 200, "#EXTM3U\na.ts\n"},
		{"with directives", "cup-final/hls/index.m3u8?_HLS_msn=1&key=" + key, nil, 200, "#EXTM3U\na.ts?key=" + key + "\n"},
		{"a segment", "cup-final/hls/a.ts?key=" + key, nil, 200, "0123456789"},
		{"a bad one", "cup-final/hls/index.m3u8?key=" + key[:len(key)-3] + "AAA", nil, 401, ""},
		{"none", "cup-final/hls/key", nil, 401, ""},
		{"another media", "warm-up/hls/key?key=" + key, nil, 403, ""},
		{"a fault", "cup-final/hls/slow?key=" + key, nil, 504, ""},
		{"a panic", "panics/hls/index.m3u8?key=" + key, nil, 0, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			resp, body := send(t, c, http.MethodGet, "/v1/media/"+tc.address, tc.headers...)
			if tc.status != 0 && resp.StatusCode != tc.status || tc.want != "" && body != tc.want {
				t.Errorf("status %d: %q", resp.StatusCode, body)
			}
			if control := resp.Header.Get("Cache-Control"); !strings.Contains(control, "private") && control != "no-store" {
				t.Errorf("Cache-Control: %s", control)
			}
			if tc.want == "" && strings.Contains(body, key[:20]) {
				t.Error(body)
			}
		})
	}
	everything := log.String() + fmt.Sprint(o.asked)
	if part := key[len(key)/2:]; bytes.Contains([]byte(everything), []byte(part)) {
		t.Errorf("told: %s", everything)
	}
}
