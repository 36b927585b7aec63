package schedule_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/capture/schedule"
)

func TestStartAndStop(t *testing.T) {
	match := event("DTSTART:20261123T150000Z", "DTEND:20261123T170000Z")
	for name, tc := range map[string]struct {
		start, stop string
		calendar    []byte
		want        []string
	}{
		"neither":        {"", "", nil, []string{"2026-11-01T00:00Z/"}},
		"start":          {"2026-11-23T14:00:00Z", "", nil, []string{"2026-11-23T14:00Z/"}},
		"stop":           {"", "2026-11-23T16:30:00Z", nil, []string{"2026-11-01T00:00Z/2026-11-23T16:30Z"}},
		"both":           {"2026-11-23T14:00:00Z", "2026-11-23T16:30:00Z", nil, []string{"2026-11-23T14:00Z/2026-11-23T16:30Z"}},
		"zones":          {"2026-11-23T15:00:00+01:00", "2026-11-23T11:30:00-05:00", nil, []string{"2026-11-23T14:00Z/2026-11-23T16:30Z"}},
		"past":           {"2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z", nil, nil},
		"cut a calendar": {"2026-11-23T16:00:00Z", "2026-11-23T16:30:00Z", match, []string{"2026-11-23T16:00Z/2026-11-23T16:30Z"}},
		"calendar alone": {"", "", match, []string{"2026-11-23T15:00Z/2026-11-23T17:00Z"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := schedule.Options{Calendar: tc.calendar}
			if tc.start != "" {
				o.Start = at(t, tc.start)
			}
			if tc.stop != "" {
				o.Stop = at(t, tc.stop)
			}
			s, err := schedule.New(o)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, spans(t, s, at(t, "2026-11-01T00:00:00Z"), 3)); diff != "" {
				t.Error(diff)
			}
		})
	}
	if _, err := schedule.New(schedule.Options{Start: at(t, "2026-11-23T14:00:00Z"), Stop: at(t, "2026-11-23T14:00:00Z")}); err == nil {
		t.Error("a stop at the start is taken")
	}
}

// TestEvents has one event each. Floating times are Berlin's.
func TestEvents(t *testing.T) {
	berlin := location(t, "Europe/Berlin")
	for name, tc := range map[string]struct {
		event []byte
		from  string
		want  []string
	}{
		"UTC": {
			event("DTSTART:20261123T140000Z", "DTEND:20261123T163000Z"), "2026-11-01T00:00:00Z",
			[]string{"2026-11-23T14:00Z/2026-11-23T16:30Z"},
		},
		"begun already": {
			event("DTSTART:20261123T140000Z", "DTEND:20261123T163000Z"), "2026-11-23T15:00:00Z",
			[]string{"2026-11-23T15:00Z/2026-11-23T16:30Z"},
		},
		"TZID": {
			event("DTSTART;TZID=America/New_York:20261123T140000", "DTEND;TZID=America/New_York:20261123T163000"), "2026-11-01T00:00:00Z",
			[]string{"2026-11-23T19:00Z/2026-11-23T21:30Z"},
		},
		"zones of its own for each end": {
			event("DTSTART;TZID=Europe/London:20261123T140000", "DTEND;TZID=Europe/Berlin:20261123T163000"), "2026-11-01T00:00:00Z",
			[]string{"2026-11-23T14:00Z/2026-11-23T15:30Z"},
		},
		"vendor's prefix": {
			event("DTSTART;TZID=/freeassociation.sourceforge.net/America/Argentina/Salta:20261123T140000", "DURATION:PT1H"), "2026-11-01T00:00:00Z",
			[]string{"2026-11-23T17:00Z/2026-11-23T18:00Z"},
		},
		"floating": {
			event("DTSTART:20261123T140000", "DURATION:PT2H30M"), "2026-11-01T00:00:00Z",
			[]string{"2026-11-23T13:00Z/2026-11-23T15:30Z"},
		},
		"all day": {
			event("DTSTART;VALUE=DATE:20261123"), "2026-11-01T00:00:00Z",
			[]string{"2026-11-22T23:00Z/2026-11-23T23:00Z"},
		},
		"all of two days": {
			event("DTSTART;VALUE=DATE:20261123", "DTEND;VALUE=DATE:20261125"), "2026-11-01T00:00:00Z",
			[]string{"2026-11-22T23:00Z/2026-11-24T23:00Z"},
		},
		"all of the day with 25 hours": {
			event("DTSTART;VALUE=DATE:20261025"), "2026-10-01T00:00:00Z",
			[]string{"2026-10-24T22:00Z/2026-10-25T23:00Z"},
		},
		"overnight across the change of clocks": { // RFC 5545 section 3.8.5.3: the same exact duration
			event("DTSTART;TZID=Europe/Berlin:20261023T220000", "DTEND;TZID=Europe/Berlin:20261024T060000", "RRULE:FREQ=DAILY;COUNT=3"), "2026-10-01T00:00:00Z",
			[]string{"2026-10-23T20:00Z/2026-10-24T04:00Z", "2026-10-24T20:00Z/2026-10-25T04:00Z", "2026-10-25T21:00Z/2026-10-26T05:00Z"},
		},
		"a day by the calendar across the change of clocks": {
			event("DTSTART;TZID=Europe/Berlin:20261024T120000", "DURATION:P1D"), "2026-10-01T00:00:00Z",
			[]string{"2026-10-24T10:00Z/2026-10-25T11:00Z"},
		},
		"24 hours across the change of clocks": {
			event("DTSTART;TZID=Europe/Berlin:20261024T120000", "DURATION:PT24H"), "2026-10-01T00:00:00Z",
			[]string{"2026-10-24T10:00Z/2026-10-25T10:00Z"},
		},
		"week": {
			event("DTSTART:20261123T140000Z", "DURATION:P1W"), "2026-11-01T00:00:00Z",
			[]string{"2026-11-23T14:00Z/2026-11-30T14:00Z"},
		},
		"same time through the change of clocks in Berlin": {
			event("DTSTART;TZID=Europe/Berlin:20260328T150000", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=2"), "2026-03-01T00:00:00Z",
			[]string{"2026-03-28T14:00Z/2026-03-28T15:00Z", "2026-03-29T13:00Z/2026-03-29T14:00Z"},
		},
		"same time through the change of clocks in New York": {
			event("DTSTART;TZID=America/New_York:20261031T200000", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=2"), "2026-10-01T00:00:00Z",
			[]string{"2026-11-01T00:00Z/2026-11-01T01:00Z", "2026-11-02T01:00Z/2026-11-02T02:00Z"},
		},
		"time that is skipped in Berlin": {
			event("DTSTART;TZID=Europe/Berlin:20260329T023000", "DURATION:PT1H"), "2026-03-01T00:00:00Z",
			[]string{"2026-03-29T01:30Z/2026-03-29T02:30Z"},
		},
		"time that is skipped in New York": {
			event("DTSTART;TZID=America/New_York:20260308T023000", "DURATION:PT1H"), "2026-03-01T00:00:00Z",
			[]string{"2026-03-08T07:30Z/2026-03-08T08:30Z"},
		},
		"time that comes twice": {
			event("DTSTART;TZID=Europe/Berlin:20261025T023000", "DURATION:PT1H"), "2026-10-01T00:00:00Z",
			[]string{"2026-10-25T00:30Z/2026-10-25T01:30Z"},
		},
		"no length":     {event("DTSTART:20261123T140000Z"), "2026-11-01T00:00:00Z", nil},
		"cancelled":     {event("DTSTART:20261123T140000Z", "DURATION:PT1H", "STATUS:CANCELLED"), "2026-11-01T00:00:00Z", nil},
		"tentative":     {event("DTSTART:20261123T140000Z", "DURATION:PT1H", "STATUS:TENTATIVE"), "2026-11-01T00:00:00Z", []string{"2026-11-23T14:00Z/2026-11-23T15:00Z"}},
		"lower case":    {event("dtstart;tzid=Europe/Berlin:20261123T140000", "duration:PT1H"), "2026-11-01T00:00:00Z", []string{"2026-11-23T13:00Z/2026-11-23T14:00Z"}},
		"folded":        {event("DTSTART;TZID=Europe/\r\n Berlin:2026\r\n\t1123T140000", "DURATION:PT1H"), "2026-11-01T00:00:00Z", []string{"2026-11-23T13:00Z/2026-11-23T14:00Z"}},
		"only LF":       {[]byte("BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20261123T140000Z\nDURATION:PT1H\nEND:VEVENT\nEND:VCALENDAR"), "2026-11-01T00:00:00Z", []string{"2026-11-23T14:00Z/2026-11-23T15:00Z"}},
		"byte order":    {append([]byte("\xef\xbb\xbf"), event("DTSTART:20261123T140000Z", "DURATION:PT1H")...), "2026-11-01T00:00:00Z", []string{"2026-11-23T14:00Z/2026-11-23T15:00Z"}},
		"malformed X-":  {event("DTSTART:20261123T140000Z", "DURATION:PT1H", "X-ODD;A=\"", "ATTENDEE;CN", "no colon here"), "2026-11-01T00:00:00Z", []string{"2026-11-23T14:00Z/2026-11-23T15:00Z"}},
		"two calendars": {append(event("DTSTART:20261123T140000Z", "DURATION:PT1H"), calendar("BEGIN:VEVENT", "DTSTART:20261124T140000Z", "DURATION:PT1H", "END:VEVENT")...), "2026-11-01T00:00:00Z", []string{"2026-11-23T14:00Z/2026-11-23T15:00Z", "2026-11-24T14:00Z/2026-11-24T15:00Z"}},
		"alarm":         {event("DTSTART:20261123T140000Z", "DURATION:PT1H", "BEGIN:VALARM", "TRIGGER:-PT15M", "DURATION:PT5H", "END:VALARM"), "2026-11-01T00:00:00Z", []string{"2026-11-23T14:00Z/2026-11-23T15:00Z"}},
		"a to-do is none": {
			calendar("BEGIN:VTODO", "DTSTART:20261123T140000Z", "DURATION:PT1H", "END:VTODO"), "2026-11-01T00:00:00Z", nil,
		},
		"no events": {calendar("METHOD:PUBLISH"), "2026-11-01T00:00:00Z", nil},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := schedule.New(schedule.Options{Calendar: tc.event, Zone: berlin})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, spans(t, s, at(t, tc.from), 4)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestMachinesZone has a floating time, and no zone given.
func TestMachinesZone(t *testing.T) {
	s, err := schedule.New(schedule.Options{Calendar: event("DTSTART:20261123T140000", "DURATION:PT1H")})
	if err != nil {
		t.Fatal(err)
	}
	want := time.Date(2026, 11, 23, 14, 0, 0, 0, time.Local)
	if on, until := s.At(want.Add(-time.Hour)); on || !until.Equal(want) {
		t.Errorf("got %v until %v, want off until %v", on, until, want)
	}
}

func TestName(t *testing.T) {
	text := calendar(
		"BEGIN:VEVENT", "UID:1", "SUMMARY:Cup final\\, live", "DTSTART:20261123T140000Z", "DURATION:PT1H", "END:VEVENT",
		"BEGIN:VEVENT", "UID:2", "SUMMARY:Derby", "DTSTART:20261124T140000Z", "DURATION:PT1H", "RRULE:FREQ=SECONDLY", "END:VEVENT",
		"BEGIN:VEVENT", "UID:3", "SUMMARY:CUP semi-final", "DTSTART:20261125T140000Z", "DURATION:PT1H", "END:VEVENT",
	)
	s, err := schedule.New(schedule.Options{Calendar: text, Name: "cup"})
	if err != nil {
		t.Fatal(err) // the derby's faults are not ours
	}
	want := []string{"2026-11-23T14:00Z/2026-11-23T15:00Z", "2026-11-25T14:00Z/2026-11-25T15:00Z"}
	if diff := cmp.Diff(want, spans(t, s, at(t, "2026-11-01T00:00:00Z"), 4)); diff != "" {
		t.Error(diff)
	}
}
