package httpapi_test

import (
	"bufio"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"spotter/httpapi"
	"spotter/internal/mediatest"
	"spotter/timeline"
)

// TestOpenAPIIsValid holds the description against the standard with the reference validator, which make setup-cloud installs.
func TestOpenAPIIsValid(t *testing.T) {
	python, err := filepath.Abs("../.build/cloud-python/bin/python3")
	if err != nil {
		t.Fatal(err)
	}
	if exec.Command(python, "-c", "import openapi_spec_validator").Run() != nil {
		t.Skip("openapi-spec-validator is not there; make setup-cloud installs it")
	}
	resp, body := send(t, client(t, newViewer(cup())), http.MethodGet, "/openapi.json")
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("status %d, type %q: %s", resp.StatusCode, resp.Header.Get("Content-Type"), body)
	}
	path := filepath.Join(t.TempDir(), "openapi.json")
	if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(python, "-m", "openapi_spec_validator", "--schema", "3.1", path).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

func TestOpenAPIIsCached(t *testing.T) {
	c := client(t, newViewer(cup()))
	for _, path := range []string{"/openapi.json", "/client/index.js"} {
		resp, _ := send(t, c, http.MethodGet, path)
		tag := resp.Header.Get("ETag")
		if control := resp.Header.Get("Cache-Control"); control != "public, max-age=3600" {
			t.Errorf("%s: cached %q", path, control)
		}
		// The client of Go asks for gzip by itself, and so it does with the tag.
		if resp, body := send(t, c, http.MethodGet, path, "If-None-Match", tag); resp.StatusCode != http.StatusNotModified || body != "" {
			t.Errorf("%s: status %d, %d bytes", path, resp.StatusCode, len(body))
		}
	}
}

// TestOpenAPIHasEveryRoute holds the description against both routers.
func TestOpenAPIHasEveryRoute(t *testing.T) {
	d := describe(t)
	var described []string
	for path, item := range d.document["paths"].(map[string]any) {
		for method := range item.(map[string]any) {
			switch method {
			case "get":
				described = append(described, "GET "+path, "HEAD "+path)
			case "post", "put", "delete":
				described = append(described, strings.ToUpper(method)+" "+path)
			}
		}
	}
	var routed []string
	for _, s := range []*httpapi.Server{newViewer(cup()), newAdmin(new(fakeControl))} {
		for path, methods := range httpapi.Routes(s) {
			for _, method := range methods {
				routed = append(routed, method+" "+path)
			}
		}
	}
	slices.Sort(described)
	slices.Sort(routed)
	if diff := cmp.Diff(routed, described); diff != "" {
		t.Errorf("routes that are there (-) and described (+):\n%s", diff)
	}
}

// builtOnly are there where the program was built with its page; page_test.go asks for them.
var builtOnly = map[string]bool{"/assets/{file}": true, "/licences.md": true}

// TestOpenAPIExamples asks what the examples of parameters say, of the event that the examples tell of.
func TestOpenAPIExamples(t *testing.T) {
	d := describe(t)
	c := client(t, newViewer(twoMedia()))
	for path, item := range d.document["paths"].(map[string]any) {
		op, ok := d.operation(path, http.MethodGet)
		if !ok || item.(map[string]any)["servers"] != nil || strings.HasPrefix(path, "/admin/") || strings.HasSuffix(path, "/live") || strings.Contains(path, "/hls/") || builtOnly[path] {
			continue
		}
		t.Run(strings.ReplaceAll(path, "/", " "), func(t *testing.T) {
			resp, body := send(t, c, http.MethodGet, d.exampleAddress(path, op))
			if resp.StatusCode != http.StatusOK {
				t.Fatalf("status %d: %s", resp.StatusCode, body)
			}
			d.check(t, path, resp, body)
			m, _ := mediaType(d.response(op, http.StatusOK), resp.Header.Get("Content-Type"))
			example, ok := m["example"]
			if !ok {
				return
			}
			var got any = body
			if strings.HasSuffix(resp.Header.Get("Content-Type"), "json") {
				var err error
				if got, err = jsonschema.UnmarshalJSON(strings.NewReader(body)); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(example, got, sameNumbers); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestOpenAPIExamplesFit holds every example, those of problems and of the admin API too, against its schema.
func TestOpenAPIExamplesFit(t *testing.T) {
	d := describe(t)
	fit := func(t *testing.T, response map[string]any) {
		content, _ := response["content"].(map[string]any)
		for _, m := range content {
			m := m.(map[string]any)
			if example, ok := m["example"]; ok {
				d.validate(t, m["schema"], example)
			}
		}
	}
	for path, item := range d.document["paths"].(map[string]any) {
		for method, op := range item.(map[string]any) {
			op, ok := op.(map[string]any)
			if !ok {
				continue
			}
			t.Run(method+strings.ReplaceAll(path, "/", " "), func(t *testing.T) {
				for status := range maps.Keys(op["responses"].(map[string]any)) {
					fit(t, d.resolve(op["responses"].(map[string]any)[status]))
				}
			})
		}
	}
}

// advertised is the cup with breaks, and with an entity that has all that one can have.
func advertised() *mediatest.Box {
	events := mediatest.Cup()
	events[1].Timeline = timeline.New([]*timeline.Observation{{
		Media: mediatest.CupFinal, Span: timeline.Span{From: 60_000, Until: 64_000}, Source: timeline.SourceONNX, Revision: 3,
		Celebrities: []timeline.Entity{{Name: "<&\"\u2028>", ID: "x", URLs: []string{"u", "v"}, Confidence: 12.345}},
		Objects:     []timeline.Entity{{Name: "Couch", Parents: []string{"Furniture"}, Aliases: []string{"Sofa"}, Confidence: 100}},
	}}, []timeline.Span{{From: 0, Until: 120_000}}).WithBreaks([]timeline.Break{
		{ID: "7", Span: timeline.Span{From: 60_000, Until: 75_500}, Skipped: true},
		{Span: timeline.Span{From: 90_000, Until: 90_000}, Open: true},
	})
	return mediatest.NewBox(events...)
}

// viewerQuestions are what answers are held against the description of: all routes, well and badly asked.
var viewerQuestions = map[string][]string{
	"/":                                      {"/"},
	"/assets/{file}":                         {"/assets/none.js", "/assets/.."},
	"/licences.md":                           {"/licences.md"},
	"/openapi.json":                          {"/openapi.json"},
	"/client/{file}":                         {"/client/index.js", "/client/live.js", "/client/index.d.ts", "/client/package.json", "/client/.."},
	"/v1/media":                              {"/v1/media"},
	"/v1/media/{media}":                      {"/cup-final", "/warm-up", "/%3Cb%3E&%2F%22%C3%A9", "/other"},
	"/v1/media/{media}/timeline":             {"?", "?from=0&until=59", "?from=46&until=200", "?from=x", "?from=2&until=1", "?from=0&until=99999"},
	"/v1/media/{media}/context":              {"?position=62", "?position=62&backward=60&forward=60&engage=1", "?time=2026-11-23T14:01:00Z", "?", "?position=x", "?position=1&time=x", "?position=1&backward=-1", "?position=62&profile=p1&decision=x", "?position=1&profile=%00"},
	"/v1/context":                            {"?media=cup-final,warm-up,other&position=62", "?media=a,,b&position=1", "?media=cup-final,other&position=62&engage=1", "?media=cup-final&position=62&engage=1&decision=a,b", "?position=1", "?media=cup-final"},
	"/v1/media/{media}/live":                 {"?from=x", "?last_event_id=x"},
	"/v1/overview":                           {"/v1/overview"},
	"/v1/overview/live":                      {"/v1/overview/live"},
	"/v1/media/{media}/thumbnails":           {"?", "?from=0&until=59", "?from=x", "?from=2&until=1", "?from=0&until=99999"},
	"/v1/media/{media}/thumbnails/{picture}": {"46500.jpg", "46501.jpg", "046500.jpg", "x"},
	"/v1/media/{media}/metadata.m3u8":        {"?", "?from=0", "?from=x"},
	"/v1/media/{media}/dateranges.m3u8":      {"?", "?from=0", "?from=x"},
	"/v1/media/{media}/timeline.vtt":         {"?", "?from=x"},
	"/v1/media/{media}/windows/{window}":     {"0-10", "60-75", "110-120", "120-180", "41-56", "-10-0"},
	"/v1/media/{media}/hls/{resource}":       {"index.m3u8", "index.m3u8?_HLS_msn=x", "index.m3u8?_HLS_skip=NO", "none.ts"},
	"/v1/media/{media}/metadata/{segment}":   {"0.vtt", "6.vtt?mpegts=900000", "12.vtt", "x", "1.vtt?mpegts=x"},
}

// addresses returns the addresses of a path's questions, of each of some media.
func addresses(path string, questions []string) []string {
	var list []string
	for _, q := range questions {
		switch {
		case strings.HasPrefix(q, "?") && strings.Contains(path, "{media}"):
			for _, media := range []string{"cup-final", "warm-up", "other"} {
				list = append(list, strings.ReplaceAll(path, "{media}", media)+q)
			}
		case strings.HasPrefix(q, "?"):
			list = append(list, path+q)
		case path == "/v1/media/{media}":
			list = append(list, "/v1/media"+q)
		case strings.HasPrefix(q, "/"):
			list = append(list, q)
		default:
			base, _, _ := strings.Cut(strings.ReplaceAll(path, "{media}", "cup-final"), "{")
			list = append(list, base+q)
		}
	}
	return list
}

// TestAnswersAreAsDescribed holds answers to all routes of the viewer API against their schemas, which are closed: a member or
// header that is not described fails.
func TestAnswersAreAsDescribed(t *testing.T) {
	d := describe(t)
	keys := filepath.Join(t.TempDir(), "keys")
	key := keyFor(t, keys, "app", "warm-up")
	backends := map[string]struct {
		server  *httpapi.Server
		headers []string
	}{
		"box":         {newViewer(advertised()), nil},
		"engaging":    {engaging(advertised(), new(fakeEngagement)), nil},
		"away":        {newViewer(failing{cup(), func() error { return fmt.Errorf("table: %w", httpapi.ErrUnavailable) }}), nil},
		"broken":      {newViewer(failing{cup(), func() error { return errors.New("no such table") }}), nil},
		"no key":      {guarded(t, httpapi.AccessConfig{KeysFile: keys}), nil},
		"other media": {guarded(t, httpapi.AccessConfig{KeysFile: keys}), []string{"X-API-Key", key}},
		"two keys":    {guarded(t, httpapi.AccessConfig{KeysFile: keys}), []string{"X-API-Key", key, "Authorization", "Bearer " + key}},
		"too often":   {guarded(t, httpapi.AccessConfig{RequestsPerSecond: 0.001, Burst: 1}), nil},
	}
	for path := range d.document["paths"].(map[string]any) {
		if op, ok := d.operation(path, http.MethodGet); ok && !slices.Contains(op["tags"].([]any), any("admin")) && viewerQuestions[path] == nil {
			t.Errorf("nobody asks %s", path)
		}
	}
	for name, b := range backends {
		c := client(t, b.server)
		t.Run(name, func(t *testing.T) {
			for path, questions := range viewerQuestions {
				for _, address := range addresses(path, questions) {
					t.Run(strings.ReplaceAll(address, "/", " "), func(t *testing.T) { d.asDescribed(t, c, path, address, b.headers) })
				}
			}
		})
	}
}

func (d *description) asDescribed(t *testing.T, c *http.Client, path, address string, headers []string) {
	method := http.MethodGet
	if strings.Contains(path, "live") && !strings.Contains(address, "=x") {
		method = http.MethodHead // a stream does not end
	}
	resp, body := send(t, c, method, address, headers...)
	d.check(t, path, resp, body)
	if tag := resp.Header.Get("ETag"); tag != "" {
		resp, body := send(t, c, method, address, append([]string{"If-None-Match", tag}, headers...)...)
		if resp.StatusCode != http.StatusNotModified && resp.StatusCode != http.StatusTooManyRequests {
			t.Errorf("status %d with the tag that it has", resp.StatusCode)
		}
		d.check(t, path, resp, body)
	}
}

// TestAdminAnswersAreAsDescribed does the same for the admin API.
func TestAdminAnswersAreAsDescribed(t *testing.T) {
	d := describe(t)
	ready := newAdmin(new(fakeControl), httpapi.Check{Name: "disk", OK: true, Detail: "12 GiB free"})
	guarded := newAdmin(new(fakeControl), httpapi.Check{Name: "disk"})
	if err := guarded.RequireToken(write(t, filepath.Join(t.TempDir(), "token"), []byte("0123456789abcdef")), quiet()); err != nil {
		t.Fatal(err)
	}
	token := []string{"Authorization", "Bearer 0123456789abcdef"}
	open, closed := client(t, ready), client(t, guarded)
	type question struct {
		name, method, path, address string
		client                      *http.Client
		headers                     []string
		status                      int
	}
	cases := []question{
		{"alive", "GET", "/healthz", "/healthz", closed, nil, 200},
		{"alive in detail", "GET", "/healthz", "/healthz", closed, []string{"Accept", "application/json"}, 200},
		{"ready", "GET", "/readyz", "/readyz", open, nil, 200},
		{"not ready", "GET", "/readyz", "/readyz", closed, token, 503},
		{"no token", "GET", "/readyz", "/readyz", closed, nil, 401},
		{"metrics", "GET", "/metrics", "/metrics", open, nil, 200},
		{"profile", "GET", "/debug/pprof/{profile}", "/debug/pprof/cmdline", open, nil, 200},
		{"heap", "GET", "/debug/pprof/{profile}", "/debug/pprof/heap", open, nil, 200},
		{"no profile", "GET", "/debug/pprof/{profile}", "/debug/pprof/other", open, nil, 404},
	}
	for _, verb := range []string{"start", "stop"} {
		path := "/v1/media/{media}/" + verb
		cases = append(cases,
			question{verb, "POST", path, "/v1/media/cup-final/" + verb, open, nil, 204},
			question{verb + " unknown", "POST", path, "/v1/media/other/" + verb, open, nil, 404},
			question{verb + " fails", "POST", path, "/v1/media/broken/" + verb, open, nil, 500},
			question{verb + " from a page", "POST", path, "/v1/media/cup-final/" + verb, open, []string{"Origin", "null"}, 403},
			question{verb + " without token", "POST", path, "/v1/media/cup-final/" + verb, closed, nil, 401},
		)
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			resp, body := send(t, tc.client, tc.method, tc.address, tc.headers...)
			if resp.StatusCode != tc.status {
				t.Errorf("status %d, want %d", resp.StatusCode, tc.status)
			}
			d.check(t, tc.path, resp, body)
		})
	}
}

// TestEventsAreAsDescribed holds what a stream begins with against the schemas of its events.
func TestEventsAreAsDescribed(t *testing.T) {
	d := describe(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://spotter/v1/media/cup-final/live?from=0", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client(t, newViewer(advertised())).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	d.check(t, "/v1/media/{media}/live", resp, "")
	schemas := map[string]string{"observation": "Observation", "break": "Break", "state": "StateEvent"}
	told := make(map[string]int)
	kind := ""
	for lines := bufio.NewScanner(resp.Body); told["state"] == 0 && lines.Scan(); {
		if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
			kind = name
		}
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			told[kind]++
			value, err := jsonschema.UnmarshalJSON(strings.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			d.validate(t, map[string]any{"$ref": "#/components/schemas/" + schemas[kind]}, value)
		}
	}
	if diff := cmp.Diff(map[string]int{"observation": 1, "break": 2, "state": 1}, told); diff != "" {
		t.Error(diff)
	}
}
