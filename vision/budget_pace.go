package vision

import (
	"math"
	"time"

	"golang.org/x/time/rate"
)

const (
	// slowest is the least part of its full rate that a pace falls to.
	slowest = 1.0 / 16
	// recovery is how long a pace takes to grow from nothing to its full rate.
	recovery = time.Minute
	// atOnce is the most calls of one picture; a burst is never smaller.
	atOnce = 2
)

// pace limits calls a second. It gives way as TCP does: half the rate at each refusal, and back by equal steps.
type pace struct {
	full    float64 // calls a second
	slowed  float64 // the rate after the last refusal
	at      time.Time
	limiter *rate.Limiter
}

func newPace(perSecond float64, now time.Time) *pace {
	p := &pace{full: perSecond, slowed: perSecond, at: now, limiter: rate.NewLimiter(rate.Inf, 0)}
	if !math.IsInf(perSecond, 1) {
		p.limiter = rate.NewLimiter(rate.Limit(perSecond), burst(perSecond))
	}
	return p
}

// burst returns how many calls may come at once.
func burst(perSecond float64) int {
	if perSecond <= 0 {
		return 0
	}
	return max(int(math.Ceil(perSecond)), atOnce)
}

// rate returns the calls a second that are allowed now.
func (p *pace) rate() float64 { return min(float64(p.limiter.Limit()), p.full) }

// fits moves to now and reports whether n calls may be made; background calls leave half a second of pace, unless they
// could then never be made.
func (p *pace) fits(now time.Time, n int, background bool) bool {
	p.recover(now)
	if math.IsInf(p.full, 1) {
		return true
	}
	need := float64(n)
	if background {
		need = max(need, min(need+p.rate()/2, float64(p.limiter.Burst())))
	}
	return p.limiter.TokensAt(now) >= need
}

// take makes n calls that fit.
func (p *pace) take(now time.Time, n int) { p.limiter.AllowN(now, n) }

// drain leaves no calls to come at once.
func (p *pace) drain(now time.Time) { p.limiter.AllowN(now, p.limiter.Burst()) }

// halve answers a refusal. The refusals of calls that were under way together count once.
func (p *pace) halve(now time.Time) {
	p.recover(now)
	if math.IsInf(p.full, 1) || p.slowed < p.full && now.Sub(p.at) < time.Second/2 {
		return
	}
	p.slowed, p.at = max(p.rate()/2, p.full*slowest), now
	p.set(now, p.slowed)
}

// recover grows the rate by what the time since the last refusal allows.
func (p *pace) recover(now time.Time) {
	if p.slowed >= p.full || p.rate() >= p.full {
		return
	}
	grown := p.full * float64(now.Sub(p.at)) / float64(recovery)
	if to := min(p.full, p.slowed+grown); to > p.rate() {
		p.set(now, to)
	}
}

func (p *pace) set(now time.Time, perSecond float64) {
	p.limiter.SetLimitAt(now, rate.Limit(perSecond))
	p.limiter.SetBurstAt(now, burst(perSecond))
}
