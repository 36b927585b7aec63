package mediatest

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// problems checks what is refused, and with what words.
func problems(t *testing.T, open Backend) {
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
		{"text track's from a word", "GET", "/v1/media/cup-final/timeline.vtt?from=start", 400, "from"},
		{"text track too long", "GET", "/v1/media/cup-final/timeline.vtt?from=0&until=43200.001", 400, "from"},
		{"window a word", "GET", "/v1/media/cup-final/windows/now", 400, "window"},
		{"window off the grid", "GET", "/v1/media/cup-final/windows/41-56", 400, "window"},
		{"window out of range", "GET", "/v1/media/cup-final/windows/0-99999999999999", 400, "window"},
		{"playlist's from a word", "GET", "/v1/media/cup-final/metadata.m3u8?from=start", 400, "from"},
		{"date ranges' from twice", "GET", "/v1/media/cup-final/dateranges.m3u8?from=1&from=2", 400, "from"},
		{"timestamp a word", "GET", "/v1/media/cup-final/metadata/1.vtt?mpegts=x", 400, "mpegts"},
		{"timestamp of 34 bits", "GET", "/v1/media/cup-final/metadata/1.vtt?mpegts=8589934592", 400, "mpegts"},
		{"timestamp twice", "GET", "/v1/media/cup-final/metadata/1.vtt?mpegts=1&mpegts=1", 400, "mpegts"},
		{"segment to come", "GET", "/v1/media/cup-final/metadata/12.vtt", 404, ""},
		{"segment before zero", "GET", "/v1/media/cup-final/metadata/-1.vtt", 404, ""},
		{"segment with another name", "GET", "/v1/media/cup-final/metadata/01.vtt", 404, ""},
		{"segment of another kind", "GET", "/v1/media/cup-final/metadata/1.ts", 404, ""},
		{"unknown media's text track", "GET", "/v1/media/other/timeline.vtt", 404, ""},
		{"unknown media's window", "GET", "/v1/media/other/windows/0-10", 404, ""},
		{"unknown media's window off the grid", "GET", "/v1/media/other/windows/0-11", 404, ""},
		{"unknown media's playlist", "GET", "/v1/media/other/metadata.m3u8", 404, ""},
		{"unknown media's segment", "GET", "/v1/media/other/metadata/1.vtt", 404, ""},
		{"unknown media's date ranges", "GET", "/v1/media/other/dateranges.m3u8", 404, ""},
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
	}
	c := Client(t, Server(open(t, Cup()...)))
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			resp, body := Send(t, c, tc.method, tc.path)
			CheckProblem(t, resp, body, tc.status, tc.parameter)
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

func withoutClock(t *testing.T, open Backend) {
	m := Cup()
	for i := range m {
		m[i].Zero = time.Time{}
	}
	resp, body := Send(t, Client(t, Server(open(t, m...))), http.MethodGet, "/v1/media/cup-final/context?time=2026-11-23T14:00:00Z")
	CheckProblem(t, resp, body, 400, "time")
}
