package main_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"spotter/capture/fetch"
	spotter "spotter/cmd/spotter"
	"spotter/httpapi"
	"spotter/internal/mediatest"
)

// TestPassthrough plays a stream through the viewer API as a player does, and asks for what it must not give.
func TestPassthrough(t *testing.T) {
	const chain = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nmain.m3u8\n"
	var asked atomic.Int32
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		text := map[string]string{
			"/master.m3u8": chain,
			"/main.m3u8":   "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-KEY:METHOD=AES-128,URI=\"key\"\n#EXTINF:1,\na.ts\n#EXTINF:1,\ngone.ts\n",
			"/key":         "0123456789abcdef",
			"/a.ts":        "segment",
		}[r.URL.Path]
		if text == "" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "video/mp2t")
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(text))
	}))
	t.Cleanup(origin.Close)
	u, err := url.Parse(origin.URL + "/master.m3u8?token=s3cret")
	if err != nil {
		t.Fatal(err)
	}
	getter := fetch.NewHTTP(fetch.Options{Hosts: []string{u.Hostname()}})
	t.Cleanup(getter.Close)
	p := spotter.NewPassing()
	here := spotter.PassedSource{URL: u, Getter: getter}
	file := spotter.PassedSource{URL: &url.URL{Scheme: "file", Path: "/recording.m3u8"}, Getter: getter}
	p.Set(map[string]spotter.PassedSource{"cup-final": here, "warm-up": file})
	c := mediatest.Client(t, httpapi.NewViewer(httpapi.ViewerConfig{
		Media: mediatest.NewBox(mediatest.Cup()...), Origins: p, Log: slog.New(slog.DiscardHandler),
	}))
	const hls = "/v1/media/cup-final/hls/"
	get := func(name string, status int) (string, []string) {
		t.Helper()
		resp, body := mediatest.Send(t, c, http.MethodGet, name)
		if resp.StatusCode != status || strings.Contains(body, "127.0.0.1") || strings.Contains(body, "s3cret") {
			t.Fatalf("%s: status %d, want %d: %s", name, resp.StatusCode, status, body)
		}
		return body, namesIn(body)
	}
	_, variants := get(hls+"index.m3u8", 200)
	_, names := get(hls+variants[0], 200)
	if key, _ := get(hls+names[0], 200); key != "0123456789abcdef" {
		t.Errorf("the key is %q", key)
	}
	if segment, _ := get(hls+names[1], 200); segment != "segment" {
		t.Errorf("the segment is %q", segment)
	}
	get(hls+names[2], 502)
	get("/v1/media/warm-up/hls/index.m3u8", 404)
	get("/v1/media/warm-up/hls/"+names[1], 404)
	if !p.Offers("cup-final") || p.Offers("warm-up") || p.Offers("none") {
		t.Error("the wrong media are offered")
	}
	// A name is of one media, as it is configured now.
	p.Set(map[string]spotter.PassedSource{"cup-final": here, "warm-up": here})
	get("/v1/media/warm-up/hls/index.m3u8", 200)
	get("/v1/media/warm-up/hls/"+names[1], 404)
	before := asked.Load()
	get(hls+names[1], 404)
	get(hls+"aHR0cDovLzEyNy4wLjAuMTo5MDkwL21ldHJpY3M.ts", 404)
	if n := asked.Load() - before; n > 0 {
		t.Errorf("the origin was asked %d times", n)
	}
	resp, err := c.Head("http://spotter" + hls + "index.m3u8")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		t.Error(resp.Status, err)
	}
}

// namesIn returns the addresses in a playlist in their order.
func namesIn(text string) (names []string) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if _, after, ok := strings.Cut(line, `URI="`); ok {
			name, _, _ := strings.Cut(after, `"`)
			names = append(names, name)
		} else if !strings.HasPrefix(line, "#") {
			names = append(names, line)
		}
	}
	return names
}
