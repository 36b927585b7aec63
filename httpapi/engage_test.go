package httpapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/client_golang/prometheus"

	"spotter/httpapi"
	"spotter/timeline"
)

// fakeEngagement shows trivia while something is on screen, and remembers what it was asked.
type fakeEngagement struct {
	mu     sync.Mutex
	asked  []httpapi.EngagementQuery
	events []string
}

// Decide implements httpapi.Engagement.
func (f *fakeEngagement) Decide(q *httpapi.EngagementQuery) (httpapi.Instrument, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	asked := *q
	if asked.Look == nil || asked.Now.IsZero() {
		panic("the query is not whole")
	}
	asked.Look, asked.Now = nil, time.Time{}
	f.asked = append(f.asked, asked)
	if len(q.Look.Objects) == 0 {
		return httpapi.Instrument{}, false
	}
	decision := fmt.Sprint("d", len(f.asked))
	if q.Keep != "" {
		decision = q.Keep
	}
	return httpapi.Instrument{
		Decision: decision, ID: "couch \"trivia\"", Type: "trivia", Payload: json.RawMessage(`{"q":"<Who>?"}`),
	}, true
}

// Event implements httpapi.Engagement.
func (f *fakeEngagement) Event(decision string, e httpapi.Event) error {
	value := "none"
	if e.Value != nil {
		value = fmt.Sprint(*e.Value)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.events = append(f.events, fmt.Sprintf("%s %s %s", decision, e.Type, value))
	return map[string]error{
		"forged": fmt.Errorf("join: %w", httpapi.ErrForgedDecision), "unknown": httpapi.ErrUnknownDecision,
		"again": httpapi.ErrDuplicateEvent, "late": httpapi.ErrLateEvent, "broken": fmt.Errorf("disk is full"),
	}[decision]
}

func engaging(m httpapi.Media, e httpapi.Engagement) *httpapi.Server {
	return httpapi.NewViewer(httpapi.ViewerConfig{Media: m, Engagement: e, Registerer: prometheus.NewRegistry(), Log: quiet()})
}

// post sends a body of a type and returns the answer with its body.
func post(t *testing.T, c *http.Client, method, path, contentType, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://spotter"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp, b.String()
}

func TestInstruments(t *testing.T) {
	const trivia = `,"instruments":[{"decision":"d1","id":"couch \"trivia\"","type":"trivia","payload":{"q":"<Who>?"}}]}`
	couch := httpapi.EngagementQuery{Media: "cup-final", Position: 50_000, Window: timeline.Span{From: 40_000, Until: 55_000}}
	with := func(q httpapi.EngagementQuery, change func(*httpapi.EngagementQuery)) []httpapi.EngagementQuery {
		change(&q)
		return []httpapi.EngagementQuery{q}
	}
	const look = "position=50&backward=10&forward=5"
	for name, tc := range map[string]struct {
		query, ends string
		asked       []httpapi.EngagementQuery
	}{
		"not asked for":        {look, `"source":"onnx"}]}`, nil},
		"nobody in particular": {look + "&engage=1", trivia, []httpapi.EngagementQuery{couch}},
		"a viewer":             {look + "&profile=p%C3%A91", trivia, with(couch, func(q *httpapi.EngagementQuery) { q.Viewer = "pé1" })},
		"by time":              {"time=2026-11-23T14:00:50Z&backward=10&forward=5&profile=p1", trivia, with(couch, func(q *httpapi.EngagementQuery) { q.Viewer = "p1" })},
		"nothing suits": {"position=100&engage=1", `,"objects":[],"instruments":[]}`, with(couch, func(q *httpapi.EngagementQuery) {
			q.Position, q.Window = 100_000, timeline.Span{From: 100_000, Until: 100_000}
		})},
		"kept": {
			look + "&engage=1&decision=d7", strings.Replace(trivia, "d1", "d7", 1),
			with(couch, func(q *httpapi.EngagementQuery) { q.Keep = "d7" }),
		},
		"a decision alone engages nobody": {look + "&decision=d7", `"source":"onnx"}]}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			e := new(fakeEngagement)
			resp, body := send(t, client(t, engaging(cup(), e)), http.MethodGet, "/v1/media/cup-final/context?"+tc.query)
			if resp.StatusCode != http.StatusOK || !strings.HasSuffix(body, tc.ends) || !json.Valid([]byte(body)) {
				t.Errorf("status %d: %s", resp.StatusCode, body)
			}
			if never := resp.Header.Get("Cache-Control") == "no-store"; never != (tc.asked != nil) {
				t.Errorf("cached %q", resp.Header.Get("Cache-Control"))
			}
			if diff := cmp.Diff(tc.asked, e.asked); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestInstrumentsOfManyMedia(t *testing.T) {
	e := new(fakeEngagement)
	c := client(t, engaging(cup(), e))
	_, body := send(t, c, http.MethodGet, "/v1/context?media=cup-final,other,warm-up&position=50&profile=p1&decision=d7,,d9")
	w := timeline.Span{From: 50_000, Until: 50_000}
	want := []httpapi.EngagementQuery{
		{Media: "cup-final", Position: 50_000, Window: w, Viewer: "p1", Keep: "d7"},
		{Media: "warm-up", Position: 50_000, Window: w, Viewer: "p1", Keep: "d9"},
	}
	if diff := cmp.Diff(want, e.asked); diff != "" || !strings.Contains(body, `"instruments":[{"decision":"d7"`) {
		t.Errorf("%s\n%s", diff, body)
	}
	for _, bad := range []string{"d7", "d7,,,", "a,b,c,d", ",," + strings.Repeat("x", 257)} {
		resp, body := send(t, c, http.MethodGet, "/v1/context?media=a,b,c&position=50&profile=p1&decision="+bad)
		checkProblem(t, resp, body, http.StatusBadRequest, "decision")
	}
}

func TestBadViewers(t *testing.T) {
	e := new(fakeEngagement)
	c := client(t, engaging(cup(), e))
	for name, tc := range map[string]struct{ query, parameter string }{
		"too long":            {"profile=" + strings.Repeat("%C3%A9", 257), "profile"},
		"a line":              {"profile=a%0Ab", "profile"},
		"C1":                  {"profile=%C2%85", "profile"},
		"no UTF-8":            {"profile=%FF", "profile"},
		"twice":               {"profile=a&profile=a", "profile"},
		"a decision too long": {"engage=1&decision=" + strings.Repeat("x", 257), "decision"},
		"two decisions":       {"engage=1&decision=a&decision=b", "decision"},
	} {
		t.Run(name, func(t *testing.T) {
			resp, body := send(t, c, http.MethodGet, "/v1/media/cup-final/context?position=50&"+tc.query)
			checkProblem(t, resp, body, http.StatusBadRequest, tc.parameter)
		})
	}
	resp, body := send(t, c, http.MethodGet, "/v1/media/cup-final/context?position=50&profile="+strings.Repeat("%C3%A9", 256))
	if resp.StatusCode != http.StatusOK || len(e.asked) != 1 {
		t.Errorf("256 characters: %d %s", resp.StatusCode, body)
	}
}

// TestViewerOfToken has the token's viewer win over what an address says.
func TestViewerOfToken(t *testing.T) {
	secret := bytes.Repeat([]byte("s3cret"), 8)
	access, err := httpapi.NewAccess(httpapi.AccessConfig{
		JWT: &httpapi.JWTConfig{SecretFile: write(t, filepath.Join(t.TempDir(), "secret"), secret)}, Log: quiet(),
	})
	if err != nil {
		t.Fatal(err)
	}
	e := new(fakeEngagement)
	c := client(t, httpapi.NewViewer(httpapi.ViewerConfig{
		Media: cup(), Engagement: e, Access: access, Registerer: prometheus.NewRegistry(), Log: quiet(),
	}))
	p1 := jwt.MapClaims{"sub": "p1", "profile": map[string]any{"age": 34}}
	for name, tc := range map[string]struct {
		claims jwt.MapClaims
		query  string
		status int
		viewer string
		has    bool // attributes
	}{
		"engage":            {p1, "engage=1", 200, "p1", true},
		"own profile":       {p1, "profile=p1", 200, "p1", true},
		"another's profile": {p1, "profile=p2", 403, "", false},
		"no profile":        {jwt.MapClaims{"sub": "p1"}, "engage=1", 200, "p1", false},
		"no subject":        {jwt.MapClaims{}, "profile=p2", 200, "p2", false},
		"hostile subject":   {jwt.MapClaims{"sub": "a\nb"}, "engage=1", 403, "", false},
		"not engaged":       {jwt.MapClaims{"sub": "a\nb"}, "", 200, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			e.asked = nil
			tc.claims["exp"] = time.Now().Add(time.Hour).Unix()
			token := signed(t, jwt.SigningMethodHS256, secret, "", tc.claims)
			resp, body := send(t, c, http.MethodGet, "/v1/media/cup-final/context?position=50&"+tc.query, "Authorization", "Bearer "+token)
			if tc.status != http.StatusOK {
				checkProblem(t, resp, body, tc.status, "profile")
			}
			if resp.StatusCode != tc.status {
				t.Fatalf("status %d: %s", resp.StatusCode, body)
			}
			asked := len(e.asked) == 1 && e.asked[0].Viewer == tc.viewer && (e.asked[0].Attributes != nil) == tc.has
			if want := tc.status == http.StatusOK && tc.query != ""; asked != want {
				t.Errorf("asked %+v", e.asked)
			}
			if tc.has {
				if diff := cmp.Diff(map[string]any{"age": 34.0}, e.asked[0].Attributes, cmpopts.EquateApprox(0, 0)); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
	resp, body := post(t, c, http.MethodPost, "/v1/decisions/d1/events", "application/json", `{"type":"view"}`)
	checkProblem(t, resp, body, http.StatusUnauthorized, "")
}
