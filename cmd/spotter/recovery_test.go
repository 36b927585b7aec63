package main_test

import (
	"crypto/sha256"
	"fmt"
	"net/http/httptest"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"spotter/internal/fakeaws"
	hls "spotter/internal/origin"
	"spotter/timeline"
)

// often is a configuration in which each look is a scene of its own, with a cloud that may be asked about each.
func often(more string) string {
	return "vision: {local: {recognizer: classic}, max_scene: 1s, rekognition: {deadline: 1s, calls_per_second: 200" + more + "}}"
}

// sources counts the observations of a media by their source.
func (b *box) sources(media string) map[string]int {
	out := map[string]int{}
	for _, o := range b.timeline(media) {
		out[o.Source]++
	}
	return out
}

// value is a metric without labels.
func (b *box) value(name string) float64 {
	b.t.Helper()
	f, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimPrefix(b.metric(name+" "), name)), 64)
	if err != nil {
		b.t.Fatalf("%s: %v", name, err)
	}
	return f
}

// askedOnce fails where the cloud was asked the same about one picture twice.
func askedOnce(t *testing.T, cloud *fakeaws.Rekognition) {
	t.Helper()
	times := map[string]int{}
	for _, c := range cloud.Calls() {
		key := fmt.Sprintf("%s %x", c.Operation, sha256.Sum256(c.Image))
		if times[key]++; times[key] > 1 {
			t.Errorf("%.40s was asked %d times", key, times[key])
		}
	}
}

// TestCloudCutOff cuts the network to the cloud in mid-stream, and mends it: behind the real Toxiproxy.
func TestCloudCutOff(t *testing.T) {
	t.Parallel()
	const well, cut = behind, 6 // segments
	cloud := new(fakeaws.Rekognition)
	network := hls.NewNetwork(t, cloud)
	o := newOrigin(t, well+2*cut, well)
	b := start(t, config(newData(t), o.media(), often("")), "AWS_ENDPOINT_URL_REKOGNITION="+network.URL())
	b.analyzed("cup", well*second)
	if s := b.sources("cup"); s[timeline.SourceRekognition] != well {
		t.Fatalf("before the cut: %v", s)
	}
	network.Cut()
	for i := range timeline.Position(cut) {
		o.Publish(1)
		b.analyzed("cup", (well+i+1)*second) // the local answer is there with its own segment
		if a := b.context("cup", (well+i)*second, 0, 500); !a.Complete || !a.has("Person") {
			t.Errorf("cut off, at %v: %+v", (well+i)*second, a)
		}
	}
	if s := b.sources("cup"); s[timeline.SourceClassic] != cut {
		t.Errorf("cut off: %v, want %d local answers", s, cut)
	}
	if n := b.value("spotter_spool_frames"); n != cut {
		t.Errorf("%g pictures in the spool, want %d", n, cut)
	}
	network.Heal()
	eventually(t, "all is upgraded", func() bool { return b.sources("cup")[timeline.SourceRekognition] == well+cut })
	if n := b.value("spotter_spool_frames"); n != 0 {
		t.Errorf("%g pictures are left in the spool", n)
	}
	o.Publish(cut)
	b.analyzed("cup", (well+2*cut)*second)
	askedOnce(t, cloud)
	for _, seen := range b.timeline("cup") {
		if seen.From >= well*second && seen.From < (well+cut)*second && seen.Revision != 3 {
			t.Errorf("at %v: revision %d, want 3: begun, ended, upgraded", seen.From, seen.Revision)
		}
	}
	if spent, billed := b.value("spotter_cloud_spent_usd_total"), float64(cloud.Billed())/1000; spent < billed || billed != 2*float64(well+2*cut)/1000 {
		t.Errorf("spent $%g, billed $%g, want $%g", spent, billed, 2*float64(well+2*cut)/1000)
	}
	b.stop()
}

// TestSpoolOutlivesBox kills the box while the cloud is away.
func TestSpoolOutlivesBox(t *testing.T) {
	t.Parallel()
	const n = behind
	cloud := new(fakeaws.Rekognition)
	cloud.SetFault("", fakeaws.Broken)
	server := httptest.NewServer(cloud)
	defer server.Close()
	o := newOrigin(t, n+2, n)
	conf := config(newData(t), o.media(), often(""))
	b := start(t, conf, "AWS_ENDPOINT_URL_REKOGNITION="+server.URL)
	b.analyzed("cup", n*second)
	b.signal(syscall.SIGKILL)
	b.end(patience)
	cloud.SetFault("", fakeaws.Fault{})
	before := cloud.Billed()
	b = start(t, conf, "AWS_ENDPOINT_URL_REKOGNITION="+server.URL)
	eventually(t, "what the cloud missed is upgraded", func() bool {
		s := b.sources("cup")
		return s[timeline.SourceRekognition] == n && len(s) == 1
	})
	if billed := cloud.Billed() - before; billed != 2*n {
		t.Errorf("%d calls billed, want %d", billed, 2*n)
	}
	b.stop()
}

// TestBudget has money for five pictures and a stream of twelve.
func TestBudget(t *testing.T) {
	t.Parallel()
	const all, paid = behind + 7, 5
	cloud := new(fakeaws.Rekognition)
	server := httptest.NewServer(cloud)
	defer server.Close()
	o := newOrigin(t, all, behind)
	conf := config(newData(t), o.media(), often(", usd_per_hour: 0.01"))
	b := start(t, conf, "AWS_ENDPOINT_URL_REKOGNITION="+server.URL)
	b.analyzed("cup", behind*second)
	o.Publish(all - behind)
	b.analyzed("cup", all*second)
	if s := b.sources("cup"); s[timeline.SourceRekognition] != paid || s[timeline.SourceClassic] != all-paid {
		t.Errorf("%v, want %d paid for", s, paid)
	}
	if n := b.value("spotter_spool_frames"); n != all-paid {
		t.Errorf("%g pictures wait for money, want %d", n, all-paid)
	}
	if spent := b.value("spotter_cloud_spent_usd_total"); spent != 0.01 || cloud.Billed() != 2*paid {
		t.Errorf("spent $%g in %d calls, want $0.01 in %d", spent, cloud.Billed(), 2*paid)
	}
	b.stop()
	b = start(t, conf, "AWS_ENDPOINT_URL_REKOGNITION="+server.URL) // a restart does not fill the purse
	eventually(t, "the spool is tried", func() bool { return b.value("spotter_cloud_refused_total") > 0 })
	if cloud.Billed() != 2*paid {
		t.Errorf("%d calls after a restart, want %d", cloud.Billed(), 2*paid)
	}
	b.stop()
}

// TestLateCloud answers each picture after the deadline: the local answer serves, and is replaced.
func TestLateCloud(t *testing.T) {
	t.Parallel()
	const n = behind
	cloud := new(fakeaws.Rekognition)
	server := httptest.NewServer(cloud)
	defer server.Close()
	// Midway between the deadline and the patience, which is 15 s: on a busy machine the local answer takes its time, too.
	cloud.SetFault("", fakeaws.Fault{Latency: 9 * second.Duration()})
	o := newOrigin(t, n, n)
	const late = "vision: {local: {recognizer: classic}, max_scene: 1s, rekognition: {deadline: 3s, calls_per_second: 200}}"
	b := start(t, config(newData(t), o.media(), late), "AWS_ENDPOINT_URL_REKOGNITION="+server.URL)
	eventually(t, "a local answer serves", func() bool { return b.sources("cup")[timeline.SourceClassic] > 0 })
	eventually(t, "the cloud's replace it", func() bool { return b.sources("cup")[timeline.SourceRekognition] == n })
	askedOnce(t, cloud)
	b.stop()
}
