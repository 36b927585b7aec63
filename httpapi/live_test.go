package httpapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/httpapi"
	"spotter/internal/mediatest"
	"spotter/timeline"
)

// brief returns an observation as "position r revision".
func brief(t *testing.T, data string) string {
	t.Helper()
	var o timeline.Observation
	if err := json.Unmarshal([]byte(data), &o); err != nil {
		t.Fatalf("%v: %s", err, data)
	}
	return fmt.Sprintf("%v r%d", o.From, o.Revision)
}

func briefs(from, until int) (list []string) {
	for i := from; i < until; i++ {
		list = append(list, fmt.Sprintf("%v r1", timeline.Position(i)*2000))
	}
	return list
}

func TestLiveEvents(t *testing.T) {
	l := newLive(t, httpapi.LiveLimits{})
	l.media.put(scene(0, 1)) // before the client comes
	s := l.follow(t, "")
	for name, want := range map[string]string{
		"Content-Type": "text/event-stream", "Cache-Control": "no-store, no-transform",
		"X-Accel-Buffering": "no", "Access-Control-Allow-Origin": "*", "Content-Length": "",
	} {
		if got := s.head.Header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if e := s.next(); e.name != "state" || e.data != `{"media":"cup-final","state":"live"}` || e.id == "" {
		t.Errorf("%+v", e)
	}
	expect := func(name, data string) {
		t.Helper()
		before := s.last
		e := s.next()
		if diff := cmp.Diff([]string{name, data}, []string{e.name, e.data}); diff != "" {
			t.Error(diff)
		}
		if e.id == before {
			t.Errorf("id %s twice", e.id)
		}
	}
	text := func(o *timeline.Observation) string {
		b, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		return strings.ReplaceAll(string(b), "null", "[]")
	}

	open := scene(1, 1)
	open.Open = true
	l.media.put(open)
	expect("observation", text(open))
	grown := *open
	grown.Until += 500
	l.media.put(&grown) // no event
	l.media.put(scene(0, 2))
	expect("observation", text(scene(0, 2)))
	b := timeline.Break{ID: "7", Span: timeline.Span{From: 4000, Until: 34_000}, Open: true}
	l.media.change(func(box *mediatest.Box) {
		box.Timelines[final] = box.Timelines[final].WithBreaks([]timeline.Break{b})
	})
	expect("break", `{"id":"7","from":4.0,"until":34.0,"open":true,"skipped":false}`)
	b.Open, b.Until = false, 30_000
	l.media.change(func(box *mediatest.Box) {
		box.Timelines[final] = box.Timelines[final].WithBreaks([]timeline.Break{b})
	})
	expect("break", `{"id":"7","from":4.0,"until":30.0,"open":false,"skipped":false}`)
	l.media.change(func(box *mediatest.Box) {
		status := box.Statuses[final]
		status.State = httpapi.StateStalled
		box.Statuses[final] = status
	})
	expect("state", `{"media":"cup-final","state":"stalled"}`)
}

func TestLiveResume(t *testing.T) {
	// Scenes 0 to 9 are there first, 10 to 19 come live; nothing is revised before scene 8.
	l := newLive(t, httpapi.LiveLimits{Events: 6})
	for i := range 10 {
		l.media.put(scene(i, 1))
	}
	l.media.settle(16_000)
	s := l.follow(t, "")
	s.next() // the state
	ids := []string{s.last}
	for i := 10; i < 20; i++ {
		l.media.put(scene(i, 1))
		s.observations(1)
		ids = append(ids, s.last)
	}
	const header = "Last-Event-ID: "
	for name, tc := range map[string]struct {
		query, header string
		want          []string
	}{
		"exact":                       {"", header + ids[7], briefs(17, 20)},
		"exact, oldest kept":          {"", header + ids[4], briefs(14, 20)},
		"exact, nothing missed":       {"", header + ids[10], nil},
		"parameter":                   {"?last_event_id=" + ids[7], "", briefs(17, 20)},
		"header before parameter":     {"?last_event_id=" + ids[5], header + ids[7], briefs(17, 20)},
		"header before from":          {"?from=0", header + ids[7], briefs(17, 20)},
		"parameter before from":       {"?from=0&last_event_id=" + ids[7], "", briefs(17, 20)},
		"empty is none":               {"?last_event_id=", "", nil},
		"no longer kept":              {"", header + ids[3], briefs(8, 20)},
		"a number still to come":      {"", header + strings.TrimSuffix(ids[0], "0") + "99", briefs(8, 20)},
		"of another process":          {"", header + "24000.other.3", briefs(12, 20)},
		"of another process, ancient": {"", header + "-900000000000.other.3", briefs(0, 20)},
		"from":                        {"?from=30", "", briefs(15, 20)},
		"from within a scene":         {"?from=5.5", "", briefs(2, 20)},
		"from the beginning":          {"?from=-100", "", briefs(0, 20)},
		"from what is still to come":  {"?from=99", "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			var headers []string
			if tc.header != "" {
				headers = append(headers, tc.header)
			}
			s := l.follow(t, tc.query, headers...)
			if diff := cmp.Diff(tc.want, s.observations(len(tc.want))); diff != "" {
				t.Error(diff)
			}
			s.conn.SetDeadline(time.Now().Add(20 * time.Millisecond))
			for {
				e, err := s.read()
				if err != nil {
					break
				}
				if e.name == "observation" {
					t.Errorf("then %+v", e)
				}
			}
			if last := ids[len(ids)-1]; s.last != "" && s.last != last {
				t.Errorf("ends with id %s, not %s", s.last, last)
			}
		})
	}
}

// TestLiveFromLongAgo sends what is there and what comes in the meantime, each once.
func TestLiveFromLongAgo(t *testing.T) {
	l := newLive(t, httpapi.LiveLimits{})
	const n = 24_000 // more than twelve hours
	var list []*timeline.Observation
	for i := range n {
		list = append(list, scene(i, 1))
	}
	l.media.put(list...)
	l.media.settle(2000*n - 60_000)
	s := l.follow(t, "?from=0")
	go func() {
		for i := range 100 {
			l.media.put(scene(n+i, 1))
		}
	}()
	const bound = 12 * 1800
	if diff := cmp.Diff(briefs(n-bound, n+100), s.observations(bound+100)); diff != "" {
		t.Error(diff)
	}
}

func TestLiveRefuses(t *testing.T) {
	l := newLive(t, httpapi.LiveLimits{Clients: 1})
	for name, tc := range map[string]struct {
		path, header string
		status       int
		parameter    string
	}{
		"unknown media":             {"/v1/media/none/live", "", 404, ""},
		"unknown media goes first":  {"/v1/media/none/live?from=x", "", 404, ""},
		"from":                      {"/v1/media/cup-final/live?from=now", "", 400, "from"},
		"from twice":                {"/v1/media/cup-final/live?from=1&from=2", "", 400, "from"},
		"last_event_id":             {"/v1/media/cup-final/live?last_event_id=x", "", 400, "last_event_id"},
		"last_event_id twice":       {"/v1/media/cup-final/live?last_event_id=1&last_event_id=1", "", 400, "last_event_id"},
		"last_event_id without end": {"/v1/media/cup-final/live?last_event_id=1.a", "", 400, "last_event_id"},
		"position out of range":     {"/v1/media/cup-final/live?last_event_id=99999999999999", "", 400, "last_event_id"},
		"negative number":           {"/v1/media/cup-final/live", "1.a.-1", 400, "Last-Event-ID"},
		"no feed":                   {"/v1/media/cup-final/live", "1..1", 400, "Last-Event-ID"},
	} {
		t.Run(name, func(t *testing.T) {
			resp, body := send(t, l.client, http.MethodGet, tc.path, "Last-Event-ID", tc.header)
			checkProblem(t, resp, body, tc.status, tc.parameter)
		})
	}
	t.Run("full", func(t *testing.T) {
		l.follow(t, "")
		l.eventually(t, metricClients, 1)
		resp, body := send(t, l.client, http.MethodGet, "/v1/media/cup-final/live")
		checkProblem(t, resp, body, 503, "")
		if resp.Header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	})
	t.Run("unavailable", func(t *testing.T) {
		away := client(t, newViewer(failing{cup(), func() error { return httpapi.ErrUnavailable }}))
		resp, body := send(t, away, http.MethodGet, "/v1/media/cup-final/live")
		checkProblem(t, resp, body, 503, "")
	})
}

func FuzzLiveID(f *testing.F) {
	for _, text := range []string{"", "0", "-5", "41250", "41250.9x3k1c.17", "1.a", "1..1", "1.a.-1", "1.a.b.2", "99999999999999", "+1", "01.a.01"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		once, err := httpapi.ReadLiveID(text)
		if err != nil {
			return
		}
		if again, err := httpapi.ReadLiveID([]byte(once)); err != nil || again != once {
			t.Errorf("%q is read as %q, and that as %q: %v", text, once, again, err)
		}
		if strings.ContainsAny(once, "\r\n") {
			t.Errorf("%q would end its line", once)
		}
	})
}

func TestLiveMethods(t *testing.T) {
	l := newLive(t, httpapi.LiveLimits{})
	resp, body := send(t, l.client, http.MethodHead, "/v1/media/cup-final/live")
	if resp.StatusCode != 200 || body != "" || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Error(resp.Status, resp.Header)
	}
	resp, _ = send(t, l.client, http.MethodOptions, "/v1/media/cup-final/live")
	if resp.StatusCode != 204 || resp.Header.Get("Access-Control-Allow-Methods") != "GET, HEAD" {
		t.Error(resp.Status, resp.Header)
	}
	resp, body = send(t, l.client, http.MethodPost, "/v1/media/cup-final/live")
	checkProblem(t, resp, body, 405, "")
	l.eventually(t, metricClients, 0)
}

// TestLiveBehindOldProxies streams where fasthttp would rather close: it skips hijackers for these requests.
func TestLiveBehindOldProxies(t *testing.T) {
	for name, tc := range map[string]struct {
		version string
		headers []string
	}{
		"HTTP/1.0":                   {"HTTP/1.0", nil},
		"HTTP/1.0, nginx as it was":  {"HTTP/1.0", []string{"Connection: close"}},
		"HTTP/1.1, Connection close": {"HTTP/1.1", []string{"Connection: close"}},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLive(t, httpapi.LiveLimits{})
			conn, err := net.Dial("tcp", l.addr)
			if err != nil {
				t.Fatal(err)
			}
			s := followOn(t, conn, "", tc.version, tc.headers...)
			if len(s.head.TransferEncoding) > 0 || s.head.Header.Get("Access-Control-Allow-Origin") != "*" {
				t.Error(s.head.TransferEncoding, s.head.Header)
			}
			s.next()
			l.media.put(scene(1, 1))
			s.observations(1)
		})
	}
}

func TestLiveShutdown(t *testing.T) {
	l := newLive(t, httpapi.LiveLimits{})
	s := l.follow(t, "")
	s.next()
	stuck := l.follow(t, "")
	stuck.room(4 << 10)
	for i := range wideScenes {
		l.media.put(wide(i)) // until the other's buffers are full
		s.observations(1)
	}
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := l.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("took %v", took)
	}
	if e, err := s.read(); e.name != ":" || err != nil {
		t.Errorf("%+v, %v", e, err)
	}
	if _, err := s.read(); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	if _, err := io.Copy(io.Discard, stuck.r); err != nil {
		var reset *net.OpError // what was not read is thrown away
		if !errors.As(err, &reset) || reset.Timeout() {
			t.Error(err)
		}
	}
	l.eventually(t, metricClients, 0)
}

// TestLiveTellsOfAnEndThatComesLate has a scene stay open, as far as is known, while all around it is settled, and then end: what a
// copy of the box learns of a table may come in that order.
func TestLiveTellsOfAnEndThatComesLate(t *testing.T) {
	l := newLive(t, httpapi.LiveLimits{})
	open := scene(0, 1)
	open.Open = true
	l.media.put(open)
	s := l.follow(t, "")
	s.next() // the state
	l.media.put(scene(20, 1))
	if e := s.next(); brief(t, e.data) != "40.0 r1" {
		t.Fatalf("%+v", e)
	}
	l.media.settle(30_000)
	l.media.put(scene(21, 1))
	if e := s.next(); brief(t, e.data) != "42.0 r1" {
		t.Fatalf("%+v", e)
	}
	l.media.put(scene(0, 2))
	if e := s.next(); brief(t, e.data) != "0.0 r2" {
		t.Errorf("%+v, want the end of the first scene", e)
	}
}
