package vision

import (
	"math"
	"time"

	"golang.org/x/time/rate"
)

// SetLimits puts other limits in the place of a budget's, for this purse and all its views, from the next call on. What was
// spent stays spent: a lower ceiling may be reached at once. The price of a call stays.
func (p *Purse) SetLimits(callsPerSecond, usdPerHour float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	p.budget.CallsPerSecond, p.budget.USDPerHour = callsPerSecond, usdPerHour
	p.hour.most = p.budget.most()
	p.book.ahead = ahead(p.budget)
	for _, pace := range p.paces {
		pace.change(now, callsPerSecond)
	}
	p.pace.change(now, callsPerSecond)
}

// Budget returns what bounds the purse now.
func (p *Purse) Budget() Budget {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.budget
}

// change makes perSecond the full rate. A pace that was slowed by refusals grows on from where it is.
func (p *pace) change(now time.Time, perSecond float64) {
	p.recover(now)
	slowed := p.slowed < p.full && p.rate() < p.full
	at := min(p.rate(), perSecond)
	p.full = perSecond
	switch {
	case math.IsInf(perSecond, 1):
		p.slowed = perSecond
		p.limiter.SetLimitAt(now, rate.Inf)
	case slowed:
		p.slowed, p.at = at, now
		p.set(now, at)
	default:
		p.slowed = perSecond
		p.set(now, perSecond)
	}
}
