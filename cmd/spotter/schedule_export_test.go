package main

import (
	"context"
	"net/http"
	"net/url"
	"path/filepath"

	"spotter/capture/fetch"
)

// Scheduled is a stream's schedule and its operator, around any work.
type Scheduled struct {
	permit *permit
	times  *timetable
}

// NewScheduled reads a configuration with one media, whose calendar may come from getter.
func NewScheduled(dir, conf string, getter fetch.Getter, report func(error)) (*Scheduled, error) {
	c := defaultConfig()
	c.folder = dir
	if err := parseConfig([]byte(conf), &c); err != nil {
		return nil, err
	}
	t, err := c.Media[0].newTimetable(filepath.Join(dir, "data"), report)
	if err != nil {
		return nil, err
	}
	if t != nil {
		if u, ok := t.calendar.(*urlCalendar); ok {
			u.getter = getter
		}
	}
	return &Scheduled{newPermit(t == nil), t}, nil
}

// Run does once as a stream does its pipeline.
func (s *Scheduled) Run(ctx context.Context, once func(context.Context) error) {
	keepRunning(ctx, s.times, s.permit, once, func(error) {})
}

// Say is POST start or stop.
func (s *Scheduled) Say(run bool) { s.permit.say(run) }

// State is waiting, stopped or running.
func (s *Scheduled) State() string {
	switch refused, said := s.permit.refusal(); {
	case said:
		return "stopped"
	case refused:
		return "waiting"
	}
	return "running"
}

// NetworkOf reads a configuration with one media, and what its origins are asked with.
func NetworkOf(dir, conf string) (urls []*url.URL, header http.Header, o fetch.Options, loose []string, err error) {
	c := defaultConfig()
	c.folder = dir
	if err = parseConfig([]byte(conf), &c); err != nil {
		return nil, nil, o, nil, err
	}
	m := &c.Media[0]
	if urls, err = m.urls(); err != nil {
		return nil, nil, o, nil, err
	}
	o, err = m.fetchOptions("spotter/test")
	return urls, o.Header, o, m.loose(), err
}
