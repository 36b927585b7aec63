package httpapi_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAnswers(t *testing.T) {
	const cupStatus = `{"media":"cup-final","state":"live","live_edge":125.5,"analyzed_until":120.0,` +
		`"started_at":"2026-11-23T14:00:00Z","source":"rekognition",` +
		`"faults":[{"at":"2026-11-23T14:00:00Z","kind":"fetch","message":"404 <b>","count":3}]}`
	const warmUpStatus = `{"media":"warm-up","state":"waiting","live_edge":null,"analyzed_until":null,` +
		`"started_at":null,"source":null,"faults":[]}`
	const hostileStatus = `{"media":"<b>&/\"é","state":"stopped","live_edge":null,"analyzed_until":null,` +
		`"started_at":null,"source":null,"faults":[]}`
	const couch = `{"name":"Couch","confidence":93.4,"from":40.0,"until":50.25,"source":"onnx"}`
	const window = `{"media":"cup-final","from":40.0,"until":55.0,"analyzed_until":120.0,"complete":true,` +
		`"celebrities":[{"name":"Lin-Manuel Miranda","id":"3Ir0du6","urls":["www.imdb.com/name/nm0592135"],` +
		`"confidence":99.1,"from":45.0,"until":50.25,"source":"rekognition"}],"objects":[` + couch + `]`
	const first = `{"media":"cup-final","from":10.0,"until":45.0,"source":"onnx","revision":1,` +
		`"celebrities":[],"objects":[{"name":"Couch","confidence":93.4}]}`
	const second = `{"media":"cup-final","from":45.0,"until":50.25,"source":"rekognition","revision":2,` +
		`"celebrities":[{"name":"Lin-Manuel Miranda","id":"3Ir0du6","urls":["www.imdb.com/name/nm0592135"],"confidence":99.1}],` +
		`"objects":[{"name":"Couch","confidence":90}]}`

	cases := []struct{ name, path, want string }{
		{"all media", "/v1/media", `{"media":[` + cupStatus + `,` + warmUpStatus + `,` + hostileStatus + `]}`},
		{"one media", "/v1/media/cup-final", cupStatus},
		{"nothing known", "/v1/media/warm-up", warmUpStatus},
		{"escaped id", "/v1/media/%3Cb%3E&%2F%22%C3%A9", hostileStatus},
		{"window", "/v1/media/cup-final/context?position=50&backward=10&forward=5", window + `}`},
		{"by time", "/v1/media/cup-final/context?time=2026-11-23T14:00:50Z&backward=10&forward=5", window + `}`},
		{"time zone", "/v1/media/cup-final/context?time=2026-11-23T16:00:50%2B02:00&backward=10&forward=5", window + `}`},
		{"time zone unescaped", "/v1/media/cup-final/context?time=2026-11-23T16:00:50+02:00&backward=10&forward=5", window + `}`},
		{"engage", "/v1/media/cup-final/context?position=50&backward=10&forward=5&engage=1", window + `,"instruments":[]}`},
		{"do not engage", "/v1/media/cup-final/context?position=50&backward=10&forward=5&engage=0", window + `}`},
		{"profile", "/v1/media/cup-final/context?position=50&backward=10&forward=5&profile=p1", window + `,"instruments":[]}`},
		{"empty profile", "/v1/media/cup-final/context?position=50&backward=10&forward=5&profile=", window + `}`},
		{"unknown parameters", "/v1/media/cup-final/context?utm=1&position=50&backward=10&utm=2&forward=5", window + `}`},
		{
			"escaped id without a window", "/v1/media/%3Cb%3E&%2F%22%C3%A9/context?position=1",
			`{"media":"<b>&/\"é","from":1.0,"until":1.0,"analyzed_until":null,"complete":false,"celebrities":[],"objects":[]}`,
		},
		{
			"nobody", "/v1/media/cup-final/context?position=60.5",
			`{"media":"cup-final","from":60.5,"until":60.5,"analyzed_until":120.0,"complete":true,"celebrities":[],"objects":[]}`,
		},
		{
			"not yet", "/v1/media/cup-final/context?position=120&forward=1",
			`{"media":"cup-final","from":120.0,"until":121.0,"analyzed_until":120.0,"complete":false,"celebrities":[],"objects":[]}`,
		},
		{
			"before zero", "/v1/media/warm-up/context?position=-1.5",
			`{"media":"warm-up","from":-1.5,"until":-1.5,"analyzed_until":null,"complete":false,"celebrities":[],"objects":[]}`,
		},
		{
			"an hour", "/v1/media/warm-up/context?position=0&forward=3600",
			`{"media":"warm-up","from":0.0,"until":3600.0,"analyzed_until":null,"complete":false,"celebrities":[],"objects":[]}`,
		},
		{"timeline", "/v1/media/cup-final/timeline?from=46&until=50", `{"observations":[` + second + `],"breaks":[]}`},
		{"timeline by default", "/v1/media/cup-final/timeline", `{"observations":[` + first + `,` + second + `],"breaks":[]}`},
		{"timeline until the end", "/v1/media/cup-final/timeline?from=45", `{"observations":[` + second + `],"breaks":[]}`},
		{"timeline from the start", "/v1/media/cup-final/timeline?until=20", `{"observations":[` + first + `],"breaks":[]}`},
		{"timeline after the end", "/v1/media/cup-final/timeline?from=4500", `{"observations":[],"breaks":[]}`},
		{"timeline of nothing", "/v1/media/warm-up/timeline", `{"observations":[],"breaks":[]}`},
	}
	c := client(t, newViewer(cup()))
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			resp, body := send(t, c, http.MethodGet, tc.path)
			if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "application/json" {
				t.Errorf("status %d, type %q", resp.StatusCode, resp.Header.Get("Content-Type"))
			}
			if resp.Header.Get("Access-Control-Allow-Origin") != "*" || resp.Header.Get("Server") != "spotter" {
				t.Errorf("headers: %v", resp.Header)
			}
			if diff := cmp.Diff(tc.want, body); diff != "" {
				t.Error(diff)
			}
			head, none := send(t, c, http.MethodHead, tc.path)
			if head.StatusCode != http.StatusOK || head.ContentLength != int64(len(tc.want)) || none != "" {
				t.Errorf("HEAD: status %d, length %d, body %q", head.StatusCode, head.ContentLength, none)
			}
		})
	}
}

func TestProblems(t *testing.T) {
	const look, list = "/v1/media/cup-final/context?", "/v1/media/cup-final/timeline?"
	cases := []struct {
		name, method, path string
		status             int
		parameter          string
	}{
		{"no position", "GET", look, 400, "position"},
		{"position and time", "GET", look + "position=1&time=2026-11-23T14:00:00Z", 400, "time"},
		{"position empty", "GET", look + "position=", 400, "position"},
		{"position without value", "GET", look + "position", 400, "position"},
		{"position a word", "GET", look + "position=now", 400, "position"},
		{"position with exponent", "GET", look + "position=1e3", 400, "position"},
		{"position infinite", "GET", look + "position=Inf", 400, "position"},
		{"position not a number", "GET", look + "position=NaN", 400, "position"},
		{"position out of range", "GET", look + "position=99999999999999", 400, "position"},
		{"position twice", "GET", look + "position=1&position=1", 400, "position"},
		{"position twice, once escaped", "GET", look + "position=1&%70osition=1", 400, "position"},
		{"backward negative", "GET", look + "position=1&backward=-1", 400, "backward"},
		{"backward a word", "GET", look + "position=1&backward=ten", 400, "backward"},
		{"backward twice", "GET", look + "position=1&backward=1&backward=2", 400, "backward"},
		{"backward too long", "GET", look + "position=1&backward=3600.001", 400, "backward"},
		{"forward negative", "GET", look + "position=1&forward=-0.001", 400, "forward"},
		{"forward too long", "GET", look + "position=1&backward=1800&forward=1800.001", 400, "forward"},
		{"forward twice", "GET", look + "position=1&forward=1&forward=", 400, "forward"},
		{"offsets at the far end", "GET", look + "position=1&backward=31536000000&forward=31536000000", 400, "backward"},
		{"time a word", "GET", look + "time=noon", 400, "time"},
		{"time without zone", "GET", look + "time=2026-11-23T14:00:00", 400, "time"},
		{"time twice", "GET", look + "time=2026-11-23T14:00:00Z&time=2026-11-23T14:00:00Z", 400, "time"},
		{"engage unclear", "GET", look + "position=1&engage=yes", 400, "engage"},
		{"profile twice", "GET", look + "position=1&profile=a&profile=b", 400, "profile"},
		{"from a word", "GET", list + "from=start", 400, "from"},
		{"from twice", "GET", list + "from=1&from=1", 400, "from"},
		{"until a word", "GET", list + "until=end", 400, "until"},
		{"until twice", "GET", list + "until=1&until=1", 400, "until"},
		{"until before from", "GET", list + "from=2&until=1.999", 400, "until"},
		{"timeline too long", "GET", list + "from=0&until=43200.001", 400, "from"},
		{"unknown media", "GET", "/v1/media/other", 404, ""},
		{"unknown media's context", "GET", "/v1/media/other/context?position=1", 404, ""},
		{"unknown media's context, bad query", "GET", "/v1/media/other/context", 404, ""},
		{"unknown media's timeline", "GET", "/v1/media/other/timeline", 404, ""},
		{"broken escape", "GET", "/v1/media/%25zz/context?position=1", 404, ""},
		{"no media", "GET", "/v1/media//context?position=1", 404, ""},
		{"id over two segments", "GET", "/v1/media/a/b/context?position=1", 404, ""},
		{"unknown route", "GET", "/v2", 404, ""},
		{"trailing slash", "GET", "/v1/media/", 404, ""},
		{"dots", "GET", "/../../etc/passwd", 404, ""},
		{"admin route", "GET", "/metrics", 404, ""},
		{"post context", "POST", look + "position=1", 405, ""},
		{"delete media", "DELETE", "/v1/media/cup-final", 405, ""},
		{"put page", "PUT", "/", 405, ""},
		{"unheard-of method", "BREW", "/v1/media", 405, ""},
		{"panic", "GET", "/v1/media/panics/context?position=1", 500, ""},
		{"panic in the router's route", "GET", "/v1/media/panics/timeline", 500, ""},
	}
	c := client(t, newViewer(cup()))
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			resp, body := send(t, c, tc.method, tc.path)
			checkProblem(t, resp, body, tc.status, tc.parameter)
			if resp.Header.Get("Access-Control-Allow-Origin") != "*" {
				t.Error("a page on another origin cannot read the problem")
			}
			if allow := resp.Header.Get("Allow"); (tc.status == 405) != (allow == "GET, HEAD, OPTIONS") {
				t.Errorf("allow %q", allow)
			}
			if strings.Contains(body, "warm-up") {
				t.Error("the problem names other media")
			}
		})
	}
}

func checkProblem(t *testing.T, resp *http.Response, body string, status int, parameter string) {
	t.Helper()
	var got struct {
		Type, Title, Detail, Parameter string
		Status                         int
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	if resp.StatusCode != status || got.Status != status || got.Parameter != parameter ||
		got.Type != "about:blank" || got.Title == "" || got.Detail == "" {
		t.Errorf("status %d: %s", resp.StatusCode, body)
	}
	if ct := resp.Header.Get("Content-Type"); ct != "application/problem+json" {
		t.Errorf("type %q", ct)
	}
}

func TestTimeWithoutWallClock(t *testing.T) {
	m := cup()
	m.zero = time.Time{}
	resp, body := send(t, client(t, newViewer(m)), http.MethodGet, "/v1/media/cup-final/context?time=2026-11-23T14:00:00Z")
	checkProblem(t, resp, body, 400, "time")
}

func TestPreflight(t *testing.T) {
	c := client(t, newViewer(cup()))
	for _, path := range []string{"/v1/media", "/v1/media/cup-final", "/v1/media/cup-final/context", "/v1/media/cup-final/timeline"} {
		resp, body := send(t, c, http.MethodOptions, path, "Origin", "https://player.example", "Access-Control-Request-Method", "GET")
		got := []string{resp.Status, body, resp.Header.Get("Access-Control-Allow-Origin"), resp.Header.Get("Access-Control-Allow-Methods")}
		if diff := cmp.Diff([]string{"204 No Content", "", "*", "GET, HEAD"}, got); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
	resp, body := send(t, c, http.MethodOptions, "/v2")
	checkProblem(t, resp, body, 404, "")
}

func TestContextCaching(t *testing.T) {
	c := client(t, newViewer(cup()))
	for path, want := range map[string]string{"": "public, max-age=1", "&profile=p1": "no-store", "&engage=1": "no-store", "&engage=2": "no-store"} {
		resp, _ := send(t, c, http.MethodGet, "/v1/media/cup-final/context?position=1"+path)
		if got := resp.Header.Get("Cache-Control"); got != want {
			t.Errorf("%q: %q, want %q", path, got, want)
		}
	}
}

func TestPage(t *testing.T) {
	resp, body := send(t, client(t, newViewer(cup())), http.MethodGet, "/")
	policy := resp.Header.Get("Content-Security-Policy")
	if !strings.HasPrefix(policy, "default-src 'none'; ") || strings.Contains(policy, "unsafe") {
		t.Error(policy)
	}
	for _, element := range []string{"script", "style"} {
		parts := strings.Split(body, "<"+element+">")
		if len(parts) != 2 {
			t.Fatalf("%d elements %s", len(parts)-1, element)
		}
		content, _, _ := strings.Cut(parts[1], "</"+element+">")
		sum := sha256.Sum256([]byte(content))
		if want := element + "-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "';"; !strings.Contains(policy, want) {
			t.Errorf("%s lacks %s", policy, want)
		}
	}
	for _, forbidden := range []string{"innerHTML", "insertAdjacent", "document.write", " style=", " onclick=", "src=\"http", "href=\"http", "url("} {
		if strings.Contains(body, forbidden) {
			t.Errorf("the page has %q", forbidden)
		}
	}
}
