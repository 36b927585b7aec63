package main_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"spotter/internal/fakeaws"
	"spotter/timeline"
)

// TestCloud takes a stream through what Rekognition does on a bad evening. Each phase publishes two segments, which
// are two scenes.
func TestCloud(t *testing.T) {
	t.Parallel()
	cloud := new(fakeaws.Rekognition)
	server := httptest.NewServer(cloud)
	defer server.Close()
	phases := [...]struct {
		name   string
		fault  fakeaws.Fault
		source string
		says   string // in the log
	}{
		{"well", fakeaws.Fault{}, timeline.SourceRekognition, ""},
		{"throttled", fakeaws.Throttled, timeline.SourceClassic, "lower calls_per_second"},
		{"well after throttling", fakeaws.Fault{}, timeline.SourceRekognition, ""},
		{"hanging", fakeaws.Fault{Latency: time.Hour}, timeline.SourceClassic, "did not answer within 1s"},
		{"well after hanging", fakeaws.Fault{}, timeline.SourceRekognition, ""},
		{"denied", fakeaws.Denied, timeline.SourceClassic, "allow rekognition:RecognizeCelebrities"},
	}
	o := newOrigin(t, behind+2*len(phases), behind)
	b := start(t, config(newData(t), o.media(),
		"vision: {local: {recognizer: classic}, max_scene: 1s, rekognition: {deadline: 1s, calls_per_second: 100}}"),
		"AWS_ENDPOINT_URL_REKOGNITION="+server.URL)
	b.analyzed("cup", behind*second)
	for i, phase := range phases {
		from := timeline.Position(behind+2*i) * second
		cloud.SetFault("", phase.fault)
		o.Publish(2)
		b.analyzed("cup", from+2*second)
		for _, seen := range b.timeline("cup") {
			if seen.From >= from && seen.Source != phase.source {
				t.Errorf("%s: the scene at %v was answered by %s, want %s", phase.name, seen.From, seen.Source, phase.source)
			}
		}
		a := b.context("cup", from+500, 0, second)
		if !a.Complete || phase.source == timeline.SourceRekognition && !a.has("Lin-Manuel Miranda") {
			t.Errorf("%s: look-up answers %+v", phase.name, a)
		}
		if !strings.Contains(b.logged(), phase.says) {
			t.Errorf("%s: the log does not say %q", phase.name, phase.says)
		}
	}
	if spent := b.metric("spotter_cloud_spent_usd_total "); spent == "" || strings.HasSuffix(spent, " 0") {
		t.Errorf("spent: %q", spent)
	}
	b.stop()
}

// TestCloudOnly has nobody else to ask: the stretch is not analysed, and look-ups say so.
func TestCloudOnly(t *testing.T) {
	t.Parallel()
	cloud := new(fakeaws.Rekognition)
	cloud.SetFault("", fakeaws.Throttled)
	server := httptest.NewServer(cloud)
	defer server.Close()
	o := newOrigin(t, 8, behind)
	b := start(t, config(newData(t), o.media(), "vision: {mode: cloud-only, max_scene: 1s, rekognition: {calls_per_second: 100}}"),
		"AWS_ENDPOINT_URL_REKOGNITION="+server.URL)
	eventually(t, "the failures are shown", func() bool {
		f := b.status("cup").Faults
		return len(f) > 0 && f[0].Kind == "recognize" && strings.Contains(f[0].Message, "ThrottlingException")
	})
	if a := b.context("cup", second, 0, second); a.Complete || len(a.Objects) > 0 {
		t.Errorf("got %+v, want nothing, and not complete", a)
	}
	cloud.SetFault("", fakeaws.Fault{})
	o.Publish(3)
	b.analyzed("cup", 6*second)
	if a := b.context("cup", 5*second, 0, 500); !a.Complete || !a.has("Couch") {
		t.Errorf("after the failures: got %+v", a)
	}
	b.stop()
}
