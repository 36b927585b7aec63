package main_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	spotter "spotter/cmd/spotter"

	"spotter/capture/fetch"
)

// calendarOf has a match from each of the given times on, for an hour.
func calendarOf(starts ...string) string {
	var b strings.Builder
	b.WriteString("BEGIN:VCALENDAR\r\n")
	for _, s := range starts {
		b.WriteString("BEGIN:VEVENT\r\nSUMMARY:Match\r\nDTSTART:" + s + "\r\nDURATION:PT1H\r\nEND:VEVENT\r\n")
	}
	return b.String() + "END:VCALENDAR\r\n"
}

// timed runs a schedule in a bubble, whose time begins at midnight of 2000-01-01 UTC, and writes down what happens.
type timed struct {
	*spotter.Scheduled
	t     *testing.T
	began time.Time

	mu     sync.Mutex
	events []string
}

func newTimed(t *testing.T, dir, schedule string, getter fetch.Getter) *timed {
	t.Helper()
	x := &timed{t: t, began: time.Now()}
	conf := "media: [{id: cup, url: 'http://origin.example/index.m3u8', schedule: {" + schedule + "}}]"
	s, err := spotter.NewScheduled(dir, conf, getter, func(err error) { x.note("fault " + err.Error()) })
	if err != nil {
		t.Fatal(err)
	}
	x.Scheduled = s
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		x.Run(ctx, func(ctx context.Context) error {
			x.note("runs")
			<-ctx.Done()
			x.note("ends")
			return nil
		})
	})
	t.Cleanup(func() { cancel(); running.Wait() })
	synctest.Wait()
	return x
}

func (x *timed) note(what string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.events = append(x.events, time.Since(x.began).String()+" "+what)
}

// until lets time pass.
func (x *timed) until(d time.Duration) {
	time.Sleep(d - time.Since(x.began))
	synctest.Wait()
}

func (x *timed) want(state string, events ...string) {
	x.t.Helper()
	x.mu.Lock()
	defer x.mu.Unlock()
	if got := x.State(); got != state {
		x.t.Errorf("state %q, want %q", got, state)
	}
	if diff := cmp.Diff(events, x.events); diff != "" {
		x.t.Error(diff)
	}
	x.events = nil
}

func TestScheduleStartsAndStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newTimed(t, t.TempDir(), "start: 2000-01-01T01:00:00Z, stop: 2000-01-01T02:30:00Z", nil)
		x.want("waiting")
		x.until(2 * time.Hour)
		x.want("running", "1h0m0s runs")
		x.until(100 * time.Hour)
		x.want("waiting", "2h30m0s ends")
	})
}

func TestOperatorsWordHoldsUntilTheNextChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "cup.ics"), calendarOf("20000101T010000Z", "20000101T030000Z", "20000101T050000Z"))
		x := newTimed(t, dir, "calendar: cup.ics", nil)
		x.until(30 * time.Minute)
		x.Say(true)
		x.until(35 * time.Minute)
		x.want("running", "30m0s runs")
		x.until(90 * time.Minute) // the schedule took over at 1h and ended it at 2h
		x.want("running")
		x.until(150 * time.Minute)
		x.want("waiting", "2h0m0s ends")
		x.until(195 * time.Minute)
		x.Say(false)
		x.until(200 * time.Minute)
		x.want("stopped", "3h0m0s runs", "3h15m0s ends")
		x.until(270 * time.Minute)
		x.want("waiting")
		x.until(315 * time.Minute)
		x.want("running", "5h0m0s runs")
		x.Say(false)
		x.Say(true)
		x.until(400 * time.Minute)
		if got := x.State(); got != "waiting" {
			t.Errorf("state %q after a stop that was taken back and the schedule's end", got)
		}
	})
}

func TestOperatorWithoutSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newTimed(t, t.TempDir(), "", nil)
		x.Say(false)
		x.until(time.Hour)
		x.want("stopped", "0s runs", "0s ends")
		x.Say(true)
		x.until(2 * time.Hour)
		x.want("running", "1h0m0s runs")
	})
}

func TestCalendarFileIsReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		path := filepath.Join(dir, "cup.ics")
		x := newTimed(t, dir, "calendar: '"+path+"#MATCH'", nil)
		x.until(10 * time.Minute)
		x.want("waiting", "0s fault read calendar: stat "+path+": no such file or directory")
		write(t, path, calendarOf("20000101T000000Z"))
		x.until(11 * time.Minute)
		x.want("running", "10m30s runs")
		write(t, path, "<html>")
		x.until(20 * time.Minute)
		x.want("running", "11m30s fault unusable calendar: not an iCalendar file: it has no BEGIN:VCALENDAR")
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		x.until(30 * time.Minute)
		x.want("running", "20m30s fault read calendar: stat "+path+": no such file or directory")
		write(t, path, calendarOf("20000101T040000Z"))
		x.until(31 * time.Minute)
		x.want("waiting", "30m30s ends")
		x.until(5 * time.Hour)
		x.want("waiting", "4h0m0s runs", "5h0m0s ends")
	})
}

// scripted answers a calendar's requests.
type scripted func(ctx context.Context, r fetch.Request) (fetch.Response, error)

func (s scripted) Get(ctx context.Context, r fetch.Request) (fetch.Response, error) { return s(ctx, r) }

func TestCalendarURLIsReadAgain(t *testing.T) {
	const schedule = "calendar: 'webcal://calendar.example/secret-token/basic.ics'"
	dir := t.TempDir()
	away := errors.New("connection refused")
	synctest.Test(t, func(t *testing.T) {
		answers := []string{calendarOf("20000101T000000Z"), calendarOf("20000101T000000Z"), "", "", "<html>", calendarOf("20000101T020000Z")}
		var asked []string
		x := newTimed(t, dir, schedule, scripted(func(_ context.Context, r fetch.Request) (fetch.Response, error) {
			asked = append(asked, r.URL.Scheme)
			n := min(len(asked), len(answers)) - 1
			if !r.Revalidate || r.Limit != 4<<20 {
				t.Errorf("asked %+v", r)
			}
			if answers[n] == "" {
				return fetch.Response{}, away
			}
			return fetch.Response{Body: []byte(answers[n])}, nil
		}))
		x.until(24 * time.Minute)
		x.want("running", "0s runs", "10m0s fault read calendar of calendar.example: connection refused",
			"20m0s fault unusable calendar: not an iCalendar file: it has no BEGIN:VCALENDAR")
		x.until(26 * time.Minute)
		x.want("waiting", "25m0s ends")
		if diff := cmp.Diff([]string{"https", "https", "https", "https", "https", "https"}, asked); diff != "" {
			t.Error(diff)
		}
	})
	synctest.Test(t, func(t *testing.T) { // a start without a network
		x := newTimed(t, dir, schedule, scripted(func(context.Context, fetch.Request) (fetch.Response, error) {
			return fetch.Response{}, away
		}))
		x.until(150 * time.Minute)
		x.want("running", "0s fault read calendar of calendar.example: connection refused: its copy of an earlier run counts until then", "2h0m0s runs")
	})
}

// TestSlowCalendarDelaysNothing has an address that takes for ever, just when the stream is to start.
func TestSlowCalendarDelaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		x := newTimed(t, t.TempDir(), "calendar: 'https://calendar.example/basic.ics'", scripted(func(ctx context.Context, _ fetch.Request) (fetch.Response, error) {
			if asked++; asked > 1 {
				<-ctx.Done()
				return fetch.Response{}, ctx.Err()
			}
			return fetch.Response{Body: []byte(calendarOf("20000101T000510Z"))}, nil
		}))
		x.until(8 * time.Minute)
		x.want("running", "5m10s runs", "5m30s fault read calendar of calendar.example: context deadline exceeded")
	})
}
