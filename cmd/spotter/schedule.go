package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"spotter/capture/fetch"
	"spotter/capture/schedule"
)

const (
	faultSchedule = "schedule"
	calendarsDir  = "calendars" // of copies, below the data folder

	fileEvery = 30 * time.Second // between two looks at a calendar file, or at one that could not be read yet
	urlEvery  = 5 * time.Minute  // between two requests for a calendar
	readTime  = 20 * time.Second // for one of them
)

// errUnchanged is returned by a calendar that is as it was.
var errUnchanged = errors.New("unchanged")

// calendar is a text that changes now and then.
type calendar interface {
	// read returns the text, or errUnchanged where it is that of the last read.
	read(ctx context.Context) ([]byte, error)
	// accept is told that the text just read is of use.
	accept(text []byte) error
}

// timetable is one media's schedule, which is read again while it is in use.
type timetable struct {
	options  schedule.Options
	calendar calendar // nil: there is none
	every    time.Duration
	report   func(error) // told of each fault once
	close    func()

	current *schedule.Schedule // nil: none could be read yet
	said    string             // the fault reported last
}

// newTimetable returns a media's timetable, or nil where it has no schedule. Copies of calendars at addresses are kept
// below dataDir, for a start without a network.
func (m *mediaConfig) newTimetable(dataDir string, report func(error)) (*timetable, error) {
	c := m.Schedule
	if c == (scheduleConfig{}) {
		return nil, nil
	}
	t := &timetable{report: report, close: func() {}}
	var err, err2 error
	t.options.Start, err = parseTime(c.Start)
	t.options.Stop, err2 = parseTime(c.Stop)
	address, name, err3 := c.calendar()
	if err := errors.Join(err, err2, err3); err != nil {
		return nil, err
	}
	t.options.Name = name
	switch {
	case c.Calendar == "":
		t.current, err = schedule.New(t.options)
		return t, err
	case address.Scheme == "":
		path := address.Path
		if !filepath.IsAbs(path) {
			path = filepath.Join(m.folder, path)
		}
		t.calendar, t.every = &fileCalendar{path: path}, fileEvery
		return t, nil
	}
	getter := fetch.NewHTTP(fetch.Options{UserAgent: userAgent(), Hosts: []string{address.Hostname()}, Allow: m.AllowHosts})
	t.close = getter.Close
	digest := sha256.Sum256([]byte(address.String()))
	t.calendar = &urlCalendar{
		url: address, getter: getter,
		copied: filepath.Join(dataDir, calendarsDir, fmt.Sprintf("%s-%x.ics", m.ID, digest[:6])),
	}
	t.every = urlEvery
	return t, nil
}

// run tells set whether the media is scheduled, at once and at every change, until ctx is done.
func (t *timetable) run(ctx context.Context, set func(on bool)) {
	var due time.Time // when the calendar is to be read
	for ctx.Err() == nil {
		now := time.Now()
		wait := fileEvery // a clock that is set has its effect by then
		if t.current != nil {
			on, until := t.current.At(now)
			set(on)
			if !until.IsZero() {
				wait = min(wait, until.Sub(now))
			}
		}
		if t.calendar != nil && !now.Before(due) && wait >= readTime { // a slow origin delays no change
			t.reread(ctx)
			due = now.Add(t.every)
			if t.current == nil {
				due = now.Add(fileEvery)
			}
			continue
		}
		if t.calendar != nil && due.After(now) {
			wait = min(wait, due.Sub(now))
		}
		sleep(ctx, wait)
	}
}

// sleep waits, until ctx is done at most.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// reread takes up what the calendar says now; the last good one stays where that is of no use.
func (t *timetable) reread(ctx context.Context) {
	err := t.load(ctx)
	switch {
	case ctx.Err() != nil || errors.Is(err, errUnchanged):
		return
	case err == nil:
		t.said = ""
		return
	case err.Error() == t.said:
		return
	}
	t.said = err.Error()
	if c, ok := t.calendar.(*urlCalendar); ok && t.current == nil {
		err = fmt.Errorf("%w: %w", err, t.restore(c))
	}
	t.report(err)
}

func (t *timetable) load(ctx context.Context) error {
	text, err := t.read(ctx)
	if err == nil {
		err = t.take(text)
	}
	if err != nil {
		return err
	}
	return t.calendar.accept(text)
}

// read reads the calendar's text.
func (t *timetable) read(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	return t.calendar.read(ctx)
}

// take makes a calendar's text the one that counts.
func (t *timetable) take(text []byte) error {
	o := t.options
	o.Calendar = text
	s, err := schedule.New(o)
	if err == nil {
		t.current = s
	}
	return err
}

// restore takes up the copy of an earlier run, and says so by an error.
func (t *timetable) restore(c *urlCalendar) error {
	text, err := os.ReadFile(c.copied)
	if errors.Is(err, os.ErrNotExist) {
		return errors.New("there is no copy of an earlier run, so the stream waits")
	}
	if err == nil {
		err = t.take(text)
	}
	if err != nil {
		return fmt.Errorf("its copy of an earlier run: %w", err)
	}
	return errors.New("its copy of an earlier run counts until then")
}

// fileCalendar is a calendar file.
type fileCalendar struct {
	path     string
	size     int64
	modified time.Time
}

func (c *fileCalendar) read(context.Context) ([]byte, error) {
	info, err := os.Stat(c.path)
	if err != nil {
		c.modified = time.Time{}
		return nil, fmt.Errorf("read calendar: %w", err)
	}
	if info.Size() == c.size && info.ModTime().Equal(c.modified) {
		return nil, errUnchanged
	}
	f, err := os.Open(c.path)
	if err != nil {
		return nil, fmt.Errorf("read calendar: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, schedule.MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("read calendar: %w", err)
	}
	c.size, c.modified = info.Size(), info.ModTime()
	return text, nil
}

func (c *fileCalendar) accept([]byte) error { return nil }

// urlCalendar is a calendar at an address.
type urlCalendar struct {
	url    *url.URL
	getter fetch.Getter
	copied string // path of the copy
	last   []byte
}

func (c *urlCalendar) read(ctx context.Context) ([]byte, error) {
	resp, err := c.getter.Get(ctx, fetch.Request{URL: c.url, Limit: schedule.MaxSize, Revalidate: true})
	if err != nil { // the path of such an address is a secret too
		return nil, fmt.Errorf("read calendar of %s: %w", c.url.Hostname(), err)
	}
	if c.last != nil && bytes.Equal(resp.Body, c.last) {
		return nil, errUnchanged
	}
	c.last = resp.Body
	return resp.Body, nil
}

// accept keeps a copy.
func (c *urlCalendar) accept(text []byte) error {
	err := os.MkdirAll(filepath.Dir(c.copied), 0o750)
	if err == nil {
		err = os.WriteFile(c.copied+".new", text, 0o600)
	}
	if err == nil {
		err = os.Rename(c.copied+".new", c.copied)
	}
	if err != nil {
		return fmt.Errorf("keep a copy of the calendar: %w", err)
	}
	return nil
}
