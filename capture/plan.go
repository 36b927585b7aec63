package capture

import (
	"cmp"
	"slices"
	"time"

	"spotter/capture/container"
	"spotter/timeline"
)

// Job is what a decoder does for one segment: a list of runs, each decoded on its own from its first unit.
type Job struct {
	Codec container.Codec
	Runs  []Run
	// Blind says that none of the segment's pictures can be decoded: no keyframe came before them.
	Blind bool
}

// Run is a sequence of access units, in decoding order, that starts with a keyframe and needs no unit outside it.
type Run struct {
	// Params are the parameter sets in force: SPS, PPS (H.264) or VPS, SPS, PPS (HEVC).
	Params [][]byte
	Shape  container.Shape
	Units  []container.Unit
	// Pictures are those of the run's pictures that are looked at, by PTS.
	Pictures []Picture
}

// Picture is one picture to be looked at.
type Picture struct {
	PTS int64 // as in its unit
	At  timeline.Position
}

// Planner chooses which pictures of a stream are decoded: keyframes, and where those are further apart than the
// interval, as many pictures between them as the interval asks for. It is used by one goroutine at a time.
type Planner struct {
	// Skip, where set, tells of positions whose pictures nobody wants.
	Skip func(timeline.Position) bool

	interval timeline.Position
	last     timeline.Position // the last picture chosen
	started  bool
	codec    container.Codec
	params   [][]byte // parameter sets in force at the last segment's end
	shape    container.Shape
	open     *group // the last group of the segment before, which the next may continue
}

// slack is how much longer than the interval the distance between two looks may be: keyframes of 29.97 and 59.94 Hz
// streams lie 1.001 s apart, and that is not worth decoding everything between them.
const slack = 10 // percent

// NewPlanner returns a planner for one look every interval.
func NewPlanner(interval time.Duration) *Planner {
	return &Planner{interval: max(1, timeline.FromDuration(interval))}
}

// Plan chooses the pictures of a segment. A segment that begins in the middle of a group of pictures, as parts of
// low-latency streams do, goes on with the group of the one before; where it does not continue that, it is looked at
// from its first keyframe on.
func (p *Planner) Plan(s *Segment) Job {
	job := Job{Codec: s.Video.Codec}
	if s.Jump || s.Video.Codec != p.codec {
		p.open = nil
	}
	if s.Jump {
		p.started = false
	}
	params, shape := s.Video.Params, s.Video.Shape
	if len(params) == 0 && p.codec == s.Video.Codec { // an open GOP need not repeat them
		params, shape = p.params, p.shape
	}
	list := p.groups(s, params, shape)
	job.Blind = len(list) == 0
	for i := range list {
		p.add(&job, &list[i], s.From)
	}
	p.codec, p.params, p.shape, p.open = s.Video.Codec, clone(params), shape, nil
	if n := len(list); n > 0 {
		last := list[n-1]
		p.open, p.params, p.shape = &last, clone(last.params), last.shape
	}
	return job
}

// clone copies parameter sets out of the segment, whose memory they would hold.
func clone(params [][]byte) [][]byte {
	out := make([][]byte, len(params))
	for i, n := range params {
		out[i] = slices.Clone(n)
	}
	return out
}

// group is a keyframe with the units that follow it up to the next.
type group struct {
	params [][]byte
	shape  container.Shape
	units  []container.Unit
	at     []timeline.Position // of each unit
	fresh  int                 // index of the first unit that the newest segment brought
	end    timeline.Position   // where the next group begins, or the segment ends
}

// maxOpen bounds how much is kept of a group for the segments that continue it, and decoded for each of them again.
const maxOpen timeline.Position = 30_000

// groups splits a segment at its keyframes. What comes before the first continues the group that is open.
func (p *Planner) groups(s *Segment, params [][]byte, shape container.Shape) []group {
	var out []group
	if g := p.open; g != nil && !s.Video.Units[0].Key && s.Until-g.at[0] <= maxOpen {
		out = append(out, group{params: g.params, shape: g.shape, units: slices.Clip(g.units), at: slices.Clip(g.at), fresh: len(g.units), end: s.Until})
	}
	for _, u := range s.Video.Units {
		at := s.place(u.PTS)
		if u.Key {
			if len(out) > 0 {
				out[len(out)-1].end = at
			}
			if u.Params != nil {
				params = u.Params
			}
			if u.Shape != nil {
				shape = *u.Shape
			}
			out = append(out, group{params: params, shape: shape, end: s.Until})
		}
		if len(out) > 0 {
			g := &out[len(out)-1]
			g.units, g.at = append(g.units, u), append(g.at, at)
		}
	}
	return out
}

// add plans the pictures that a segment which begins at from brings of a group.
func (p *Planner) add(job *Job, g *group, from timeline.Position) {
	longest := p.interval + p.interval*slack/100
	wanted := make([]int, 0, 4) // indexes into g.units
	if key := g.at[0]; g.fresh == 0 && key >= from && (!p.started || g.end-p.last > longest) && !p.skips(key) {
		wanted = append(wanted, 0)
		p.last, p.started = key, true
	}
	for _, i := range g.shown(max(from, g.at[0]+1)) {
		at, next := g.at[i.unit], i.until
		due := !p.started || next-p.last > p.interval && at-p.last >= p.interval*(100-slack)/100 && g.end-p.last > longest
		if due && !p.skips(at) {
			wanted = append(wanted, i.unit)
			p.last, p.started = at, true
		}
	}
	if len(wanted) > 0 {
		job.Runs = append(job.Runs, run(g, wanted))
	}
}

func (p *Planner) skips(at timeline.Position) bool { return p.Skip != nil && p.Skip(at) }

// shown is a picture and until when it is shown.
type shown struct {
	unit  int
	until timeline.Position
}

// shown returns the fresh pictures from a position on until the next group, in the order in which they are shown.
func (g *group) shown(from timeline.Position) []shown {
	out := make([]shown, 0, len(g.units)-g.fresh)
	for i := g.fresh; i < len(g.units); i++ {
		if at := g.at[i]; at >= from && at < g.end {
			out = append(out, shown{unit: i})
		}
	}
	slices.SortFunc(out, func(a, b shown) int { return cmp.Compare(g.at[a.unit], g.at[b.unit]) })
	for n := range out {
		out[n].until = g.end
		if n+1 < len(out) {
			out[n].until = g.at[out[n+1].unit]
		}
	}
	return out
}

// run keeps of a group what the wanted pictures need: units up to the last of them, less those that no other needs and
// the leading pictures of an open GOP, which are shown before its keyframe, need the group before and which nothing
// behind the keyframe may refer to (H.264 clause D.2.8, H.265 clause 8.3.2). A decoder shows them or not as it likes.
func run(g *group, wanted []int) Run {
	r := Run{Params: g.params, Shape: g.shape}
	last := slices.Max(wanted)
	for i, u := range g.units[:last+1] {
		if container.Unwrap(u.PTS-g.units[0].PTS) < 0 {
			continue
		}
		looked := slices.Contains(wanted, i)
		if i == 0 || u.Reference || looked {
			r.Units = append(r.Units, u)
		}
		if looked {
			r.Pictures = append(r.Pictures, Picture{PTS: u.PTS, At: g.at[i]})
		}
	}
	slices.SortFunc(r.Pictures, func(a, b Picture) int { return cmp.Compare(a.At, b.At) })
	return r
}
