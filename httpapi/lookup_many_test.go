package httpapi_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/httpapi"
)

// TestContexts compares each element with what its media alone answers.
func TestContexts(t *testing.T) {
	c := client(t, newViewer(cup()))
	for name, tc := range map[string]struct {
		media, query string
		paths        []string
	}{
		"one":              {"cup-final", "position=50&backward=10&forward=5", []string{"cup-final"}},
		"in their order":   {"warm-up,cup-final", "position=50&backward=10&forward=5", []string{"warm-up", "cup-final"}},
		"one twice":        {"cup-final,cup-final", "position=50", []string{"cup-final", "cup-final"}},
		"escaped":          {"cup-final%2C%3Cb%3E%26%2F%22%C3%A9", "position=50", []string{"cup-final", "%3Cb%3E&%2F%22%C3%A9"}},
		"by time":          {"cup-final,warm-up", "time=2026-11-23T14:00:50Z&forward=5", []string{"cup-final", "warm-up"}},
		"for one viewer":   {"cup-final,warm-up", "position=50&profile=p1", []string{"cup-final", "warm-up"}},
		"with one unknown": {"cup-final,other,warm-up", "position=50", []string{"cup-final", "other", "warm-up"}},
		"all unknown":      {"x,y", "position=50", []string{"x", "y"}},
	} {
		t.Run(name, func(t *testing.T) {
			var want []string
			var control string
			for _, path := range tc.paths {
				resp, body := send(t, c, http.MethodGet, "/v1/media/"+path+"/context?"+tc.query)
				if resp.StatusCode != http.StatusOK {
					body = fmt.Sprintf(`{"media":%q,"problem":%s}`, path, body)
				} else {
					control = resp.Header.Get("Cache-Control")
				}
				want = append(want, body)
			}
			resp, body := send(t, c, http.MethodGet, "/v1/context?media="+tc.media+"&"+tc.query)
			if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "application/json" {
				t.Errorf("%s, %s", resp.Status, resp.Header.Get("Content-Type"))
			}
			if diff := cmp.Diff(`{"contexts":[`+strings.Join(want, ",")+`]}`, body); diff != "" {
				t.Error(diff)
			}
			if got := resp.Header.Get("Cache-Control"); control != "" && got != control {
				t.Errorf("kept %q, want %q", got, control)
			}
		})
	}
}

// TestContextsWithoutClock names the media whose stream tells no time.
func TestContextsWithoutClock(t *testing.T) {
	m := cup()
	m.Zero = time.Time{}
	_, body := send(t, client(t, newViewer(m)), http.MethodGet, "/v1/context?media=cup-final,warm-up&time=2026-11-23T14:00:50Z")
	var got struct {
		Contexts []struct {
			Media   string
			Problem struct{ Status int }
		}
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Contexts) != 2 || got.Contexts[0].Problem.Status != 400 || got.Contexts[1].Media != "warm-up" {
		t.Error(body)
	}
}

func TestContextsRefused(t *testing.T) {
	c := client(t, newViewer(cup()))
	for name, tc := range map[string]struct{ query, parameter string }{
		"no media":      {"position=50", "media"},
		"empty":         {"media=&position=50", "media"},
		"an empty one":  {"media=cup-final,,warm-up&position=50", "media"},
		"given twice":   {"media=cup-final&media=warm-up&position=50", "media"},
		"too many":      {"media=" + strings.Repeat("m,", 100) + "m&position=50", "media"},
		"no position":   {"media=cup-final", "position"},
		"bad position":  {"media=cup-final&position=now", "position"},
		"too long":      {"media=cup-final&position=0&forward=3600.001", "forward"},
		"both":          {"media=cup-final&position=1&time=2026-11-23T14:00:50Z", "time"},
		"engage thrice": {"media=cup-final&position=1&engage=3", "engage"},
	} {
		t.Run(name, func(t *testing.T) {
			resp, body := send(t, c, http.MethodGet, "/v1/context?"+tc.query)
			checkProblem(t, resp, body, 400, tc.parameter)
		})
	}
	if resp, _ := send(t, c, http.MethodGet, "/v1/context?position=1&media="+strings.Repeat("m,", 99)+"m"); resp.StatusCode != http.StatusOK {
		t.Errorf("a hundred media: %s", resp.Status)
	}
}

// TestContextsBackendFails fails as a whole: one table is behind all media.
func TestContextsBackendFails(t *testing.T) {
	for want, err := range map[int]error{503: httpapi.ErrUnavailable, 500: errors.New("secret")} {
		c := client(t, newViewer(failing{cup(), func() error { return err }}))
		resp, body := send(t, c, http.MethodGet, "/v1/context?media=cup-final,warm-up&position=1")
		checkProblem(t, resp, body, want, "")
	}
}
