package vision

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Budget bounds what a recogniser may be asked. A limit of 0 allows nothing; math.Inf(1) lifts it.
type Budget struct {
	// CallsPerSecond bounds the calls of all kinds together; up to one second's worth may come at once.
	CallsPerSecond float64
	// CallsPerPicture is how many calls one picture takes; 0 means 1.
	CallsPerPicture int
	// USDPerHour is a ceiling for every stretch of an hour, wherever it begins.
	USDPerHour float64
	// USDPerPicture is the price of one picture, all of its calls together. A recogniser of price 0 costs nothing.
	USDPerPicture float64
}

// Limited keeps a recogniser within a budget. It refuses, and never waits.
type Limited struct {
	inner  Recognizer
	budget Budget
	pace   *rate.Limiter

	mu       sync.Mutex
	hour     hour
	asked    uint64
	refused  uint64
	pictures uint64
}

// Limit returns r within a budget. What does not fit is refused at once with ErrThrottled. A picture counts as spent as
// soon as r is asked, whatever comes of it, because a call that failed here may have been billed there.
func Limit(r Recognizer, b Budget) *Limited {
	b.CallsPerPicture = max(b.CallsPerPicture, 1)
	l := &Limited{inner: r, budget: b}
	switch {
	case math.IsInf(b.CallsPerSecond, 1):
		l.pace = rate.NewLimiter(rate.Inf, 0)
	case b.CallsPerSecond > 0:
		burst := max(int(math.Ceil(b.CallsPerSecond)), b.CallsPerPicture)
		l.pace = rate.NewLimiter(rate.Limit(b.CallsPerSecond), burst)
	default:
		l.pace = rate.NewLimiter(0, 0)
	}
	l.hour = hour{began: time.Now(), most: affordable(b)}
	return l
}

// affordable returns how many pictures an hour's money buys.
func affordable(b Budget) float64 {
	if b.USDPerPicture <= 0 {
		return math.Inf(1)
	}
	// Sums such as 0.3/0.1 fall a hair short of the whole number that was meant.
	return math.Floor(b.USDPerHour/b.USDPerPicture + 1e-9)
}

// Recognize asks the recogniser if the budget allows it now, and fails with ErrThrottled if not.
func (l *Limited) Recognize(ctx context.Context, p Picture) (Answer, error) {
	if err := ctx.Err(); err != nil {
		return Answer{}, err
	}
	if err := l.spend(); err != nil {
		return Answer{}, err
	}
	return l.inner.Recognize(ctx, p)
}

func (l *Limited) spend() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.asked++
	if !l.hour.fits(now) {
		l.refused++
		return fmt.Errorf("spend $%.4f: the ceiling of $%.2f an hour is reached: %w", l.budget.USDPerPicture, l.budget.USDPerHour, ErrThrottled)
	}
	if !l.pace.AllowN(now, l.budget.CallsPerPicture) {
		l.refused++
		return fmt.Errorf("make %d calls: the limit of %g calls a second is reached: %w", l.budget.CallsPerPicture, l.budget.CallsPerSecond, ErrThrottled)
	}
	l.hour.add()
	l.pictures++
	return nil
}

// Asked returns how many pictures came, the refused ones included.
func (l *Limited) Asked() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.asked
}

// Refused returns how many pictures the budget did not allow.
func (l *Limited) Refused() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.refused
}

// SpentUSD returns the dollars spent so far.
func (l *Limited) SpentUSD() float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return float64(l.pictures) * l.budget.USDPerPicture
}

// hourSeconds is the seconds that a closed stretch of one hour can touch: 3600 and the one it ends in.
const hourSeconds = 3601

// hour counts pictures by the second over the last hour, so that no hour holds more than the most. Counting the second
// in which the hour began as a whole makes it strict by up to a second, never lax; its size is fixed.
type hour struct {
	began time.Time
	most  float64
	last  int64 // the latest second since began
	sum   int
	slots [hourSeconds]int
}

// fits moves to now and reports whether one more picture may be spent.
func (h *hour) fits(now time.Time) bool {
	second := max(int64(now.Sub(h.began)/time.Second), h.last)
	for range min(second-h.last, hourSeconds) {
		h.last++
		h.sum -= h.slots[h.last%hourSeconds]
		h.slots[h.last%hourSeconds] = 0
	}
	h.last = second
	return float64(h.sum+1) <= h.most
}

// add spends one picture in the second that fits moved to.
func (h *hour) add() {
	h.slots[h.last%hourSeconds]++
	h.sum++
}
