package ledger

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"spotter/internal/durable"
)

var (
	// ErrUnknown is returned for a decision, or a profile, that the ledger does not have (or has no longer).
	ErrUnknown = errors.New("unknown")
	// ErrDuplicate is returned for an event of a type that its decision has already.
	ErrDuplicate = errors.New("the decision has such an event already")
	// ErrClosed is returned after Close.
	ErrClosed = errors.New("the ledger is closed")
	// ErrBehind is returned by Append when too much waits to be flushed, as when the disk is full.
	ErrBehind = errors.New("too many records wait to be flushed: make room on the disk")
	// ErrLocked is returned by Open when another process has the ledger open.
	ErrLocked = errors.New("in use by another process")
	// ErrCorrupt is returned for content that was damaged.
	ErrCorrupt = errors.New("damaged")
	// ErrFormat is returned by Open for a file that is not a ledger, or is one of a newer format.
	ErrFormat = errors.New("cannot be read by this version")
)

const (
	defaultKeepFor  = 720 * time.Hour
	defaultMaxBytes = 2 << 30
	fileName        = "engagement.db"
	// maxBehind bounds the bytes of log that wait to be flushed.
	maxBehind = 256 << 20
	// batchRecords bounds the records of one transaction.
	batchRecords = 8192
)

// Options of a ledger; the zero value is ready for use.
type Options struct {
	// KeepFor is how long decisions and events are kept; 0 stands for 720 hours.
	KeepFor time.Duration
	// MaxBytes is how much of the database may be in use before the oldest go earlier; 0 stands for 2 GiB.
	MaxBytes int64
	// Log gets a line for each thing that an operator should know; nil discards them.
	Log *slog.Logger
}

// Ledger keeps decisions and events, the counts that caps and budgets hang on, profiles, and what the learner learned. It
// is safe for use by many goroutines.
type Ledger struct {
	dir      string
	keepFor  time.Duration
	maxBytes int64
	log      *slog.Logger
	db       *durable.DB
	keys     keys
	totals   map[string]Total       // at Open
	policies map[string]PolicyTotal // the same
	ids      atomic.Pointer[tallyIDs]
	// hook is called at each step between which a crash must lose nothing; tests set it.
	hook func(step string)

	// reads is held for reading by each transaction that reads, see view.
	reads sync.RWMutex

	// commitMu is held by what writes to the database; it is taken before mu.
	commitMu sync.Mutex
	names    *names
	// unreturned were committed, but not yet returned by Flush.
	unreturned []*Record

	mu      sync.Mutex
	closed  bool
	file    *logFile // nil after a fault, until the next append
	next    uint64   // number of the next record
	nextLog uint64
	// pending are not in the database yet. The last is the one that is appended to, the others wait for the commit.
	pending []*batch
	// committed is the number of the last record of the last batch that left pending.
	committed uint64
	behind    int64 // bytes of log of all that is pending
}

// Open opens the ledger in dir, or makes one, and takes in what a process that was killed left in its logs. Errors wrap
// ErrLocked, ErrCorrupt, ErrFormat or what the system said, and say the mend. Close it after use.
func Open(dir string, o Options) (*Ledger, error) {
	l := &Ledger{dir: dir, keepFor: o.KeepFor, maxBytes: o.MaxBytes, log: o.Log}
	if l.keepFor <= 0 {
		l.keepFor = defaultKeepFor
	}
	if l.maxBytes <= 0 {
		l.maxBytes = defaultMaxBytes
	}
	if l.log == nil {
		l.log = slog.New(slog.DiscardHandler)
	}
	if err := l.open(); err != nil {
		return nil, errors.Join(err, l.abandon())
	}
	return l, nil
}

func (l *Ledger) open() error {
	if err := l.openDatabase(); err != nil {
		return err
	}
	if err := l.recoverLogs(); err != nil {
		return err
	}
	if err := errors.Join(l.loadTotals(), l.loadPolicies()); err != nil {
		return fmt.Errorf("open ledger: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.newLog()
}

// abandon closes what a failed Open had opened.
func (l *Ledger) abandon() error {
	if l.db == nil {
		return nil
	}
	return l.db.Close()
}

// Close flushes the ledger and closes it. What cannot be flushed stays in the logs for the next Open.
func (l *Ledger) Close() error {
	l.commitMu.Lock()
	defer l.commitMu.Unlock()
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	l.mu.Unlock()

	err := l.commit()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file != nil {
		err = errors.Join(err, l.file.f.Close())
		if l.file.records == 0 {
			err = errors.Join(err, os.Remove(l.file.path))
		}
		l.file = nil
	}
	return errors.Join(err, l.db.Close())
}

func (l *Ledger) path() string {
	return filepath.Join(l.dir, fileName)
}

// step tells a test that the process might be killed here.
func (l *Ledger) step(name string) {
	if l.hook != nil {
		l.hook(name)
	}
}
