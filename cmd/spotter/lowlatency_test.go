package main_test

import (
	"net/http/httptest"
	"os/exec"
	"testing"
	"time"

	hls "spotter/internal/origin"
	"spotter/timeline"
)

// A low-latency stream is analysed part by part: what a segment shows is known before the segment is whole.
func TestLowLatency(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("no ffmpeg on the path")
	}
	clip, err := hls.Encode(t.Context(), hls.Recipe{Segments: 4, Length: 4 * time.Second, GOP: 4 * time.Second, FMP4: true, Fragments: true})
	if err != nil {
		t.Fatal(err)
	}
	o := hls.New(clip, hls.Style{Part: time.Second, Continuous: true, Window: 6})
	server := httptest.NewServer(o)
	t.Cleanup(server.Close)
	o.Publish(3)
	b := start(t, config(newData(t), eager, "media: [{id: cup, url: '"+server.URL+hls.Media+"'}]"))
	b.analyzed("cup", 12*second)
	for n := range 6 { // parts of a second, of which four make a segment
		o.PublishPart(1)
		b.analyzed("cup", timeline.Position(13+n)*second)
	}
	if s := b.status("cup"); s.State != "live" || len(s.Faults) != 0 || *s.LiveEdge != 18*second {
		t.Errorf("got %+v, want a live stream without faults, at 18.0", s)
	}
	for _, o := range b.timeline("cup") {
		if o.Until < o.From {
			t.Errorf("%+v ends before it begins", o)
		}
	}
	if got := b.timeline("cup"); len(got) < 14 {
		t.Errorf("%d scenes of a second each in 18 s", len(got))
	}
}
