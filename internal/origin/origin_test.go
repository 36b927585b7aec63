package origin_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/internal/origin"
)

// letters is a clip of segments whose bodies are one letter each.
func letters(n int) (c origin.Clip) {
	for i := range n {
		c.Segments = append(c.Segments, origin.Segment{Body: []byte{byte('a' + i)}, Duration: 2 * time.Second})
	}
	return c
}

func get(t testing.TB, client *http.Client, url string) (status int, body string, err error) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return 0, "", err
	}
	return do(client, r)
}

func do(client *http.Client, r *http.Request) (status int, body string, err error) {
	resp, err := client.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}

func serve(t testing.TB, o *origin.Origin) (client *http.Client, url string) {
	server := httptest.NewServer(o)
	t.Cleanup(server.Close)
	return server.Client(), server.URL
}

func TestWindowSlides(t *testing.T) {
	o := origin.New(letters(4), origin.Style{Window: 2, First: 7, Start: time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC), Query: "t=1"})
	client, url := serve(t, o)
	if status, _, err := get(t, client, url+origin.Media); status != http.StatusNotFound || err != nil {
		t.Errorf("a playlist before the first segment: %d, %v", status, err)
	}
	o.Publish(5) // over the clip's end
	o.End()
	_, got, _ := get(t, client, url+origin.Media)
	want := `#EXTM3U
#EXT-X-VERSION:6
#EXT-X-TARGETDURATION:2
#EXT-X-MEDIA-SEQUENCE:10
#EXT-X-PROGRAM-DATE-TIME:2026-11-23T14:00:06.000Z
#EXTINF:2.000000,
/segment/10?t=1
#EXT-X-DISCONTINUITY
#EXT-X-PROGRAM-DATE-TIME:2026-11-23T14:00:08.000Z
#EXTINF:2.000000,
/segment/11?t=1
#EXT-X-ENDLIST
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for sequence, want := range map[uint64]int{7: 404, 8: 200, 11: 200, 12: 404} {
		if status, _, _ := get(t, client, url+origin.SegmentPath(sequence)); status != want {
			t.Errorf("segment %d: %d, want %d", sequence, status, want)
		}
	}
	o.Publish(2)
	if _, got, _ = get(t, client, url+origin.Media); !strings.Contains(got, "#EXT-X-DISCONTINUITY-SEQUENCE:1\n") {
		t.Errorf("no discontinuity sequence after one left:\n%s", got)
	}
}

func TestTags(t *testing.T) {
	clip := letters(3)
	clip.Init = []byte("init")
	o := origin.New(clip, origin.Style{Type: "EVENT", ByteRanges: true, Variants: []string{"BANDWIDTH=1"}, Key: func(n uint64) *origin.Key {
		return map[uint64]*origin.Key{0: {Name: "k", Secret: make([]byte, 16), IV: "0x01"}}[n]
	}})
	client, url := serve(t, o)
	o.Publish(2)
	_, got, _ := get(t, client, url+origin.Media)
	for _, tag := range []string{
		"#EXT-X-PLAYLIST-TYPE:EVENT\n", "#EXT-X-KEY:METHOD=AES-128,URI=\"/key/k\",IV=0x01\n", "#EXT-X-KEY:METHOD=NONE\n",
		"#EXT-X-MAP:URI=\"/init.mp4\"\n", "#EXT-X-BYTERANGE:1@0\n", "#EXT-X-BYTERANGE:1\n",
	} {
		if strings.Count(got, tag) != 1 {
			t.Errorf("not once %q in\n%s", tag, got)
		}
	}
	if _, got, _ = get(t, client, url+origin.Multivariant); got != "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n/live.m3u8\n" {
		t.Error(got)
	}
	if _, got, _ = get(t, client, url+origin.KeyPath("k")); len(got) != 16 {
		t.Errorf("a key of %d bytes", len(got))
	}
}

func TestScript(t *testing.T) {
	o := origin.New(letters(3), origin.Style{})
	client, url := serve(t, o)
	o.Publish(3)
	path := origin.SegmentPath(0)
	o.Append(origin.Segment{Body: []byte("0123456789")})
	o.On(path, origin.Times(2, origin.Status(503))...)
	o.On(path, origin.Body([]byte("x")), origin.Redirect(origin.SegmentPath(1)), origin.Healthy(), origin.Oversize(100_000, false))
	var got []string
	for range 7 {
		_, body, err := get(t, client, url+path)
		if err != nil {
			t.Error(err)
		}
		got = append(got, body[:1])
	}
	if diff := cmp.Diff("S S x b a # a", strings.Join(got, " ")); diff != "" {
		t.Error(diff)
	}
	o.On(origin.SegmentPath(3), origin.Half(), origin.Truncate(), origin.Reset(), origin.Reset())
	if _, body, err := get(t, client, url+origin.SegmentPath(3)); body != "01234" || err != nil {
		t.Errorf("half: %q, %v", body, err)
	}
	if _, body, err := get(t, client, url+origin.SegmentPath(3)); body != "01234" || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("truncated: %q, %v", body, err)
	}
	client.CloseIdleConnections()
	if _, _, err := get(t, client, url+origin.SegmentPath(3)); err == nil {
		t.Error("reset, and no error")
	}
	o.On(origin.Media, origin.Stale(2))
	if _, body, _ := get(t, client, url+origin.Media); strings.Contains(body, "/segment/2\n") || !strings.Contains(body, "/segment/1\n") {
		t.Errorf("stale:\n%s", body)
	}
	release := make(chan struct{})
	o.On(path, origin.Hold(release))
	close(release)
	if _, body, err := get(t, client, url+path); body != "a" || err != nil {
		t.Errorf("held: %q, %v", body, err)
	}
	if q := o.Requests(); len(q) < 12 || q[0].Path != path || q[0].At.IsZero() {
		t.Errorf("requests %v", q)
	}
}

func TestRestart(t *testing.T) {
	o := origin.New(letters(3), origin.Style{First: 50})
	o.Publish(2)
	o.Restart(0)
	o.Skip(1)
	o.Break()
	o.Publish(1)
	client, url := serve(t, o)
	if _, got, _ := get(t, client, url+origin.Media); !strings.Contains(got, "#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-DISCONTINUITY\n") {
		t.Error(got)
	}
	if _, got, _ := get(t, client, url+origin.SegmentPath(0)); got != "b" {
		t.Errorf("segment 0 is %q", got)
	}
}
