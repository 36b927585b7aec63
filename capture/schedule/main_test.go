package schedule_test

import (
	"strings"
	"testing"
	"time"

	"spotter/capture/schedule"
)

// at reads an RFC 3339 time.
func at(t *testing.T, s string) time.Time {
	t.Helper()
	out, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func location(t *testing.T, name string) *time.Location {
	t.Helper()
	l, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// calendar wraps lines into a VCALENDAR.
func calendar(lines ...string) []byte {
	return []byte("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\n" + strings.Join(lines, "\r\n") + "\r\nEND:VCALENDAR\r\n")
}

// event wraps lines into the only VEVENT of a VCALENDAR.
func event(lines ...string) []byte {
	return calendar("BEGIN:VEVENT", "UID:1@test", "SUMMARY:Match", strings.Join(lines, "\r\n"), "END:VEVENT")
}

// spans follows a schedule from one change to the next, and writes each time it is on as "from/until" in UTC.
func spans(t *testing.T, s *schedule.Schedule, from time.Time, most int) []string {
	t.Helper()
	const layout = "2006-01-02T15:04Z"
	var out []string
	now := from.UTC()
	for range 2*most + 1 {
		on, until := s.At(now)
		if on {
			span := now.Format(layout) + "/"
			if !until.IsZero() {
				span += until.Format(layout)
			}
			out = append(out, span)
		}
		if until.IsZero() || len(out) == most {
			return out
		}
		if !until.After(now) {
			t.Fatalf("at %s the next change is %s", now, until)
		}
		now = until
	}
	return out
}
