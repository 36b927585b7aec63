package client_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/httpapi/client"
)

// TestFollow follows the real server: what is there already, and the state.
func TestFollow(t *testing.T) {
	var got []string
	var last string
	for e, err := range box(t).Follow(t.Context(), "cup-final", client.FollowOptions{From: at(0)}) {
		if err != nil {
			t.Fatal(err)
		}
		last = e.ID
		if e.State != "" {
			got = append(got, e.State)
			break
		}
		got = append(got, e.Observation.From.String())
	}
	if diff := cmp.Diff([]string{"10.0", "45.0", "live"}, got); diff != "" || last == "" {
		t.Errorf("last %q: %s", last, diff)
	}
}

func TestFollowRefused(t *testing.T) {
	for name, o := range map[string]client.FollowOptions{"cup-final": {After: "x"}, "other": {}} {
		n := 0
		for _, err := range box(t).Follow(t.Context(), name, o) {
			var p *client.Problem
			if n++; !errors.As(err, &p) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if n != 1 {
			t.Errorf("%s: told %d times", name, n)
		}
	}
}

const first, second = "event: observation\r\nid: 1.a.1\r\ndata: {\"media\":\"m\",\"from\":1.5,\r\ndata: \"until\":2}\r\n\r\n",
	"id: 1.a.2\nevent: break\ndata: {\"id\":\"b\",\"from\":3}\n\n"

// stream is an answer of server-sent events that ends after them.
func stream(events ...string) answer { return answer{status: 200, body: strings.Join(events, "")} }

func TestFollowGoesOn(t *testing.T) {
	gone := "event: error\ndata: {\"reason\":\"media_gone\"}\n\n"
	for name, tc := range map[string]struct {
		list []answer
		want []string // told
		ids  []string // asked for
	}{
		"in one": {[]answer{stream("retry: 2000\n\n: hello\n\n", first, second, gone)}, []string{"1.5", "b"}, []string{""}},
		"after a cut": {
			[]answer{stream(first, second[:20]), {err: errors.New("no route")}, problem(503, "5"), stream(second, gone)},
			[]string{"1.5", "b"},
			[]string{"", "1.a.1", "1.a.1", "1.a.1"},
		},
		"after it was behind": {
			[]answer{stream(first, "event: error\ndata: {\"reason\":\"behind\"}\n\n"), stream(second, gone)},
			[]string{"1.5", "b"},
			[]string{"", "1.a.1"},
		},
		"after silence": {[]answer{{status: 200, body: first, hangs: true}, stream(second, gone)}, []string{"1.5", "b"}, []string{"", "1.a.1"}},
		"an id alone":   {[]answer{stream("id: 7.a.9\n\n"), stream(second, gone)}, []string{"b"}, []string{"", "7.a.9"}},
		"unknown kind":  {[]answer{stream("event: goal\nid: 8\ndata: {}\n\n"), stream(second, gone)}, []string{"b"}, []string{"", "8"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := &answers{list: tc.list}
				c := dial(t, client.Config{BaseURL: "http://box.example", HTTP: &http.Client{Transport: a}})
				var got []string
				var end error
				for e, err := range c.Follow(t.Context(), "m", client.FollowOptions{}) {
					switch {
					case err != nil:
						end = err
					case e.Observation != nil:
						got = append(got, e.Observation.From.String())
					case e.Break != nil:
						got = append(got, e.Break.ID)
					}
				}
				var ids []string
				for _, req := range a.seen {
					ids = append(ids, req.URL.Query().Get("last_event_id"))
				}
				if diff := cmp.Diff(tc.want, got) + cmp.Diff(tc.ids, ids); diff != "" || !errors.Is(end, client.ErrMediaGone) {
					t.Errorf("%v\n%s", end, diff)
				}
			})
		})
	}
}

func TestFollowEnds(t *testing.T) {
	for name, list := range map[string][]answer{
		"in a stream":    {{status: 200, body: first, hangs: true}},
		"while it waits": {{err: errors.New("no route")}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				c := dial(t, client.Config{BaseURL: "http://box.example", HTTP: &http.Client{Transport: &answers{list: list}}})
				var end error
				for _, err := range c.Follow(ctx, "m", client.FollowOptions{}) {
					end = err
				}
				if !errors.Is(end, context.DeadlineExceeded) {
					t.Error(end)
				}
			})
		})
	}
}

func TestFollowRefusesWhatItCannotRead(t *testing.T) {
	for name, text := range map[string]string{
		"no JSON":        "event: observation\ndata: x\n\n",
		"without an end": "data: " + strings.Repeat("x", 2<<20),
	} {
		c := dial(t, client.Config{BaseURL: "http://box.example", HTTP: &http.Client{Transport: &answers{list: []answer{stream(text)}}}})
		n := 0
		for _, err := range c.Follow(t.Context(), "m", client.FollowOptions{}) {
			if n++; err == nil || n > 1 {
				t.Errorf("%s: told of %v", name, err)
			}
		}
	}
}

// FuzzFollow reads hostile streams.
func FuzzFollow(f *testing.F) {
	for _, seed := range []string{first, second, first + second, "retry: 1\n\nid\n\n", "event: state\ndata: {\"state\":\"live\"}\n\n", "data\n\n", "\r\n\n:"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		synctest.Test(t, func(t *testing.T) {
			transport := &answers{list: []answer{stream(text), {status: 404}}}
			c := dial(t, client.Config{BaseURL: "http://box.example", HTTP: &http.Client{Transport: transport}})
			var end error
			for e, err := range c.Follow(t.Context(), "m", client.FollowOptions{}) {
				if end != nil {
					t.Error("told after the end")
				}
				if end = err; err == nil && e.Observation == nil && e.Break == nil && e.State == "" {
					t.Logf("empty event: %q", text) // such as a state without its name
				}
			}
			if end == nil {
				t.Error("ended without a word")
			}
		})
	})
}
