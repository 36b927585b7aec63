package systemd

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// Watchdog tells the service manager that the service is alive for as long as every part of it makes progress in time.
// A part that has stopped is named in the log; when it stays so, the service manager ends the service with SIGABRT, of which Go
// prints the stacks of all goroutines, and starts it again.
type Watchdog struct {
	log  *slog.Logger
	beat func() error // tells the service manager

	mu    sync.Mutex
	parts []*Part // in the order of Watch
}

// Part is a part of the service that is watched. Its methods may be called from any goroutine, and on nil, which does nothing.
type Part struct {
	name     string
	silence  time.Duration
	watchdog *Watchdog

	// Of the watchdog's mu.
	last    time.Time // of progress, on the monotonic clock
	resting bool
	late    bool // said in the log
}

// NewWatchdog returns a watchdog without parts, which is content.
func NewWatchdog(log *slog.Logger) *Watchdog {
	return &Watchdog{log: log, beat: func() error { return notify(daemon.SdNotifyWatchdog) }}
}

// Watch adds a part that makes progress at least every silence, which must be above 0, while it does not rest. Two parts may
// have the same name. Leave ends it. On a nil Watchdog, Watch returns a nil Part.
func (w *Watchdog) Watch(name string, silence time.Duration) *Part {
	if w == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	p := &Part{name: name, silence: silence, watchdog: w, last: time.Now()}
	w.parts = append(w.parts, p)
	return p
}

// Progress says that the part has done something, or begins to.
func (p *Part) Progress() { p.set(false) }

// Within is Progress, and has the part make the next at least every silence from now on.
func (p *Part) Within(silence time.Duration) {
	if p == nil {
		return
	}
	p.watchdog.mu.Lock()
	p.silence = silence
	p.watchdog.mu.Unlock()
	p.Progress()
}

// Rest says that the part waits for something to do, however long; Progress ends that.
func (p *Part) Rest() { p.set(true) }

func (p *Part) set(resting bool) {
	if p == nil {
		return
	}
	p.watchdog.mu.Lock()
	defer p.watchdog.mu.Unlock()
	p.last, p.resting = time.Now(), resting
}

// Leave says that the part has ended and is watched no more. It may be called twice.
func (p *Part) Leave() {
	if p == nil {
		return
	}
	p.watchdog.mu.Lock()
	defer p.watchdog.mu.Unlock()
	p.watchdog.parts = slices.DeleteFunc(p.watchdog.parts, func(other *Part) bool { return other == p })
}

// Late returns which parts have been silent for too long, each with for how long; none is well. It is what /healthz may show.
func (w *Watchdog) Late() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var late []string
	for _, p := range w.parts {
		if silent := time.Since(p.last); p.overdue(silent) {
			late = append(late, fmt.Sprintf("%s (%s)", p.name, silent.Round(time.Second)))
		}
	}
	return late
}

func (p *Part) overdue(silent time.Duration) bool { return !p.resting && silent > p.silence }

// WatchdogInterval returns within which time the service manager wants to hear of the service (WatchdogSec=); 0 where it
// does not.
func WatchdogInterval() (time.Duration, error) {
	every, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		return 0, fmt.Errorf("read WATCHDOG_USEC of the environment: %w", err)
	}
	return every, nil
}

// Run looks after the parts until ctx is done, three times within interval, so that one late look does no harm. Where interval
// is 0, late parts are logged all the same.
func (w *Watchdog) Run(ctx context.Context, interval time.Duration) {
	every := interval / 3
	if interval <= 0 {
		every = 10 * time.Second
	}
	look := time.NewTicker(every)
	defer look.Stop()
	for {
		if w.look() && interval > 0 {
			if err := w.beat(); err != nil {
				w.log.Warn("watchdog", "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
	}
}

// look reports whether every part is well, and logs those that became late and those that recovered.
func (w *Watchdog) look() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	var late, back []string
	well := true
	for _, p := range w.parts {
		overdue := p.overdue(time.Since(p.last))
		switch {
		case overdue && !p.late:
			late = append(late, fmt.Sprintf("%s (silent for %s)", p.name, time.Since(p.last).Round(time.Second)))
		case !overdue && p.late:
			back = append(back, p.name)
		}
		p.late = overdue
		well = well && !overdue
	}
	if late != nil {
		w.log.Error("no progress: the service manager restarts the service unless it comes back", "parts", strings.Join(late, ", "))
	}
	if back != nil {
		w.log.Info("progress again", "parts", strings.Join(back, ", "))
	}
	return well
}
