package vision

import (
	"errors"
	"math"
	"slices"
	"time"
)

// Spending is the calls paid in one minute of the clock.
type Spending struct {
	Minute time.Time `json:"minute"`
	Calls  int       `json:"calls"`
}

// Ledger keeps the spending of the last hour over a restart, so that a program that crashes again and again cannot spend
// without end.
type Ledger interface {
	// Load returns what was saved last; nothing, where nothing ever was. An error wraps ErrLedger when something was
	// and cannot be understood.
	Load() ([]Spending, error)
	// Save keeps all that is given, in the place of what was saved before, before it returns. It is called about once
	// a second at most.
	Save([]Spending) error
}

// ErrLedger is wrapped by a ledger that was there and cannot be understood.
var ErrLedger = errors.New("ledger is damaged")

// hourSeconds is the seconds that a closed stretch of one hour can touch: 3600 and the one it ends in.
const hourSeconds = 3601

// hour counts calls by the second over the last hour, so that no hour holds more than the most. Counting the second in
// which the hour began as a whole makes it strict by up to a second, never lax; its size is fixed.
type hour struct {
	start   time.Time // second 0
	most    float64
	last    int64 // the latest second since start
	sum     int
	slots   [hourSeconds]int
	carried []Spending // what a ledger knew, on start's clock
}

// fits moves to now and reports whether n more calls may be paid and leave so many.
func (h *hour) fits(now time.Time, n int, left float64) bool {
	second := max(int64(now.Sub(h.start)/time.Second), h.last)
	for range min(second-h.last, hourSeconds) {
		h.last++
		h.sum -= h.slots[h.last%hourSeconds]
		h.slots[h.last%hourSeconds] = 0
	}
	h.last = second
	h.carried = slices.DeleteFunc(h.carried, func(s Spending) bool { return now.Sub(s.Minute) > carriedFor })
	return float64(h.spent()+n)+left <= h.most
}

// carriedFor is an hour after the minute's end, and the part of a minute by which a clock may have been set unnoticed.
const carriedFor = time.Hour + 2*time.Minute + time.Second

func (h *hour) spent() int {
	n := h.sum
	for _, s := range h.carried {
		n += s.Calls
	}
	return n
}

// add spends n calls in the second that fits moved to.
func (h *hour) add(n int) {
	h.slots[h.last%hourSeconds] += n
	h.sum += n
}

// now returns the second that fits moved to.
func (h *hour) now() time.Time { return h.start.Add(time.Duration(h.last) * time.Second) }

// minutes returns the hour's spending by the minute, oldest first.
func (h *hour) minutes() []Spending {
	list := slices.Clone(h.carried)
	for second := max(0, h.last-hourSeconds+1); second <= h.last; second++ {
		if n := h.slots[second%hourSeconds]; n > 0 {
			list = put(list, h.start.Add(time.Duration(second)*time.Second).Truncate(time.Minute), n)
		}
	}
	return list
}

// put adds calls to a minute of a list.
func put(list []Spending, minute time.Time, calls int) []Spending {
	if i := len(list) - 1; i >= 0 && !list[i].Minute.Before(minute) {
		list[i].Calls += calls
		return list
	}
	return append(list, Spending{Minute: minute, Calls: calls})
}

// book enters calls into a ledger before they are made, some ahead so that it is not written for each.
type book struct {
	ledger Ledger // nil for none
	ahead  int    // calls entered at a time
	paid   int    // entered, and not yet made
	minute time.Time
}

// ahead returns how many calls are entered at a time: a second's, so that the ledger is written about once a second at
// most, but no more than a hundredth of the hour's money, since a crash loses what was entered and not made.
func ahead(b Budget) int {
	const least, most = 5, 1000
	second := min(max(math.Ceil(b.CallsPerSecond), least), most)
	return int(max(min(second, b.most()/100), atOnce))
}

// open takes over what the ledger knows. What lies in the future was spent before the clock was set back: now, at the
// latest. Of a damaged ledger it can only be said that no more than an hour's money was spent, so that is entered.
func (b *book) open(h *hour, wall time.Time) error {
	if b.ledger == nil {
		return nil
	}
	list, err := b.ledger.Load()
	minute := wall.Truncate(time.Minute)
	if errors.Is(err, ErrLedger) {
		if !math.IsInf(h.most, 1) {
			h.carried = []Spending{{Minute: minute, Calls: int(h.most)}}
		}
		return b.ledger.Save(h.carried)
	}
	if err != nil {
		return err
	}
	set := false
	slices.SortFunc(list, func(s, t Spending) int { return s.Minute.Compare(t.Minute) })
	for _, s := range list {
		if s.Minute.After(minute) {
			s.Minute, set = minute, true
		}
		if s.Calls > 0 && wall.Sub(s.Minute) <= carriedFor {
			h.carried = put(h.carried, s.Minute, s.Calls)
		}
	}
	if set { // or the next start would find it in the future again
		return b.ledger.Save(h.carried)
	}
	return nil
}

// enter sees to it that the ledger knows of n calls to be made now.
func (b *book) enter(h *hour, n int, wall time.Time) error {
	if b.ledger == nil {
		return nil
	}
	minute := h.now().Truncate(time.Minute)
	if b.paid >= n && b.minute.Equal(minute) {
		b.paid -= n
		return nil
	}
	// What is entered ahead is what the money would allow.
	entered := max(n, int(min(float64(b.ahead), h.most-float64(h.spent()))))
	list := put(h.minutes(), minute, entered)
	// The clock may have been set since; the ledger's minutes are those of the clock that the next start will read.
	set := wall.Sub(h.now())
	if set > 2*time.Second { // more than drift: a minute too late is safe, one too early is not
		set += time.Minute - 1
	}
	set = set.Truncate(time.Minute)
	for i := range list {
		list[i].Minute = list[i].Minute.Add(set)
	}
	if err := b.ledger.Save(list); err != nil {
		return err
	}
	b.paid, b.minute = entered-n, minute
	return nil
}
