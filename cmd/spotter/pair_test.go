package main_test

import (
	"net/http/httptest"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/internal/awslocal"
	"spotter/internal/fakeaws"
	hls "spotter/internal/origin"
	"spotter/timeline"
)

// kickOff is when the stream of a pair's test begins.
var kickOff = time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)

// paid returns which of two boxes paid for the cloud, by its own account.
func paid(b *box) float64 { return b.value("spotter_cloud_spent_usd_total") }

// TestPair has two boxes on one event and kills the one that pays. The table gets what it gets from one box, and the cloud
// is asked once about each picture.
func TestPair(t *testing.T) {
	t.Parallel()
	const n = behind + 15
	cloud := new(fakeaws.Rekognition)
	server := httptest.NewServer(cloud)
	defer server.Close()
	moto, endpoint := newAmazon(t), awslocal.DynamoDB(t)
	both, one := newTable(t, endpoint, "both"), newTable(t, endpoint, "one")
	o := newStyledOrigin(t, 1, n, behind, hls.Style{Window: 2 * n, Start: kickOff})
	configured := func(table, more string) string {
		return config(newData(t), "media: [{id: cup, url: '"+o.URL+hls.Media+"', zero: '"+kickOff.Format(time.RFC3339)+"'}]",
			"vision: {local: {recognizer: classic}, max_scene: 1s, rekognition: {deadline: 1s, calls_per_second: 200}}",
			"sync: {dynamodb: {table: "+table+", pair: "+table+"}"+more+"}")
	}
	env := []string{
		"AWS_ENDPOINT_URL_REKOGNITION=" + server.URL, "AWS_ENDPOINT_URL_DYNAMODB=" + endpoint,
		"AWS_ENDPOINT_URL_SNS=" + moto.endpoint, "AWS_ENDPOINT_URL_S3=" + moto.endpoint,
	}
	copied := ", sns: {topic_arn: '" + moto.topic + "'}, s3: {bucket: pictures}"
	a := start(t, configured("both", copied), env...)
	eventually(t, "the first box pays", func() bool { return paid(a) > 0 })
	b := start(t, configured("both", copied), env...)
	o.Publish(5)
	until := timeline.Position(behind+5) * second
	a.analyzed("cup", until)
	b.analyzed("cup", until)
	eventually(t, "the second box says what the first was told", func() bool { return b.sources("cup")[timeline.SourceRekognition] == len(b.timeline("cup")) })
	if p := paid(b); p != 0 {
		t.Errorf("the second box paid $%g", p)
	}
	askedOnce(t, cloud)

	a.signal(syscall.SIGKILL)
	killed := time.Now()
	a.end(patience)
	o.Publish(5)
	until += 5 * second
	b.analyzed("cup", until)
	if x := b.context("cup", until-5*second, 0, 5*second-1); !x.Complete {
		t.Errorf("the second box has a gap: %+v", x)
	}
	eventually(t, "the second box pays", func() bool { return paid(b) > 0 })
	t.Logf("the second box paid %v after the first was killed", time.Since(killed).Round(100*time.Millisecond))
	eventually(t, "all that waited is upgraded", func() bool { return b.sources("cup")[timeline.SourceRekognition] == len(b.timeline("cup")) })

	a = start(t, configured("both", copied), env...) // anew, without its file
	o.Publish(5)
	until += 5 * second
	a.analyzed("cup", until)
	b.analyzed("cup", until)
	o.End()
	for _, x := range []*box{a, b} {
		eventually(t, "the stream has ended", func() bool { return x.status("cup").State == "ended" })
		eventually(t, "all is told", func() bool { return x.sources("cup")[timeline.SourceRekognition] == len(x.timeline("cup")) })
	}
	if p := paid(a); p != 0 {
		t.Errorf("the first box came back and paid $%g", p)
	}
	eventually(t, "all segments are announced, and all pictures in the bucket", func() bool {
		return len(moto.announced()) == n && len(moto.pictures()) == n
	})
	billed := cloud.Billed()
	askedOnce(t, cloud)
	b.stop()
	a.stop()

	alone := start(t, configured("one", ""), env...)
	alone.analyzed("cup", until)
	eventually(t, "the table of one box is written", func() bool { return len(one.scenes("cup")) >= len(alone.recorded()) })
	alone.stop()
	got, want := both.scenes("cup"), one.scenes("cup")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the table of two boxes differs (-one +two):\n%s", diff)
	}
	if len(got) != int(until/second) || billed > 2*(int(until/second)+2) {
		t.Errorf("%d scenes, %d calls; want %d scenes, and two calls each but for those under way at the kill", len(got), billed, until/second)
	}
}
