package capture_test

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"spotter/capture"
	"spotter/timeline"
)

const second = int64(90_000) // ticks

var kickOff = time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)

// piece is one segment of two seconds as its playlist and its pictures tell it.
type piece struct {
	sequence, discontinuity uint64
	pts                     int64     // of the first picture, in ticks
	wall                    time.Time // program date-time, or zero
}

func (p piece) put(t testing.TB, c *capture.Clock) (timeline.Span, bool) {
	t.Helper()
	first := ((p.pts % (1 << 33)) + 1<<33) % (1 << 33) // as a TS says it
	s, jump, at, err := c.Place(capture.Reference{Sequence: p.sequence, Discontinuity: p.discontinuity, Duration: 2 * time.Second, Wall: p.wall}, first, first+2*second)
	if err != nil {
		t.Fatal(err)
	}
	if at(first) > s.From || at((first+second)%(1<<33)) != s.Until-1000 {
		t.Fatalf("pictures of %v are put at %v and %v", s, at(first), at((first+second)%(1<<33)))
	}
	return s, jump
}

func newClock(t testing.TB, zero string, state []byte) *capture.Clock {
	t.Helper()
	z, err := capture.ParseZero(zero)
	if err != nil {
		t.Fatal(err)
	}
	c, err := capture.NewClock(z, state)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestClock(t *testing.T) {
	wall := func(seconds float64) time.Time { return kickOff.Add(time.Duration(seconds * float64(time.Second))) }
	const wrap = int64(1) << 33
	for name, tc := range map[string]struct {
		zero   string
		pieces []piece
		from   []timeline.Position
		jumps  []bool // after the first, which always is one
	}{
		"first":           {"first", []piece{{5, 0, 100 * second, time.Time{}}, {6, 0, 102 * second, time.Time{}}}, []timeline.Position{0, 2000}, []bool{false}},
		"pts":             {"pts", []piece{{5, 0, 100*second + 9000, time.Time{}}, {6, 0, 102*second + 9000, time.Time{}}}, []timeline.Position{100_100, 102_100}, []bool{false}},
		"a time of day":   {"2026-11-23T14:00:00Z", []piece{{5, 0, 0, wall(-3.5)}, {6, 0, 2 * second, wall(-1.5)}}, []timeline.Position{-3500, -1500}, []bool{false}},
		"another zone":    {"2026-11-23T16:00:00.25+02:00", []piece{{5, 0, 0, wall(1)}}, []timeline.Position{750}, nil},
		"the PTS wrap":    {"first", []piece{{5, 0, wrap - 3*second, time.Time{}}, {6, 0, wrap - second, time.Time{}}, {7, 0, wrap + second, time.Time{}}}, []timeline.Position{0, 2000, 4000}, []bool{false, false}},
		"pts over a wrap": {"pts", []piece{{5, 0, wrap - second, time.Time{}}, {6, 0, wrap + second, time.Time{}}}, []timeline.Position{95_442_718, 95_444_718}, []bool{false}},
		"a discontinuity, no wall clock": {
			"first",
			[]piece{{5, 0, 100 * second, time.Time{}}, {6, 1, 7 * second, time.Time{}}, {7, 1, 9 * second, time.Time{}}},
			[]timeline.Position{0, 2000, 4000},
			[]bool{true, false},
		},
		"a discontinuity with a wall clock": {
			"first",
			[]piece{{5, 0, 100 * second, wall(0)}, {6, 1, 7 * second, wall(5.5)}, {7, 1, 9 * second, wall(7.5)}},
			[]timeline.Position{0, 5500, 7500},
			[]bool{true, false},
		},
		"a discontinuity, the wall clock goes back": {
			"first",
			[]piece{{5, 0, 100 * second, wall(0)}, {6, 1, 7 * second, wall(-60)}},
			[]timeline.Position{0, 2000},
			[]bool{true},
		},
		"missing segments":           {"first", []piece{{5, 0, 0, time.Time{}}, {8, 0, 6 * second, time.Time{}}}, []timeline.Position{0, 6000}, []bool{true}},
		"missing, shorter ones":      {"first", []piece{{5, 0, 0, time.Time{}}, {105, 0, 150 * second, time.Time{}}}, []timeline.Position{0, 150_000}, []bool{true}},
		"missing, and a new PTS":     {"first", []piece{{5, 0, 900 * second, time.Time{}}, {8, 1, 0, time.Time{}}}, []timeline.Position{0, 6000}, []bool{true}},
		"an hour away":               {"first", []piece{{5, 0, 0, time.Time{}}, {1805, 0, 3600 * second, time.Time{}}}, []timeline.Position{0, 3_600_000}, []bool{true}},
		"a small gap in the PTS":     {"first", []piece{{5, 0, 0, time.Time{}}, {6, 0, 5 * second, time.Time{}}}, []timeline.Position{0, 5000}, []bool{true}},
		"rounding is no jump":        {"first", []piece{{5, 0, 0, time.Time{}}, {6, 0, 2*second + 4000, time.Time{}}}, []timeline.Position{0, 2044}, []bool{false}},
		"an unannounced jump ahead":  {"first", []piece{{5, 0, 0, time.Time{}}, {6, 0, 5000 * second, time.Time{}}, {7, 0, 5002 * second, time.Time{}}}, []timeline.Position{0, 2000, 4000}, []bool{true, false}},
		"an unannounced jump back":   {"first", []piece{{5, 0, 5000 * second, time.Time{}}, {6, 0, 0, time.Time{}}}, []timeline.Position{0, 2000}, []bool{true}},
		"an unannounced short loop":  {"first", []piece{{5, 0, 6 * second, time.Time{}}, {6, 0, 0, time.Time{}}}, []timeline.Position{0, 2000}, []bool{true}},
		"numbers begin anew":         {"first", []piece{{500, 0, 100 * second, time.Time{}}, {0, 0, 0, time.Time{}}, {1, 0, 2 * second, time.Time{}}}, []timeline.Position{0, 2000, 4000}, []bool{true, false}},
		"numbers begin anew, walled": {"first", []piece{{500, 0, 100 * second, wall(0)}, {0, 0, 0, wall(30)}}, []timeline.Position{0, 30_000}, []bool{true}},
		"the wall clock falls silent": {
			"2026-11-23T14:00:00Z",
			[]piece{{5, 0, 0, wall(10)}, {6, 0, 2 * second, time.Time{}}, {7, 0, 4 * second, wall(14)}},
			[]timeline.Position{10_000, 12_000, 14_000},
			[]bool{false, false},
		},
	} {
		t.Run(name, func(t *testing.T) {
			whole, state := newClock(t, tc.zero, nil), []byte(nil)
			for i, p := range tc.pieces {
				s, jump := p.put(t, whole)
				if want := i == 0 || tc.jumps[i-1]; s.From != tc.from[i] || s.Len() != 2000 || jump != want {
					t.Errorf("segment %d: %v to %v, jump %t; want from %v, jump %t", i, s.From, s.Until, jump, tc.from[i], want)
				}
				// A box that restarts before every segment sees the same.
				restarted := newClock(t, tc.zero, state)
				if again, j := p.put(t, restarted); again != s || j != jump {
					t.Errorf("segment %d after a restart: %v, jump %t; want %v, %t", i, again, j, s, jump)
				}
				state = restarted.State()
			}
		})
	}
}

func TestClockRefuses(t *testing.T) {
	c := newClock(t, "first", nil)
	piece{5, 0, 0, time.Time{}}.put(t, c)
	if _, err := capture.NewClock(capture.ZeroPTS, c.State()); !errors.Is(err, capture.ErrClock) {
		t.Errorf("another zero: %v", err)
	}
	if _, err := capture.NewClock(capture.ZeroFirst, []byte("{")); err == nil {
		t.Error("a torn state was taken")
	}
	if _, err := capture.ParseZero("noon"); err == nil {
		t.Error("noon was taken")
	}
	day := newClock(t, "2026-11-23T14:00:00Z", nil)
	if _, _, _, err := day.Place(capture.Reference{Sequence: 1, Duration: time.Second}, 0, second); !errors.Is(err, capture.ErrClock) {
		t.Errorf("a time of day without program date-time: %v", err)
	}
	if _, ok := c.PositionAt(kickOff); ok {
		t.Error("a position by the wall clock of a stream that tells none")
	}
	if p, ok := day.PositionAt(kickOff.Add(time.Second)); !ok || p != 1000 {
		t.Errorf("a second after zero is %v, %t", p, ok)
	}
}

// Two boxes with the same RFC 3339 zero agree to the millisecond wherever they joined.
func TestClocksAgree(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	a, b := newClock(t, "2026-11-23T14:00:00Z", nil), newClock(t, "2026-11-23T14:00:00Z", nil)
	pts, discontinuity := int64(1<<33-40*90_000), uint64(0)
	for i := range 200 {
		if i%50 == 49 {
			discontinuity++
			pts = rng.Int64N(1 << 33)
		}
		p := piece{uint64(i), discontinuity, pts, kickOff.Add(time.Duration(i) * 2 * time.Second)}
		s, _ := p.put(t, a)
		if i < 70 || i%7 == 0 {
			continue // b joined late and misses some
		}
		if other, _ := p.put(t, b); other != s {
			t.Fatalf("segment %d is %v for one box and %v for the other", i, s, other)
		}
		pts += 2 * second
	}
}

// Whatever a stream does, positions go on.
func TestClockIsMonotonic(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 7))
		c := newClock(t, []string{"first", "pts"}[seed%2], nil)
		p := piece{sequence: rng.Uint64N(1000), pts: rng.Int64N(1 << 33)}
		wall, before := kickOff, timeline.Span{From: -1 << 60, Until: -1 << 60}
		for i := range 200 {
			s, _ := p.put(t, c)
			if s.From < before.Until {
				t.Fatalf("seed %d, segment %d %+v is %v, after one of %v", seed, i, p, s, before)
			}
			before = s
			p.sequence, p.pts, wall = p.sequence+1, p.pts+2*second, wall.Add(2*time.Second)
			switch rng.IntN(12) {
			case 0:
				p.discontinuity, p.pts = p.discontinuity+1, rng.Int64N(1<<33)
			case 1:
				p.pts = rng.Int64N(1 << 33)
			case 2:
				p.pts -= rng.Int64N(20 * second)
			case 3:
				p.pts += rng.Int64N(20 * second)
			case 4:
				p.sequence = rng.Uint64N(1000)
			case 5:
				n := rng.Int64N(300)
				p.sequence, p.pts, wall = p.sequence+uint64(n), p.pts+n*2*second, wall.Add(time.Duration(n)*2*time.Second)
			case 6:
				wall = wall.Add(time.Duration(rng.Int64N(int64(4*time.Hour))) - 2*time.Hour)
			case 7:
				c = newClock(t, []string{"first", "pts"}[seed%2], c.State())
			}
			if p.wall = wall; seed%3 == 0 || rng.IntN(5) == 0 {
				p.wall = time.Time{}
			}
		}
	}
}

// What a version without parts, sources and breaks has stored goes on at the same positions.
func TestClockOfAnEarlierVersion(t *testing.T) {
	const stored = `{"zero":"first","origin":9000000,"pts":9360000,"end":4.0,"next":7,"discontinuity":2,"wall":"0001-01-01T00:00:00Z","started":true}`
	c := newClock(t, "first", []byte(stored))
	for i, want := range []timeline.Position{4000, 6000} {
		s, jump := piece{7 + uint64(i), 2, 9_360_000 + int64(i)*2*second, time.Time{}}.put(t, c)
		if s.From != want || jump {
			t.Errorf("segment %d is at %v, jump %t; want %v", 7+i, s, jump, want)
		}
	}
}
