package origin_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/internal/origin"
)

// bubble is an origin and a client of it in a testing/synctest bubble.
type bubble struct {
	*origin.Origin
	t      *testing.T
	client *http.Client
}

type answer struct {
	status int
	body   string
	after  time.Duration // the question
}

func inBubble(t *testing.T, clip origin.Clip, style origin.Style, test func(b *bubble)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		network := origin.NewPipe()
		transport := &http.Transport{DialContext: network.Dial}
		b := &bubble{origin.New(clip, style), t, &http.Client{Transport: transport}}
		stop := network.Serve(b.Origin)
		test(b)
		transport.CloseIdleConnections()
		stop()
	})
}

// ask asks in the background; the answer comes through the channel.
func (b *bubble) ask(path string, header ...string) <-chan answer {
	got := make(chan answer, 1)
	began := time.Now()
	go func() {
		r, err := http.NewRequest(http.MethodGet, "http://origin.example"+path, nil)
		if err != nil {
			b.t.Error(err)
		}
		for i := 0; i+1 < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		resp, err := b.client.Do(r)
		if err != nil {
			got <- answer{body: err.Error()}
			return
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			body = append(body, err.Error()...)
		}
		got <- answer{resp.StatusCode, string(body), time.Since(began)}
	}()
	synctest.Wait()
	return got
}

// get asks and waits for the answer.
func (b *bubble) get(path string, header ...string) answer { return <-b.ask(path, header...) }

// publishPart publishes a part after d.
func (b *bubble) publishPart(d time.Duration) {
	time.Sleep(d)
	b.PublishPart(1)
	synctest.Wait()
}

const half = 500 * time.Millisecond

// TestLowLatencyPlaylist compares whole playlists with what rfc8216bis appendix B.1 shows of one.
func TestLowLatencyPlaylist(t *testing.T) {
	style := origin.Style{Part: half, First: 5, Start: time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC), Query: "t=1"}
	gap := style
	gap.PartGap = func(sequence uint64, index int) bool { return sequence == 6 && index == 1 }
	for name, tc := range map[string]struct {
		clip  origin.Clip
		style origin.Style
		want  string
	}{
		"TS": {clipTS(t), style, ""}, "fMP4": {clipFMP4(t), style, "#EXT-X-MAP:URI=\"/init.mp4?t=1\"\n"}, "a gap": {clipTS(t), gap, ""},
	} {
		t.Run(name, func(t *testing.T) {
			missing := map[bool]string{true: ",GAP=YES"}[tc.style.PartGap != nil]
			inBubble(t, tc.clip, tc.style, func(b *bubble) {
				b.Publish(1)
				b.PublishPart(2)
				want := `#EXTM3U
#EXT-X-VERSION:9
#EXT-X-TARGETDURATION:2
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.440,CAN-SKIP-UNTIL=12.0
#EXT-X-PART-INF:PART-TARGET=0.48000
#EXT-X-MEDIA-SEQUENCE:5
` + tc.want + `#EXT-X-PROGRAM-DATE-TIME:2026-11-23T14:00:00.000Z
#EXT-X-PART:DURATION=0.48000,URI="/part/5.0?t=1",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.48000,URI="/part/5.1?t=1"
#EXT-X-PART:DURATION=0.48000,URI="/part/5.2?t=1",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.48000,URI="/part/5.3?t=1"
#EXT-X-PART:DURATION=0.08000,URI="/part/5.4?t=1"
#EXTINF:2.000000,
/segment/5?t=1
#EXT-X-PROGRAM-DATE-TIME:2026-11-23T14:00:02.000Z
#EXT-X-PART:DURATION=0.48000,URI="/part/6.0?t=1",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.48000,URI="/part/6.1?t=1"` + missing + `
#EXT-X-PRELOAD-HINT:TYPE=PART,URI="/part/6.2?t=1"
`
				if diff := cmp.Diff(want, b.get(origin.Media).body); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				if got := b.get(origin.PartPath(6, 1)).status; (got == http.StatusOK) == (missing != "") {
					t.Errorf("the part is answered with %d", got)
				}
			})
		})
	}
}

// TestPartsMakeSegments puts parts together again, as resources and as ranges.
func TestPartsMakeSegments(t *testing.T) {
	uri := regexp.MustCompile(`EXT-X-PART:DURATION=([0-9.]+),URI="([^"]+)"(?:,BYTERANGE="(\d+)@(\d+)")?`)
	for name, clip := range map[string]origin.Clip{"TS": clipTS(t), "fMP4": clipFMP4(t)} {
		for _, ranges := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " ranges ", ranges), func(t *testing.T) {
				inBubble(t, clip, origin.Style{Part: half, PartRanges: ranges, Continuous: true}, func(b *bubble) {
					b.Publish(len(clip.Segments) + 1) // the last one is restamped
					want := b.get(origin.SegmentPath(3)).body
					if want == string(clip.Segments[0].Body) || len(want) != len(clip.Segments[0].Body) {
						t.Error("segment 3 is not restamped")
					}
					list := b.get(origin.Media).body
					var got bytes.Buffer
					for _, m := range uri.FindAllStringSubmatch(list[strings.Index(list, "/segment/2\n"):], -1) {
						var a answer
						if ranges {
							a = b.get(m[2], "Range", fmt.Sprintf("bytes=%s-%d", m[4], number(t, m[3])+number(t, m[4])-1))
						} else {
							a = b.get(m[2])
						}
						got.WriteString(a.body)
					}
					if got.String() != want {
						t.Errorf("the parts have %d bytes, the segment %d\n%s", got.Len(), len(want), list)
					}
				})
			})
		}
	}
}

func TestBlockingReload(t *testing.T) {
	for name, tc := range map[string]struct {
		query  string
		after  int // parts from now, half a second each
		status int
		wait   time.Duration
	}{
		"what is there":            {"_HLS_msn=0", 0, 200, 0},
		"a part that is there":     {"_HLS_msn=1&_HLS_part=0", 0, 200, 0},
		"the next part":            {"_HLS_msn=1&_HLS_part=1", 3, 200, half},
		"a part later":             {"_HLS_msn=1&_HLS_part=2", 3, 200, 2 * half},
		"the whole segment":        {"_HLS_msn=1", 9, 200, 4 * half},
		"the next segment":         {"_HLS_msn=2&_HLS_part=0", 9, 200, 5 * half},
		"past the last part":       {"_HLS_msn=0&_HLS_part=5", 0, 200, 0},
		"a stopped encoder":        {"_HLS_msn=1&_HLS_part=1", 0, 503, 6 * time.Second},
		"two segments ahead":       {"_HLS_msn=2", 0, 503, 6 * time.Second},
		"too many segments ahead":  {"_HLS_msn=3", 0, 400, 0},
		"too many parts ahead":     {"_HLS_msn=1&_HLS_part=9", 0, 400, 0},
		"a part of no segment":     {"_HLS_part=1", 0, 400, 0},
		"no number":                {"_HLS_msn=x", 0, 400, 0},
		"no number of a part":      {"_HLS_msn=1&_HLS_part=-1", 0, 400, 0},
		"without blocking at all":  {"", 0, 200, 0},
		"with a parameter unknown": {"_HLS_future=1", 0, 200, 0},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, clipTS(t), origin.Style{Part: half}, func(b *bubble) {
				b.Publish(1)
				b.PublishPart(1)
				got := b.ask(origin.Media + "?" + tc.query)
				for range tc.after {
					b.publishPart(half)
				}
				if a := <-got; a.status != tc.status || a.after != tc.wait {
					t.Errorf("%d after %v, want %d after %v", a.status, a.after, tc.status, tc.wait)
				}
			})
		})
	}
}

func TestBlockingEnds(t *testing.T) {
	inBubble(t, clipTS(t), origin.Style{Part: half}, func(b *bubble) {
		b.Publish(1)
		got := b.ask(origin.Media + "?_HLS_msn=1")
		time.Sleep(time.Second)
		b.End()
		if a := <-got; a.after != time.Second || !strings.HasSuffix(a.body, "/segment/0\n#EXT-X-ENDLIST\n") {
			t.Errorf("after %v:\n%s", a.after, a.body)
		}
	})
}

func TestPreloadHint(t *testing.T) {
	clip := clipTS(t)
	inBubble(t, clip, origin.Style{Part: half}, func(b *bubble) {
		b.Publish(1)
		b.PublishPart(1)
		got, beyond := b.ask(origin.PartPath(1, 1)), b.get(origin.PartPath(1, 2))
		b.publishPart(half)
		if a := <-got; a.status != 200 || a.after != half || beyond.status != 404 {
			t.Errorf("%d after %v; one that is not hinted at %d", a.status, a.after, beyond.status)
		}
		if a := b.get(origin.PartPath(1, 2)); a.status != 404 || a.after != 6*time.Second {
			t.Errorf("a part that never came: %d after %v", a.status, a.after)
		}
	})
	inBubble(t, clip, origin.Style{Part: half, PartRanges: true}, func(b *bubble) {
		b.Publish(1)
		b.PublishPart(2)
		list := b.get(origin.Media).body
		_, from, ok := strings.Cut(list, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"/segment/1\",BYTERANGE-START=")
		if !ok {
			t.Fatal(list)
		}
		from = strings.TrimSpace(from)
		got := b.ask(origin.SegmentPath(1), "Range", "bytes="+from+"-")
		for range 3 {
			b.publishPart(half)
		}
		want := string(clip.Segments[1].Body[number(t, from):])
		if a := <-got; a.status != 206 || a.after != 3*half || a.body != want {
			t.Errorf("%d after %v: %d bytes, want %d", a.status, a.after, len(a.body), len(want))
		}
	})
}

func TestDeltaUpdate(t *testing.T) {
	key := &origin.Key{Name: "k", Secret: make([]byte, 16)}
	style := origin.Style{Delta: true, Window: 20, Key: func(uint64) *origin.Key { return key }, Start: time.Unix(0, 0)}
	inBubble(t, letters(4), style, func(b *bubble) {
		b.Publish(18)
		full, delta := b.get(origin.Media).body, b.get(origin.Media+"?_HLS_skip=YES").body
		head, tail, ok := strings.Cut(delta, "#EXT-X-SKIP:SKIPPED-SEGMENTS=11\n")
		if !ok || !strings.HasPrefix(full, head) || !strings.HasSuffix(full, tail) {
			t.Errorf("full:\n%s\ndelta:\n%s", full, delta)
		}
		if strings.Count(tail, "#EXTINF") != 7 || strings.Contains(tail, "#EXT-X-KEY") {
			t.Errorf("seven segments, no key:\n%s", tail)
		}
	})
	inBubble(t, letters(4), origin.Style{Delta: true}, func(b *bubble) {
		b.Publish(3)
		if got := b.get(origin.Media + "?_HLS_skip=YES").body; strings.Contains(got, "EXT-X-SKIP") {
			t.Errorf("a delta of a short playlist:\n%s", got)
		}
	})
}
