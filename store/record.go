package store

import (
	"errors"
	"fmt"
	"slices"

	bolt "go.etcd.io/bbolt"

	"spotter/timeline"
)

// Batch is what is recorded of one media at once.
type Batch struct {
	Media string
	// Observations are of Media, in any order. The store copies them, but not their entity lists, which must not be
	// changed afterwards.
	Observations []*timeline.Observation
	// Analyzed are the stretches that were looked at, whether anything was seen or not.
	Analyzed []timeline.Span
	// Missed are scenes of which nothing could be told: the spooled frame of one learns where it ended.
	Missed []timeline.Span
	// Breaks are new, or take the place of those with the same From and ID.
	Breaks []timeline.Break
	// Segments are those of Media that were published. Each enters the outbox of the Segments sinks once: one that does not
	// begin after all that entered before is passed over.
	Segments []Segment
	// Frames are pictures of Media for the outbox of the Frames sinks, where one takes the place of an older one of the
	// same At. They are kept nowhere else.
	Frames []Frame
	// Clock is the anchor of the media's clock, kept as it is; nil leaves the recorded one.
	Clock []byte
}

// Record writes a batch in one transaction, and when it returns nil the batch is on disk and in the snapshot.
//
// timeline.Settle decides what becomes of an observation, and numbers its revisions. Whatever it changes enters the outbox
// of every Observations sink: a scene that lasts too, which has no new revision but a later end. Breaks enter no outbox.
// Where the outbox then takes more than Options.OutboxBytes, the oldest frames in it are dropped, then segments, then
// observations, which stay in the timeline. Recording a batch again changes nothing, but its frames are queued again.
func (s *Store) Record(b Batch) error {
	if err := b.validate(); err != nil {
		return fmt.Errorf("record: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	current := s.snapshot(b.Media)
	changed, told := settle(current, b.Observations)
	next := current.With(changed, b.Analyzed).WithBreaks(b.Breaks)
	var queued outbox
	err := s.update(func(tx *bolt.Tx) error {
		bucket, err := mediumBucket(tx, b.Media)
		if err != nil {
			return err
		}
		if err := putObservations(bucket, changed); err != nil {
			return err
		}
		if err := putAnalyzed(bucket, current.Analyzed(), next.Analyzed()); err != nil {
			return err
		}
		if err := putBreaks(bucket, b.Breaks); err != nil {
			return err
		}
		if err := putMissed(tx, b.Media, b.Missed); err != nil {
			return err
		}
		if b.Clock != nil {
			if err := bucket.put(nil, keyClock, b.Clock); err != nil {
				return err
			}
		}
		if err := bucket.close(); err != nil {
			return err
		}
		queued, err = s.enqueue(tx, news{b.Media, told, b.Segments, b.Frames})
		return err
	})
	if err != nil {
		return fmt.Errorf("record %s: %w", b.Media, err)
	}
	s.publish(b.Media, next, slices.Clone(b.Clock))
	s.tell(queued)
	return nil
}

func (b Batch) validate() error {
	if b.Media == "" {
		return errors.New("a batch without a media")
	}
	for _, o := range b.Observations {
		if o == nil {
			return errors.New("a nil observation")
		}
		if o.Media != b.Media {
			return fmt.Errorf("observation of %q in a batch of %q", o.Media, b.Media)
		}
		if err := validSpan(o.Span); err != nil {
			return fmt.Errorf("observation of %q: %w", b.Media, err)
		}
	}
	for _, span := range b.Analyzed {
		if err := validSpan(span); err != nil {
			return fmt.Errorf("analysed span of %q: %w", b.Media, err)
		}
	}
	for _, span := range b.Missed {
		if err := validSpan(span); err != nil {
			return fmt.Errorf("missed scene of %q: %w", b.Media, err)
		}
	}
	for _, x := range b.Breaks {
		if err := validBreak(x); err != nil {
			return fmt.Errorf("break of %q: %w", b.Media, err)
		}
	}
	return errors.Join(b.validateSegments(), b.validateFrames())
}

func (b Batch) validateSegments() error {
	for _, x := range b.Segments {
		switch err := validSpan(timeline.Span{From: x.From, Until: x.From}); {
		case x.Media != b.Media:
			return fmt.Errorf("segment of %q in a batch of %q", x.Media, b.Media)
		case x.URL == "" || x.Duration < 0:
			return fmt.Errorf("segment of %q at %v with URL %q and duration %v", b.Media, x.From, x.URL, x.Duration)
		case err != nil:
			return fmt.Errorf("segment of %q: %w", b.Media, err)
		}
	}
	return nil
}

func (b Batch) validateFrames() error {
	for _, f := range b.Frames {
		switch err := validSpan(timeline.Span{From: f.At, Until: f.At}); {
		case f.Media != b.Media:
			return fmt.Errorf("frame of %q in a batch of %q", f.Media, b.Media)
		case len(f.JPEG) == 0:
			return fmt.Errorf("frame of %q at %v has no picture", b.Media, f.At)
		case err != nil:
			return fmt.Errorf("frame of %q: %w", b.Media, err)
		}
	}
	return nil
}

func validSpan(s timeline.Span) error {
	if s.Until < s.From {
		return fmt.Errorf("span from %v until %v ends before it begins", s.From, s.Until)
	}
	if s.From < -timeline.MaxPosition || s.Until > timeline.MaxPosition {
		return fmt.Errorf("span from %v until %v lies beyond %v", s.From, s.Until, timeline.MaxPosition)
	}
	return nil
}

// mediumBucket returns the bucket of a media, which is made with its parts when the media is new.
func mediumBucket(tx *bolt.Tx, media string) (*ledgered, error) {
	all, err := child(tx, bucketMedia)
	if err != nil {
		return nil, err
	}
	if b := all.Bucket([]byte(media)); b != nil {
		return ledger(media, b)
	}
	b, err := all.CreateBucket([]byte(media))
	if err != nil {
		return nil, err
	}
	for _, name := range [][]byte{bucketObservations, bucketAnalyzed} {
		if _, err := b.CreateBucket(name); err != nil {
			return nil, err
		}
	}
	if err := b.Put(keySum, (&sum{}).encode()); err != nil {
		return nil, err
	}
	return ledger(media, b)
}

// settle returns what is to stand where the observations change something, and at which positions, in the order in which
// the sinks are to hear of them; one may come twice.
func settle(current *timeline.Timeline, list []*timeline.Observation) (changed []*timeline.Observation, told []timeline.Position) {
	settled := make(map[timeline.Position]int, len(list)) // by From, an index into changed
	for _, o := range list {
		old := current.At(o.From)
		i, again := settled[o.From]
		if again {
			old = changed[i]
		}
		now, _ := timeline.Settle(old, o)
		if now == nil {
			continue
		}
		if again {
			changed[i] = now
		} else {
			settled[o.From] = len(changed)
			changed = append(changed, now)
		}
		told = append(told, now.From) // that a scene lasts is no revision, yet a table's readers are to see it
	}
	return changed, told
}

// putObservations writes observations into a media's bucket.
func putObservations(media *ledgered, list []*timeline.Observation) error {
	bucket := media.in(bucketObservations)
	if bucket == nil {
		return fmt.Errorf("%w: %q has no observations", ErrCorrupt, media.name)
	}
	bucket.FillPercent = 0.9 // keys mostly come in order, so pages need little room for more
	for _, o := range list {
		v, err := encodeObservation(o)
		if err != nil {
			return fmt.Errorf("encode observation at %v: %w", o.From, err)
		}
		if err := media.put(bucketObservations, positionKey(o.From), v); err != nil {
			return err
		}
	}
	return nil
}

// putAnalyzed writes the difference between two sets of spans.
func putAnalyzed(media *ledgered, old, now []timeline.Span) error {
	stale := make(map[timeline.Position]timeline.Position, len(old))
	for _, s := range old {
		stale[s.From] = s.Until
	}
	for _, s := range now {
		until, ok := stale[s.From]
		delete(stale, s.From)
		if ok && until == s.Until {
			continue
		}
		if err := media.put(bucketAnalyzed, positionKey(s.From), positionKey(s.Until)); err != nil {
			return err
		}
	}
	for from := range stale {
		if err := media.delete(bucketAnalyzed, positionKey(from)); err != nil {
			return err
		}
	}
	return nil
}
