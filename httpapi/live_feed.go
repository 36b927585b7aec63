package httpapi

import (
	"cmp"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"spotter/timeline"
)

// feed makes events of what changes in one media, for all clients that follow it.
type feed struct {
	hub  *hub
	id   string // the media's
	name string // no other feed has it
	// state is replaced by run alone.
	state atomic.Pointer[feedState]

	// Under the hub's lock:
	clients int
	used    time.Time // when the last client came or went

	// Of run alone:
	seen    *timeline.Timeline // the snapshot that state was made of
	asked   time.Time          // when the status was last asked for
	woke    time.Time          // when the clients last had something to write
	failing bool
}

// feedState is an immutable view of a feed.
type feedState struct {
	events [][]byte // the newest, encoded
	next   uint64   // number of the event to come
	size   int      // bytes of events
	// known are the observations that may still be revised, by From: those that end after reach, and those still open.
	known  []*timeline.Observation
	breaks []timeline.Break // all of them
	// reach is a position before which nothing is revised after known was taken.
	reach timeline.Position
	media string // its state, one of the State constants, or empty
	beat  uint64 // grows when a heartbeat is due
	over  error  // why the feed has ended, or nil
	// wake is closed when the next state has something to write.
	wake chan struct{}
}

func (s *feedState) first() uint64 { return s.next - uint64(len(s.events)) }

// begin is where the first observation begins that may still be revised, or end.
func (s *feedState) begin() timeline.Position {
	p := s.reach
	for _, o := range s.known {
		if o.Open {
			p = min(p, o.From)
		}
	}
	return p
}

// revisable returns what t has of the observations that may still be revised: those that end after reach, and those that were
// open when they were last seen, for their end is news wherever it lies.
func (s *feedState) revisable(t *timeline.Timeline) []*timeline.Observation {
	list := t.Within(onward(s.reach))
	n := len(list)
	for _, o := range s.known {
		if now := t.At(o.From); o.Open && now != nil && now.Until <= s.reach {
			list = append(list, now)
		}
	}
	if len(list) > n {
		slices.SortFunc(list, func(a, b *timeline.Observation) int { return cmp.Compare(a.From, b.From) })
	}
	return list
}

// everywhere is a window of everything.
var everywhere = timeline.Span{From: -timeline.MaxPosition, Until: timeline.MaxPosition}

// onward is the window of all that ends after p.
func onward(p timeline.Position) timeline.Span {
	return timeline.Span{From: p, Until: timeline.MaxPosition}
}

// newFeed begins to follow a media; it fails when its snapshot cannot be had.
func newFeed(h *hub, id string) (*feed, error) {
	f := &feed{hub: h, id: id, name: newFeedName(), woke: time.Now()}
	t, err := h.media.Timeline(id, nowhere)
	if err != nil {
		return nil, err
	}
	s := &feedState{next: 1, reach: oldest(t), wake: make(chan struct{})}
	if err := f.look(s, true); err != nil {
		return nil, err
	}
	f.state.Store(s)
	return f, nil
}

// oldest returns the position before which no client is told of anything.
func oldest(t *timeline.Timeline) timeline.Position {
	if until, ok := t.AnalyzedUntil(); ok {
		return until - maxTimelineWindow
	}
	return -timeline.MaxPosition
}

// look brings s up to date, with an event for each change unless it is the first look. It changes nothing that s shares
// with the state that it is a copy of.
func (f *feed) look(s *feedState, first bool) error {
	media := f.hub.media
	t, err := media.Timeline(f.id, onward(s.begin()))
	if err != nil {
		return err
	}
	if now := time.Now(); now.Sub(f.asked) >= f.hub.limits.retry {
		f.asked = now
		if status, err := media.Status(f.id); err == nil && status.State != s.media {
			s.media = status.State
			if !first {
				s.add(f, appendStateEvent(nil, f.newest(s, s.next), f.id, s.media))
			}
		}
	}
	if t == f.seen {
		return nil
	}
	// What is settled before the snapshot is taken is in it.
	settled, some, err := media.Settled(f.id)
	if err != nil {
		return err
	}
	if t, err = media.Timeline(f.id, onward(s.begin())); err != nil {
		return err
	}
	edited := t.Revised(f.seen, s.reach) // by a person: what recognisers revise ends later
	f.seen = t
	breaks := t.Breaks(everywhere)
	known, news := merge(s.known, s.revisable(t))
	news = append(slices.DeleteFunc(edited, func(o *timeline.Observation) bool { return slices.Contains(news, o) }), news...)
	if !first {
		for _, b := range breaks {
			if !slices.Contains(s.breaks, b) {
				s.add(f, appendBreakEvent(nil, f.newest(s, s.next), b))
			}
		}
		for _, o := range news {
			s.add(f, appendObservationEvent(nil, f.newest(s, s.next), o))
		}
	}
	s.reach = max(s.reach, oldest(t))
	if some {
		s.reach = max(s.reach, settled)
	}
	s.breaks = breaks
	s.known = slices.DeleteFunc(known, func(o *timeline.Observation) bool { return o.Until <= s.reach && !o.Open })
	return nil
}

// merge returns the observations of both lists, of two of one scene that with the higher revision, and those that old has
// not or of a lower revision. All lists are by From. A snapshot of a table may lack for a moment what one before it had.
func merge(old, now []*timeline.Observation) (all, news []*timeline.Observation) {
	all = make([]*timeline.Observation, 0, len(now))
	for _, o := range now {
		for len(old) > 0 && old[0].From < o.From {
			all, old = append(all, old[0]), old[1:]
		}
		if len(old) > 0 && old[0].From == o.From {
			if o.Revision < old[0].Revision {
				o = old[0]
			} else if o.Revision > old[0].Revision {
				news = append(news, o)
			}
			old = old[1:]
		} else {
			news = append(news, o)
		}
		all = append(all, o)
	}
	return append(all, old...), news
}

// newest returns the id of the event with a number in s: a client that has it lacks nothing before s.reach.
func (f *feed) newest(s *feedState, number uint64) liveID {
	return liveID{some: true, position: s.reach, feed: f.name, number: number}
}

// add appends an event, and lets the oldest go that are beyond the limits.
func (s *feedState) add(f *feed, text []byte) {
	// Beyond its length nobody reads an older state's list, so the array is shared.
	s.events = append(s.events, text)
	s.next++
	s.size += len(text)
	for len(s.events) > f.hub.limits.events || s.size > f.hub.limits.bytes && len(s.events) > 1 {
		s.size -= len(s.events[0])
		s.events = s.events[1:]
	}
	f.hub.metrics.events.Inc()
}

// run looks for changes until the hub closes, the media is gone or nobody has followed it for a while.
func (f *feed) run() {
	timer := time.NewTimer(f.hub.limits.look)
	defer timer.Stop()
	for {
		select {
		case <-f.hub.done:
			return
		case <-timer.C:
		}
		began := time.Now()
		old := f.state.Load()
		s := *old
		err := f.look(&s, false)
		if errors.Is(err, ErrUnknownMedia) {
			f.hub.forget(f)
			s.over = errMediaGone
		} else if f.hub.forgetIdle(f) {
			s.over = errClosing // for a client that was about to join
		}
		f.report(err)
		f.publish(old, &s)
		if s.over != nil {
			return
		}
		timer.Reset(f.pause(time.Since(began), err))
	}
}

// publish replaces the state, and wakes the clients when there is something to write.
func (f *feed) publish(old, s *feedState) {
	now := time.Now()
	if now.Sub(f.woke) >= f.hub.limits.heartbeat {
		s.beat++
	}
	if s.next == old.next && s.beat == old.beat && s.over == nil {
		f.state.Store(s) // what is known may be news to whoever joins
		return
	}
	f.woke = now
	s.wake = make(chan struct{})
	f.state.Store(s)
	close(old.wake)
}

// pause is for how long not to look. Where a snapshot takes a fetch, and all the more where much is not settled yet, a twentieth
// of the time at most goes into looking.
func (f *feed) pause(took time.Duration, err error) time.Duration {
	if err != nil {
		return f.hub.limits.retry
	}
	return min(max(f.hub.limits.look, 20*took), f.hub.limits.slowLook)
}

// report logs the first of several failures. One to be repeated because something is away is reported by what cannot read.
func (f *feed) report(err error) {
	if err != nil && !f.failing && !errors.Is(err, ErrUnavailable) && !errors.Is(err, ErrUnknownMedia) {
		f.hub.log.Error("live stream failed", "media", f.id, "err", err)
	}
	f.failing = err != nil
}
