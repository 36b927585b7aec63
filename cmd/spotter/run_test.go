package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	hls "spotter/internal/origin"
	"spotter/timeline"
)

// TestRun is an evening at the broadcast site: one good stream and four that fail in ways of their own.
func TestRun(t *testing.T) {
	t.Parallel()
	o := newOrigin(t, 16, 6)
	b := start(t, config(newData(t), classic,
		"media:",
		"  - {id: cup, url: '"+o.URL+hls.Media+"'}",
		"  - {id: html, url: '"+o.URL+"/html.m3u8'}",
		"  - {id: gone, url: '"+o.URL+"/gone.m3u8'}",
		"  - {id: noise, url: '"+o.noise.URL+hls.Media+"'}",
		"  - {id: nobody, url: 'http://127.0.0.1:1/index.m3u8'}",
	))
	b.analyzed("cup", behind*second)
	o.Publish(4)
	b.analyzed("cup", (behind+4)*second)

	t.Run("a window without a look of its own", func(t *testing.T) {
		// Looks are at 2.0 and 3.0.
		a := b.context("cup", 2500, 200, 300)
		if a.From != 2300 || a.Until != 2800 || !a.Complete || !a.has("Person") {
			t.Errorf("got %+v, want a Person from 2.3 until 2.8", a)
		}
		for _, e := range a.Objects {
			if e.From != a.From || e.Until != a.Until || e.Source != timeline.SourceClassic {
				t.Errorf("%+v is not cut to the window", e)
			}
		}
	})
	t.Run("a window that is yet to come", func(t *testing.T) {
		if a := b.context("cup", 500*second, 0, second); a.Complete || a.has("Person") {
			t.Errorf("got %+v, want nothing, and not complete", a)
		}
	})
	t.Run("timeline", func(t *testing.T) {
		got := b.timeline("cup")
		if len(got) == 0 || got[0].From != 0 || got[0].Until < 7*second || got[0].Media != "cup" {
			t.Errorf("got %+v, want one scene from 0.0 on", got)
		}
	})
	t.Run("faults of the bad ones", func(t *testing.T) {
		for media, want := range map[string]struct{ state, kind, says string }{
			"html":   {"waiting", "playlist", "page of HTML"},
			"noise":  {"", "segment", hls.SegmentPath(window - 1)}, // live, or stalled by now: nothing more is published
			"nobody": {"waiting", "playlist", "connection refused"},
		} {
			eventually(t, fmt.Sprintf("%s has a fault of kind %s that says %q", media, want.kind, want.says), func() bool {
				s := b.status(media)
				if s.AnalyzedUntil != nil {
					t.Fatalf("%s: something of %+v was analysed", media, s)
				}
				return (want.state == "" || s.State == want.state) && slices.ContainsFunc(s.Faults, func(f fault) bool {
					return f.Kind == want.kind && strings.Contains(f.Message, want.says)
				})
			})
		}
		if s := b.status("gone"); s.State != "waiting" || len(s.Faults) != 0 {
			t.Errorf("gone: got %+v, want a stream that waits to be published, without faults", s)
		}
		if s := b.status("cup"); slices.ContainsFunc(s.Faults, func(f fault) bool { return f.Kind != "stalled" }) || s.Source != timeline.SourceClassic {
			t.Errorf("cup: got %+v, want a stream without faults, but for what is not published", s)
		}
	})
	t.Run("unknown media", func(t *testing.T) {
		for _, path := range []string{"", "/context?position=1", "/timeline"} {
			resp, body := b.ask(http.MethodGet, b.viewer+"/v1/media/derby"+path)
			if resp.StatusCode != http.StatusNotFound || resp.Header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("%q: got %s %s: %s", path, resp.Status, resp.Header.Get("Content-Type"), body)
			}
		}
	})
	t.Run("metrics", func(t *testing.T) {
		for _, name := range []string{
			`spotter_frames_sampled_total{media="cup"} `, `spotter_live_edge_seconds{media="cup"} `,
			`spotter_segments_lost_total{kind="segment",media="noise"} `, `spotter_recognitions_total{media="cup",source="classic"} `,
		} {
			if b.metric(name) == "" || strings.HasSuffix(b.metric(name), " 0") {
				t.Errorf("no %s in /metrics", name)
			}
		}
	})
	t.Run("health", func(t *testing.T) {
		if resp, _ := b.ask(http.MethodGet, b.admin+"/healthz"); resp.StatusCode != http.StatusOK {
			t.Errorf("/healthz: %s", resp.Status)
		}
		resp, body := b.ask(http.MethodGet, b.admin+"/readyz")
		var got struct {
			Ready  bool
			Checks []struct {
				Name, Detail string
				OK           bool
			}
		}
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatal(err)
		}
		ready, names := true, []string{}
		for _, c := range got.Checks {
			names = append(names, c.Name)
			ready = ready && c.OK
			// On a busy machine the streams, which publish nothing more, have stalled by now.
			if stalled := strings.HasPrefix(c.Detail, "stalled"); c.OK == stalled {
				t.Errorf("%s: ok %t: %s", c.Name, c.OK, c.Detail)
			}
		}
		slices.Sort(names)
		want := []string{"disk", "media cup", "media gone", "media html", "media nobody", "media noise"}
		if !slices.Equal(names, want) || got.Ready != ready || (resp.StatusCode == http.StatusOK) != ready {
			t.Errorf("/readyz: %s: %s, want %q, and ready only if all are", resp.Status, body, want)
		}
	})
	t.Run("the command line asks the box", func(t *testing.T) {
		path := t.TempDir() + "/spotter.yaml"
		write(t, path, "http: {viewer: {listen: '"+strings.TrimPrefix(b.viewer, "http://")+"'}}")
		code, out, _ := program(t, nil, "lookup", "cup", "--position", "2.5", "--config", path)
		if code != 0 || !strings.Contains(out, `"name": "Person"`) || !strings.Contains(out, `"complete": true`) {
			t.Errorf("exit code %d: %s", code, out)
		}
		code, _, complaint := program(t, nil, "lookup", "derby", "--position", "2.5", "--config", path)
		if code != 1 || !strings.Contains(complaint, "404") || !strings.Contains(complaint, "derby") {
			t.Errorf("unknown media: exit code %d: %s", code, complaint)
		}
	})
	b.stop()
}

func TestStopAndStartMedia(t *testing.T) {
	t.Parallel()
	o := newOrigin(t, 12, 6)
	b := start(t, config(newData(t), classic, o.media()))
	b.analyzed("cup", 3*second)
	steer := func(verb string, want int) {
		t.Helper()
		if resp, body := b.ask(http.MethodPost, b.admin+"/v1/media/"+verb); resp.StatusCode != want {
			t.Fatalf("POST %s: %s: %s", verb, resp.Status, body)
		}
	}
	steer("derby/stop", http.StatusNotFound)
	steer("cup/stop", http.StatusNoContent)
	steer("cup/stop", http.StatusNoContent)
	before := *b.status("cup").AnalyzedUntil
	if s := b.status("cup"); s.State != "stopped" {
		t.Errorf("state %q after stop", s.State)
	}
	if !b.context("cup", second, 0, second).has("Person") {
		t.Error("a stopped stream is not answered")
	}
	o.Publish(3)
	steer("cup/start", http.StatusNoContent)
	steer("cup/start", http.StatusNoContent)
	b.analyzed("cup", 6*second)
	if a := b.context("cup", 0, 0, 6*second); !a.Complete || !a.has("Person") {
		t.Errorf("after %v: got %+v, want all of it", before, a)
	}
	b.stop()
}

// TestSecondSignalEndsAtOnce has a box that would wait for its outbox.
func TestSecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	o := newOrigin(t, 6, 6)
	away := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer away.Close()
	b := start(t, config(newData(t), classic, o.media(), "sync: {dynamodb: }"), "AWS_ENDPOINT_URL_DYNAMODB="+away.URL)
	b.analyzed("cup", second)
	b.signal(syscall.SIGTERM)
	eventually(t, "the first signal is heard", func() bool {
		return strings.Contains(b.logged(), "stopping: a second signal ends the program at once")
	})
	b.signal(syscall.SIGTERM)
	if code := b.end(3 * time.Second); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
}
