package vision

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

var (
	// ErrPicture is wrapped by permanent errors that are about one picture only: the next may be fit.
	ErrPicture = fmt.Errorf("unfit picture: %w", ErrPermanent)

	errClosed = errors.New("asker is closed")
)

// maxPatience bounds the patience of AskOptions that name none.
const maxPatience = 30 * time.Second

// Reply is what is known of a picture now.
type Reply struct {
	// Answer has the parts that were wanted and no other. Its Source is the local one where any part is local.
	Answer Answer
	// Pending says that late will be called, once.
	Pending bool
	// Missed is what the cloud was to be asked and did not answer, and is worth asking again later. It is 0 while
	// Pending, when late will say it, and leaves out a picture that the cloud finds unfit.
	Missed Want
}

// AskOptions say how long the cloud may take.
type AskOptions struct {
	// Deadline is how long a picture waits for the cloud before the local answer serves.
	Deadline time.Duration
	// Patience is how long, from the beginning, a late cloud may go on; above Deadline. 0 means five times Deadline, at
	// most half a minute or two times Deadline, whichever is more.
	Patience time.Duration
	// OnFault, which may be nil, hears of each error that is not returned because something else made good of it, or
	// because it came late. It may be called from several goroutines.
	OnFault func(error)
}

// Asker asks the cloud, the local recogniser or both about pictures, as its mode says. While a part of the cloud is dead
// it is not asked about that part at all: after three failures or late answers in a row for ten seconds, after a
// permanent error for two minutes. It may be used from several goroutines.
type Asker struct {
	mode         Mode
	cloud, local Recognizer
	options      AskOptions
	times        atomic.Pointer[askTimes]
	circuits     [len(parts)]*circuit

	mu      sync.Mutex // orders enter and Close
	closed  bool
	closing chan struct{}
	group   sync.WaitGroup // calls of Ask and Again, calls to the cloud, late replies
}

// NewAsker joins the two recognisers as the mode says; one that the mode does not use may be nil. It fails with ErrMode.
func NewAsker(mode Mode, cloud, local Recognizer, o AskOptions) (*Asker, error) {
	if _, err := ParseMode(string(mode)); err != nil {
		return nil, err
	}
	switch {
	case mode.UsesCloud() && cloud == nil:
		return nil, fmt.Errorf("%s: %w: no cloud recogniser; add vision.rekognition or say local-only", mode, ErrMode)
	case mode.UsesLocal() && local == nil:
		return nil, fmt.Errorf("%s: %w: no local recogniser; add vision.local or say cloud-only", mode, ErrMode)
	case mode.UsesCloud() && o.Deadline <= 0:
		return nil, fmt.Errorf("%s: %w: deadline %v is not above zero", mode, ErrMode, o.Deadline)
	case mode.UsesCloud() && o.Patience != 0 && o.Patience <= o.Deadline:
		return nil, fmt.Errorf("%s: %w: patience %v is not above the deadline %v", mode, ErrMode, o.Patience, o.Deadline)
	}
	if o.OnFault == nil {
		o.OnFault = func(error) {}
	}
	if !mode.UsesLocal() {
		local = nil
	}
	a := &Asker{mode: mode, cloud: cloud, local: local, options: o, closing: make(chan struct{})}
	times := o.times()
	a.times.Store(&times)
	for i := range a.circuits {
		a.circuits[i] = newCircuit()
	}
	return a, nil
}

// Ask answers for one picture. Where the cloud is late the local answer serves, Pending, and the call goes on until it
// is answered, the patience is over, ctx is done or the Asker is closed. Then late is called from another goroutine,
// maybe before Ask has returned, with the answer that replaces the first one and with what is Missed; where that is all
// that was wanted the answer is empty, without a Source. With a late of nil the call ends at the deadline and nothing is
// Pending.
//
// The error is nil where any part was answered; a part that neither side answered is then absent, and Missed if the
// cloud was to say it. Otherwise the error is as permanent as that of the more hopeful side, and Missed or Pending holds
// all the same: without a local recogniser, a late cloud is an error and Pending. Where ctx ended or the Asker was
// closed the Reply is empty, nothing is Pending and nobody is at fault.
func (a *Asker) Ask(ctx context.Context, p Picture, late func(Answer, Want)) (Reply, error) {
	if err := a.enter(); err != nil {
		return Reply{}, err
	}
	defer a.group.Done()
	if a.mode.AsksCloudFirst() {
		return a.cloudFirst(ctx, p, a.local, late)
	}
	answer, first := a.local.Recognize(ctx, p)
	if first == nil {
		return Reply{Answer: only(answer, p.Wanted())}, nil
	}
	if a.mode == LocalOnly || ctx.Err() != nil {
		return Reply{}, first
	}
	a.options.OnFault(first)
	reply, second := a.cloudFirst(ctx, p, nil, late)
	if second == nil || ctx.Err() != nil {
		return reply, second
	}
	return reply, hopeful(first, second)
}

// Again asks the cloud alone, with the patience for a deadline, about a picture that it missed. The error is as a
// Recognizer's, a PartialError where a part was answered; it wraps ErrAway while the cloud is left alone and ErrMode
// where the mode has no cloud.
func (a *Asker) Again(ctx context.Context, p Picture) (Answer, error) {
	if !a.mode.UsesCloud() {
		return Answer{}, fmt.Errorf("ask the cloud again: %s: %w", a.mode, ErrMode)
	}
	if err := a.enter(); err != nil {
		return Answer{}, err
	}
	defer a.group.Done()
	began := time.Now()
	c := a.start(ctx, p)
	o := a.finish(c)
	if o.err == nil {
		if time.Since(began) > a.times.Load().deadline { // alive, but too slow for a live picture
			c.report(outcome{missing: c.wanted, err: errNoVerdict})
		} else {
			c.report(o)
		}
		return o.answer, nil
	}
	if err := a.stopped(ctx); err != nil {
		c.report(outcome{missing: c.wanted, err: errNoVerdict})
		return Answer{}, err
	}
	c.report(o)
	if o.missing == c.wanted {
		return Answer{}, o.err
	}
	return Answer{}, &PartialError{Answer: o.answer, Missing: o.missing, Err: o.err}
}

// Close cancels what is under way and waits for it, late replies included. It must not be called from late.
func (a *Asker) Close() {
	a.mu.Lock()
	if !a.closed {
		a.closed = true
		close(a.closing)
	}
	a.mu.Unlock()
	a.group.Wait()
}

// enter counts a call that Close has to wait for.
func (a *Asker) enter() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return errClosed
	}
	a.group.Add(1)
	return nil
}

// cloudFirst asks the cloud and takes from local, which may be nil, what the cloud does not say in time.
func (a *Asker) cloudFirst(ctx context.Context, p Picture, local Recognizer, late func(Answer, Want)) (Reply, error) {
	c := a.start(ctx, p)
	o, onTime := a.await(ctx, c)
	if o.err == nil {
		return Reply{Answer: o.answer}, nil
	}
	if err := a.stopped(ctx); err != nil {
		c.cancel()
		return Reply{}, err
	}
	if local != nil || o.missing != c.wanted {
		a.fault(o.err)
	}
	here, failed := ask(ctx, local, p)
	if err := ctx.Err(); err != nil {
		c.cancel()
		return Reply{}, fmt.Errorf("recognize: %w", err)
	}
	if onTime {
		return a.reply(c, o, here, failed)
	}
	select {
	case o = <-c.result: // in the meantime
		a.belated(ctx, c, o)
		return a.reply(c, o, here, failed)
	default:
	}
	if late == nil {
		c.cancel()
		return a.reply(c, o, here, failed)
	}
	a.group.Go(func() { a.late(ctx, c, here, late) })
	r, err := a.reply(c, o, here, failed)
	r.Pending, r.Missed = true, 0
	return r, err
}

// ask returns the answer of a recogniser, nil where it fails or there is none.
func ask(ctx context.Context, r Recognizer, p Picture) (*Answer, error) {
	if r == nil {
		return nil, nil
	}
	answer, err := r.Recognize(ctx, p)
	if err != nil {
		return nil, err
	}
	return &answer, nil
}

// reply joins what the cloud said of a picture with the local answer, if there is one, or both errors if nothing was said.
func (a *Asker) reply(c *call, o outcome, here *Answer, failed error) (Reply, error) {
	r := Reply{Answer: merged(o, here, c.wanted), Missed: o.missed()}
	switch {
	case here != nil:
		return r, nil
	case o.missing != c.wanted:
		if failed != nil {
			a.options.OnFault(failed)
		}
		return r, nil
	case failed == nil:
		return r, o.err
	default:
		return r, hopeful(o.err, failed)
	}
}

// hopeful joins the errors of both sides into one that is as permanent as the more hopeful of the two: asking again helps
// if it helps with either.
func hopeful(first, second error) error {
	if errors.Is(first, ErrPermanent) {
		return fmt.Errorf("recognize: %w; before that: %v", second, first)
	}
	return fmt.Errorf("recognize: %w; after that: %v", first, second)
}

// late waits for a call that missed its deadline and says what came of it. here is the local answer that served, if any.
func (a *Asker) late(ctx context.Context, c *call, here *Answer, say func(Answer, Want)) {
	o := a.finish(c)
	a.belated(ctx, c, o)
	if o.missed() == c.wanted {
		say(Answer{}, c.wanted)
		return
	}
	say(merged(o, here, c.wanted), o.missed())
}

// belated takes in how a call ended of which it was said already that it is late.
func (a *Asker) belated(ctx context.Context, c *call, o outcome) {
	if o.err == nil || o.ended || a.stopped(ctx) != nil {
		return
	}
	a.fault(o.err)
	for i, leave := range c.leave {
		if leave != nil && o.missing.Has(parts[i]) {
			a.circuits[i].condemn(o.err)
		}
	}
}

// fault tells of an error of the cloud, unless it is only that the cloud is left alone.
func (a *Asker) fault(err error) {
	if !errors.Is(err, ErrAway) {
		a.options.OnFault(err)
	}
}

// stopped returns why no more answers are wanted, or nil.
func (a *Asker) stopped(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("ask the cloud: %w", err)
	}
	select {
	case <-a.closing:
		return errClosed
	default:
		return nil
	}
}
