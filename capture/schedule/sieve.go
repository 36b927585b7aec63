package schedule

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

const (
	maxDepth = 4       // of components in one another: an alarm in an event in a calendar is 3
	maxLine  = 1 << 16 // bytes of a content line that is read
)

// wanted are the properties that are read. Calendars hold much else, and much of that is malformed or large.
const wanted = " BEGIN END UID SUMMARY STATUS SEQUENCE DTSTART DTEND DURATION RRULE EXRULE RDATE EXDATE RECURRENCE-ID" +
	" TZID TZOFFSETFROM TZOFFSETTO X-LIC-LOCATION X-WR-TIMEZONE "

// sieve returns the lines of a calendar that are read, unfolded (RFC 5545 section 3.1) and as one VCALENDAR, and checks
// that all of it is there and within the caps.
func sieve(text []byte) ([]byte, error) {
	if len(text) > MaxSize {
		return nil, fmt.Errorf("larger than %d MiB", MaxSize>>20)
	}
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	if i := bytes.IndexByte(text, 0); i >= 0 {
		return nil, errors.New("not an iCalendar file: it holds a zero byte")
	}
	s := sifted{}
	s.out.WriteString("BEGIN:VCALENDAR\r\n")
	var line []byte
	for next := range bytes.Lines(text) {
		next = bytes.TrimRight(next, "\r\n")
		if len(next) > 0 && (next[0] == ' ' || next[0] == '\t') {
			line = append(line, next[1:]...)
			continue
		}
		if err := s.take(line); err != nil {
			return nil, err
		}
		line = append(line[:0], next...)
	}
	if err := s.take(line); err != nil {
		return nil, err
	}
	if s.calendars == 0 {
		return nil, errors.New("not an iCalendar file: it has no BEGIN:VCALENDAR")
	}
	if len(s.open) > 0 {
		return nil, fmt.Errorf("cut off: %s does not end", s.open[len(s.open)-1])
	}
	s.out.WriteString("END:VCALENDAR\r\n")
	return s.out.Bytes(), nil
}

// sifted is what a sieve has let through.
type sifted struct {
	out               bytes.Buffer
	open              []string // components that have begun
	calendars, events int
}

// take looks at one unfolded line.
func (s *sifted) take(line []byte) error {
	end := bytes.IndexAny(line, ":;")
	if end <= 0 {
		return nil
	}
	name := strings.ToUpper(string(line[:end]))
	if !strings.Contains(wanted, " "+name+" ") {
		return nil
	}
	if len(line) > maxLine {
		return fmt.Errorf("a %s of more than %d KiB", name, maxLine>>10)
	}
	value := strings.ToUpper(strings.TrimSpace(string(line[end+1:])))
	switch {
	case name == "BEGIN":
		return s.begin(value)
	case name == "END":
		return s.end(value)
	case len(s.open) == 0:
		return errors.New("not an iCalendar file: it does not begin with BEGIN:VCALENDAR")
	}
	s.out.WriteString(name)
	s.out.Write(line[end:])
	s.out.WriteString("\r\n")
	return nil
}

func (s *sifted) begin(component string) error {
	if (component == "VCALENDAR") != (len(s.open) == 0) {
		return fmt.Errorf("BEGIN:%.40s is out of place", component)
	}
	s.open = append(s.open, component)
	if len(s.open) > maxDepth {
		return fmt.Errorf("components nested more than %d deep", maxDepth)
	}
	switch component {
	case "VCALENDAR":
		s.calendars++
		return nil
	case "VEVENT":
		if s.events++; s.events > MaxEvents {
			return fmt.Errorf("more than %d events", MaxEvents)
		}
	}
	fmt.Fprintf(&s.out, "BEGIN:%s\r\n", component)
	return nil
}

func (s *sifted) end(component string) error {
	if n := len(s.open); n == 0 || s.open[n-1] != component {
		return fmt.Errorf("END:%.40s is out of place", component)
	}
	s.open = s.open[:len(s.open)-1]
	if component != "VCALENDAR" {
		fmt.Fprintf(&s.out, "END:%s\r\n", component)
	}
	return nil
}
