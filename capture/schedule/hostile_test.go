package schedule_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"spotter/capture/schedule"
)

// TestRefused are calendars that cannot be used. Each error says why, and names the event.
func TestRefused(t *testing.T) {
	rule := func(r string) []byte { return event("DTSTART:20261101T140000Z", "DURATION:PT1H", "RRULE:"+r) }
	numbers := func(n int) string { return strings.TrimSuffix(strings.Repeat("1,", n), ",") }
	for name, tc := range map[string]struct {
		text []byte
		says string
	}{
		"empty":            {[]byte{}, "not an iCalendar file"},
		"HTML":             {[]byte("<!doctype html>\n<html><body>BEGIN:VCALENDAR</body></html>"), "not an iCalendar file"},
		"binary":           {[]byte("BEGIN:VCALENDAR\x00"), "zero byte"},
		"no calendar":      {[]byte("BEGIN:VEVENT\nEND:VEVENT\n"), "out of place"},
		"cut off":          {event("DTSTART:20261101T140000Z")[:80], "cut off: VEVENT does not end"},
		"crossed":          {calendar("BEGIN:VEVENT", "BEGIN:VALARM", "END:VEVENT"), "END:VEVENT is out of place"},
		"nested":           {calendar(strings.Repeat("BEGIN:X\r\n", 100_000)), "nested"},
		"too large":        {make([]byte, schedule.MaxSize+1), "larger than 4 MiB"},
		"too many events":  {calendar(strings.Repeat("BEGIN:VEVENT\r\nEND:VEVENT\r\n", schedule.MaxEvents+1)), "more than 10000 events"},
		"long line":        {event("DTSTART;X=" + strings.Repeat("1", 100_000) + ":20261101T140000Z"), "DTSTART of more than 64 KiB"},
		"no start":         {event("DURATION:PT1H"), `event "Match": no DTSTART`},
		"bad start":        {event("DTSTART:tomorrow"), `event "Match": DTSTART: "tomorrow" is not a time such as 20261123T140000`},
		"year 0":           {event("DTSTART:00000101T000000Z"), "is not a time"},
		"year 9999":        {event("DTSTART:99991231T000000Z"), "is not a time"},
		"ends before":      {event("DTSTART:20261101T140000Z", "DTEND:20261101T130000Z"), "ends before it begins"},
		"a century":        {event("DTSTART:20261101T140000Z", "DTEND:21261101T130000Z"), "longer than ten years"},
		"duration":         {event("DTSTART:20261101T140000Z", "DURATION:1h"), `"1h" is not a duration such as PT2H30M`},
		"duration ago":     {event("DTSTART:20261101T140000Z", "DURATION:-PT1H"), "is not a duration"},
		"endless duration": {event("DTSTART:20261101T140000Z", "DURATION:PT999999999H"), "longer than ten years"},
		"unknown zone":     {event("DTSTART;TZID=Mars/Olympus:20261101T140000"), `unknown time zone "Mars/Olympus": use an IANA name such as Europe/Berlin`},
		"zone as a path":   {event("DTSTART;TZID=../../etc/passwd:20261101T140000"), "unknown time zone"},
		"empty zone":       {calendar("BEGIN:VTIMEZONE", "TZID:X", "END:VTIMEZONE", "BEGIN:VEVENT", "DTSTART;TZID=X:20261101T140000", "END:VEVENT"), "no STANDARD and no DAYLIGHT"},
		"zone's offset": {calendar("BEGIN:VTIMEZONE", "TZID:X", "BEGIN:STANDARD", "DTSTART:20000101T000000", "TZOFFSETFROM:+9900", "TZOFFSETTO:+0100", "END:STANDARD",
			"END:VTIMEZONE", "BEGIN:VEVENT", "DTSTART;TZID=X:20261101T140000", "END:VEVENT"), `"+9900" is not an offset such as +0100`},
		"zone that changes every hour": {calendar("BEGIN:VTIMEZONE", "TZID:X", "BEGIN:STANDARD", "DTSTART:16010101T000000", "RRULE:FREQ=HOURLY", "TZOFFSETFROM:+0100",
			"TZOFFSETTO:+0100", "END:STANDARD", "END:VTIMEZONE", "BEGIN:VEVENT", "DTSTART;TZID=X:20261101T140000", "END:VEVENT"), "too many changes of offset"},
		"every second":       {rule("FREQ=SECONDLY"), `event "Match": RRULE: FREQ=SECONDLY: a schedule repeats HOURLY at most`},
		"every minute":       {rule("FREQ=MINUTELY;COUNT=10"), "FREQ=MINUTELY"},
		"no frequency":       {rule("COUNT=3"), "FREQ is required"},
		"unknown frequency":  {rule("FREQ=OFTEN"), "OFTEN"},
		"interval":           {rule("FREQ=MONTHLY;INTERVAL=9223372036854775807"), "INTERVAL"},
		"below":              {rule("FREQ=DAILY;COUNT=-1"), "COUNT above 0"},
		"month 13":           {rule("FREQ=YEARLY;BYMONTH=13"), "bymonth"},
		"never":              {rule("FREQ=HOURLY;INTERVAL=24;BYHOUR=5"), "never reaches its BYHOUR"},
		"times":              {rule("FREQ=DAILY;BYHOUR=" + numbers(300) + ";BYMINUTE=" + numbers(300)), "more than 100 times a day"},
		"list":               {rule("FREQ=DAILY;BYMONTHDAY=" + numbers(500)), "more than 366 values"},
		"long rule":          {rule("FREQ=DAILY;BYMONTHDAY=" + numbers(5000)), "more than 2000 characters"},
		"weekday that is no": {rule("FREQ=MONTHLY;BYDAY=53MO"), `event "Match": a rule that makes no sense`}, // a panic of rrule-go
		"Easter":             {rule("FREQ=YEARLY;BYEASTER=1000"), "BYEASTER"},
		"until":              {rule("FREQ=DAILY;UNTIL=later"), "UNTIL"},
		"EXRULE":             {event("DTSTART:20261101T140000Z", "EXRULE:FREQ=DAILY"), "EXRULE is not understood: use EXDATE"},
		"EXDATE":             {event("DTSTART:20261101T140000Z", "EXDATE:never"), "EXDATE"},
		"RDATE":              {event("DTSTART:20261101T140000Z", "RDATE:20261101T140000Z/never"), "RDATE"},
		"this and future":    {event("RECURRENCE-ID;RANGE=THISANDFUTURE:20261101T140000Z", "DTSTART:20261101T140000Z"), "end the series there"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := schedule.New(schedule.Options{Calendar: tc.text})
			if !errors.Is(err, schedule.ErrCalendar) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("got %v, want an unusable calendar that says %q", err, tc.says)
			}
		})
	}
}

// TestBoundedWork has calendars that would take for ever.
func TestBoundedWork(t *testing.T) {
	many := func(n int, lines string) []byte {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "BEGIN:VEVENT\r\nUID:%d\r\nDTSTART:20200101T%02d0000Z\r\nDURATION:PT5M\r\n%sEND:VEVENT\r\n", i, i%24, lines)
		}
		return calendar(b.String())
	}
	for name, text := range map[string][]byte{
		"10,000 rules that never hold":     many(schedule.MaxEvents, "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30\r\n"),
		"10,000 events every hour":         many(schedule.MaxEvents, "RRULE:FREQ=HOURLY\r\n"),
		"events thrice an hour since 1601": many(20, "RDATE:16010101T000000Z\r\nRRULE:FREQ=HOURLY;BYMINUTE=0,10,20\r\n"),
		"one event with a million EXDATE":  event("DTSTART:20261101T140000Z", strings.Repeat("EXDATE:"+strings.Repeat("20261101T140000Z,", 3000)+"20261101T140000Z\r\n", 80)+"RRULE:FREQ=DAILY"),
		"lines of parameters":              event("DTSTART" + strings.Repeat(";A=B", 16_000) + ":20261101T140000Z"),
		"lines that are folded":            event("DTSTART:20261101T140000Z", "X:"+strings.Repeat("\r\n ", 1_000_000)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			s, err := schedule.New(schedule.Options{Calendar: text})
			if err == nil {
				s.At(began)
			}
			if took := time.Since(began); took > 30*time.Second { // 2 s of work twice, on a busy machine with the race detector on
				t.Errorf("took %v, with error %v", took, err)
			} else {
				t.Logf("%v: %v", took.Round(time.Millisecond), err)
			}
		})
	}
}

// FuzzCalendar looks for calendars that crash, hang, or have a next change that is not ahead.
func FuzzCalendar(f *testing.F) {
	files, err := filepath.Glob("testdata/*.ics")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add(event("DTSTART:20261101T140000Z", "DURATION:PT1H", "RRULE:FREQ=MONTHLY;BYDAY=53MO", "RDATE;VALUE=PERIOD:20261110T100000Z/PT1H"))
	now := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := schedule.New(schedule.Options{Calendar: text, Zone: time.UTC})
		if err != nil {
			if !errors.Is(err, schedule.ErrCalendar) {
				t.Fatal(err)
			}
			return
		}
		at := now
		for range 5 {
			on, until := s.At(at)
			if until.IsZero() {
				return
			}
			if !until.After(at) {
				t.Fatalf("%v at %v until %v", on, at, until)
			}
			at = until
		}
	})
}
