package capture

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"time"
)

const (
	// startBehind is how far from the end of a live playlist a new reader begins, in target durations (RFC 8216
	// section 6.3.3).
	startBehind = 3
	// maxCatchUp is how much of a live stream that went on without us is made up for after a start.
	maxCatchUp = 10 * time.Minute
	// maxBehind is how far analysis may fall behind the live edge, in target durations, before it jumps there.
	maxBehind = 15
	// queued is how many fetched segments wait for analysis; with it full, fetching waits.
	queued = 2
	// stalledAfter is how many target durations a live playlist may stay unchanged.
	stalledAfter = 4
	// resetAfter is how many times in a row a playlist that changes must end before what was already read, until that
	// counts as an origin that numbers anew and not as a stale copy.
	resetAfter = 2
	// resolveAfter is how many failed loads in a row make the follower start from the multivariant playlist again.
	resolveAfter = 3
	// minReload and maxReload bound the time between two loads whatever the playlist says.
	minReload = 250 * time.Millisecond
	maxReload = 30 * time.Second
)

// Kinds of faults.
const (
	FaultPlaylist = "playlist"
	FaultSegment  = "segment"
	FaultStalled  = "stalled"
	FaultBehind   = "behind"
	FaultReset    = "reset"
	FaultClock    = "clock"
)

// Fault is something that went wrong and was survived.
type Fault struct {
	Kind string
	URL  string // query removed
	Err  error
	Lost int // segments that will not be analysed because of it
}

// Follower reads one stream, from its playlist to placed segments, and goes on through faults. Set the public fields
// before Run.
type Follower struct {
	URL    *url.URL
	Getter Getter
	Clock  *Clock
	// Recording reads a finished playlist from its first segment to its last and loses nothing; Run returns its
	// end, and gives up with an error when the playlist cannot be read.
	Recording bool
	// OnFault is told of every fault; it must not block.
	OnFault func(Fault)
	// OnEnd, where set, is called when the playlist has ended, after the last segment was handled and from the same
	// goroutine. Of a stream that is taken up again it is called at each end. Its error ends Run.
	OnEnd  func(context.Context) error
	Logger *slog.Logger

	mu     sync.Mutex
	status Status

	// The rest belongs to the goroutine that reads playlists.
	media     *url.URL // media playlist in use, nil to be found
	next      uint64   // sequence number wanted next
	started   bool
	caughtUp  bool
	failures  int // failed loads in a row
	backwards int // changed loads in a row that ended before next
	lastSeen  uint64
	changedAt time.Time
	ended     bool // and OnEnd was told
	key       cached
	init      cached

	parsed parsedInit // belongs to the goroutine of Run
}

// fetched is a downloaded segment on its way to be placed.
type fetched struct {
	reference reference
	init      []byte
	body      []byte
	live      bool
	at        time.Time
	end       bool // in place of a segment: there are no more
}

// Run follows the stream until ctx is done, handle fails, or a recording ends. It calls handle from this goroutine
// for every segment, in order; while handle works, up to two more segments are fetched.
func (f *Follower) Run(ctx context.Context, handle func(context.Context, *Segment) error) error {
	f.mu.Lock()
	f.status.clock = *f.Clock
	f.mu.Unlock()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	queue := make(chan fetched, queued)
	followed := make(chan error, 1)
	go func() {
		defer close(queue)
		followed <- f.follow(ctx, queue)
	}()
	var failed error
	for s := range queue {
		if failed != nil || ctx.Err() != nil {
			continue
		}
		if s.end {
			failed = f.OnEnd(ctx)
		} else {
			failed = f.handle(ctx, s, handle)
		}
		if failed != nil {
			cancel(failed)
		}
	}
	return errors.Join(failed, <-followed)
}

// handle demuxes and places one segment.
func (f *Follower) handle(ctx context.Context, s fetched, handle func(context.Context, *Segment) error) error {
	segment, err := f.place(s)
	if err != nil {
		kind := FaultSegment
		if errors.Is(err, ErrClock) {
			kind = FaultClock
		}
		f.fault(Fault{Kind: kind, URL: Redact(s.reference.url.String()), Err: err, Lost: 1})
		return nil
	}
	return handle(ctx, segment)
}

// follow reloads the playlist by the rules of RFC 8216 section 6.3.4 and fetches what is new.
func (f *Follower) follow(ctx context.Context, queue chan<- fetched) error {
	f.changedAt = time.Now()
	for {
		began := time.Now()
		wait, done, err := f.reload(ctx, queue)
		if done || err != nil {
			return err
		}
		if !sleep(ctx, time.Until(began.Add(min(max(wait, minReload), maxReload)))) {
			return nil
		}
	}
}

// reload loads the playlist once and fetches its new segments. It returns how long after the load's start the next
// one is due.
func (f *Follower) reload(ctx context.Context, queue chan<- fetched) (wait time.Duration, done bool, err error) {
	list, err := f.load(ctx)
	if ctx.Err() != nil {
		return 0, true, nil
	}
	if err != nil {
		return f.loadFailed(err)
	}
	f.failures = 0
	changed := f.observe(list)
	for _, r := range f.pick(list, changed) {
		if err := f.fetchInto(ctx, r, list, queue); err != nil {
			return 0, true, nil // only ctx ends it
		}
	}
	if list.ended && (changed || !f.ended) && f.OnEnd != nil {
		if err := hand(ctx, fetched{end: true}, queue); err != nil {
			return 0, true, nil // only ctx ends it
		}
	}
	f.ended = list.ended
	switch {
	case f.Recording && list.ended:
		return 0, true, nil
	case list.ended:
		return max(list.target, 5*time.Second), false, nil
	case changed:
		return list.target, false, nil
	}
	return list.target / 2, false, nil
}

func (f *Follower) loadFailed(err error) (time.Duration, bool, error) {
	f.failures++
	at := f.URL
	if f.media != nil {
		at = f.media
	}
	f.fault(Fault{Kind: FaultPlaylist, URL: Redact(at.String()), Err: err})
	if f.failures >= resolveAfter {
		f.media = nil
		if f.Recording {
			return 0, true, err
		}
		if f.started {
			f.setState(Stalled)
		}
	}
	return min(time.Duration(f.failures)*time.Second, 5*time.Second), false, nil
}

// load reads the media playlist, by way of the multivariant playlist where there is one.
func (f *Follower) load(ctx context.Context) (*mediaPlaylist, error) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	if f.media != nil {
		list, variants, _, err := f.get(ctx, f.media)
		if variants != nil {
			err = fmt.Errorf("%w: the media playlist turned into a multivariant one", ErrPlaylist)
		}
		return list, err
	}
	list, variants, final, err := f.get(ctx, f.URL)
	if err != nil {
		return nil, err
	}
	if list != nil {
		f.media = f.URL
		return list, nil
	}
	var failed []error
	for _, v := range choose(variants) {
		list, more, _, err := f.get(ctx, v.url)
		if err == nil && more != nil {
			err = fmt.Errorf("%w: a variant is itself a multivariant playlist", ErrPlaylist)
		}
		if err == nil {
			f.media = v.url
			f.log().Info("variant chosen", "url", Redact(v.url.String()), "height", v.height, "bandwidth", v.bandwidth, "codecs", v.codecs)
			return list, nil
		}
		failed = append(failed, err)
	}
	if failed == nil {
		return nil, fmt.Errorf("%w: no variant of %s has H.264 or HEVC video", ErrPlaylist, Redact(final.String()))
	}
	return nil, errors.Join(failed...)
}

func (f *Follower) get(ctx context.Context, u *url.URL) (*mediaPlaylist, []variant, *url.URL, error) {
	body, final, err := f.Getter.Get(ctx, u, byteRange{}, MaxPlaylistBytes)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("load playlist: %w", err)
	}
	list, variants, err := parsePlaylist(body, final)
	return list, variants, final, err
}

// observe notes whether the playlist changed, the state that follows from it, and what is yet to come.
func (f *Follower) observe(list *mediaPlaylist) (changed bool) {
	state := Live
	if len(list.segments) == 0 {
		state = Waiting
	} else if changed = !f.started || list.last() != f.lastSeen; changed {
		f.lastSeen, f.changedAt = list.last(), time.Now()
	} else if list.slides() && time.Since(f.changedAt) > stalledAfter*list.target {
		state = Stalled
	}
	if state == Stalled && f.Status().State != Stalled {
		f.fault(Fault{Kind: FaultStalled, URL: Redact(f.media.String()), Err: fmt.Errorf("no new segment for %s", time.Since(f.changedAt).Round(time.Second))})
	}
	if list.ended {
		state = Ended
	}
	pending := make([]pendingSegment, 0, len(list.segments))
	for i := range list.segments {
		pending = append(pending, pendingSegment{list.segments[i].sequence, list.segments[i].duration})
	}
	f.mu.Lock()
	f.status.State, f.status.pending, f.status.Duration = state, pending, list.duration()
	f.mu.Unlock()
	return changed
}

func (f *Follower) setState(s State) {
	f.mu.Lock()
	f.status.State = s
	f.mu.Unlock()
}

func (f *Follower) fault(x Fault) {
	if f.OnFault != nil {
		f.OnFault(x)
	}
}

// place demuxes a segment and puts it on the clock.
func (f *Follower) place(s fetched) (*Segment, error) {
	video, err := f.demux(s)
	if err != nil {
		return nil, err
	}
	first, end := extent(video.Units, s.reference.duration)
	span, jump, at, err := f.Clock.place(&s.reference, first, end)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	f.status.clock = *f.Clock
	f.mu.Unlock()
	return &Segment{
		Sequence: s.reference.sequence,
		URL:      Redact(s.reference.url.String()),
		Span:     span,
		Jump:     jump,
		Live:     s.live,
		Fetched:  s.at,
		Video:    video,
		Before:   f.Clock.before(&s.reference, f.Clock.PTS-(end-first), span.From),
		After:    f.Clock.State(),
		place:    at,
	}, nil
}

// sleep waits for d; it returns false when ctx is done first.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

func (f *Follower) log() *slog.Logger {
	if f.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return f.Logger
}
