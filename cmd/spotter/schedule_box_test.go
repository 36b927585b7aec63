package main_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/internal/fakeaws"
	hls "spotter/internal/origin"
	"spotter/timeline"
)

// soon returns the first whole second that is at least d from now.
func soon(d time.Duration) time.Time {
	return time.Now().Add(d + time.Second - time.Nanosecond).Truncate(time.Second)
}

// scheduled is a box's media with a schedule.
func (o *origin) scheduled(id, schedule string) string {
	return "  - {id: " + id + ", url: '" + o.URL + hls.Media + "', schedule: {" + schedule + "}}"
}

// say is POST /v1/media/{media}/start or stop.
func (b *box) say(media, verb string) {
	b.t.Helper()
	if resp, body := b.ask(http.MethodPost, b.admin+"/v1/media/"+media+"/"+verb); resp.StatusCode != http.StatusNoContent {
		b.t.Fatalf("POST %s/%s: %s: %s", media, verb, resp.Status, body)
	}
}

// turns waits until a media is in a state.
func (b *box) turns(media, state string) {
	b.t.Helper()
	eventually(b.t, media+" is "+state, func() bool { return b.status(media).State == state })
}

// untouched fails if an origin was asked for anything before a time.
func (o *origin) untouched(t *testing.T, before time.Time) {
	t.Helper()
	if all := o.Requests(); len(all) > 0 && all[0].At.Before(before) {
		t.Errorf("%s was asked for %v before the start", all[0].Path, before.Sub(all[0].At))
	}
}

// TestScheduleOfBox has one stream that its schedule starts and stops, and one that nobody disturbs.
func TestScheduleOfBox(t *testing.T) {
	t.Parallel()
	match, other := newOrigin(t, 12, 6), newOrigin(t, 12, 6)
	begins := soon(12 * time.Second) // starting the box takes seconds on a busy machine
	ends := begins.Add(15 * time.Second)
	b := start(t, config(newData(t), classic, "media:",
		match.scheduled("cup", fmt.Sprintf("start: %s, stop: %s", begins.Format(time.RFC3339), ends.Format(time.RFC3339))),
		"  - {id: always, url: '"+other.URL+hls.Media+"'}"))
	if s := b.status("cup"); s.State != "waiting" || s.AnalyzedUntil != nil || len(s.Faults) != 0 {
		t.Errorf("before the start: %+v", s)
	}
	b.analyzed("always", behind*second)
	b.turns("cup", "live")
	match.untouched(t, begins)
	b.analyzed("cup", behind*second)
	match.Publish(2)
	b.analyzed("cup", (behind+2)*second)

	b.turns("cup", "waiting")
	if now := time.Now(); now.Before(ends) {
		t.Errorf("it stopped %v too soon", ends.Sub(now))
	}
	asked := len(match.Requests())
	match.Publish(2)
	other.Publish(3)
	b.analyzed("always", (behind+3)*second)
	if now := len(match.Requests()); now > asked+1 { // one may have been under way
		t.Errorf("%d requests after the stop", now-asked)
	}
	if a := b.context("cup", 0, 0, (behind+2)*second); !a.Complete || !a.has("Person") {
		t.Errorf("after the stop: %+v, want all until then", a)
	}
	for _, media := range []string{"cup", "always"} {
		for _, f := range b.status(media).Faults {
			if f.Kind != "stalled" { // nothing is published for seconds on end
				t.Errorf("%s: %+v", media, f)
			}
		}
	}
	b.stop()
}

// TestWordBeforeSchedule has an operator start a stream hours before its schedule does, and stop it.
func TestWordBeforeSchedule(t *testing.T) {
	t.Parallel()
	early, other := newOrigin(t, 12, 6), newOrigin(t, 12, 6)
	dir := t.TempDir()
	tomorrow := time.Now().Add(24 * time.Hour).UTC()
	write(t, filepath.Join(dir, "cup.ics"), calendarOf(tomorrow.Format("20060102T150405Z")))
	b := start(t, config(newData(t), classic, "media:",
		early.scheduled("cup", "calendar: '"+filepath.Join(dir, "cup.ics")+"'"),
		"  - {id: always, url: '"+other.URL+hls.Media+"'}"))
	b.analyzed("always", behind*second)
	if s := b.status("cup"); s.State != "waiting" || len(early.Requests()) != 0 {
		t.Errorf("before the start: %+v and %d requests", s, len(early.Requests()))
	}
	said := time.Now()
	b.say("cup", "start")
	b.analyzed("cup", behind*second)
	t.Logf("analysed %v after POST start", time.Since(said).Round(time.Millisecond))
	if s := b.status("cup"); s.State != "live" {
		t.Errorf("after POST start: %+v", s)
	}

	b.say("cup", "stop")
	b.turns("cup", "waiting") // as its schedule has it, too
	early.Publish(3)
	other.Publish(3)
	b.analyzed("always", (behind+3)*second)
	if s := b.status("cup"); *s.AnalyzedUntil != behind*second {
		t.Errorf("after POST stop: analysed until %v", *s.AnalyzedUntil)
	}

	b.say("always", "stop")
	b.turns("always", "stopped")
	b.say("cup", "start")
	b.analyzed("cup", (behind+3)*second)
	other.Publish(2)
	early.Publish(2)
	b.analyzed("cup", (behind+5)*second)
	if s := b.status("always"); s.State != "stopped" || *s.AnalyzedUntil != (behind+3)*second {
		t.Errorf("stopped while the other ran: %+v", s)
	}
	all := timeline.Position(behind + 5)
	if a := b.context("cup", 0, 0, all*second); !a.Complete || !a.has("Person") {
		t.Errorf("got %+v, want all of it", a)
	}
	b.stop()
}

// TestStopDrains stops a stream while the cloud thinks about its first picture: the answer is recorded all the same, and
// after a new start nothing is missing.
func TestStopDrains(t *testing.T) {
	t.Parallel()
	cloud := new(fakeaws.Rekognition)
	cloud.SetFault("", fakeaws.Fault{Latency: time.Second})
	server := httptest.NewServer(cloud)
	t.Cleanup(server.Close)
	const long, length = 4, behind * 4 * second
	o := newLongOrigin(t, long, behind, behind)
	b := start(t, config(newData(t), o.media(), "vision: {mode: cloud-only, max_scene: 1s, rekognition: {calls_per_second: 1000}}"),
		"AWS_ENDPOINT_URL_REKOGNITION="+server.URL)
	eventually(t, "the cloud is asked", func() bool { return len(cloud.Calls()) > 0 })
	if got := b.timeline("cup"); len(got) != 0 {
		t.Fatalf("the cloud has answered already: %+v", got)
	}
	b.say("cup", "stop")
	b.turns("cup", "stopped")
	eventually(t, "what the cloud was asked is recorded", func() bool { return len(b.timeline("cup")) > 0 })
	cloud.SetFault("", fakeaws.Fault{})
	b.say("cup", "start")
	b.analyzed("cup", length)
	if a := b.context("cup", 0, 0, length); !a.Complete {
		t.Errorf("got %+v, want all of it", a)
	}
	var got, want []timeline.Span
	for _, o := range b.timeline("cup") {
		got = append(got, o.Span)
	}
	for p := timeline.Position(0); p < length; p += second {
		want = append(want, timeline.Span{From: p, Until: p + second})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("scenes (-want +got):\n%s", diff)
	}
	b.stop()
}

// TestCalendarIsReadAgain has a calendar that is rewritten while the box runs, which looks at it every 30 s.
func TestCalendarIsReadAgain(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("half a minute of real time")
	}
	o := newOrigin(t, 8, 6)
	path := filepath.Join(t.TempDir(), "cup.ics")
	write(t, path, calendarOf("20400101T120000Z"))
	b := start(t, config(newData(t), classic, "media:", o.scheduled("cup", "calendar: '"+path+"'")))
	if s := b.status("cup"); s.State != "waiting" {
		t.Errorf("before: %+v", s)
	}
	rewritten := time.Now()
	write(t, path, calendarOf(rewritten.UTC().Format("20060102T150405Z")))
	b.analyzed("cup", behind*second)
	o.untouched(t, rewritten)
	t.Logf("analysed %v after the calendar was rewritten", time.Since(rewritten).Round(time.Second))
	if s := b.status("cup"); s.State != "live" {
		t.Errorf("after: %+v", s)
	}
	b.stop()
}
