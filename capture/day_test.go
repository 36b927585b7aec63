package capture_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/capture"
	"spotter/internal/origin"
	"spotter/timeline"
)

const (
	dayLength  = 2 * time.Second // of a segment
	dayHours   = 24
	dayWrap    = 7.3 // the hour at which the PTS goes round at 2^33, and again as long after each restart of the origin
	dayAd      = 15  // segments of an advertisement break
	daySlack   = timeline.Position(1)
	dayHeap    = 1 << 20 // by how many bytes the heap of two hours may differ
	dayThreads = 4       // and by how many their goroutines
)

// clipDay is small, because 43,200 segments are made of it.
var clipDay = sync.OnceValues(func() (origin.Clip, error) {
	c, err := origin.Encode(context.Background(), origin.Recipe{Segments: 10, GOP: dayLength, Size: "64x64", Rate: "5"})
	const wrap = 1 << 33 * time.Second / 90_000
	return c.Restamp(wrap - time.Duration(dayWrap*float64(dayHour()))), err
})

// dayHour is how long one of the day's hours is: with -short, and so the whole day, a quarter.
func dayHour() time.Duration {
	if testing.Short() {
		return 15 * time.Minute
	}
	return time.Hour
}

// dayEvent is something that happens to the stream once, at an hour.
type dayEvent struct {
	at   float64
	name string
	do   func(*day)
}

// dayEvents keep clear of the advertisement breaks, which begin with every quarter of an hour.
var dayEvents = []dayEvent{
	{2.1, "another encoder without a word", func(d *day) { d.foreign(5, false); d.seam() }},
	{4.1, "a gap", func(d *day) { d.hole("gap", dayLength, 0); d.gap() }},
	{9.1, "the wall clock is set ahead", func(d *day) { d.Jump(45 * time.Minute) }},
	{10.1, "the encoder was away", func(d *day) {
		d.hole("away", 3*dayLength, 0)
		d.rest(3)
		d.Skip(3)
		d.lapse(3)
		d.Break()
		d.seam()
	}},
	{11.1, "the origin restarts from 0", func(d *day) { d.restart(10) }},
	{13.1, "the origin numbers anew from 7", func(d *day) { d.renumber(7) }},
	{14.1, "the wall clock is set back", func(d *day) { d.Jump(-30 * time.Minute) }},
	{15.1, "an outage of an hour", func(d *day) {
		d.hole("outage", dayHour(), daySource.Window)
		d.seam()
		d.blind = timeline.Span{From: d.event, Until: d.event + timeline.FromDuration(dayHour())}
		d.fail("/", origin.Status(http.StatusServiceUnavailable))
	}},
	{16.1, "which ends", func(d *day) { d.fail("", nil) }},
	{17.1, "the first variant fails", func(d *day) { d.fail(origin.Media, origin.Status(http.StatusInternalServerError)) }},
	{17.2, "and is well again", func(d *day) { d.fail("", nil) }},
	{18.1, "silence for 8 s", func(d *day) { d.fail("/", origin.Hold(nil)); d.after(4, func() { d.fail("", nil) }) }},
	{19.1, "resets for 10 s", func(d *day) { d.fail("/", origin.Reset()); d.after(5, func() { d.fail("", nil) }) }},
	{20.1, "the origin numbers anew from 5,000,000", func(d *day) { d.renumber(5_000_000) }},
	{21.1, "keys fail for 4 s", func(d *day) {
		d.fail(origin.KeyPath(""), origin.Status(http.StatusBadGateway))
		d.after(2, func() { d.fail("", nil) })
	}},
	{22.1, "the origin restarts from 0 again", func(d *day) { d.restart(10) }},
}

// daySource is two variants of one encrypted stream, whose keys change every ten minutes.
var daySource = origin.Style{
	Window: 12, First: 1000, Continuous: true, Start: kickOff, Query: "token=s3cret",
	Variants:   []string{"BANDWIDTH=1,RESOLUTION=64x64"},
	Renditions: []origin.Rendition{{Prefix: "/b", Attributes: "BANDWIDTH=1,RESOLUTION=64x64"}},
	Key: func(n uint64) *origin.Key {
		name := fmt.Sprint(n / 300)
		return &origin.Key{Name: name, Secret: bytes.Repeat([]byte(name[len(name)-1:]), capture.KeyBytes)}
	},
}

// TestDay follows a stream for 24 hours, through all that happens to one in a day and more. Every position must be the
// event's time, to the millisecond; nothing may be missing but what could not be had; each advertisement break is told
// of as it begins and as it ends; memory and goroutines are at each hour what they were at the first.
func TestDay(t *testing.T) {
	inBubble(t, clipDay, daySource, func(r *rig) {
		d := newDay(r)
		r.prepare(origin.Multivariant, nil, r.follower.Getter)
		d.follow()
		for hour := range dayHours {
			d.hour(float64(hour))
			d.note(hour + 1)
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
		d.check()
	})
}

// day is the stream and what was read of it. The segments themselves are not kept.
type day struct {
	*rig
	next  uint64            // number of the segment to be published next
	event timeline.Position // and its time
	tick  int               // segments' lengths since the day began
	due   map[int][]func()  // by tick
	other origin.Clip       // of another encoder
	known []dayHole
	seams int           // times that a segment does not continue the one read before
	blind timeline.Span // in which nothing can be read
	truth map[uint64]timeline.Position
	told  map[timeline.Position][]timeline.Break // what is to be told, by its beginning

	mu       sync.Mutex
	prefix   string // of paths that fail
	act      origin.Act
	zero     timeline.Position
	until    timeline.Position
	wrong    bool
	newest   string // event
	pts      int64
	wraps    int
	segments int
	backup   int // segments of the second variant
	holes    []timeline.Span
	jumps    int
	breaks   map[timeline.Position][]timeline.Break
	faults   map[string]int
	figures  []dayFigures
}

// dayHole is a stretch of the event that is missing, of which so many segments may be made up for.
type dayHole struct {
	name string
	timeline.Span
	saved int
}

// dayFigures are those of an hour.
type dayFigures struct {
	goroutines, segments int
	heap                 uint64
	faults               map[string]int
}

func newDay(r *rig) *day {
	clip, err := clipDay()
	if err != nil {
		r.t.Fatal(err)
	}
	d := &day{
		rig: r, next: daySource.First, due: map[int][]func(){}, other: clip.Restamp(1000 * time.Second),
		seams: 1, truth: map[uint64]timeline.Position{}, told: map[timeline.Position][]timeline.Break{},
		breaks: map[timeline.Position][]timeline.Break{}, faults: map[string]int{},
	}
	// Not r.Origin itself, which keeps a list of all requests.
	r.others["origin.example"] = http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		d.mu.Lock()
		act := d.act
		if !strings.HasPrefix(q.URL.Path, d.prefix) {
			act = nil
		}
		d.mu.Unlock()
		if act == nil {
			act = origin.Healthy()
		}
		act(r.Origin, w, q)
	})
	for _, e := range dayEvents {
		d.after(d.ticks(e.at), func() { d.happen(e) })
	}
	for quarter := range 4*dayHours - 1 {
		d.after(d.ticks(float64(quarter+1)/4), func() { d.advertise(quarter%2 == 0) })
	}
	return d
}

// follow starts the follower; each tick sees whether what came is right.
func (d *day) follow() {
	ctx, cancel := context.WithCancel(context.Background())
	d.cancel, d.done = cancel, make(chan error, 1)
	d.follower.OnFault = d.fault
	go func() { d.done <- d.follower.Run(ctx, d.take) }()
}

func (d *day) fault(f capture.Fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults[f.Kind]++
	if said := f.URL + " " + f.Err.Error(); strings.Contains(said, "s3cret") {
		d.t.Errorf("a fault tells a secret: %s", said)
	}
}

// take checks one segment.
func (d *day) take(_ context.Context, s *capture.Segment) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	at, ok := d.truth[s.Sequence]
	if d.segments == 0 {
		d.zero = at
	}
	off := s.From - (at - d.zero)
	if wrong := !ok || off < -daySlack || off > daySlack; wrong != d.wrong { // once, not from then on
		d.wrong = wrong
		d.t.Errorf("segment %d is at %v, off by %v, after: %s", s.Sequence, s.From, off, d.newest)
	}
	if s.From < d.until {
		d.t.Errorf("segment %d is at %v, after one until %v", s.Sequence, s.Span, d.until)
	}
	if s.From > d.until+daySlack {
		d.holes = append(d.holes, timeline.Span{From: d.until, Until: s.From})
	}
	pts := s.Video.Units[0].PTS
	if s.Jump {
		d.jumps++
	} else if pts < d.pts-1<<32 {
		d.wraps++
	}
	if strings.Contains(s.URL, "/b/") {
		d.backup++
	}
	for _, b := range s.Breaks {
		d.breaks[b.From] = append(d.breaks[b.From], b)
	}
	d.segments++
	d.pts, d.until = pts, s.Until
	return nil
}

// note takes the figures of an hour.
func (d *day) note(hour int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	f := dayFigures{runtime.NumGoroutine(), d.segments, m.HeapAlloc, d.faults}
	d.faults = map[string]int{}
	d.figures = append(d.figures, f)
	d.t.Logf("hour %2d: %5d segments until %v, %d goroutines, heap %.2f MB, faults %v", hour, f.segments, d.until, f.goroutines, float64(f.heap)/1e6, f.faults)
}

// check looks at the day as a whole.
func (d *day) check() {
	t := d.t
	d.checkHoles()
	d.checkBreaks()
	d.checkFigures()
	if len(d.due) > 0 {
		t.Errorf("%d events never came", len(d.due))
	}
	if d.wraps < 2 {
		t.Errorf("the PTS went round %d times, want twice at least", d.wraps)
	}
	if failed := d.ticks(0.1); d.backup < failed*9/10 || d.backup > 3*failed {
		t.Errorf("%d segments of the second variant, want those of about %d", d.backup, failed)
	}
	if want := d.event - d.zero; d.until < want-timeline.FromDuration(2*dayLength) {
		t.Errorf("the day ends at %v, want %v", d.until, want)
	}
	if d.jumps != d.seams {
		t.Errorf("%d jumps, want %d", d.jumps, d.seams)
	}
	t.Logf("%d segments, %d jumps, %d wraps, %d breaks, %d segments of the second variant",
		d.segments, d.jumps, d.wraps, len(d.breaks), d.backup)
}

// checkHoles compares what is missing with what could not be had.
func (d *day) checkHoles() {
	if len(d.holes) != len(d.known) {
		d.t.Errorf("holes %v, want %v", d.holes, d.known)
		return
	}
	for i, want := range d.known {
		got := d.holes[i]
		late := timeline.Position(want.saved) * timeline.FromDuration(dayLength)
		if got.From != want.From-d.zero || got.Until > want.Until-d.zero || got.Until < want.Until-d.zero-late {
			d.t.Errorf("%s: nothing of %v, want %v, and of its end up to %v", want.name, got, want.Span, late)
		}
	}
}

// checkBreaks compares what was told of breaks with what there were.
func (d *day) checkBreaks() {
	want := map[timeline.Position][]timeline.Break{}
	for from, list := range d.told {
		if d.blinded(from) {
			continue
		}
		for i := range list {
			list[i].From, list[i].Until = list[i].From-d.zero, list[i].Until-d.zero
		}
		want[from-d.zero] = list
	}
	if diff := cmp.Diff(want, d.breaks); diff != "" {
		d.t.Errorf("breaks (-want +got):\n%s", diff)
	}
}

// checkFigures wants no hour to be unlike the others.
func (d *day) checkFigures() {
	var heaps []uint64
	var threads []int
	for i, f := range d.figures {
		if i > 0 { // after the first hour all is warm
			heaps, threads = append(heaps, f.heap), append(threads, f.goroutines)
		}
		sum, most := 0, 20
		for _, n := range f.faults {
			sum += n
		}
		if i == 15 || i == 16 { // the outage: a load every two seconds fails
			most = d.ticks(1)
		}
		if sum > most {
			d.t.Errorf("%d faults in hour %d, want at most %d: %v", sum, i+1, most, f.faults)
		}
	}
	if least, most := slices.Min(heaps), slices.Max(heaps); most-least > dayHeap {
		d.t.Errorf("the heap is between %d and %d bytes", least, most)
	}
	if least, most := slices.Min(threads), slices.Max(threads); most-least > dayThreads {
		d.t.Errorf("between %d and %d goroutines", least, most)
	}
}

// A segment is asked for again within a target duration of the last time, however short that is.
func TestRetriesWithinATargetDuration(t *testing.T) {
	short := recipe(origin.Recipe{Segments: 20, Length: time.Second, Size: "64x64"})
	inBubble(t, short, origin.Style{Window: 20, Continuous: true}, func(r *rig) {
		r.Publish(3)
		r.start()
		r.Every("/segment/", origin.Reset())
		for range 7 {
			r.pass(time.Second)
			r.Publish(1)
		}
		var asked time.Duration
		for _, at := range r.loads(origin.SegmentPath(3)) {
			if asked > 0 && at-asked > time.Second {
				t.Errorf("asked for again after %v", at-asked)
			}
			asked = at
		}
		if asked == 0 {
			t.Error("never asked for")
		}
	})
}
