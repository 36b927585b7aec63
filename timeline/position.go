package timeline

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"
)

// Position is a place on a media's clock: milliseconds since its zero. It may be negative when the configured
// zero lies in the future. Outside the program it is written as seconds with one to three decimals.
type Position int64

// MaxPosition bounds a position either way: a thousand years, wide enough for PTS that count from the Unix epoch.
const MaxPosition = Position(1000 * 365 * 24 * 3600 * 1000)

// ErrPosition is returned for text that is not a position.
var ErrPosition = errors.New("not a number of seconds")

// FromDuration returns the position d after zero, rounded to the nearest millisecond.
func FromDuration(d time.Duration) Position {
	return Position(d.Round(time.Millisecond) / time.Millisecond)
}

// ParsePosition reads a number of seconds such as "50", "50.25" or a player's "50.123456", rounded to the
// millisecond. Exponents, infinities and anything beyond MaxPosition are refused with ErrPosition.
func ParsePosition(s string) (Position, error) {
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && c != '.' && c != '-' {
			return 0, fmt.Errorf("%q is %w", clip(s), ErrPosition)
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.Abs(f)*1000 > float64(MaxPosition) {
		return 0, fmt.Errorf("%q is %w", clip(s), ErrPosition)
	}
	return Position(math.Round(f * 1000)), nil
}

// clip keeps an error about hostile text short.
func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "..."
	}
	return s
}

// Duration returns the time from zero to p.
func (p Position) Duration() time.Duration { return time.Duration(p) * time.Millisecond }

// Seconds returns p in seconds.
func (p Position) Seconds() float64 { return float64(p) / 1000 }

// String returns p in seconds with one to three decimals, such as "40.0" or "41.275".
func (p Position) String() string { return string(p.Append(nil)) }

// Append appends p to b as String writes it.
func (p Position) Append(b []byte) []byte {
	if p < 0 {
		b = append(b, '-')
		p = -p
	}
	b = strconv.AppendInt(b, int64(p/1000), 10)
	ms := p % 1000
	b = append(b, '.', byte('0'+ms/100))
	if ms%100 != 0 {
		b = append(b, byte('0'+ms/10%10))
		if ms%10 != 0 {
			b = append(b, byte('0'+ms%10))
		}
	}
	return b
}

// MarshalJSON writes p as a JSON number of seconds.
func (p Position) MarshalJSON() ([]byte, error) { return p.Append(nil), nil }

// UnmarshalJSON reads a JSON number of seconds.
func (p *Position) UnmarshalJSON(b []byte) error {
	q, err := ParsePosition(string(b))
	if err != nil {
		return err
	}
	*p = q
	return nil
}

// Span is the half-open stretch [From, Until) of a media's clock.
type Span struct {
	From  Position `json:"from"`
	Until Position `json:"until"`
}

// Len returns the span's length.
func (s Span) Len() Position { return s.Until - s.From }

// Meets reports whether any of s lies in the closed window [w.From, w.Until].
func (s Span) Meets(w Span) bool { return s.From <= w.Until && s.Until > w.From }

// Cut returns s cut to w.
func (s Span) Cut(w Span) Span { return Span{max(s.From, w.From), min(s.Until, w.Until)} }
