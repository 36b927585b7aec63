package main

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"spotter/capture"
	"spotter/capture/fetch"
)

// probeTime is how long an origin may take to show its playlists.
const probeTime = 10 * time.Second

// media checks one stream: its files with secrets, its schedule, and each of its addresses.
func (r *report) media(ctx context.Context, conf *config, m *mediaConfig) {
	name := "media " + m.ID
	for _, path := range m.loose() {
		r.advise(name, path+" holds a secret that every user may read", "chmod o-rwx "+path)
	}
	on := r.schedule(ctx, conf, m)
	urls, err := m.urls()
	var options fetch.Options
	if err == nil {
		options, err = m.fetchOptions(userAgent())
	}
	if err != nil {
		r.line(name, "", err)
		return
	}
	getter := fetch.NewHTTP(options)
	defer getter.Close()
	for i, u := range urls {
		key := ""
		if i > 0 {
			key = fmt.Sprintf("backup_urls[%d]: ", i-1)
		}
		if r.origin(ctx, getter, name, key, u, on) && on {
			r.stream(ctx, getter, name, key, m, u)
		}
	}
}

// origin looks for a playlist at one of a stream's addresses, and reports whether there is one. Outside the schedule there need
// not be.
func (r *report) origin(ctx context.Context, getter fetch.Getter, name, key string, u *url.URL, on bool) bool {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	detail, err := capture.Probe(ctx, getter, u)
	switch {
	case err != nil && !on:
		r.note(name, fmt.Sprintf("%s%v: it must be there when the schedule starts it", key, err))
	case err != nil:
		r.line(name, "", mend(fmt.Errorf("%s%w", key, err), "start the stream, or correct its url"))
	default:
		r.line(name, key+detail, nil)
	}
	return err == nil
}

// schedule says when a stream is next on, and reports whether it is now.
func (r *report) schedule(ctx context.Context, conf *config, m *mediaConfig) (on bool) {
	name := "schedule " + m.ID
	t, err := m.newTimetable(conf.DataDir, func(error) {})
	if err != nil {
		r.line(name, "", err)
		return false
	}
	if t == nil {
		return true
	}
	defer t.close()
	if t.calendar != nil {
		text, err := t.read(ctx)
		if err == nil {
			err = t.take(text)
		}
		if err != nil {
			r.line(name, "", mend(err, "correct the calendar, or schedule.calendar"))
			return false
		}
	}
	on, until := t.current.At(time.Now())
	r.line(name, nextChange(on, until), nil)
	return on
}

func nextChange(on bool, until time.Time) string {
	switch at := until.Format(time.RFC3339); {
	case on && until.IsZero():
		return "on, with no end"
	case on:
		return "on, stops at " + at
	case until.IsZero():
		return "off, and never on again"
	default:
		return "off, starts at " + at
	}
}
