package dynamodb

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"
)

const (
	// leasePartition has the partition key of all leases.
	leasePartition = "spotter:lease"

	defaultLease = 2 * time.Second
	minLease     = time.Second
	// maxLease bounds what is believed of an item, so that one written wrongly does not lock both boxes out for ever.
	maxLease = time.Minute
	// leaseStep is the time between two renewals, and between two looks of the box that waits.
	leaseStep = 500 * time.Millisecond
	// leaseMargin is how much earlier than the other box the holder believes its lease to end. Their clocks are never compared,
	// but their seconds may differ in length.
	leaseMargin = 250 * time.Millisecond
	// leaseCall bounds one call, and leaseFlight how many are under way at once: a step does not wait for the answer to the one
	// before, so that a request or answer that is lost costs no more than a step.
	leaseCall   = 3 * leaseStep
	leaseFlight = 4
	// leaseBack bounds how long giving back takes.
	leaseBack = time.Second
)

// Lease makes one of several boxes the holder of a media's lease, the one that pays for the cloud. At most one holds it at any
// time, however requests are lost and delayed and boxes paused, and whatever their clocks show; a holder that falls silent is
// followed within 3 s. While the table is away nobody takes it, and the holder loses it. It costs two reads or writes a second.
type Lease struct {
	Table *Table
	Media string
	// Owner is what this box is called, for people.
	Owner string
	// Duration is how long the holder may be silent; 2 s when zero, at least a second, the same for every box.
	Duration time.Duration
	// OnChange hears when this box begins and ceases to hold the lease, if it is not nil. It is called by Run and must not wait.
	OnChange func(held bool)
	// Logger hears the same, and when the table begins and ceases to be away; nil for silence.
	Logger *slog.Logger

	until atomic.Pointer[time.Time]
	other atomic.Pointer[reign]
}

// reign is the time in which another box was seen to renew, without a pause in which it could have lost the lease.
type reign struct{ since, until time.Time }

// Held reports whether this box holds the lease. It is right at any moment, and turns false by itself when renewals fail.
func (l *Lease) Held() bool { return l.heldAt(time.Now()) }

// Other returns since when another box is known to hold the lease without a pause; false while none is known to. A box that cannot
// ask knows of none.
func (l *Lease) Other() (since time.Time, known bool) {
	r := l.other.Load()
	if r == nil || !time.Now().Before(r.until) {
		return time.Time{}, false
	}
	return r.since, true
}

// heldAt looks at the wall clock too: the monotonic one stands still while a machine sleeps.
func (l *Lease) heldAt(now time.Time) bool {
	until := l.until.Load()
	return until != nil && now.Before(*until) && now.Round(0).Before(until.Round(0))
}

// Run holds the lease, or waits for it, until ctx is done; then it gives it back, so that the other box need not wait, and returns
// nil. Any other end is an error that a person has to mend: a wrong Duration, or another media with the same key. One Run at a
// time.
func (l *Lease) Run(ctx context.Context) error {
	duration := l.Duration
	if duration == 0 {
		duration = defaultLease
	}
	if duration < minLease || duration > maxLease {
		return fmt.Errorf("run lease of %s: its duration is %v, it must be from %v to %v", l.Media, duration, minLease, maxLease)
	}
	log := l.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	c := &contest{
		Lease: l, duration: duration, log: log.With("media", l.Media), session: rand.Text(),
		answers: make(chan answer, leaseFlight), step: time.Now(),
	}
	err := c.run(ctx)
	c.until.Store(nil)
	c.other.Store(nil)
	c.tell(time.Now())
	for ; c.flight > 0; c.flight-- {
		<-c.answers
	}
	if err == nil {
		c.giveBack(ctx)
	}
	return err
}

// contest is one Run. It belongs to its goroutine, as all calls do not.
type contest struct {
	*Lease
	duration time.Duration
	log      *slog.Logger
	// session tells this Run from all others, of this box too.
	session string
	version int64 // the highest that was written or seen
	claimed bool  // something was written, or may have been

	seen   tenure
	seenAt time.Time // when seen was first heard of
	// notBefore is when an item of this box that is new counts.
	notBefore time.Time
	tried     bool      // seen was tried to be followed
	heardOf   time.Time // when the newest call that was answered was sent

	step    time.Time // of the next step
	flight  int
	answers chan answer
	told    bool  // what OnChange was told last
	away    error // the last call's, nil when it was answered
}

func (c *contest) run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case a := <-c.answers:
			c.flight--
			if err := c.hear(a); err != nil {
				return err
			}
		case <-timer.C:
		}
		now := time.Now()
		c.tell(now)
		if due := c.due(); !now.Before(due) && ctx.Err() == nil {
			c.act(ctx, now)
		}
		wake := c.due()
		if until := c.until.Load(); c.told && until != nil && until.Before(wake) {
			wake = *until
		}
		timer.Reset(time.Until(wake))
	}
}

// due returns when the next call is to be made: at the next step, or when the one who holds the lease has been silent for long
// enough, and at once when it was given back or is not there.
func (c *contest) due() time.Time {
	if free, ok := c.freeAt(); ok && !c.tried && free.Before(c.step) {
		return free
	}
	return c.step
}

// freeAt returns when what was seen may be followed by this box; false when it is this box's own or nothing was seen.
func (c *contest) freeAt() (time.Time, bool) {
	switch {
	case !c.seen.known || c.seen.session == c.session && !c.seen.free:
		return time.Time{}, false
	case c.seen.free && !c.seen.fresh || c.seen.session == "":
		return c.seenAt, true
	}
	return c.seenAt.Add(max(c.duration, c.seen.duration)), true
}

// act begins a call: a renewal, an attempt to follow, or a look.
func (c *contest) act(ctx context.Context, now time.Time) {
	c.step = now.Add(leaseStep)
	if now.Before(c.notBefore) && c.notBefore.Before(c.step) {
		c.step = c.notBefore
	}
	free, ok := c.freeAt()
	follow := ok && !now.Before(free)
	c.tried = c.tried || follow
	if c.flight == leaseFlight {
		return
	}
	call := c.look
	switch {
	case follow:
		call = c.write(c.followed())
	case !ok && c.seen.known:
		call = c.write(c.renewed(now))
	}
	c.flight++
	go func() {
		ctx, cancel := context.WithTimeout(ctx, leaseCall)
		defer cancel()
		c.answers <- call(ctx, now)
	}()
}

// hear takes an answer in. One to a call that was sent before the newest that was answered comes too late to tell anything.
func (c *contest) hear(a answer) error {
	c.report(a.err)
	if a.err != nil || a.sent.Before(c.heardOf) {
		return nil
	}
	c.heardOf = a.sent
	now := time.Now()
	if a.tenure.media != "" && a.tenure.media != c.Media {
		return c.Table.collision("lease", c.Media, a.tenure.media)
	}
	held, old := c.heldAt(now), c.seen
	if a.tenure != old {
		c.seen, c.seenAt, c.tried = a.tenure, now, false
		c.version = max(c.version, a.tenure.version)
		c.watch(old, now)
	}
	switch {
	case c.seen.session == "": // deleted by somebody: nobody else can hold it yet
	case c.seen.session != c.session:
		c.until.Store(nil)
	case c.seen.fresh && !held && (old.session != c.session || old.version > c.seen.version):
		c.notBefore = now.Add(c.duration)
	case a.written && (held || !c.seen.fresh):
		// From when it was sent: the other box saw it no earlier.
		until := a.sent.Add(c.duration - leaseMargin)
		c.until.Store(&until)
	}
	return nil
}

// watch takes in that an item has changed: another box that renews holds the lease.
func (c *contest) watch(old tenure, now time.Time) {
	if c.seen.session == "" || c.seen.session == c.session || c.seen.free || c.seen.fresh {
		c.other.Store(nil)
		return
	}
	r := reign{since: now, until: now.Add(max(c.duration, c.seen.duration))}
	if was := c.other.Load(); was != nil && old.session == c.seen.session && now.Before(was.until) {
		r.since = was.since
	}
	c.other.Store(&r)
}

// tell tells of a change.
func (c *contest) tell(now time.Time) {
	held := c.heldAt(now)
	if held == c.told {
		return
	}
	c.told = held
	if held {
		c.log.Info("this box pays for the cloud now", "owner", c.Owner)
	} else {
		c.log.Info("this box does not pay for the cloud any more", "owner", c.Owner, "holder", c.seen.owner)
	}
	if c.OnChange != nil {
		c.OnChange(held)
	}
}

// report logs the table's going away and coming back.
func (c *contest) report(err error) {
	switch {
	case err != nil && c.away == nil:
		c.log.Warn("the lease cannot be asked for", "error", err)
	case err == nil && c.away != nil:
		c.log.Info("the lease can be asked for again")
	}
	c.away = err
}
