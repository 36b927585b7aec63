package schedule_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/capture/schedule"
)

// TestCalendarPrograms reads what calendar programs write.
func TestCalendarPrograms(t *testing.T) {
	for file, want := range map[string][]string{
		"google.ics": {
			"2026-10-03T13:30Z/2026-10-03T15:30Z",
			// the 10th is left out, the 17th moved, the 24th cancelled
			"2026-10-18T16:30Z/2026-10-18T18:30Z",
			"2026-10-31T14:30Z/2026-10-31T16:30Z",
			"2026-11-07T14:30Z/2026-11-07T16:30Z",
			"2026-11-09T23:00Z/2026-11-10T23:00Z",
		},
		"outlook.ics": {
			"2026-10-23T20:00Z/2026-10-23T23:00Z",
			"2026-10-24T20:00Z/2026-10-24T23:00Z",
			"2026-10-25T21:00Z/2026-10-26T00:00Z",
			"2026-11-01T03:00Z/2026-11-01T08:00Z",
		},
		"apple.ics": {
			"2026-10-08T00:00Z/2026-10-08T02:00Z",
			"2026-11-06T00:30Z/2026-11-06T02:30Z",
			"2026-12-03T01:00Z/2026-12-03T03:00Z",
			"2027-01-07T01:00Z/2027-01-07T03:00Z",
		},
	} {
		t.Run(file, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("testdata", file))
			if err != nil {
				t.Fatal(err)
			}
			s, err := schedule.New(schedule.Options{Calendar: text})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, spans(t, s, at(t, "2026-09-01T00:00:00Z"), 10)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRecurrence(t *testing.T) {
	const hour = "DURATION:PT1H"
	for name, tc := range map[string]struct {
		event []byte
		from  string
		want  []string
	}{
		"COUNT": {
			event("DTSTART:20261101T140000Z", hour, "RRULE:FREQ=DAILY;COUNT=2"), "2026-10-01T00:00:00Z",
			[]string{"2026-11-01T14:00Z/2026-11-01T15:00Z", "2026-11-02T14:00Z/2026-11-02T15:00Z"},
		},
		"UNTIL holds itself": {
			event("DTSTART:20261101T140000Z", hour, "RRULE:FREQ=DAILY;UNTIL=20261102T140000Z"), "2026-10-01T00:00:00Z",
			[]string{"2026-11-01T14:00Z/2026-11-01T15:00Z", "2026-11-02T14:00Z/2026-11-02T15:00Z"},
		},
		"UNTIL in UTC of a local start": {
			event("DTSTART;TZID=America/New_York:20261101T200000", hour, "RRULE:FREQ=DAILY;UNTIL=20261103T010000Z"), "2026-10-01T00:00:00Z",
			[]string{"2026-11-02T01:00Z/2026-11-02T02:00Z", "2026-11-03T01:00Z/2026-11-03T02:00Z"},
		},
		"UNTIL as a day": {
			event("DTSTART:20261101T140000Z", hour, "RRULE:FREQ=DAILY;UNTIL=20261102"), "2026-10-01T00:00:00Z",
			[]string{"2026-11-01T14:00Z/2026-11-01T15:00Z", "2026-11-02T14:00Z/2026-11-02T15:00Z"},
		},
		"EXDATE": {
			event("DTSTART:20261101T140000Z", hour, "RRULE:FREQ=DAILY;COUNT=5", "EXDATE:20261101T140000Z,20261103T140000Z", "EXDATE;TZID=Europe/Berlin:20261104T150000"),
			"2026-10-01T00:00:00Z",
			[]string{"2026-11-02T14:00Z/2026-11-02T15:00Z", "2026-11-05T14:00Z/2026-11-05T15:00Z"},
		},
		"EXDATE as a day": {
			event("DTSTART:20261101T140000Z", hour, "RRULE:FREQ=DAILY;COUNT=2", "EXDATE;VALUE=DATE:20261101"), "2026-10-01T00:00:00Z",
			[]string{"2026-11-02T14:00Z/2026-11-02T15:00Z"},
		},
		"RDATE": {
			event("DTSTART:20261101T140000Z", hour, "RDATE:20261110T100000Z,20261112T100000Z"), "2026-11-02T00:00:00Z",
			[]string{"2026-11-10T10:00Z/2026-11-10T11:00Z", "2026-11-12T10:00Z/2026-11-12T11:00Z"},
		},
		"RDATE as periods": {
			event("DTSTART:20261101T140000Z", hour, "RDATE;VALUE=PERIOD:20261110T100000Z/20261110T130000Z,20261112T100000Z/PT30M"), "2026-11-02T00:00:00Z",
			[]string{"2026-11-10T10:00Z/2026-11-10T13:00Z", "2026-11-12T10:00Z/2026-11-12T10:30Z"},
		},
		"DTSTART beside the rule": {
			event("DTSTART:20261102T140000Z", hour, "RRULE:FREQ=WEEKLY;BYDAY=TU"), "2026-11-01T00:00:00Z",
			[]string{"2026-11-02T14:00Z/2026-11-02T15:00Z", "2026-11-03T14:00Z/2026-11-03T15:00Z", "2026-11-10T14:00Z/2026-11-10T15:00Z"},
		},
		"last working day of the month": {
			event("DTSTART:20261030T140000Z", hour, "RRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1"), "2026-10-01T00:00:00Z",
			[]string{"2026-10-30T14:00Z/2026-10-30T15:00Z", "2026-11-30T14:00Z/2026-11-30T15:00Z", "2026-12-31T14:00Z/2026-12-31T15:00Z"},
		},
		"leap day": {
			event("DTSTART:20240229T140000Z", hour, "RRULE:FREQ=YEARLY"), "2026-10-01T00:00:00Z",
			[]string{"2028-02-29T14:00Z/2028-02-29T15:00Z", "2032-02-29T14:00Z/2032-02-29T15:00Z", "2036-02-29T14:00Z/2036-02-29T15:00Z"},
		},
		"news on the hour": {
			event("DTSTART:20100101T000000Z", "DURATION:PT5M", "RRULE:FREQ=HOURLY"), "2026-10-01T00:10:00Z",
			[]string{"2026-10-01T01:00Z/2026-10-01T01:05Z", "2026-10-01T02:00Z/2026-10-01T02:05Z", "2026-10-01T03:00Z/2026-10-01T03:05Z"},
		},
		"back to back is one": {
			event("DTSTART:20261101T140000Z", "DURATION:P1D", "RRULE:FREQ=DAILY;COUNT=10"), "2026-10-01T00:00:00Z",
			[]string{"2026-11-01T14:00Z/2026-11-11T14:00Z"},
		},
		"without end": {
			event("DTSTART:20261101T140000Z", "DURATION:P1D", "RRULE:FREQ=DAILY"), "2026-10-01T00:00:00Z",
			[]string{"2026-11-01T14:00Z/"},
		},
		"overlapping are one": {
			calendar(
				"BEGIN:VEVENT", "UID:1", "DTSTART:20261101T140000Z", "DURATION:PT2H", "END:VEVENT",
				"BEGIN:VEVENT", "UID:2", "DTSTART:20261101T150000Z", "DURATION:PT2H", "END:VEVENT",
				"BEGIN:VEVENT", "UID:3", "DTSTART:20261101T153000Z", "DURATION:PT5M", "END:VEVENT",
			), "2026-10-01T00:00:00Z",
			[]string{"2026-11-01T14:00Z/2026-11-01T17:00Z"},
		},
		"newer revision": {
			calendar(
				"BEGIN:VEVENT", "UID:1", "SEQUENCE:2", "DTSTART:20261102T140000Z", "DURATION:PT1H", "END:VEVENT",
				"BEGIN:VEVENT", "UID:1", "SEQUENCE:1", "DTSTART:20261101T140000Z", "DURATION:PT1H", "END:VEVENT",
			), "2026-10-01T00:00:00Z",
			[]string{"2026-11-02T14:00Z/2026-11-02T15:00Z"},
		},
		"instance moved before the series' start, its RECURRENCE-ID in another zone": {
			calendar(
				"BEGIN:VEVENT", "UID:1", "DTSTART;TZID=Europe/Berlin:20261102T150000", hour, "RRULE:FREQ=DAILY;COUNT=2", "END:VEVENT",
				"BEGIN:VEVENT", "UID:1", "RECURRENCE-ID:20261103T140000Z", "DTSTART:20261101T080000Z", "DURATION:PT3H", "END:VEVENT",
			), "2026-10-01T00:00:00Z",
			[]string{"2026-11-01T08:00Z/2026-11-01T11:00Z", "2026-11-02T14:00Z/2026-11-02T15:00Z"},
		},
		"all-day instance moved": {
			calendar(
				"BEGIN:VEVENT", "UID:1", "DTSTART;VALUE=DATE:20261102", "RRULE:FREQ=WEEKLY;COUNT=2", "END:VEVENT",
				"BEGIN:VEVENT", "UID:1", "RECURRENCE-ID;VALUE=DATE:20261109", "DTSTART;VALUE=DATE:20261110", "END:VEVENT",
				"X-WR-TIMEZONE:Etc/UTC",
			), "2026-10-01T00:00:00Z",
			[]string{"2026-11-02T00:00Z/2026-11-03T00:00Z", "2026-11-10T00:00Z/2026-11-11T00:00Z"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := schedule.New(schedule.Options{Calendar: tc.event, Zone: location(t, "UTC")})
			if err != nil {
				t.Fatal(err)
			}
			most := min(len(tc.want)+1, 3)
			if len(tc.want) > 3 {
				most = len(tc.want)
			}
			if diff := cmp.Diff(tc.want, spans(t, s, at(t, tc.from), most)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
