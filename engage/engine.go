package engage

import (
	"errors"
	"fmt"
	"hash"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"spotter/engage/instrument"
	"spotter/engage/ledger"
	"spotter/engage/policy"
)

// Config is what an Engine is made of. Only Ledger is required.
type Config struct {
	Ledger *ledger.Ledger
	// Learner learns from what viewers do; the policy that it makes chooses. Without one, Policy chooses for good.
	Learner policy.Learner
	// Policy chooses when there is no Learner; nil stands for priority order.
	Policy policy.Policy
	// Explore is the share of decisions, 0 to policy.MaxExplore, that is drawn evenly among the instruments.
	Explore float64
	// Seed of the random draws: one seed, one ledger and one order of questions give the same choices.
	Seed uint64
	// Window is how long after its decision an event still counts; 0 stands for 30 minutes.
	Window time.Duration
	// Log is told of faults, never of who a viewer is; nil is silent.
	Log *slog.Logger
	// Registerer takes the metrics; nil keeps them to the engine.
	Registerer prometheus.Registerer
}

// Engine makes decisions and keeps account of them. Its methods may be called by many goroutines at once; Run must be
// running for it to learn, and to move what was decided from the ledger's log to its database.
type Engine struct {
	ledger  *ledger.Ledger
	learner policy.Learner
	fixed   policy.Policy
	explore float64
	seed    uint64
	window  time.Duration
	log     *slog.Logger
	metrics *metrics
	names   *names
	viewers *viewers
	recent  *recent
	faults  faultLog

	priority policy.Policy
	policy   atomic.Pointer[published]
	draws    atomic.Uint64 // random draws until now
	rooms    sync.Pool     // of *room
	macs     sync.Pool     // of hash.Hash
	judging  [64]sync.Mutex

	set atomic.Pointer[set]
	// admin guards what follows, and changes of set.
	admin   sync.Mutex
	file    []instrument.Instrument
	made    map[string]instrument.Instrument // by the admin API
	tallies map[string]*tally

	// learned is the number of the last record that was learned from, saved what it was when the state was kept last, open the
	// decisions whose reward may be still to come, by number. All are Run's alone once New is done.
	learned, saved uint64
	open           []open
}

// published is a policy as decisions use it.
type published struct {
	policy.Policy
	version string
	count   *familyCount
}

// Sentinels of what the engine is asked.
var (
	// ErrForged is returned for a decision's id that this box has not signed.
	ErrForged = errors.New("no decision of this box has that id")
	// ErrUnknown is returned for a decision, profile or instrument that is not, or no longer, kept.
	ErrUnknown = ledger.ErrUnknown
	// ErrDuplicate is returned for a second event of one type for one decision.
	ErrDuplicate = ledger.ErrDuplicate
	// ErrLate is returned for an event that comes after the window of its decision.
	ErrLate = errors.New("the decision is too old for events")
	// ErrBadType is returned for an event of a type that there is not.
	ErrBadType = errors.New("the type of an event is view, click, answer, convert or dismiss")
	// ErrBadValue is returned for an event's value that is not a number from 0 to MaxValue.
	ErrBadValue = errors.New("the value of an event is a number from 0 to 1000000000")
	// ErrInFile is returned when the admin API would change an instrument of the file.
	ErrInFile = errors.New("the instrument stands in the instruments' file; change it there")
)

// New makes an engine over a ledger: it takes up the learner's state, lets it learn from what came after that, and loads
// the instruments that the admin API made.
func New(c Config) (*Engine, error) {
	if c.Explore < 0 || c.Explore > policy.MaxExplore || c.Explore != c.Explore {
		return nil, fmt.Errorf("explore is %v; give a share from 0 to %v", c.Explore, policy.MaxExplore)
	}
	e := &Engine{
		ledger: c.Ledger, learner: c.Learner, fixed: c.Policy, explore: c.Explore, seed: c.Seed, window: c.Window,
		log: c.Log, names: newNames(), recent: new(recent), priority: policy.Priority(),
		made: make(map[string]instrument.Instrument), tallies: make(map[string]*tally),
	}
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	if e.window <= 0 {
		e.window = 30 * time.Minute
	}
	if e.fixed == nil {
		e.fixed = e.priority
	}
	e.metrics = newMetrics(c.Registerer)
	e.metrics.goOn(c.Ledger.Policies())
	e.viewers = newViewers(c.Ledger, e.names)
	secret := c.Ledger.Secret("decisions")
	e.macs.New = func() any { return newMAC(secret) }
	e.rooms.New = func() any { return new(room) }
	if err := e.loadInstruments(); err != nil {
		return nil, err
	}
	if err := e.restore(); err != nil {
		return nil, err
	}
	e.publish()
	return e, nil
}

// loadInstruments takes up the counts of all instruments, and those instruments that the admin API made.
func (e *Engine) loadInstruments() error {
	var decisions uint64
	for id, t := range e.ledger.Totals() {
		e.tallies[id] = newTally(t)
		decisions += uint64(t.Decisions)
	}
	// Draws go on where they were, so that a restart does not draw the same numbers again.
	e.draws.Store(decisions)
	stored, err := e.ledger.Instruments()
	if err != nil {
		return fmt.Errorf("reading the instruments of the admin API: %w", err)
	}
	for id, text := range stored {
		i, err := instrument.Parse(id, text)
		if err != nil {
			e.log.Error("an instrument of the admin API is left out: it cannot be read; put it again", "instrument", id, "error", err)
			continue
		}
		e.made[id] = i
	}
	e.rebuild()
	return nil
}

// mac lends a hash under the secret of decisions.
func (e *Engine) mac() hash.Hash { return e.macs.Get().(hash.Hash) }

// publish lets decisions use what was learned until now.
func (e *Engine) publish() {
	p := e.fixed
	if e.learner != nil {
		p = e.learner.Policy()
	}
	if e.explore > 0 {
		p = policy.Explore(p, e.explore)
	}
	version := p.Version()
	if now := e.policy.Load(); now != nil && now.version == version {
		return
	}
	e.policy.Store(&published{Policy: p, version: version, count: e.metrics.family(version)})
}

// faultLog says a fault once in a minute, and no more than mostFaults in all: there may be as many as there are look-ups.
type faultLog struct {
	mu    sync.Mutex
	said  map[string]bool
	since time.Time
}

const mostFaults = 8

// fresh reports whether the fault is to be logged now.
func (f *faultLog) fresh(text string, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.said == nil || now.Sub(f.since).Abs() >= time.Minute {
		f.said, f.since = make(map[string]bool), now
	}
	if f.said[text] || len(f.said) == mostFaults {
		return false
	}
	f.said[text] = true
	return true
}
