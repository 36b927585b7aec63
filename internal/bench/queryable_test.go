//go:build bench && !nocv

package bench_test

import (
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"spotter/internal/fakeaws"
	"spotter/internal/scorecard"
	"spotter/internal/scorecard/record"
	"spotter/internal/testmedia"
)

// TestQueryable prints how long after the origin has published a segment the box answers for all of it, with local models and
// with a cloud that takes 600 ms. Every segment is recognised, as if each had something new. Boxes are started at different
// times between two segments, and have run for settling before anything counts, by when they are in phase with the origin. Run it
// with
//
//	go test -tags bench -v -run Queryable ./internal/bench
func TestQueryable(t *testing.T) {
	program := buildProgram(t)
	t.Run("local", func(t *testing.T) {
		l := late(t, program, "{mode: local-only, max_scene: 1s}")
		tellLateness(t, l.models, l, record.AtMost(1.5))
	})
	if record.Quick() {
		record.Add(t, record.Measurement{Group: queryableGroup, Name: slowCloud, Absent: "left out of a quick run; make scorecard has it"})
		return
	}
	t.Run("cloud", func(t *testing.T) {
		cloud := new(fakeaws.Rekognition)
		cloud.SetFault("", fakeaws.Fault{Latency: 600 * time.Millisecond})
		server := httptest.NewServer(cloud)
		t.Cleanup(server.Close)
		l := late(t, program, "{mode: cloud-first, max_scene: 1s, rekognition: {region: us-east-1, usd_per_hour: 100}}",
			"AWS_ENDPOINT_URL_REKOGNITION="+server.URL, "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret")
		if calls := len(cloud.Calls()); calls < len(l.published) {
			t.Errorf("the cloud was called %d times for %d segments", calls, len(l.published))
		}
		tellLateness(t, slowCloud, l, nil)
	})
}

// settling is how long a box has watched a stream before its segments count: it learns when they are published.
const settling = 40 * time.Second

const (
	queryableGroup = "Segment to look-up, 1080p30, every segment recognised by a box that has watched for 40 s"
	slowCloud      = "cloud that takes 600 ms"
)

// lateness is how many seconds passed until each of some segments was analysed to its end, from when the origin published it,
// and from when the box asked for it.
type lateness struct {
	models           string // what recognises on the box
	published, asked []float64
}

// late starts boxes one after the other, each a part of a segment's time later, and has each analyse some segments.
func late(t *testing.T, program, vision string, env ...string) (all lateness) {
	t.Helper()
	starts, segments := record.Rounds(8, 1), record.Rounds(12, 6)
	for i := range starts {
		state := t.TempDir()
		all.models = pullModels(t, program, state)
		origin := newPunctual(t, film{1080, h264, 2}, 1)
		time.Sleep(liveSegment * time.Duration(2*i+1) / time.Duration(2*starts))
		b := startBox(t, program, watching(state, origin, vision), env...)
		l := b.lateness(t, origin, segments)
		b.kill(t)
		all.published, all.asked = append(all.published, l.published...), append(all.asked, l.asked...)
	}
	return all
}

// pullModels puts the kit's models in place, if there is a kit, and returns what then recognises.
func pullModels(t *testing.T, program, state string) string {
	t.Helper()
	kit, ok := testmedia.FindKit(t, "models")
	if !ok {
		return "classic cascades (no models here)"
	}
	config := filepath.Join(t.TempDir(), "spotter.yaml")
	if err := os.WriteFile(config, fmt.Appendf(nil, "data_dir: %s\n", state), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "models", "pull", "--config", config, "--mirror", kit, "yolox-nano", "yunet")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Logf("models pull: %v: %s", err, out)
		return "classic cascades (models cannot be put in place)"
	}
	return "local models"
}

// lateness follows the box until it has analysed so many segments.
func (b *box) lateness(t *testing.T, origin *punctual, segments int) (l lateness) {
	t.Helper()
	const (
		length = 2.0 // seconds of liveSegment
		end    = 0.1 // what a segment may be shorter than that, by its last picture
	)
	b.answers(t, "/v1/media/"+streamID(0), time.Now())
	for limit := time.Now().Add(time.Minute); b.analyzedUntil(streamID(0)) == 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatal("nothing is analysed after a minute")
		}
	}
	time.Sleep(settling)
	next := int(time.Since(origin.began)/liveSegment) + 1
	for limit := time.Now().Add(time.Duration(segments+30) * liveSegment); len(l.published) < segments; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("%d of %d segments are analysed", len(l.published), segments)
		}
		until, now := b.analyzedUntil(streamID(0)), time.Now()
		for ; until >= length*float64(next+1)-end && len(l.published) < segments; next++ {
			l.published = append(l.published, now.Sub(origin.published(0, next)).Seconds())
			l.asked = append(l.asked, now.Sub(origin.asked(next)).Seconds())
		}
	}
	return l
}

// tellLateness prints what came of it. The goal is of the 95th percentile from when segments were published.
func tellLateness(t *testing.T, what string, l lateness, p95 *record.Goal) {
	t.Helper()
	for _, from := range []struct {
		name string
		all  []float64
		p95  *record.Goal
	}{
		{"from the playlist that names a segment", l.published, p95},
		{"from when the box asks for a segment", l.asked, nil},
	} {
		fmt.Printf("%s, %s to its answer:", what, from.name)
		for _, q := range []float64{50, 95, 99} {
			m := record.Measurement{
				Group: queryableGroup, Name: fmt.Sprintf("%s, %s, p%g", what, from.name, q),
				Unit: "s", Values: from.all, Percentile: q,
			}
			if q == 95 {
				m.Goal = from.p95
			}
			f := scorecard.Compute(m)
			fmt.Printf(" p%g %.2f s", q, f.Value)
			record.Add(t, m)
		}
		fmt.Println()
	}
}
