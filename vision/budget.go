package vision

import (
	"fmt"
	"math"
	"sync"
	"time"
)

// Budget bounds what a paid recogniser may be asked. A limit of 0 allows nothing; math.Inf(1) lifts it.
type Budget struct {
	// CallsPerSecond bounds the calls of all APIs together; up to one second's worth may come at once.
	CallsPerSecond float64
	// USDPerHour is a ceiling for every stretch of an hour, wherever it begins.
	USDPerHour float64
	// USDPerCall is the price of one call. Calls of price 0 cost nothing.
	USDPerCall float64
}

// most returns how many calls an hour's money buys.
func (b Budget) most() float64 {
	if b.USDPerCall <= 0 {
		return math.Inf(1)
	}
	// Sums such as 0.3/0.1 fall a hair short of the whole number that was meant.
	return math.Floor(b.USDPerHour/b.USDPerCall + 1e-9)
}

// Purse is what calls are paid from. Every attempt of every call asks it first, the repeats too, so a budget holds
// whatever its recogniser does. It refuses and never waits. What was paid is spent whatever comes of it, because a call
// that failed here may have been billed there. It may be used from several goroutines.
type Purse struct {
	*account
	background bool
}

// account is what all views of a purse share.
type account struct {
	budget Budget
	clock  func() (wall time.Time, elapsed time.Duration)

	mu      sync.Mutex
	hour    hour
	book    book
	pace    *pace            // of all calls together
	paces   map[string]*pace // of each API
	asked   uint64
	refused uint64
	calls   map[string]uint64
}

// NewPurse returns a purse for a budget. What the ledger knows of the last hour counts as spent, and the ledger knows of
// each call before it is made; a nil ledger knows nothing. It fails where the ledger cannot be read, but takes one that
// wraps ErrLedger as a whole hour's money spent just now.
func NewPurse(b Budget, ledger Ledger) (*Purse, error) {
	began := time.Now()
	return newPurse(b, ledger, func() (time.Time, time.Duration) {
		now := time.Now()
		return now.Round(0), now.Sub(began)
	})
}

// newPurse takes a clock that tells the time of day, which may jump, and the time since the purse was made, which
// limits go by.
func newPurse(b Budget, ledger Ledger, clock func() (time.Time, time.Duration)) (*Purse, error) {
	wall, elapsed := clock()
	start := wall.Add(-elapsed)
	a := &account{
		budget: b, clock: clock,
		hour:  hour{start: start, most: b.most()},
		book:  book{ledger: ledger, ahead: ahead(b)},
		pace:  newPace(b.CallsPerSecond, wall),
		paces: make(map[string]*pace),
		calls: make(map[string]uint64),
	}
	if err := a.book.open(&a.hour, wall); err != nil {
		return nil, fmt.Errorf("read what was spent in the last hour: %w", err)
	}
	if len(a.hour.carried) > 0 {
		a.pace.drain(wall) // calls may have been made a moment ago
	}
	return &Purse{account: a}, nil
}

// Background returns a view of the purse for pictures that are not live: it may spend only what leaves live pictures a
// quarter of the hour's money and half a second of pace.
func (p *Purse) Background() *Purse { return &Purse{account: p.account, background: true} }

// Spend pays for one picture: one call of each of the APIs, all or none. A refusal wraps ErrThrottled and names the
// limit.
func (p *Purse) Spend(apis ...string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked++
	err := p.pay(apis, p.background)
	if err != nil {
		p.refused++
	}
	return err
}

// Again pays for a call that is repeated. A refusal wraps ErrThrottled.
func (p *Purse) Again(api string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pay([]string{api}, p.background)
}

// Throttled tells that the API asked for a slower pace. Its own limit is halved, down to a sixteenth of the budget's,
// and grows back within a minute.
func (p *Purse) Throttled(api string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.of(api).halve(p.now())
}

// Asked returns how many pictures came, the refused ones included.
func (p *Purse) Asked() uint64 { return p.count(&p.asked) }

// Refused returns how many pictures the budget did not allow.
func (p *Purse) Refused() uint64 { return p.count(&p.refused) }

func (p *Purse) count(n *uint64) uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return *n
}

// Calls returns how many calls of an API were paid, the repeats included.
func (p *Purse) Calls(api string) uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls[api]
}

// SpentUSD returns the dollars spent since the purse was made.
func (p *Purse) SpentUSD() float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	var n uint64
	for _, c := range p.calls {
		n += c
	}
	return float64(n) * p.budget.USDPerCall
}

// now returns the time on the purse's own clock, which never jumps. The caller holds mu.
func (a *account) now() time.Time {
	_, elapsed := a.clock()
	return a.hour.start.Add(elapsed)
}

// of returns the pace of an API. The caller holds mu.
func (a *account) of(api string) *pace {
	if a.paces[api] == nil {
		a.paces[api] = newPace(a.budget.CallsPerSecond, a.now())
	}
	return a.paces[api]
}

// pay takes one call of each API from the hour's money, the ledger and every pace, or nothing from any of them. The
// caller holds mu.
func (a *account) pay(apis []string, background bool) error {
	n, now := len(apis), a.now()
	left := 0.0
	if background {
		left = a.hour.most / 4
	}
	if !a.hour.fits(now, n, left) {
		return fmt.Errorf("spend $%.3f: the ceiling of $%.2f an hour is reached%s; raise usd_per_hour to ask more: %w",
			float64(n)*a.budget.USDPerCall, a.budget.USDPerHour, forLive(background), ErrThrottled)
	}
	if !a.pace.fits(now, n, background) {
		return fmt.Errorf("make %d calls: the limit of %g calls a second is reached%s; raise calls_per_second to ask more: %w",
			n, a.budget.CallsPerSecond, forLive(background), ErrThrottled)
	}
	for _, api := range apis {
		if p := a.of(api); !p.fits(now, 1, background) {
			return fmt.Errorf("call %s: its limit is %.2g calls a second just now, because Amazon throttled it; lower calls_per_second "+
				"or ask Amazon for a higher quota: %w", api, p.rate(), ErrThrottled)
		}
	}
	wall, _ := a.clock()
	if err := a.book.enter(&a.hour, n, wall); err != nil {
		return fmt.Errorf("write down what is spent: %w: %w; no call is made that could not be written down", err, ErrThrottled)
	}
	a.hour.add(n)
	a.pace.take(now, n)
	for _, api := range apis {
		a.of(api).take(now, 1)
		a.calls[api]++
	}
	return nil
}

func forLive(background bool) string {
	if background {
		return " but for what is kept for live pictures"
	}
	return ""
}
