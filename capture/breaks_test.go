package capture_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/capture"
	"spotter/capture/container"
	"spotter/capture/playlist"
	"spotter/timeline"
)

const sec = timeline.Position(1000)

// event is what stands at the segments of 6 s, by their numbers.
type event struct {
	cues   map[int][]playlist.Cue
	ranges map[int][]playlist.DateRange // from then on in every reload
	inband map[int][][]byte
}

const segmentLength = 6 * sec

// play adds the segments and returns all reports as text, and which whole seconds were covered when their segment came. A
// tracker that is restarted behind every segment must tell the same.
func play(t *testing.T, e event, first, last int) (reports []string, covered []timeline.Position) {
	t.Helper()
	steady, restarted := new(capture.Breaks), new(capture.Breaks)
	var listed []playlist.DateRange
	for n := first; n < last; n++ {
		listed = append(listed, e.ranges[n]...)
		from := timeline.Position(n) * segmentLength
		m := capture.Marks{From: from, Until: from + segmentLength, Cues: e.cues[n], Ranges: listed}
		for _, s := range e.inband[n] {
			m.Inband = append(m.Inband, container.Cue{PTS: int64(from) * 90, Section: s})
		}
		told := steady.Add(m)
		if diff := cmp.Diff(told, restarted.Add(m)); diff != "" {
			t.Errorf("segment %d: a restart changes what is told (-steady +restarted):\n%s", n, diff)
		}
		var size int
		var err error
		if restarted, size, err = restarted.Restarted(); err != nil || size > 32<<10 {
			t.Fatalf("a state of %d bytes, %v", size, err)
		}
		for _, b := range told {
			reports = append(reports, fmt.Sprintf("%d: %s", n, show(b)))
		}
		for p := from; p < from+segmentLength; p += sec {
			if steady.Covers(p) {
				covered = append(covered, p/sec)
			}
		}
	}
	return reports, covered
}

func show(b timeline.Break) string {
	text := b.ID + " " + b.From.String() + "-" + b.Until.String()
	if b.Open {
		text += " open"
	}
	return strings.TrimSpace(text)
}

// seconds lists [from, until) of each pair.
func seconds(pairs ...timeline.Position) (out []timeline.Position) {
	for i := 0; i < len(pairs); i += 2 {
		for p := pairs[i]; p < pairs[i+1]; p++ {
			out = append(out, p)
		}
	}
	return out
}

type cues = map[int][]playlist.Cue

func TestBreaks(t *testing.T) {
	elemental := playlist.Cue{Kind: playlist.CueOut, Duration: 24 * time.Second, Splice: insert(7, true, 6*sec, 24*sec)}
	for name, tc := range map[string]struct {
		event
		first, last int
		want        []string
		covered     []timeline.Position
	}{
		"out and in": {
			event{cues: cues{2: {cueOut(0)}, 4: {cueIn}}},
			0, 8,
			[]string{"2: 12.0-12.0 open", "4: 12.0-24.0"},
			seconds(12, 24),
		},
		"planned, and in earlier": {
			event{cues: cues{2: {cueOut(30 * time.Second)}, 4: {cueIn}}},
			0, 8,
			[]string{"2: 12.0-42.0 open", "4: 12.0-24.0"},
			seconds(12, 24),
		},
		"planned, without an in": {
			event{cues: cues{2: {cueOut(9 * time.Second)}}},
			0, 8,
			[]string{"2: 12.0-21.0 open", "4: 12.0-21.0"},
			seconds(12, 21),
		},
		"planned, goes on past it": {
			event{cues: cues{2: {cueOut(9 * time.Second)}, 3: {cueOn(6*time.Second, 9*time.Second)}, 4: {cueOn(12*time.Second, 9*time.Second)}, 5: {cueIn}}},
			0, 8,
			[]string{"2: 12.0-21.0 open", "4: 12.0-12.0 open", "5: 12.0-30.0"},
			seconds(12, 21, 24, 30),
		},
		"goes on past its plan and falls silent": {
			event{cues: cues{2: {cueOut(6 * time.Second)}, 3: {cueOn(6*time.Second, 0)}}},
			0, 8,
			[]string{"2: 12.0-18.0 open", "3: 12.0-12.0 open", "6: 12.0-24.0"},
			seconds(12, 36),
		},
		"joined in its middle": {
			event{cues: cues{5: {cueOn(12*time.Second, 30*time.Second)}, 6: {cueOn(18*time.Second, 30*time.Second)}, 8: {cueIn}}},
			5, 10,
			[]string{"5: 18.0-48.0 open", "8: 18.0-48.0"},
			seconds(30, 48),
		},
		"joined in its middle at the event's begin": {
			event{cues: cues{0: {cueOn(12*time.Second, 30*time.Second)}}},
			0, 5,
			[]string{"0: 0.0-18.0 open", "3: 0.0-18.0"},
			seconds(0, 18),
		},
		"goes on, not from before the break before": {
			event{cues: cues{1: {cueOut(0)}, 3: {cueIn}, 4: {cueOn(17*time.Second, 0)}, 5: {cueIn}}},
			0, 7,
			[]string{"1: 6.0-6.0 open", "3: 6.0-18.0", "4: 18.0-18.0 open", "5: 18.0-30.0"},
			seconds(6, 18, 24, 30),
		},
		"lapsed, and goes on after all": {
			event{cues: cues{1: {cueOut(6 * time.Second)}, 3: {cueOn(12*time.Second, 0)}, 4: {cueIn}}},
			0, 6,
			[]string{"1: 6.0-12.0 open", "2: 6.0-12.0", "3: 6.0-6.0 open", "4: 6.0-24.0"},
			seconds(6, 12, 18, 24),
		},
		"in without out":     {event{cues: cues{2: {cueIn}}}, 0, 5, nil, nil},
		"in and out at once": {event{cues: cues{1: {cueOut(0)}, 2: {cueIn, cueOut(0)}, 3: {cueIn}}}, 0, 5, []string{"1: 6.0-6.0 open", "2: 6.0-12.0", "2: 12.0-12.0 open", "3: 12.0-18.0"}, seconds(6, 18)},
		"out told at every segment": {
			event{cues: cues{1: {cueOut(18 * time.Second)}, 2: {cueOut(18 * time.Second)}, 3: {cueOut(18 * time.Second)}, 4: {cueIn}}},
			0, 6,
			[]string{"1: 6.0-24.0 open", "4: 6.0-24.0"},
			seconds(6, 24),
		},
		"avails back to back": {
			event{cues: cues{1: {{Kind: playlist.CueOut, ID: "a", Duration: 12 * time.Second}}, 3: {{Kind: playlist.CueOut, ID: "b", Duration: 6 * time.Second}}, 4: {cueIn}}},
			0, 6,
			[]string{"1: a 6.0-18.0 open", "3: a 6.0-18.0", "3: b 18.0-24.0 open", "4: b 18.0-24.0"},
			seconds(6, 24),
		},
		"never ended":             {event{cues: cues{1: {cueOut(0)}}}, 0, 110, []string{"1: 6.0-6.0 open", "101: 6.0-606.0"}, seconds(6, 606)},
		"absurd plan":             {event{cues: cues{1: {cueOut(25 * time.Hour)}, 2: {cueIn}}}, 0, 4, []string{"1: 6.0-6.0 open", "2: 6.0-12.0"}, seconds(6, 12)},
		"negative plan":           {event{cues: cues{1: {cueOut(-time.Hour)}, 2: {cueIn}}}, 0, 4, []string{"1: 6.0-6.0 open", "2: 6.0-12.0"}, seconds(6, 12)},
		"a section in a tag":      {event{cues: cues{1: {elemental}, 5: {cueIn}}}, 0, 7, []string{"1: 7 6.0-30.0 open", "5: 7 6.0-30.0"}, seconds(6, 30)},
		"a section alone":         {event{cues: cues{1: {{Splice: insert(7, true, -1, 0)}}, 2: {{Splice: insert(7, false, -1, 0)}}}}, 0, 4, []string{"1: 7 6.0-6.0 open", "2: 7 6.0-12.0"}, seconds(6, 12)},
		"a broken section alone":  {event{cues: cues{1: {{Splice: []byte("no")}}}}, 0, 4, nil, nil},
		"in the transport stream": {event{inband: map[int][][]byte{1: {insert(7, true, 15*sec, 10*sec)}}}, 0, 7, []string{"2: 7 15.0-25.0 open", "5: 7 15.0-25.0"}, seconds(15, 25)},
		"announced more than once": {
			event{inband: map[int][][]byte{0: {insert(7, true, 15*sec, 0)}, 1: {insert(7, true, 15*sec, 0)}, 2: {insert(7, true, 15*sec, 0)}, 3: {insert(7, false, 21*sec, 0)}, 4: {insert(7, false, 21*sec, 0)}}},
			0, 7,
			[]string{"2: 7 15.0-15.0 open", "3: 7 15.0-21.0"},
			seconds(15, 21),
		},
		"announced and put off": {
			event{inband: map[int][][]byte{0: {insert(7, true, 15*sec, 6*sec)}, 1: {insert(7, true, 21*sec, 6*sec)}}},
			0, 7,
			[]string{"3: 7 21.0-27.0 open", "5: 7 21.0-27.0"},
			seconds(21, 27),
		},
		"announced and cancelled": {event{inband: map[int][][]byte{0: {insert(7, true, 15*sec, 6*sec)}, 1: {cancelInsert(7)}}}, 0, 7, nil, nil},
		"cancelled on air":        {event{inband: map[int][][]byte{0: {insert(7, true, -1, 60*sec)}, 1: {cancelInsert(7)}}}, 0, 3, []string{"0: 7 0.0-60.0 open", "1: 7 0.0-6.0"}, seconds(0, 6)},
		"its end announced":       {event{inband: map[int][][]byte{0: {insert(7, true, -1, 60*sec)}, 1: {insert(7, false, 20*sec, 0)}}}, 0, 5, []string{"0: 7 0.0-60.0 open", "1: 7 0.0-20.0 open", "3: 7 0.0-20.0"}, seconds(0, 20)},
		"at once": {
			event{inband: map[int][][]byte{1: {insert(7, true, -1, 0)}, 2: {insert(8, false, -1, 0)}}},
			0, 4,
			[]string{"1: 7 6.0-6.0 open", "2: 7 6.0-12.0"},
			seconds(6, 12),
		},
		"one event id for ever": {
			event{inband: map[int][][]byte{0: {insert(1, true, 6*sec, 6*sec)}, 3: {insert(1, true, 24*sec, 6*sec)}}},
			0, 7,
			[]string{"1: 1 6.0-12.0 open", "2: 1 6.0-12.0", "4: 1 24.0-30.0 open", "5: 1 24.0-30.0"},
			seconds(6, 12, 24, 30),
		},
		"advertisements in a block": {
			event{inband: map[int][][]byte{
				0: {signal(6*sec, 1, 0x22, 2, 0x30)}, 1: {signal(12*sec, 2, 0x31, 3, 0x30)}, 2: {signal(18*sec, 3, 0x31, 1, 0x23)},
			}},
			0, 5,
			[]string{"1: 1 6.0-6.0 open", "2: 1 6.0-18.0 open", "3: 1 6.0-18.0"},
			seconds(6, 18),
		},
		"advertisements without a block": {
			event{inband: map[int][][]byte{0: {signal(6*sec, 2, 0x30)}, 1: {signal(12*sec, 2, 0x31, 3, 0x30)}, 2: {signal(18*sec, 3, 0x31)}}},
			0, 5,
			[]string{"1: 2 6.0-12.0 open", "2: 2 6.0-12.0", "2: 3 12.0-18.0 open", "3: 3 12.0-18.0"},
			seconds(6, 18),
		},
		"advertisements inside a tag's break": {
			event{
				cues:   cues{1: {cueOut(0)}, 4: {cueIn}},
				inband: map[int][][]byte{0: {signal(6*sec, 2, 0x30)}, 1: {signal(12*sec, 2, 0x31, 3, 0x30)}, 3: {signal(23*sec, 3, 0x31)}},
			},
			0, 6,
			[]string{"1: 6.0-6.0 open", "4: 6.0-24.0"},
			seconds(6, 24),
		},
		"programmes and overlays": {event{inband: map[int][][]byte{0: {signal(6*sec, 1, 0x10, 2, 0x38), signal(8*sec, 1, 0x11, 2, 0x39)}}}, 0, 4, nil, nil},
		"date range, planned": {
			event{ranges: map[int][]playlist.DateRange{0: {dateRange("ad", 8*sec, -1, 20*sec)}}},
			0, 8,
			[]string{"1: ad 8.0-28.0 open", "5: ad 8.0-28.0"},
			seconds(8, 28),
		},
		"date range of a known length": {
			event{ranges: map[int][]playlist.DateRange{0: {dateRange("ad", 8*sec, 5*sec, -1)}}},
			0, 8,
			[]string{"1: ad 8.0-13.0 open", "2: ad 8.0-13.0"},
			seconds(8, 13),
		},
		"date range that is ended by another": {
			event{ranges: map[int][]playlist.DateRange{
				0: {dateRange("ad", 8*sec, -1, 60*sec)},
				2: {{ID: "back", Start: capture.Epoch.Add(17 * time.Second), Duration: -1, Planned: -1, In: []byte{0xfc}}},
			}},
			0, 8,
			[]string{"1: ad 8.0-68.0 open", "2: ad 8.0-17.0"},
			seconds(8, 17),
		},
		"date range by command": {
			event{ranges: map[int][]playlist.DateRange{0: {{ID: "c", Start: capture.Epoch.Add(8 * time.Second), Duration: -1, Planned: -1, Command: insert(9, true, -1, 6*sec)}}}},
			0, 5,
			[]string{"1: c 8.0-14.0 open", "3: c 8.0-14.0"},
			seconds(8, 14),
		},
		"date ranges that are no breaks": {
			event{ranges: map[int][]playlist.DateRange{0: {
				{ID: "i", Class: "com.apple.hls.interstitial", Start: capture.Epoch, Duration: time.Minute, Out: []byte{0xfc}},
				{ID: "m", Class: "metadata", Start: capture.Epoch, Duration: time.Minute},
				{ID: "p", Start: capture.Epoch, Duration: time.Minute, Command: signal(0, 1, 0x10)},
				{ID: "z", Start: capture.Epoch, Duration: 0, Out: []byte{0xfc}},
			}}}, 0, 3, nil, nil,
		},
		"date ranges until the next": {
			event{ranges: map[int][]playlist.DateRange{0: {
				{ID: "a", Class: "x", Start: capture.Epoch.Add(time.Second), Duration: -1, Planned: -1, EndOnNext: true, Out: []byte{0xfc}},
				{ID: "b", Class: "x", Start: capture.Epoch.Add(4 * time.Second), Duration: -1, Planned: -1},
			}}}, 0, 3, []string{"0: a 1.0-4.0"}, seconds(1, 4),
		},
		"date ranges of long ago": {
			event{ranges: map[int][]playlist.DateRange{100: {
				dateRange("a", 8*sec, -1, 20*sec), dateRange("b", 60*sec, -1, -1), dateRange("c", 590*sec, -1, 20*sec),
			}}},
			100, 104,
			[]string{"100: c 590.0-610.0 open", "102: c 590.0-610.0"},
			seconds(600, 610),
		},
		"told too late": {
			event{ranges: map[int][]playlist.DateRange{20: {dateRange("a", 8*sec, -1, 500*sec)}}}, 0, 24, nil, nil,
		},
		"four dialects at once": {
			event{
				cues:   cues{1: {{Kind: playlist.CueOut, Duration: 24 * time.Second, Splice: insert(7, true, 7*sec, 24*sec)}}, 2: {cueOn(6*time.Second, 24*time.Second)}, 5: {cueIn}},
				ranges: map[int][]playlist.DateRange{0: {dateRange("r", 7*sec, -1, 24*sec)}},
				inband: map[int][][]byte{0: {insert(7, true, 7*sec, 24*sec)}},
			},
			0, 8,
			[]string{"1: 7 6.0-30.0 open", "5: 7 6.0-30.0"},
			seconds(6, 30),
		},
	} {
		t.Run(name, func(t *testing.T) {
			reports, covered := play(t, tc.event, tc.first, tc.last)
			if diff := cmp.Diff(tc.want, reports); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
			if !slices.Equal(tc.covered, covered) {
				t.Errorf("covered %v\nwant    %v", covered, tc.covered)
			}
		})
	}
}

// TestBreaksFlood feeds a tracker with all that may be said at once, on a clock that jumps either way.
func TestBreaksFlood(t *testing.T) {
	for seed := range uint64(3) {
		rng := rand.New(rand.NewPCG(seed, 1))
		b := new(capture.Breaks)
		open, told := 0, make(map[string]timeline.Break)
		at := timeline.Position(0)
		random := func() timeline.Position { return at + timeline.Position(rng.IntN(120_000)-60_000) }
		for n := range 100 {
			if at += timeline.Position(rng.IntN(7000)); rng.IntN(20) == 0 {
				at += timeline.Position(rng.IntN(1_000_000) - 500_000)
			}
			m := capture.Marks{From: at, Until: at + timeline.Position(rng.IntN(6000))}
			for range rng.IntN(40) {
				id := uint32(rng.IntN(5))
				m.Cues = append(m.Cues, playlist.Cue{
					Kind: playlist.CueKind(rng.IntN(5)), ID: strings.Repeat("x\xff", int(id)*20), Elapsed: random().Duration(), Duration: random().Duration(),
					Splice: insert(id, rng.IntN(2) == 0, max(0, random()), 0),
				})
				m.Inband = append(m.Inband, container.Cue{Section: insert(id, rng.IntN(2) == 0, max(0, random()), timeline.Position(rng.IntN(30_000)))})
				m.Inband = append(m.Inband, container.Cue{Section: signal(max(0, random()), id, uint32(0x22+rng.IntN(40)))}, container.Cue{Section: cancelInsert(id)})
				m.Ranges = append(m.Ranges, dateRange(fmt.Sprint(rng.IntN(1000)), random(), random(), random()))
			}
			list := b.Add(m)
			if len(list) > 16 {
				t.Fatalf("seed %d, segment %d: %d changes", seed, n, len(list))
			}
			open = 0
			for _, x := range list {
				if x.Len() < 0 || x.Len() > 24*3600*sec || strings.ContainsRune(x.ID, '\ufffd') || len(x.ID) > 64 {
					t.Fatalf("seed %d, segment %d: %+v", seed, n, x)
				}
				if x.Open {
					open++
				}
				told[fmt.Sprint(x.From, x.ID)] = x
			}
			if open > 1 {
				t.Fatalf("seed %d, segment %d: %d open breaks in %+v", seed, n, open, list)
			}
			if _, size, err := b.Restarted(); err != nil || size > 64<<10 {
				t.Fatalf("seed %d: a state of %d bytes, %v", seed, size, err)
			}
		}
		open = 0
		for _, x := range told {
			if x.Open {
				open++
			}
		}
		if open > 1 {
			t.Errorf("seed %d: %d of %d breaks were never ended", seed, open, len(told))
		}
	}
}
