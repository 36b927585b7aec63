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
}

// slack is how much longer than the interval the distance between two looks may be: keyframes of 29.97 and 59.94 Hz
// streams lie 1.001 s apart, and that is not worth decoding everything between them.
const slack = 10 // percent

// NewPlanner returns a planner for one look every interval.
func NewPlanner(interval time.Duration) *Planner {
	return &Planner{interval: max(1, timeline.FromDuration(interval))}
}

// Plan chooses the pictures of a segment. A segment that begins in the middle of a group of pictures is looked at
// from its first keyframe on.
func (p *Planner) Plan(s *Segment) Job {
	job := Job{Codec: s.Video.Codec}
	if s.Jump {
		p.started = false
	}
	params := s.Video.Params
	if len(params) == 0 && p.codec == s.Video.Codec { // an open GOP need not repeat them
		params = p.params
	}
	for _, g := range groups(s) {
		if own := g.units[0].Params; own != nil {
			params = own
		}
		p.add(&job, g, params)
	}
	p.codec, p.params = s.Video.Codec, clone(params)
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
	units []container.Unit
	at    []timeline.Position // of each unit
	end   timeline.Position   // where the next group begins, or the segment ends
}

func groups(s *Segment) []group {
	var out []group
	for _, u := range s.Video.Units {
		at := s.place(u.PTS)
		if u.Key {
			if len(out) > 0 {
				out[len(out)-1].end = at
			}
			out = append(out, group{end: s.Until})
		}
		if len(out) > 0 {
			g := &out[len(out)-1]
			g.units, g.at = append(g.units, u), append(g.at, at)
		}
	}
	return out
}

func (p *Planner) add(job *Job, g group, params [][]byte) {
	longest := p.interval + p.interval*slack/100
	wanted := make([]int, 0, 4) // indexes into g.units
	if key := g.at[0]; !p.started || g.end-p.last > longest {
		wanted = append(wanted, 0)
		p.last, p.started = key, true
	}
	// Pictures between this keyframe and the next, in the order in which they are shown.
	shown := make([]int, 0, len(g.units))
	for i, at := range g.at {
		if at > g.at[0] && at < g.end {
			shown = append(shown, i)
		}
	}
	slices.SortFunc(shown, func(a, b int) int { return cmp.Compare(g.at[a], g.at[b]) })
	for n, i := range shown {
		next := g.end
		if n+1 < len(shown) {
			next = g.at[shown[n+1]]
		}
		due := next-p.last > p.interval && g.at[i]-p.last >= p.interval*(100-slack)/100
		if due && g.end-p.last > longest {
			wanted = append(wanted, i)
			p.last = g.at[i]
		}
	}
	if len(wanted) == 0 {
		return
	}
	job.Runs = append(job.Runs, run(g, params, wanted))
}

// run keeps of a group what the wanted pictures need: units up to the last of them, less those that no other needs and
// the leading pictures of an open GOP, which are shown before its keyframe, need the group before and which nothing
// behind the keyframe may refer to (H.264 clause D.2.8, H.265 clause 8.3.2). A decoder shows them or not as it likes.
func run(g group, params [][]byte, wanted []int) Run {
	r := Run{Params: params}
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
