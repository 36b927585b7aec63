package outbox

import (
	"fmt"
	"math/rand/v2"
	"time"

	"spotter/internal/awsfault"
	"spotter/store"
)

const (
	// calm is how long a kind of fault must have been gone, with the sink taking, for its next one to be a new one. A pace
	// that is always tried a little higher is throttled now and then: that is one fault, with steadyCalm.
	calm       = time.Minute
	steadyCalm = 10 * time.Minute
	// minRest and maxRest bound the pause after a round in which the sink was away, deniedRest that after one in which it
	// denied. Each is lengthened by up to a quarter: so they are 1 s to 60 s, and to 5 min.
	minRest    = time.Second
	maxRest    = 48 * time.Second
	deniedRest = 4 * time.Minute
)

// faults tells when a kind of fault begins.
type faults struct {
	last map[awsfault.Kind]time.Time
	took time.Time // when the sink last took an entry
	told time.Time // since when the log has it that the sink takes nothing; zero when it takes
}

// begins notes a fault and reports whether it is a new one.
func (f *faults) begins(k awsfault.Kind, now time.Time) bool {
	if f.last == nil {
		f.last = make(map[awsfault.Kind]time.Time)
	}
	last, ever := f.last[k]
	f.last[k] = now
	gone := calm
	if k == awsfault.Throttled {
		gone = steadyCalm
	}
	return !ever || f.took.After(last) && now.Sub(last) >= gone
}

// fault is the error of a put with the entry that it was about.
func fault(res result) error {
	what, k := "entry", keyOf(res.entry)
	switch e := res.entry; {
	case e.Observation != nil:
		what = "observation"
	case e.Segment != nil:
		what = "segment"
	case e.Frame != nil:
		what = "frame"
	}
	return fmt.Errorf("%s of %s at %v: %w", what, k.media, k.at, res.err)
}

// text is what the log has to say when a kind of fault begins.
func text(k awsfault.Kind) string {
	switch k {
	case awsfault.Throttled:
		return "sink throttles, its outbox is emptied more slowly"
	case awsfault.Refused:
		return "sink refuses an entry, which is set aside for an hour; the others go on"
	case awsfault.Denied:
		return "sink takes nothing until it is mended, its outbox waits"
	default:
		return "sink is away, its outbox waits"
	}
}

// heard tells of a fault if it is a new one.
func (d *Drainer) heard(k awsfault.Kind, err error, now time.Time) {
	if !d.faults.begins(k, now) {
		return
	}
	if d.faults.told.IsZero() && (k == awsfault.Away || k == awsfault.Denied) {
		d.faults.told = now
	}
	d.log().Warn(text(k), "sink", d.Sink, "kind", k.String(), "error", err)
	if d.OnFault != nil {
		d.OnFault(err)
	}
}

// took notes that the sink has taken an entry.
func (d *Drainer) took(e store.Entry, now time.Time) {
	d.pace.took(now)
	d.aside.drop(e)
	d.faults.took = now
	if told := d.faults.told; !told.IsZero() {
		d.faults.told = time.Time{}
		d.log().Info("sink takes again", "sink", d.Sink, "after", now.Sub(told).Round(time.Millisecond))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.state = State{Pace: d.pace.limit(), Refused: len(d.aside.until)}
}

// stuck notes that the sink takes nothing.
func (d *Drainer) stuck(err error) {
	kind := awsfault.KindOf(err)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.state.Fault == nil || d.state.Kind != kind {
		d.state.Since = time.Now()
	}
	d.state.Fault, d.state.Kind = err, kind
}

// putAside keeps an entry from being offered until then.
func (d *Drainer) putAside(e store.Entry, until, now time.Time) {
	d.aside.put(e, until, now)
	d.publish()
}

// publish makes pace and entries set aside seen in State.
func (d *Drainer) publish() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.state.Pace, d.state.Refused = d.pace.limit(), len(d.aside.until)
}

// rest is how long the sink is left alone.
type rest struct {
	base   time.Duration
	jitter func(time.Duration) time.Duration // nil for one of up to a quarter
}

// next returns the next pause after a fault of a kind: twice the last one, or the shortest where the sink answered since.
func (r *rest) next(k awsfault.Kind, answered bool) time.Duration {
	longest := maxRest
	if k == awsfault.Denied {
		longest = deniedRest
	}
	if answered {
		r.base = 0
	}
	r.base = min(max(2*r.base, minRest), longest)
	if r.jitter != nil {
		return r.base + r.jitter(r.base/4)
	}
	return r.base + rand.N(r.base/4) // the boxes of one site lost the cloud at one moment: spread them
}
