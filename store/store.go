// Package store owns the bbolt file in which Spotter keeps its observations, the stretches it has analysed, the
// breaks and clock anchors of its media, the outbox of what the cloud has yet to be told and the spool of pictures that it
// has yet to be asked about. docs/formats.md is the file's layout.
package store

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"

	bolt "go.etcd.io/bbolt"

	"spotter/internal/durable"
	"spotter/timeline"
)

var (
	// ErrLocked is returned by Open when another process holds the file.
	ErrLocked = errors.New("another process holds the file")
	// ErrCorrupt is returned when the file is empty, cut short or damaged. The file is left as it is.
	ErrCorrupt = errors.New("the file is damaged")
	// ErrRights is returned by Open when the file or its folder may not be read or written.
	ErrRights = errors.New("no right to read and write the file")
	// ErrFormat is returned by Open for a file of a newer Spotter, or one that is not Spotter's.
	ErrFormat = errors.New("the file has another format")
)

// Options are what a Store needs beside its path.
type Options struct {
	// Sinks are the outbox's readers: each gets an entry for everything of its kind that is recorded from now on. With
	// none there is no outbox. Segments and frames of sinks that are no longer named are deleted; observations of theirs
	// stay queued, but hold nothing back and take no room. With nil, for who only looks, all stays as it is.
	Sinks []Sink
	// OutboxBytes is how many bytes may wait for the sinks together, as Backlog counts them. With 0 there is no bound.
	OutboxBytes int64
	// SpoolBytes is how many bytes of pictures the spool may hold. With 0 Spool keeps nothing; what a file has of an
	// earlier run stays in it until it is taken out or pruned.
	SpoolBytes int64
	// Logger is told what was opened and what was tidied away; nil for silence.
	Logger *slog.Logger
}

// Store is an open file. Its methods may be called from several goroutines.
type Store struct {
	path   string
	log    *slog.Logger
	file   *os.File
	db     *durable.DB
	queues map[string]*queue // by sink; never changed
	room   int64             // Options.OutboxBytes
	spool  spool

	mu     sync.Mutex // held from the begin of a writing transaction until its snapshot is published
	broken error      // set when bbolt panicked while writing, or nobody knows what a write came to
	fault  atomic.Pointer[error]

	media atomic.Pointer[map[string]*medium] // the map is copied, not changed, when a media comes
}

// medium is the part of one media that readers see.
type medium struct {
	timeline atomic.Pointer[timeline.Timeline]
	clock    atomic.Pointer[[]byte]
}

// Close waits for transactions that are under way and closes the file. Snapshots stay readable.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, q := range s.queues {
		if q.unlogged > 0 {
			q.logDrops(s.log)
		}
	}
	if s.broken != nil && !errors.Is(s.broken, ErrUncertain) {
		return s.abandon() // bbolt would wait for the transaction that panicked
	}
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("close store %s: %w", s.path, err)
	}
	return nil
}

// Timeline returns the newest snapshot of a media; ok is false when nothing was ever recorded of it. It takes no
// lock, reads no disk and allocates nothing.
func (s *Store) Timeline(media string) (t *timeline.Timeline, ok bool) {
	m := s.medium(media)
	if m == nil {
		return nil, false
	}
	return m.timeline.Load(), true
}

// Clock returns a copy of the media's clock anchor as it was last recorded, or nil.
func (s *Store) Clock(media string) []byte {
	m := s.medium(media)
	if m == nil {
		return nil
	}
	if c := m.clock.Load(); c != nil {
		return slices.Clone(*c)
	}
	return nil
}

// Media returns the names of all media of which something was recorded, sorted.
func (s *Store) Media() []string {
	return slices.Sorted(maps.Keys(*s.media.Load()))
}

func (s *Store) medium(media string) *medium {
	return (*s.media.Load())[media]
}

// snapshot returns the newest snapshot of a media, empty where nothing was recorded of it.
func (s *Store) snapshot(media string) *timeline.Timeline {
	if t, ok := s.Timeline(media); ok {
		return t
	}
	return new(timeline.Timeline)
}

// publish makes t, and clock unless it is nil, what readers of media see. The caller holds s.mu.
func (s *Store) publish(media string, t *timeline.Timeline, clock []byte) {
	m := s.medium(media)
	fresh := m == nil
	if fresh {
		m = new(medium)
	}
	m.timeline.Store(t)
	if clock != nil {
		m.clock.Store(&clock)
	}
	if fresh {
		all := maps.Clone(*s.media.Load())
		all[media] = m
		s.media.Store(&all)
	}
}

// update runs fn in one writing transaction, maybe several times, as durable.DB does. The caller holds s.mu.
func (s *Store) update(fn func(tx *bolt.Tx) error) error {
	if s.broken != nil {
		return s.broken
	}
	err, panicked := guard(func() error { return s.db.Update(fn) })
	if panicked || errors.Is(err, ErrUncertain) {
		s.broken = err
	}
	if err != nil {
		s.fault.Store(&err)
	} else {
		s.fault.Store(nil)
	}
	return err
}

// settled runs fn in a reading transaction of what is on disk: for what the box sends elsewhere, which must not know of more than the
// box does after its power went. The caller is in no transaction.
func (s *Store) settled(fn func(tx *bolt.Tx) error) error {
	err, _ := guard(func() error { return s.db.Settled(fn) })
	return err
}

// view runs fn in a reading transaction.
func (s *Store) view(fn func(tx *bolt.Tx) error) error {
	err, _ := guard(func() error { return s.db.View(fn) })
	return err
}

// guard runs fn and turns the panics by which bbolt reports damaged pages, and the memory faults that a file cut
// short causes, into ErrCorrupt.
func guard(fn func() error) (err error, panicked bool) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err, panicked = fmt.Errorf("%w: %v", ErrCorrupt, p), true
		}
	}()
	return fn(), false
}
