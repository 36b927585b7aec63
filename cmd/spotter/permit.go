package main

import (
	"context"
	"sync"
)

// permit says whether a stream may run: as its schedule has it, or as an operator said, whose word holds until the
// schedule next changes.
type permit struct {
	mu        sync.Mutex
	scheduled bool
	word      word
	changed   chan struct{} // closed when it may run, or no longer; then there is another
}

// word is what an operator said.
type word int

const (
	noWord word = iota
	sayStart
	sayStop
)

// newPermit returns a permit as a schedule has it; a stream without one is always scheduled.
func newPermit(scheduled bool) *permit {
	return &permit{scheduled: scheduled, changed: make(chan struct{})}
}

// granted reports whether the stream may run now. The caller holds mu.
func (p *permit) granted() bool { return p.word == sayStart || p.word != sayStop && p.scheduled }

// update changes the permit and tells who waits for it.
func (p *permit) update(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.granted()
	change()
	if p.granted() != before {
		close(p.changed)
		p.changed = make(chan struct{})
	}
}

// schedule follows the schedule. Where that changes, the operator's word ends.
func (p *permit) schedule(on bool) {
	p.update(func() {
		if p.scheduled != on {
			p.scheduled, p.word = on, noWord
		}
	})
}

// say takes an operator's word. What the schedule has anyway needs none, so that the next change counts.
func (p *permit) say(run bool) {
	p.update(func() {
		switch {
		case run == p.scheduled:
			p.word = noWord
		case run:
			p.word = sayStart
		default:
			p.word = sayStop
		}
	})
}

// refusal returns whether the stream may not run, and whether that is an operator's word.
func (p *permit) refusal() (refused, said bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.granted(), p.word == sayStop
}

// await waits until the stream may run; it returns false when ctx is done.
func (p *permit) await(ctx context.Context) bool {
	for ctx.Err() == nil {
		p.mu.Lock()
		granted, changed := p.granted(), p.changed
		p.mu.Unlock()
		if granted {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
	return false
}

// during returns a context that ends when the stream may no longer run.
func (p *permit) during(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	p.mu.Lock()
	granted, changed := p.granted(), p.changed
	p.mu.Unlock()
	if !granted {
		cancel()
		return ctx, cancel
	}
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-changed:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(); <-watched }
}
