package store

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"

	"spotter/timeline"
)

// SpooledFrame is a picture that the cloud could not be asked about when it was seen. Media and From identify it.
type SpooledFrame struct {
	Media string
	// From is where its scene begins: the key of the scene's observation, where there is one.
	From timeline.Position
	// Until is where the scene ended, if that is known and nothing could be told of it; else it is From.
	Until timeline.Position
	// At is when it was missed; microseconds are kept.
	At time.Time
	// Want is what is to be asked, as vision.Want has it.
	Want uint8
	// Width and Height are the picture's, in pixels.
	Width, Height int
	JPEG          []byte
}

// spool is the part of the spool that is kept in memory.
type spool struct {
	limit   int64
	changed chan struct{}

	mu     sync.Mutex // held for moments, never for the disk
	frames int
	bytes  int64
	froms  map[string][]timeline.Position // by media, sorted
}

// spooled is a frame of the spool without its picture.
type spooled struct {
	media string
	from  timeline.Position
	bytes int64
}

// add counts one more frame.
func (p *spool) add(x spooled) {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := p.froms[x.media]
	i, _ := slices.BinarySearch(list, x.from)
	p.froms[x.media] = slices.Insert(list, i, x.from)
	p.frames++
	p.bytes += x.bytes
}

// remove takes frames out of the count.
func (p *spool) remove(gone []spooled) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, x := range gone {
		list := p.froms[x.media]
		if i, found := slices.BinarySearch(list, x.from); found {
			p.froms[x.media] = slices.Delete(list, i, i+1)
			p.frames--
			p.bytes -= x.bytes
		}
	}
}

// before returns the frames of a media that begin before a position.
func (p *spool) before(media string, before timeline.Position) []timeline.Position {
	p.mu.Lock()
	defer p.mu.Unlock()
	i, _ := slices.BinarySearch(p.froms[media], before)
	return slices.Clone(p.froms[media][:i])
}

func (f SpooledFrame) validate(limit int64) error {
	switch err := validSpan(timeline.Span{From: f.From, Until: f.Until}); {
	case f.Media == "":
		return errors.New("a frame without a media")
	case err != nil:
		return fmt.Errorf("frame of %q: %w", f.Media, err)
	case len(f.JPEG) == 0:
		return fmt.Errorf("frame of %q at %v has no picture", f.Media, f.From)
	case int64(len(f.JPEG)) > limit:
		return fmt.Errorf("the picture of %q at %v has %d bytes, more than the whole spool's %d: give the spool more room",
			f.Media, f.From, len(f.JPEG), limit)
	}
	return nil
}

// Spool keeps a frame, in the place of an earlier one of the same Media and From, of which only a later Until stays. Where
// the pictures then take more than Options.SpoolBytes, the frames with the oldest At go, this one
// among them where it is older; dropped is how many did.
func (s *Store) Spool(f SpooledFrame) (dropped int, err error) {
	if s.spool.limit <= 0 {
		return 0, nil
	}
	if err := f.validate(s.spool.limit); err != nil {
		return 0, fmt.Errorf("spool: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	x := spooled{f.Media, f.From, int64(len(f.JPEG))}
	var replaced, old []spooled
	err = s.update(func(tx *bolt.Tx) error {
		b, err := makeSpool(tx, f.Media)
		if err != nil {
			return err
		}
		before, err := b.frame(f.Media, f.From)
		if err != nil {
			return err
		}
		if before != nil {
			f.Until = max(f.Until, before.Until)
			if replaced, err = b.takeOut(f.Media, f.From); err != nil {
				return err
			}
		}
		if err := b.put(f); err != nil {
			return err
		}
		excess := s.spool.bytes + x.bytes - s.spool.limit
		for _, r := range replaced {
			excess -= r.bytes
		}
		old, err = b.takeOutOldest(excess)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("spool %s at %v: %w", f.Media, f.From, err)
	}
	s.spool.remove(replaced)
	s.spool.add(x)
	s.spool.remove(old)
	select {
	case s.spool.changed <- struct{}{}:
	default:
	}
	return len(old), nil
}

// NewestSpooled returns the frame of all media with the newest At for which skip, which may be nil, is false. ok is false
// when there is none. The frame stays in the spool.
func (s *Store) NewestSpooled(skip func(media string, from timeline.Position) bool) (f SpooledFrame, ok bool, err error) {
	var before []byte // nil begins at the newest
	for {
		var key *timeKey
		if key, err = s.spooledBefore(before); err != nil || key == nil {
			break
		}
		before = key.encode()
		if skip != nil && skip(key.media, key.from) {
			continue
		}
		if f, ok, err = s.spooledAt(key); err != nil || ok {
			break
		}
	}
	if err != nil {
		return SpooledFrame{}, false, fmt.Errorf("read spool: %w", err)
	}
	return f, ok, nil
}

// Unspool takes a frame out of the spool, after it was asked about or when that is not worth it. Where change is not nil,
// the same transaction revises the scene's observation as Revise does, whether the frame is still there or not. Where there
// is no observation, but the frame knows where its scene ended, one of that span is made for change to fill in, closed, and
// the span is analysed. found tells whether there is an observation at from then. change must not call the store.
func (s *Store) Unspool(media string, from timeline.Position, change func(o *timeline.Observation) bool) (found bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	frame, err := s.frame(media, from)
	if err != nil {
		return false, fmt.Errorf("unspool %s at %v: %w", media, from, err)
	}
	old := s.snapshot(media).At(from)
	var now *timeline.Observation
	var analyzed []timeline.Span
	switch {
	case change == nil:
	case old != nil:
		now = timeline.Revise(old, change)
	case frame != nil && frame.Until > from:
		made := &timeline.Observation{Media: media, Span: timeline.Span{From: from, Until: frame.Until}}
		if now = timeline.Revise(made, change); now != nil {
			analyzed = append(analyzed, made.Span)
		}
	}
	var gone []spooled
	takeOut := func(tx *bolt.Tx) (err error) {
		if frame != nil {
			gone, err = spoolOf(tx).takeOut(media, from)
		}
		return err
	}
	switch {
	case now != nil:
		err = s.replace([]*timeline.Observation{now}, analyzed, takeOut)
	case frame != nil:
		err = s.update(takeOut)
	}
	if err != nil {
		return false, fmt.Errorf("unspool %s at %v: %w", media, from, err)
	}
	s.spool.remove(gone)
	return old != nil || now != nil, nil
}

// SpooledFrames returns how many frames are in the spool, and how many bytes their pictures have.
func (s *Store) SpooledFrames() (frames int, bytes int64) {
	s.spool.mu.Lock()
	defer s.spool.mu.Unlock()
	return s.spool.frames, s.spool.bytes
}

// OldestSpooled returns the lowest From of a media's spooled frames; ok is false when it has none. It reads no disk.
func (s *Store) OldestSpooled(media string) (from timeline.Position, ok bool) {
	s.spool.mu.Lock()
	defer s.spool.mu.Unlock()
	if list := s.spool.froms[media]; len(list) > 0 {
		return list[0], true
	}
	return 0, false
}

// SpoolChanged returns the channel, the same each time, that receives after a frame was spooled. It holds one signal, so
// it serves one reader, who must first ask for what the spool has already.
func (s *Store) SpoolChanged() <-chan struct{} { return s.spool.changed }
