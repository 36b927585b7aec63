package relay_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"spotter/capture/fetch"
	"spotter/capture/relay"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// origin is a stream's; it counts what is asked.
type origin struct {
	*httptest.Server
	mux *http.ServeMux

	mu    sync.Mutex
	asked []string
}

func newOrigin(t *testing.T) *origin {
	o := &origin{mux: http.NewServeMux()}
	o.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.mu.Lock()
		o.asked = append(o.asked, r.URL.RequestURI())
		o.mu.Unlock()
		o.mux.ServeHTTP(w, r)
	}))
	t.Cleanup(o.Close)
	return o
}

// text serves a text, whose $O is the origin itself.
func (o *origin) text(path, text string) {
	o.mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, path, time.Time{}, strings.NewReader(strings.ReplaceAll(text, "$O", o.URL)))
	})
}

func (o *origin) times(uri string) (n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, a := range o.asked {
		if a == uri {
			n++
		}
	}
	return n
}

func (o *origin) relay(t *testing.T, slots int, urls ...string) *relay.Relay {
	t.Helper()
	getter := fetch.NewHTTP(fetch.Options{Hosts: []string{"127.0.0.1"}, Header: http.Header{"X-Own": {"s3cret"}}})
	t.Cleanup(getter.Close)
	var list []*url.URL
	for _, s := range urls {
		u, err := url.Parse(strings.ReplaceAll(s, "$O", o.URL))
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, u)
	}
	r, err := relay.New(getter, list, relay.NewSlots(slots))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// list returns a playlist's text, and the names in it in their order.
func list(t *testing.T, r *relay.Relay, q relay.Request) (string, []string) {
	t.Helper()
	a, err := r.Ask(t.Context(), q)
	if err != nil || a.Playlist == nil {
		t.Fatalf("%s: %v", q.Name, err)
	}
	text := string(a.Playlist.Append(nil, ""))
	if strings.Contains(text, "127.0.0.1") || strings.Contains(text, "s3cret") || strings.Contains(text, "segment") {
		t.Errorf("it tells of the origin: %s", text)
	}
	var names []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if _, after, ok := strings.Cut(line, `URI="`); ok {
			name, _, _ := strings.Cut(after, `"`)
			names = append(names, name)
		} else if !strings.HasPrefix(line, "#") {
			names = append(names, line)
		}
	}
	return text, names
}

func body(t *testing.T, r *relay.Relay, q relay.Request) (string, relay.Answer) {
	t.Helper()
	a, err := r.Ask(t.Context(), q)
	if err != nil || a.Body == nil {
		t.Fatalf("%s: %v", q.Name, err)
	}
	defer a.Body.Close()
	b, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b), a
}

func TestStream(t *testing.T) {
	o := newOrigin(t)
	o.text("/live/master.m3u8", `#EXTM3U
#EXT-X-DEFINE:NAME="dir",VALUE="s3cret"
#EXT-X-STREAM-INF:BANDWIDTH=1
$O/moved/main.m3u8
`)
	o.mux.Handle("/moved/main.m3u8", http.RedirectHandler("/there/main.m3u8?token=s3cret", http.StatusFound))
	o.text("/there/main.m3u8", `#EXTM3U
#EXT-X-DEFINE:IMPORT="dir"
#EXT-X-TARGETDURATION:2
#EXT-X-KEY:METHOD=AES-128,URI="/key"
#EXT-X-MAP:URI="init.mp4",BYTERANGE="4@0"
#EXTINF:2,
{$dir}/segment.m4s
`)
	o.text("/key", "0123456789abcdef")
	o.text("/there/init.mp4", "initial")
	o.mux.HandleFunc("/there/s3cret/segment.m4s", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Own") != "s3cret" || r.URL.RawQuery != "token=s3cret" {
			http.Error(w, "", http.StatusForbidden)
			return
		}
		http.ServeContent(w, r, "segment.m4s", time.Time{}, strings.NewReader("the segment"))
	})
	r := o.relay(t, 4, "$O/live/master.m3u8")
	_, variants := list(t, r, relay.Request{Name: relay.Index})
	_, names := list(t, r, relay.Request{Name: variants[0]})
	if !strings.HasSuffix(variants[0], ".m3u8") || !strings.HasSuffix(names[1], ".mp4") || !strings.HasSuffix(names[2], ".m4s") {
		t.Errorf("names do not end as players expect: %s, %s", variants, names)
	}
	key, answer := body(t, r, relay.Request{Name: names[0], Offset: 2, Length: 1})
	if key != "0123456789abcdef" || !answer.Key || answer.Body.Partial {
		t.Errorf("the key: %q, %v", key, answer)
	}
	part, answer := body(t, r, relay.Request{Name: names[1], Length: 4})
	if b := answer.Body; part != "init" || !b.Partial || b.Offset != 0 || b.Total != 7 {
		t.Errorf("the initialization section: %q, %+v", part, b)
	}
	if segment, _ := body(t, r, relay.Request{Name: names[2]}); segment != "the segment" {
		t.Errorf("the segment: %q", segment)
	}
	if _, again := list(t, o.relay(t, 4, "$O/there/none.m3u8", "$O/live/master.m3u8"), relay.Request{Name: relay.Index}); again[0] == variants[0] {
		t.Error("another relay gives the same names")
	}
}

func TestLowLatency(t *testing.T) {
	o := newOrigin(t)
	o.text("/main.m3u8", "#EXTM3U\n#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES\n#EXTINF:1,\na.m4s\n#EXT-X-PART:DURATION=1,URI=\"p.m4s\"\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"q.m4s\"\n#EXT-X-RENDITION-REPORT:URI=\"other.m3u8\"\n")
	r := o.relay(t, 4, "$O/main.m3u8?a=b")
	_, first := list(t, r, relay.Request{Name: relay.Index, Delivery: "_HLS_msn=5&_HLS_part=1"})
	if n := o.times("/main.m3u8?a=b&_HLS_msn=5&_HLS_part=1"); n != 1 {
		t.Errorf("asked %d times: %s", n, o.asked)
	}
	_, second := list(t, r, relay.Request{Name: relay.Index})
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("names change:\n%s", diff)
	}
}

// TestCrowd has many ask at once: the origin is asked once while it does not answer, and not again just afterwards.
func TestCrowd(t *testing.T) {
	o := newOrigin(t)
	begun, release := make(chan struct{}, 20), make(chan struct{})
	o.mux.HandleFunc("/main.m3u8", func(w http.ResponseWriter, _ *http.Request) {
		begun <- struct{}{}
		<-release
		io.WriteString(w, "#EXTM3U\n#EXTINF:1,\na.ts\n#EXT-X-ENDLIST\n")
	})
	r := o.relay(t, 1, "$O/main.m3u8")
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() {
			if _, err := r.Ask(t.Context(), relay.Request{Name: relay.Index}); err != nil {
				t.Error(err)
			}
		})
	}
	<-begun
	close(release)
	wait.Wait()
	if n := o.times("/main.m3u8"); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

func TestForged(t *testing.T) {
	o := newOrigin(t)
	o.text("/main.m3u8", "#EXTM3U\n#EXTINF:1,\nsegment.ts\n#EXTINF:1,\nfile:///etc/passwd\n")
	o.text("/segment.ts", "z")
	r := o.relay(t, 4, "$O/main.m3u8")
	other := o.relay(t, 4, "$O/main.m3u8")
	_, names := list(t, r, relay.Request{Name: relay.Index})
	good := strings.TrimSuffix(names[0], ".ts")
	for name, forged := range map[string]string{
		"nothing": "", "dots": "..", "an address": "http:%2F%2Fh%2F", "no base64": "???", "short": "aaaa", "cut": good[:len(good)-4] + ".ts",
		"another byte": "A" + good[1:] + ".ts", "without its end": good, "another end": good + ".mp4", "two ends": good + ".ts.ts",
		"refused": names[1], "longer": good + "AAAA.ts", "huge": strings.Repeat("A", 100_000), "a line more": good + "\n.ts",
	} {
		t.Run(name, func(t *testing.T) {
			if a, err := r.Ask(t.Context(), relay.Request{Name: forged}); !errors.Is(err, relay.ErrName) {
				t.Errorf("%v, %v", a, err)
			}
		})
	}
	if _, err := other.Ask(t.Context(), relay.Request{Name: names[0]}); !errors.Is(err, relay.ErrName) {
		t.Errorf("a name of another media: %v", err)
	}
	if n := len(o.asked); n != 1 {
		t.Errorf("the origin was asked: %s", o.asked)
	}
}

func TestFaults(t *testing.T) {
	for name, tc := range map[string]struct {
		playlist http.HandlerFunc // nil: good
		segment  http.HandlerFunc
		uri      string
		status   int
	}{
		"playlist missing":   {http.NotFound, nil, "", 502},
		"playlist a page":    {page("<html>"), nil, "", 502},
		"playlist endless":   {endless, nil, "", 502},
		"playlist slow":      {hang, nil, "", 504},
		"redirected outside": {http.RedirectHandler("http://169.254.169.254/s3cret", http.StatusFound).ServeHTTP, nil, "", 502},
		"segment missing":    {nil, http.NotFound, "", 502},
		"segment slow":       {nil, hang, "", 504},
		"segment outside":    {nil, nil, "http://169.254.169.254/s3cret", 502},
		"segment away":       {nil, nil, "http://user:s3cret@127.0.0.1:1/", 502},
		"no such bytes": {nil, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
		}, "", 416},
		"another range":     {nil, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(206) }, "", 502},
		"segment too large": {nil, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "999999999") }, "", 502},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOrigin(t)
			if tc.uri == "" {
				tc.uri = "s3cret.ts"
			}
			if tc.playlist == nil {
				tc.playlist = page("#EXTM3U\n#EXTINF:1,\n" + tc.uri + "\n")
			}
			if tc.segment == nil {
				tc.segment = http.NotFound
			}
			o.mux.HandleFunc("/main.m3u8", tc.playlist)
			o.mux.HandleFunc("/s3cret.ts", tc.segment)
			r := o.relay(t, 1, "$O/main.m3u8")
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			a, err := r.Ask(ctx, relay.Request{Name: relay.Index})
			if err == nil {
				lines := strings.Split(strings.TrimSpace(string(a.Playlist.Append(nil, ""))), "\n")
				_, err = r.Ask(ctx, relay.Request{Name: lines[len(lines)-1], Offset: 1, Length: 2})
			}
			if err == nil {
				t.Fatal("no error")
			}
			status, words := relay.Explain(err)
			if status != tc.status || strings.Contains(words, "s3cret") || strings.Contains(words, "127.0.0.1") || strings.Contains(words, "169.254") {
				t.Errorf("%d %s (%v)", status, words, err)
			}
			// Its slot is free again.
			if _, err := r.Ask(t.Context(), relay.Request{Name: "none"}); !errors.Is(err, relay.ErrName) {
				t.Error(err)
			}
		})
	}
}

func page(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, text) }
}

func hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func endless(w http.ResponseWriter, r *http.Request) {
	io.WriteString(w, "#EXTM3U\n")
	for r.Context().Err() == nil {
		if _, err := io.WriteString(w, strings.Repeat("#EXTINF:1,\nsegment.ts\n", 1000)); err != nil {
			return
		}
	}
}

func TestBusy(t *testing.T) {
	o := newOrigin(t)
	o.text("/main.m3u8", "#EXTM3U\n#EXTINF:1,\na.ts\n#EXTINF:1,\nb.ts\n#EXT-X-ENDLIST\n")
	o.mux.HandleFunc("/a.ts", endless)
	var asked atomic.Int32
	o.mux.HandleFunc("/b.ts", func(http.ResponseWriter, *http.Request) { asked.Add(1) })
	r := o.relay(t, 1, "$O/main.m3u8")
	_, names := list(t, r, relay.Request{Name: relay.Index})
	a, err := r.Ask(t.Context(), relay.Request{Name: names[0]})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Ask(t.Context(), relay.Request{Name: names[1]}); !errors.Is(err, relay.ErrBusy) || asked.Load() > 0 {
		t.Error(err)
	}
	if n, err := io.Copy(io.Discard, a.Body); !errors.Is(err, fetch.ErrTooLarge) || n != relay.MaxSegmentBytes {
		t.Errorf("%d bytes of what never ends: %v", n, err)
	}
	a.Body.Close()
	a.Body.Close()
	for range 3 {
		if text, _ := body(t, r, relay.Request{Name: names[1]}); text != "" {
			t.Error(text)
		}
	}
}

func TestBackup(t *testing.T) {
	o := newOrigin(t)
	o.text("/second.m3u8", "#EXTM3U\n#EXTINF:1,\na.ts\n")
	r := o.relay(t, 1, "$O/first.m3u8", "$O/second.m3u8")
	for i := range 3 {
		list(t, r, relay.Request{Name: relay.Index, Delivery: fmt.Sprint("_HLS_msn=", i)})
	}
	if o.times("/first.m3u8?_HLS_msn=0") != 1 || len(o.asked) != 4 {
		t.Error(o.asked)
	}
}
