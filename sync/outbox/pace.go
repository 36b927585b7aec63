package outbox

import (
	"math"
	"time"

	"golang.org/x/time/rate"
)

const (
	// minPace is the least puts a second that a sink is given: one asks whether it takes more.
	minPace = 1
	// quickShare is the share of what last worked below which the pace rises quickly.
	quickShare = 0.8
	// quickStep is how much one success adds to the pace then: it grows by half each second.
	quickStep = 0.5
	// slowShare is the share of what last worked that a second of successes adds to the pace otherwise, and slowStep the
	// least that it adds, in puts a second.
	slowShare, slowStep = 0.02, 1
	// episode is how long after a cut another one is held to be of the same shortage: a table that counts by the second
	// throttles until the second is over.
	episode = 2 * time.Second
	// burstTime is how much of the pace may be made up for at once where a timer was late.
	burstTime = 20 * time.Millisecond
)

// pace is how fast the sink is asked: without a limit until it throttles, from then on by additive increase and
// multiplicative decrease (Chiu and Jain, "Analysis of the Increase and Decrease Algorithms for Congestion Avoidance", 1989),
// with a quick rise back to what worked.
type pace struct {
	limiter *rate.Limiter // nil while the sink has never throttled
	worked  float64       // puts a second before the last cut
	cut     time.Time

	second        time.Time // successes are counted by the second that begins here, and in the one before
	count, count0 int
}

// limit returns the puts a second that may begin; 0 for no limit.
func (p *pace) limit() float64 {
	if p.limiter == nil {
		return 0
	}
	return float64(p.limiter.Limit())
}

// most returns how many puts may begin within d, with one more for each worker, but no more than limit.
func (p *pace) most(d time.Duration, workers, limit int) int {
	if p.limiter == nil {
		return limit
	}
	return int(min(math.Ceil(p.limit()*d.Seconds())+float64(workers), float64(limit)))
}

// reserve takes the place of the next put and returns how long that has to wait. Unless it must have one, ok is false, and
// no place taken, where it would begin after end; a zero end is never.
func (p *pace) reserve(now, end time.Time, must bool) (wait time.Duration, ok bool) {
	if p.limiter == nil {
		return 0, true
	}
	place := p.limiter.ReserveN(now, 1)
	wait = place.DelayFrom(now)
	if !must && !end.IsZero() && now.Add(wait).After(end) {
		place.CancelAt(now)
		return 0, false
	}
	return wait, true
}

// took raises the pace after a success.
func (p *pace) took(now time.Time) {
	p.turn(now)
	p.count++
	if p.limiter == nil {
		return
	}
	limit := p.limit()
	if limit < quickShare*p.worked {
		limit += quickStep
	} else {
		limit += max(slowShare*p.worked, slowStep) / limit
	}
	if limit > 2*p.worked {
		p.worked = limit // the table has grown: larger steps
	}
	p.set(now, limit)
}

// throttled halves the pace, unless the put began before that was done the last time and so says nothing of the new pace.
func (p *pace) throttled(begun, now time.Time) {
	if p.limiter != nil && !begun.After(p.cut) {
		return
	}
	p.turn(now)
	limit := p.limit()
	if p.limiter == nil {
		limit = max(float64(max(p.count, p.count0)), minPace)
		p.limiter = rate.NewLimiter(rate.Limit(limit), 1)
	}
	if now.Sub(p.cut) > episode {
		p.worked = limit
	} else {
		p.worked = max(0.9*p.worked, limit)
	}
	p.cut = now
	p.set(now, max(limit/2, minPace))
}

func (p *pace) set(now time.Time, limit float64) {
	p.limiter.SetLimitAt(now, rate.Limit(limit))
	p.limiter.SetBurstAt(now, 1+int(limit*burstTime.Seconds()))
}

// turn begins a new second of counting when the present one is over.
func (p *pace) turn(now time.Time) {
	switch gone := now.Sub(p.second); {
	case gone >= 2*time.Second:
		p.second, p.count0, p.count = now, 0, 0
	case gone >= time.Second:
		p.second, p.count0, p.count = p.second.Add(time.Second), p.count, 0
	}
}
