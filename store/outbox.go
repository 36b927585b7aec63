package store

import (
	"fmt"
	"log/slog"
	"sync"
	"time"

	"spotter/timeline"
)

// Kind is what a sink takes.
type Kind int

const (
	// Observations are taken in their newest revision.
	Observations Kind = iota
	// Segments are those of Batch.Segments.
	Segments
	// Frames are those of Batch.Frames.
	Frames
)

// Sink is a reader of the outbox.
type Sink struct {
	Name string
	Kind Kind
}

// Segment is one of a stream that has been published.
type Segment struct {
	Media    string            `json:"media"`
	URL      string            `json:"url"`
	From     timeline.Position `json:"from"`
	Duration time.Duration     `json:"duration"`
}

// Frame is a picture that was worth asking about.
type Frame struct {
	Media string
	At    timeline.Position
	JPEG  []byte
}

// Entry is what a sink has not yet confirmed: one of Observation, Segment and Frame, as the sink's kind says. It belongs to the
// caller.
type Entry struct {
	// Seq orders the entries of a sink and names this one for Done.
	Seq uint64
	// Queued is when it, or its newest revision, was recorded.
	Queued time.Time
	// Observation is as it now stands; its span may be longer than when it was queued.
	Observation *timeline.Observation
	Segment     *Segment
	Frame       *Frame
}

// Backlog is what waits for a sink.
type Backlog struct {
	Entries int
	Bytes   int64
	// Oldest is since when the first of them waits, never later than now; zero when none does.
	Oldest time.Time
	// Dropped counts the entries that made room for newer ones since Open.
	Dropped int64
}

// account is how much waits in an outbox, by what the file has.
type account struct {
	waiting int
	bytes   int64
	oldest  time.Time
}

// queue is the part of a sink's outbox that is kept in memory.
type queue struct {
	sink    Sink
	changed chan struct{}

	mu sync.Mutex // held for moments, never for the disk
	account
	dropped int64

	// Of the writer, who holds the store's mu.
	unlogged int
	logged   time.Time
}

// dropLogInterval is how often the log tells, at most, that a full outbox drops entries.
const dropLogInterval = time.Minute

// tell makes known what a transaction did to the outboxes. The caller holds s.mu.
func (s *Store) tell(changes outbox) {
	for _, c := range changes {
		q := c.queue
		q.mu.Lock()
		q.account = c.account
		q.dropped += int64(c.dropped)
		q.mu.Unlock()
		if c.queued {
			select {
			case q.changed <- struct{}{}:
			default:
			}
		}
		q.unlogged += c.dropped
		if q.unlogged > 0 && time.Since(q.logged) >= dropLogInterval {
			q.logDrops(s.log)
		}
	}
}

// logDrops tells of the drops that the log was not told of.
func (q *queue) logDrops(log *slog.Logger) {
	log.Warn("the outbox is full: the oldest entries were dropped and will not reach their sink; give it more room or mend the sink",
		"sink", q.sink.Name, "dropped", q.unlogged)
	q.unlogged, q.logged = 0, time.Now()
}

// Backlog returns what waits for a sink; nothing for an unknown one. It reads no disk.
func (s *Store) Backlog(sink string) Backlog {
	q := s.queues[sink]
	if q == nil {
		return Backlog{}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	b := Backlog{Entries: q.waiting, Bytes: q.bytes, Oldest: q.oldest, Dropped: q.dropped}
	if now := time.Now(); b.Oldest.After(now) { // the clock was put back
		b.Oldest = now
	}
	return b
}

// Changed returns the sink's channel, the same each time, that receives after entries were queued. It holds one
// signal, so it serves one reader, who must first read what Pending has already; for an unknown sink it is nil.
func (s *Store) Changed(sink string) <-chan struct{} {
	if q := s.queues[sink]; q != nil {
		return q.changed
	}
	return nil
}

// known returns the queue of a sink that Options names.
func (s *Store) known(sink string) (*queue, error) {
	if q := s.queues[sink]; q != nil {
		return q, nil
	}
	return nil, fmt.Errorf("no sink %q: name it in Options.Sinks", sink)
}
