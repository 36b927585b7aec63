package capture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"spotter/capture/container"
	"spotter/capture/fetch"
)

const (
	// startBehind is how far from the end of a live playlist a new reader begins, in target durations (RFC 8216
	// section 6.3.3).
	startBehind = 3
	// maxCatchUp is how much of a live stream that went on without us is made up for after a start.
	maxCatchUp = 10 * time.Minute
	// maxBehind is how far analysis may fall behind the live edge, in target durations, before it jumps there.
	maxBehind = 15
	// stalledAfter is how many target durations a live playlist may stay unchanged, failoverAfter how many where there is
	// another to go on with.
	stalledAfter  = 4
	failoverAfter = 3
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
	FaultGap      = "gap"
	FaultStalled  = "stalled"
	FaultBehind   = "behind"
	FaultReset    = "reset"
	FaultClock    = "clock"
	FaultDecoder  = "decoder"
)

// Demuxer splits segments into access units.
type Demuxer interface {
	// Demux returns the video of one whole, decrypted segment. head is its initialisation section as fetched, nil where it
	// has none; tables are those of the transport stream before it, for parts that come without. Errors are those of
	// container.Demux and container.ParseInit, or wrap ErrDecoder.
	Demux(ctx context.Context, head []byte, tables *container.Init, segment []byte) (*container.Video, error)
}

// Fault is something that went wrong and was survived.
type Fault struct {
	Kind string
	URL  string // query removed
	Err  error
	Lost int // segments, or parts of one, that will not be analysed because of it
}

// Follower reads one stream, from its playlist to placed segments, and goes on through faults. Set the public fields
// before Run.
type Follower struct {
	// Sources are where the stream is: its address, and then other origins of it in the order of preference.
	Sources []*url.URL
	Getter  fetch.Getter
	Clock   *Clock
	// Interval is how often pictures are looked at: a playlist of I-frames that are no further apart is read in place of
	// the whole stream. 0: never.
	Interval time.Duration
	// Recording reads a finished playlist from its first segment to its last and loses nothing; Run returns its
	// end, and gives up with an error when the playlist cannot be read.
	Recording bool
	// OnFault is told of every fault, from several goroutines; it must not block.
	OnFault func(Fault)
	// OnEnd, where set, is called when the playlist has ended, after the last segment was handled and from the same
	// goroutine. Of a stream that is taken up again it is called at each end. Its error ends Run.
	OnEnd func(context.Context) error
	// Demuxer splits the segments; nil is package container in this process.
	Demuxer Demuxer
	Logger  *slog.Logger

	mu     sync.Mutex
	status Status

	shelf      shelf
	background sync.WaitGroup // what follow started
	abort      context.CancelCauseFunc
	failed     atomic.Int32 // pieces in a row that could not be had
	crashed    chan crash   // capacity 1

	// These belong to the goroutine that reads playlists.
	reader   reader
	feed     *feed  // nil: to be found
	source   int    // index of the address to be tried next
	family   string // of what was read last
	choices  int    // playlists that there are to choose from, about
	avoided  map[place]time.Time
	scout    scout
	steering steering
	ahead    anticipation
	newest   *download
	owed     bool      // a discontinuity stands before gaps
	grewAt   time.Time // when something new was last taken
	failures int       // failed loads in a row
	lastSeen cursor
	ended    bool // and OnEnd was told

	// These belong to the goroutine of Run.
	own    demuxer         // where there is no Demuxer
	tables *container.Init // of the newest transport stream
	silent int             // segments without pictures in a row
	seen   int             // pieces in a row that show nothing new
	broken bool            // a discontinuity stands before what was not placed
}

// demuxer is package container, with the initialisation section of the newest segment.
type demuxer struct {
	bytes []byte
	init  *container.Init
}

// Demux implements Demuxer.
func (x *demuxer) Demux(_ context.Context, head []byte, tables *container.Init, segment []byte) (*container.Video, error) {
	if head == nil {
		return container.Demux(tables, segment)
	}
	if x.init == nil || !bytes.Equal(x.bytes, head) {
		parsed, err := container.ParseInit(head)
		if err != nil {
			return nil, err
		}
		*x = demuxer{head, parsed}
	}
	return container.Demux(x.init, segment)
}

// Run follows the stream until ctx is done, handle fails, or a recording ends. It calls handle from this goroutine
// for every segment, in order; while handle works, up to three more segments are fetched.
func (f *Follower) Run(ctx context.Context, handle func(context.Context, *Segment) error) error {
	f.mu.Lock()
	f.status.clock = *f.Clock
	f.mu.Unlock()
	f.reader.resume(f.Clock)
	f.family = f.Clock.Family
	f.avoided = map[place]time.Time{}
	f.grewAt = time.Now()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	f.crashed = make(chan crash, 1)
	queue := make(chan *download, queued)
	followed := make(chan error, 1)
	go func() {
		defer close(queue)
		defer close(followed)
		defer f.contain(cancel)
		followed <- f.follow(ctx, cancel, queue)
	}()
	var failed error
	for d := range queue {
		if failed != nil || ctx.Err() != nil {
			continue
		}
		if d.end {
			failed = f.OnEnd(ctx)
		} else {
			<-d.done
			failed = f.handle(ctx, d, handle)
		}
		if failed != nil {
			cancel(failed)
		}
	}
	err := errors.Join(failed, <-followed)
	select {
	case c := <-f.crashed:
		panic(c)
	default:
		return err
	}
}

// crash is a panic of a goroutine that Run started, with where that was. Run panics with it.
type crash string

// contain ends Run where the goroutine that defers it panics.
func (f *Follower) contain(cancel context.CancelCauseFunc) {
	v := recover()
	if v == nil {
		return
	}
	select {
	case f.crashed <- crash(fmt.Sprintf("%v\n%s", v, debug.Stack())):
	default: // one is enough
	}
	cancel(errCrashed)
}

var errCrashed = errors.New("crashed")

// spawn runs a part of follow in the background.
func (f *Follower) spawn(do func()) {
	f.background.Go(func() {
		defer f.contain(f.abort)
		do()
	})
}

// handle demuxes and places one piece.
func (f *Follower) handle(ctx context.Context, d *download, handle func(context.Context, *Segment) error) error {
	if ctx.Err() != nil {
		return nil
	}
	d.broken = d.broken || f.broken
	segment, err := f.segment(ctx, d)
	f.broken = d.broken && err != nil && !errors.Is(err, errSeen)
	f.judge(d)
	if quiet := errors.Is(err, container.ErrNoVideo); quiet || f.silent > 0 && d.err == nil {
		f.hush(d, quiet, err)
		if quiet {
			return nil
		}
	}
	f.again(d, errors.Is(err, errSeen))
	switch {
	case errors.Is(err, errSeen), d.partial && errors.Is(err, container.ErrEmpty): // a part may be sound alone
		return nil
	case err != nil:
		if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
			return nil
		}
		kind := FaultSegment
		switch {
		case errors.Is(err, ErrClock):
			kind = FaultClock
		case errors.Is(err, ErrDecoder):
			kind = FaultDecoder
		}
		f.fault(Fault{Kind: kind, URL: fetch.Redact(d.url.String()), Err: err, Lost: 1})
		return nil
	}
	return handle(ctx, segment)
}

// judge counts pieces in a row that could not be had.
func (f *Follower) judge(d *download) {
	if d.err == nil {
		f.failed.Store(0)
	} else if !errors.Is(d.err, context.Canceled) {
		f.failed.Add(1)
	}
}

// seenBefore is how many pieces in a row may show nothing new until that is a fault.
const seenBefore = 8

// again counts pieces in a row that show what was seen before: a few do where one playlist goes on with another.
func (f *Follower) again(d *download, seen bool) {
	if !seen {
		f.seen = 0
	} else if f.seen++; f.seen == seenBefore {
		f.fault(Fault{Kind: FaultClock, URL: fetch.Redact(d.url.String()), Err: fmt.Errorf("%w: the stream shows, by its own clock, what was seen before", ErrClock)})
	}
}

// hush notes that a stream has no pictures, or has some again: that is waited for and no fault.
func (f *Follower) hush(d *download, quiet bool, reason error) {
	if !quiet {
		f.silent = 0
	} else if f.silent++; f.silent == 1 {
		f.log().Info("waiting for pictures", "url", fetch.Redact(d.url.String()), "reason", reason)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.status.silent = quiet; quiet && f.status.State == Live {
		f.status.State = Waiting
	} else if !quiet && f.status.State == Waiting {
		f.status.State = Live
	}
}

// segment demuxes a piece and puts it on the clock.
func (f *Follower) segment(ctx context.Context, d *download) (*Segment, error) {
	if d.err != nil {
		return nil, d.err
	}
	video, err := f.demux(ctx, d)
	if err != nil {
		return nil, err
	}
	units, dropped := believable(video.Units, d.duration)
	video.Units, video.Damaged = units, video.Damaged+dropped
	if len(units) == 0 {
		return nil, container.ErrEmpty
	}
	first, end := extent(units, d.duration)
	place, err := f.Clock.place(&d.piece, d.at, first, end)
	if err != nil {
		return nil, err
	}
	before := f.Clock.before(&d.piece, place.start, place.From)
	changed := f.Clock.Breaks.add(marks{span: place.Span, cues: d.cues, ranges: d.ranges, inband: video.Cues, at: place.at, wall: f.Clock.PositionAt})
	published := f.announce(&d.piece, place.From) // before After is taken
	f.mu.Lock()
	f.status.clock = *f.Clock
	f.mu.Unlock()
	return &Segment{
		Sequence:  d.piece.at.sequence,
		Part:      d.piece.at.part,
		URL:       fetch.Redact(d.url.String()),
		Span:      place.Span,
		Jump:      place.jump,
		Live:      d.live,
		Fetched:   d.at,
		Video:     video,
		Published: published,
		Breaks:    changed,
		Before:    before,
		After:     f.Clock.State(),
		place:     place.at,
		inBreak:   f.Clock.Breaks.covers,
	}, nil
}

// demux splits a piece into access units. Parts of a transport stream may come without tables: they have those of the
// part before.
func (f *Follower) demux(ctx context.Context, d *download) (*container.Video, error) {
	if d.broken {
		f.tables = nil
	}
	tables := f.tables
	if !d.partial {
		tables = nil
	}
	with := f.Demuxer
	if with == nil {
		with = &f.own
	}
	video, err := with.Demux(ctx, d.init, tables, d.body)
	if err == nil && video.Tables != nil {
		f.tables = video.Tables
	}
	return video, err
}

func (f *Follower) fault(x Fault) {
	if f.OnFault != nil {
		f.OnFault(x)
	}
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

// say logs a turn of events, while there is one: of a stream that is stalled the fault has been told.
func (f *Follower) say(level slog.Level, what string, args ...any) {
	if f.Status().State == Stalled {
		level = slog.LevelDebug
	}
	f.log().Log(context.Background(), level, what, args...)
}

func (f *Follower) log() *slog.Logger {
	if f.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return f.Logger
}
