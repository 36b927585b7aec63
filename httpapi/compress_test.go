package httpapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/valyala/fasthttp"

	"spotter/httpapi"
	"spotter/timeline"
)

// long has answers of more than one packet: 200 scenes of 10 s.
func long() *httpapi.Server {
	m := cup()
	m.Timelines["cup-final"] = event(200, 10_000)
	m.Before["cup-final"] = 1_000_000
	return newViewer(m)
}

func decode(t *testing.T, coding, body string) string {
	t.Helper()
	out, err := []byte(body), error(nil)
	switch coding {
	case "br":
		out, err = fasthttp.AppendUnbrotliBytes(nil, out)
	case "gzip":
		out, err = fasthttp.AppendGunzipBytes(nil, out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestContentCoding(t *testing.T) {
	c := client(t, long())
	const path = "/v1/media/cup-final/timeline?from=0&until=500"
	_, plain := send(t, c, http.MethodGet, path, "Accept-Encoding", "identity")
	for name, tc := range map[string]struct{ accept, want string }{
		"a browser's":           {"gzip, deflate, br, zstd", "br"},
		"gzip alone":            {"gzip", "gzip"},
		"in capitals":           {"GZIP", "gzip"},
		"by its old name":       {"x-gzip", "gzip"},
		"brotli alone":          {"br", "br"},
		"gzip weighs more":      {"br;q=0.5, gzip;q=0.8", "gzip"},
		"with spaces":           {" br ; q=0.5 ,gzip ; Q=0.501", "gzip"},
		"anything":              {"*", "br"},
		"anything but brotli":   {"br;q=0, *", "gzip"},
		"brotli forbidden":      {"br;q=0.000, gzip;q=0.1", "gzip"},
		"plain weighs more":     {"identity;q=1, gzip;q=0.5, br;q=0.5", ""},
		"plain weighs the same": {"identity, gzip", "gzip"},
		"nothing but plain":     {"*;q=0", ""},
		"unknown":               {"zstd, deflate", ""},
		"empty":                 {"", ""},
		"weight broken":         {"br;q=x, gzip;q=2", ""},
		"weight not a number":   {"br;q=NaN", ""},
		"parameter unknown":     {"br;level=11", ""},
		"commas":                {",,,;;;=,", ""},
	} {
		t.Run(name, func(t *testing.T) {
			resp, body := send(t, c, http.MethodGet, path, "Accept-Encoding", tc.accept)
			got := resp.Header.Get("Content-Encoding")
			if got != tc.want || resp.StatusCode != http.StatusOK || resp.Header.Get("Vary") != "Accept-Encoding" {
				t.Fatalf("coding %q, want %q: %v", got, tc.want, resp.Header)
			}
			if decode(t, got, body) != plain {
				t.Error("another body")
			}
			if got != "" && len(body)*5 > len(plain) {
				t.Errorf("%d of %d bytes", len(body), len(plain))
			}
			head, none := send(t, c, http.MethodHead, path, "Accept-Encoding", tc.accept)
			if head.ContentLength != int64(len(body)) || none != "" || head.Header.Get("Content-Encoding") != tc.want {
				t.Errorf("HEAD: %d bytes, %v", head.ContentLength, head.Header)
			}
		})
	}
}

// TestTagsByCoding keeps a representation's validator from vouching for another one.
func TestTagsByCoding(t *testing.T) {
	c := client(t, long())
	for _, path := range []string{"timeline?from=0&until=500", "timeline.vtt?from=0&until=500", "windows/0-60", "metadata.m3u8", "dateranges.m3u8", "metadata/0.vtt"} {
		path = "/v1/media/cup-final/" + path
		tags := map[string]string{}
		for _, coding := range []string{"", "gzip", "br"} {
			resp, _ := send(t, c, http.MethodGet, path, "Accept-Encoding", coding)
			if resp.Header.Get("Content-Encoding") != coding {
				if resp.ContentLength < 1024 {
					continue
				}
				t.Fatalf("%s: %v", path, resp.Header)
			}
			tags[coding] = resp.Header.Get("ETag")
		}
		for asked := range tags {
			for of, tag := range tags {
				want := http.StatusOK
				if of == asked {
					want = http.StatusNotModified
				}
				resp, _ := send(t, c, http.MethodGet, path, "Accept-Encoding", asked, "If-None-Match", tag)
				if resp.StatusCode != want || resp.Header.Get("ETag") != tags[asked] || len(tags) > 1 && resp.Header.Get("Vary") != "Accept-Encoding" {
					t.Errorf("%s as %q with the tag of %q: %s %v", path, asked, of, resp.Status, resp.Header)
				}
			}
		}
	}
}

// TestSmallAnswersStayAsTheyAre and so do problems.
func TestSmallAnswersStayAsTheyAre(t *testing.T) {
	c := client(t, newViewer(cup()))
	for _, path := range []string{"/v1/media/cup-final/context?position=46", "/v1/media/cup-final/timeline?from=0&until=50", "/v1/media/cup-final/context"} {
		resp, body := send(t, c, http.MethodGet, path, "Accept-Encoding", "br, gzip")
		if resp.Header.Get("Content-Encoding") != "" || resp.Header.Get("Vary") != "" || !strings.HasPrefix(body, "{") {
			t.Errorf("%s: %v", path, resp.Header)
		}
	}
}

func TestLargeLookUpsAreCompressed(t *testing.T) {
	c := client(t, long())
	resp, body := send(t, c, http.MethodGet, "/v1/media/cup-final/context?position=0&forward=1900", "Accept-Encoding", "gzip, br;q=0.1")
	if body = decode(t, resp.Header.Get("Content-Encoding"), body); !strings.HasSuffix(body, "]}") || strings.Count(body, `"name"`) != 48 {
		t.Error(resp.Header, body)
	}
}

func TestCueTimesOfLongEvents(t *testing.T) {
	got := string(httpapi.AppendCue([]byte("x"), &timeline.Observation{
		Media: "m", Span: timeline.Span{From: 359_999_999, Until: timeline.MaxPosition}, Source: timeline.SourceONNX, Revision: 1,
	}))
	want := "x359999999-31536000000000-1\n99:59:59.999 --> 8760000:00:00.000\n" +
		`{"media":"m","from":359999.999,"until":31536000000.0,"source":"onnx","revision":1,"celebrities":[],"objects":[]}` + "\n\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, span := range []timeline.Span{{From: -5, Until: 0}, {From: 7, Until: 7}} {
		if got := httpapi.AppendCue(nil, &timeline.Observation{Span: span}); got != nil {
			t.Errorf("%v: %s", span, got)
		}
	}
}
