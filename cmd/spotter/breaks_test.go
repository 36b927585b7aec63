package main_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	hls "spotter/internal/origin"
	"spotter/timeline"
)

// marked serves an origin whose media playlist has more tags, by the paths of the segments before which they stand.
func marked(t *testing.T, o *origin, tags map[string]string) (address string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != hls.Media {
			o.Origin.ServeHTTP(w, r)
			return
		}
		plain := httptest.NewRecorder()
		o.Origin.ServeHTTP(plain, r)
		var out strings.Builder
		information := "" // EXTINF, which is to stand behind the tags
		for line := range strings.Lines(plain.Body.String()) {
			switch text := strings.TrimSpace(line); {
			case strings.HasPrefix(text, "#EXTINF"):
				information = line
				continue
			case tags[text] != "":
				out.WriteString(tags[text] + "\n")
			}
			out.WriteString(information + line)
			information = ""
		}
		w.Header().Set("Content-Type", plain.Header().Get("Content-Type"))
		w.Write([]byte(out.String()))
	}))
	t.Cleanup(server.Close)
	return server.URL + hls.Media
}

// toldBreak is a break as the viewer API shows it.
type toldBreak struct {
	ID            string
	From, Until   timeline.Position
	Open, Skipped bool
}

func (b *box) breaks(path string) []toldBreak {
	b.t.Helper()
	var a struct{ Breaks []toldBreak }
	b.get("/v1/media/cup/"+path, &a)
	return a.Breaks
}

// TestBreaks has a break of three seconds in a stream of segments of a second, told by tags.
func TestBreaks(t *testing.T) {
	t.Parallel()
	// A new reader begins with the fourth of six segments, which is position 0.
	const first = 6 - behind
	tags := map[string]string{
		hls.SegmentPath(first + 3): "#EXT-X-CUE-OUT:DURATION=4", hls.SegmentPath(first + 4): "#EXT-X-CUE-OUT-CONT:ElapsedTime=1,Duration=4",
		hls.SegmentPath(first + 5): "#EXT-X-CUE-OUT-CONT:ElapsedTime=2,Duration=4", hls.SegmentPath(first + 6): "#EXT-X-CUE-IN",
	}
	for _, mode := range []string{"analyze", "skip"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			skip := mode == "skip"
			o := newOrigin(t, 20, 6)
			conf := config(newData(t), eager, "media: [{id: cup, url: '"+marked(t, o, tags)+"', breaks: "+mode+"}]")
			b := start(t, conf)
			b.analyzed("cup", 3*second)
			if got := b.breaks("timeline"); len(got) != 0 {
				t.Fatalf("before it there is %+v", got)
			}
			o.Publish(3)
			b.analyzed("cup", 6*second)
			open := toldBreak{From: 3 * second, Until: 7 * second, Open: true, Skipped: skip}
			if diff := cmp.Diff([]toldBreak{open}, b.breaks("context?position=4")); diff != "" {
				t.Errorf("while it lasts (-want +got):\n%s", diff)
			}
			o.Publish(3)
			b.analyzed("cup", 9*second)
			over := []toldBreak{{From: 3 * second, Until: 6 * second, Skipped: skip}}
			if diff := cmp.Diff(over, b.breaks("timeline?from=0&until=9")); diff != "" {
				t.Errorf("when it is over (-want +got):\n%s", diff)
			}
			if got := b.breaks("context?position=7&forward=1"); got != nil {
				t.Errorf("behind it there is %+v", got)
			}
			during := b.context("cup", 3500, 0, 2000)
			if !during.Complete || during.has("Person") == skip {
				t.Errorf("in the break: %+v", during)
			}
			for _, p := range []timeline.Position{second, 7 * second} {
				if a := b.context("cup", p, 500, 500); !a.Complete || !a.has("Person") {
					t.Errorf("at %v, outside the break: %+v", p, a)
				}
			}
			if all := b.context("cup", 0, 0, 9*second); !all.Complete {
				t.Errorf("all: %+v", all)
			}
			if skip {
				endsAtBreak(t, b)
			}

			b.stop()
			o.Publish(3)
			b = start(t, conf)
			b.analyzed("cup", 12*second)
			if diff := cmp.Diff(over, b.breaks("timeline?from=0&until=12")); diff != "" {
				t.Errorf("after a restart (-want +got):\n%s", diff)
			}
			b.stop()
		})
	}
}

// endsAtBreak wants one scene to end where the break begins, and one to begin where it ends.
func endsAtBreak(t *testing.T, b *box) {
	t.Helper()
	var before, behind timeline.Position
	for _, o := range b.timeline("cup") {
		if o.From < 6*second {
			before = max(before, o.Until)
		} else if behind == 0 {
			behind = o.From
		}
	}
	if before != 3*second || behind != 6*second {
		t.Errorf("scenes end at %v and begin again at %v, want 3.0 and 6.0", before, behind)
	}
}
