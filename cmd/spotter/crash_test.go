package main_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/internal/awslocal"
	"spotter/internal/fakeaws"
	"spotter/timeline"
)

// TestRestart ends a box in the middle of its segments, starts it again on its data, and compares the whole with what a
// box sees that was left alone: each second's scene where it was, once, to its end.
func TestRestart(t *testing.T) {
	t.Parallel()
	// A slow recogniser keeps the box in the middle of a segment for long enough to end it there.
	cloud := new(fakeaws.Rekognition)
	cloud.SetFault("", fakeaws.Fault{Latency: 100 * time.Millisecond})
	server := httptest.NewServer(cloud)
	t.Cleanup(server.Close)
	endpoint := awslocal.DynamoDB(t)
	for name, end := range map[string]func(*box){
		"after SIGTERM": (*box).stop,
		"after kill -9": func(b *box) {
			b.signal(syscall.SIGKILL)
			if code := b.end(patience); code != -1 {
				t.Errorf("exit code %d", code)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const long, length = 4, behind * 4 * second
			o := newLongOrigin(t, long, behind, behind)
			items := newTable(t, endpoint, strings.ReplaceAll(name, " ", ""))
			conf := config(newData(t), o.media(), "sync: {dynamodb: {table: "+items.name+"}}",
				"vision: {mode: cloud-only, max_scene: 1s, rekognition: {calls_per_second: 1000}}")
			env := []string{"AWS_ENDPOINT_URL_REKOGNITION=" + server.URL, "AWS_ENDPOINT_URL_DYNAMODB=" + endpoint}
			b := start(t, conf, env...)
			for _, scene := range []int{long + 2, 2*long + 2} { // each the second of a segment
				eventually(t, "a scene is seen", func() bool { return len(b.timeline("cup")) >= scene })
				before := b.timeline("cup")
				end(b)
				b = start(t, conf, env...)
				if missing := lost(before, b.timeline("cup")); missing != nil {
					t.Fatalf("%v were answered, and no longer are", missing)
				}
			}
			b.analyzed("cup", length)
			if a := b.context("cup", 0, 0, length); !a.Complete {
				t.Errorf("got %+v, want all of it analysed", a)
			}
			var got, want []string
			for _, o := range b.timeline("cup") {
				got = append(got, fmt.Sprintf("%v-%v", o.From, o.Until))
			}
			for p := timeline.Position(0); p < length; p += second {
				want = append(want, fmt.Sprintf("%v-%v", p, p+second))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("scenes (-want +got):\n%s", diff)
			}
			eventually(t, "the table has what the box has", func() bool { return cmp.Equal(b.recorded(), items.scenes("cup")) })
			b.stop()
		})
	}
}

// TestRestartInFirstSegment has a box killed before its first segment was analysed. Where position 0 lies must be kept
// even then, or what was answered would be found in another place.
func TestRestartInFirstSegment(t *testing.T) {
	t.Parallel()
	cloud := new(fakeaws.Rekognition)
	cloud.SetFault("", fakeaws.Fault{Latency: 100 * time.Millisecond})
	server := httptest.NewServer(cloud)
	t.Cleanup(server.Close)
	const long = 4
	o := newLongOrigin(t, long, behind+1, behind)
	conf := config(newData(t), o.media(), "vision: {mode: cloud-only, max_scene: 1s, rekognition: {calls_per_second: 1000}}")
	env := "AWS_ENDPOINT_URL_REKOGNITION=" + server.URL
	b := start(t, conf, env)
	eventually(t, "the first scene is seen", func() bool { return len(b.timeline("cup")) > 0 })
	b.signal(syscall.SIGKILL)
	b.end(patience)
	o.Publish(1) // a new reader would begin a segment later
	b = start(t, conf, env)
	b.analyzed("cup", (behind+1)*long*second)
	if a := b.context("cup", 0, 0, (behind+1)*long*second); !a.Complete {
		t.Errorf("got %+v, want all of it analysed", a)
	}
	b.stop()
}

// lost returns the positions of observations that are no longer there, or shorter.
func lost(before, after []timeline.Observation) (out []timeline.Position) {
	until := map[timeline.Position]timeline.Position{}
	for _, o := range after {
		until[o.From] = o.Until
	}
	for _, o := range before {
		if now, ok := until[o.From]; !ok || now < o.Until {
			out = append(out, o.From)
		}
	}
	return out
}
