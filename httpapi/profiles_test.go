package httpapi_test

import (
	"bufio"
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
	"github.com/prometheus/common/expfmt"
	"github.com/valyala/fasthttp/fasthttputil"

	"spotter/httpapi"
)

// fakeProfiles keeps profiles in a map.
type fakeProfiles struct {
	mu   sync.Mutex
	kept map[string]string
	size int64 // of what was imported
}

// Profile implements httpapi.Profiles.
func (f *fakeProfiles) Profile(id string) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if one, ok := f.kept[id]; ok {
		return []byte(one), nil
	}
	return nil, fmt.Errorf("read %q: %w", id, httpapi.ErrUnknownProfile)
}

// PutProfile implements httpapi.Profiles.
func (f *fakeProfiles) PutProfile(id string, body []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case id == "broken":
		return errors.New("disk is full")
	case id == "panics":
		panic("broken profiles")
	case !strings.HasPrefix(string(body), "{"):
		return fmt.Errorf("put: %w", httpapi.Faults{"not an object", "nor anything else"})
	}
	f.kept[id] = string(body)
	return nil
}

// EraseViewer implements httpapi.Profiles.
func (f *fakeProfiles) EraseViewer(id string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.kept, id)
	return nil
}

// ImportProfiles implements httpapi.Profiles.
func (f *fakeProfiles) ImportProfiles(r io.Reader) (n int, err error) {
	var faults httpapi.Faults
	lines := bufio.NewScanner(r)
	for at := 1; lines.Scan(); at++ {
		f.size += int64(len(lines.Bytes())) + 1
		switch {
		case lines.Text() == "full":
			return n, errors.New("disk is full")
		case lines.Text() == "bad":
			faults = append(faults, fmt.Sprintf("line %d: not an object", at))
		default:
			n++
		}
	}
	if lines.Err() != nil {
		return n, fmt.Errorf("import: %w", lines.Err())
	}
	if faults != nil {
		return n, faults
	}
	return n, nil
}

// newKeeper returns an admin API with engagement.
func newKeeper(p httpapi.Profiles, i httpapi.Instruments) *httpapi.Server {
	reg := prometheus.NewRegistry()
	return httpapi.NewAdmin(httpapi.AdminConfig{Registerer: reg, Gatherer: reg, Profiles: p, Instruments: i, Log: quiet()})
}

// adminQuestion is a request of the admin API and what it is answered with.
type adminQuestion struct {
	name, method, path, contentType, body string
	status                                int
	want                                  string // contained in the answer
}

// checkAdmin asks one after the other, and holds the answers against the description.
func checkAdmin(t *testing.T, s *httpapi.Server, pattern func(path string) string, questions []adminQuestion) {
	t.Helper()
	d := describe(t)
	c := client(t, s)
	for _, tc := range questions {
		t.Run(tc.name, func(t *testing.T) {
			resp, body := post(t, c, tc.method, tc.path, tc.contentType, tc.body)
			if resp.StatusCode != tc.status || !strings.Contains(body, tc.want) || tc.want == "" && body != "" {
				t.Errorf("status %d: %s", resp.StatusCode, body)
			}
			if resp.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("cached %q", resp.Header.Get("Cache-Control"))
			}
			d.check(t, pattern(tc.path), resp, body)
		})
	}
}

func profilePattern(path string) string {
	if rest, ok := strings.CutPrefix(path, "/v1/profiles/"); ok && rest != "" {
		return "/v1/profiles/{id}"
	}
	return "/v1/profiles"
}

func TestProfiles(t *testing.T) {
	const kind, lines = "application/json", "application/x-ndjson"
	f := &fakeProfiles{kept: make(map[string]string)}
	checkAdmin(t, newKeeper(f, nil), profilePattern, []adminQuestion{
		{"not known", "GET", "/v1/profiles/p1", "", "", 404, "no profile"},
		{"put", "PUT", "/v1/profiles/p1", kind, `{"age":34}`, 204, ""},
		{"put again", "PUT", "/v1/profiles/p1", kind, `{"age":35,"likes":["film"]}`, 204, ""},
		{"get", "GET", "/v1/profiles/p1", "", "", 200, `{"age":35,"likes":["film"]}`},
		{"escaped", "PUT", "/v1/profiles/a%2Fb%20%C3%A9", kind, `{}`, 204, ""},
		{"erase", "DELETE", "/v1/profiles/p1", "", "", 204, ""},
		{"erase again", "DELETE", "/v1/profiles/p1", "", "", 204, ""},
		{"erased", "GET", "/v1/profiles/p1", "", "", 404, "no profile"},
		{"faults", "PUT", "/v1/profiles/p1", kind, `x`, 400, `it has 2 faults","faults":["not an object","nor anything else"]`},
		{"as text", "PUT", "/v1/profiles/p1", "text/plain", `{}`, 415, "application/json"},
		{"as curl -d says", "PUT", "/v1/profiles/a%2Fb%20%C3%A9", "application/x-www-form-urlencoded", `{}`, 204, ""},
		{"no type", "PUT", "/v1/profiles/p1", "", `{}`, 415, "application/json"},
		{"too large", "PUT", "/v1/profiles/p1", kind, "{" + strings.Repeat(" ", 64<<10), 413, "65536 bytes"},
		{"an id of control characters", "PUT", "/v1/profiles/a%00", kind, `{}`, 400, `"parameter":"id"`},
		{"an id that is too long", "GET", "/v1/profiles/" + strings.Repeat("x", 257), "", "", 400, `"parameter":"id"`},
		{"disk full", "PUT", "/v1/profiles/broken", kind, `{}`, 500, "disk is full"},
		{"panic", "PUT", "/v1/profiles/panics", kind, `{}`, 500, "its log says why"},
		{"import", "POST", "/v1/profiles", lines, "{}\nbad\n{}\n", 200, `{"imported":2,"faults":["line 2: not an object"]}`},
		{"import as curl says", "POST", "/v1/profiles", "application/x-www-form-urlencoded", "{}\n{}", 200, `{"imported":2,"faults":[]}`},
		{"import nothing", "POST", "/v1/profiles", lines, "", 200, `{"imported":0,"faults":[]}`},
		{"import with many faults", "POST", "/v1/profiles", lines, strings.Repeat("bad\n", 150) + "{}", 200, `"line 100: not an object"]}`},
		{"import to a full disk", "POST", "/v1/profiles", lines, "{}\nfull\n", 500, "disk is full"},
		{"import of JSON", "POST", "/v1/profiles", kind, "{}", 415, "application/x-ndjson"},
	})
	if diff := cmp.Diff(map[string]string{"a/b é": "{}"}, f.kept); diff != "" {
		t.Error(diff)
	}
}

// zeros is an endless body of lines.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '0'
		if i%100 == 99 {
			p[i] = '\n'
		}
	}
	return len(p), nil
}

// TestLargeImports sends more than other bodies may have, and more than an import may have, with and without saying how much it is.
func TestLargeImports(t *testing.T) {
	for name, tc := range map[string]struct {
		size   int64
		said   bool
		status int
		want   string
	}{
		"said":              {1 << 20, true, 200, `"faults":[]}`},
		"in chunks":         {1 << 20, false, 200, `"faults":[]}`},
		"all that may be":   {64 << 20, true, 200, `"faults":[]}`},
		"too large, chunks": {64<<20 + 1, false, 413, "67108864 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && tc.size > 1<<20 {
				t.Skip("long")
			}
			f := new(fakeProfiles)
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://spotter/v1/profiles", io.LimitReader(zeros{}, tc.size))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/x-ndjson")
			if tc.said {
				req.ContentLength = tc.size
			}
			resp, err := client(t, newKeeper(f, nil)).Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != tc.status || !strings.Contains(string(body), tc.want) {
				t.Errorf("status %d, %v: %s", resp.StatusCode, err, body)
			}
			if tc.status == http.StatusOK && f.size != tc.size && f.size != tc.size+1 { // the last line may have no end
				t.Errorf("%d bytes were read", f.size)
			}
		})
	}
}

// TestImportThatSaysItIsTooLarge is refused before any of it is sent.
func TestImportThatSaysItIsTooLarge(t *testing.T) {
	ln := fasthttputil.NewInmemoryListener()
	clientOn(t, newKeeper(new(fakeProfiles), nil), ln, nil)
	conn, err := ln.Dial()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// What fills the server's read-ahead is all that is sent.
	if _, err := fmt.Fprintf(conn, "POST /v1/profiles HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-ndjson\r\nContent-Length: %d\r\n\r\n%s",
		64<<20+1, strings.Repeat("x", 64<<10)); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	checkProblem(t, resp, string(body), http.StatusRequestEntityTooLarge, "")
}

// TestImportCutOff hangs up in the middle.
func TestImportCutOff(t *testing.T) {
	f := new(fakeProfiles)
	ln := fasthttputil.NewInmemoryListener()
	clientOn(t, newKeeper(f, nil), ln, nil)
	conn, err := ln.Dial()
	if err != nil {
		t.Fatal(err)
	}
	// More than is read ahead, so that the handler begins.
	if _, err := fmt.Fprintf(conn, "POST /v1/profiles HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-ndjson\r\nContent-Length: 1000000\r\n\r\n%s", strings.Repeat("{}\n", 50_000)); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestEngagementIsOff(t *testing.T) {
	checkAdmin(t, newAdmin(nil), func(path string) string {
		return strings.NewReplacer("/profiles/p1", "/profiles/{id}", "/instruments/x", "/instruments/{id}").Replace(path)
	}, []adminQuestion{
		{"profile", "GET", "/v1/profiles/p1", "", "", 404, "no section engage"},
		{"put profile", "PUT", "/v1/profiles/p1", "application/json", "{}", 404, "no section engage"},
		{"erase", "DELETE", "/v1/profiles/p1", "", "", 404, "no section engage"},
		{"import", "POST", "/v1/profiles", "application/x-ndjson", "{}", 404, "no section engage"},
		{"instruments", "GET", "/v1/instruments", "", "", 404, "no section engage"},
		{"instrument", "GET", "/v1/instruments/x", "", "", 404, "no section engage"},
		{"statistics", "GET", "/v1/engagement", "", "", 404, "no section engage"},
	})
}

// TestViewerIDsAreNeverTold asks for a viewer in every way, good and bad, and looks for the id in the log and the metrics.
func TestViewerIDsAreNeverTold(t *testing.T) {
	const id = "viewer-4711"
	var log logged
	reg := prometheus.NewRegistry()
	admin := httpapi.NewAdmin(httpapi.AdminConfig{
		Registerer: reg, Gatherer: reg, Profiles: &hostileProfiles{fakeProfiles{kept: make(map[string]string)}}, Log: log.logger(),
	})
	if err := admin.RequireToken(write(t, filepath.Join(t.TempDir(), "token"), []byte("0123456789abcdef")), log.logger()); err != nil {
		t.Fatal(err)
	}
	viewer := httpapi.NewViewer(httpapi.ViewerConfig{Media: hazard{cup()}, Engagement: new(fakeEngagement), Registerer: reg, Log: log.logger()})
	a, v := client(t, admin), client(t, viewer)
	token := []string{"Authorization", "Bearer 0123456789abcdef"}
	for _, method := range []string{"GET", "PUT", "DELETE", "POST", "PATCH"} {
		for _, path := range []string{"/v1/profiles/" + id, "/v1/profiles/" + id + "/x", "/v1/profiles/" + id + "%00", "/v1/profiles?id=" + id} {
			post(t, a, method, path, "application/json", `{}`, token...)
			post(t, a, method, path, "text/plain", `{}`)
		}
	}
	post(t, a, "POST", "/v1/profiles", "application/x-ndjson", `{"id":"`+id+`"}`, token...)
	for _, media := range []string{"cup-final", "panics", "early", "other"} {
		send(t, v, "GET", "/v1/media/"+media+"/context?position=50&profile="+id)
	}
	send(t, v, "GET", "/v1/context?media=panics&position=50&profile="+id)
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := new(strings.Builder)
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(out, f); err != nil {
			t.Fatal(err)
		}
	}
	if told := out.String() + log.String(); strings.Contains(told, id) || !strings.Contains(told, "panicked") {
		t.Errorf("told: %s", log.String())
	}
}

// hostileProfiles fails with an error that has the viewer's id.
type hostileProfiles struct{ fakeProfiles }

// EraseViewer implements httpapi.Profiles.
func (*hostileProfiles) EraseViewer(id string) error { return fmt.Errorf("erase %q: disk is full", id) }
