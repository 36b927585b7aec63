package dynamodb

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"spotter/httpapi"
	"spotter/timeline"
)

const (
	// refresh is how long what may still change is answered without asking again.
	refresh = time.Second
	// keep is how long that serves for what is settled: a revision by hand may still come.
	keep = time.Minute
	// silent is after how long without a word from its box a live stream counts as stalled.
	silent = 30 * time.Second
)

// Reader is what View asks of a table.
type Reader interface {
	// Query returns the observations of a media that begin in the closed window w, by From; strong asks for what was written
	// by then, without exception.
	Query(ctx context.Context, media string, w timeline.Span, strong bool) ([]*timeline.Observation, error)
	// States returns the states of all media in the table. With an error of kind awsfault.Refused come those that can be read.
	States(ctx context.Context) ([]State, error)
}

// ViewOptions bound what a View waits for and holds; zero fields have defaults.
type ViewOptions struct {
	// Timeout bounds one question to the table; 2 s by default.
	Timeout time.Duration
	// Stale is how old an answer about what may still change becomes while the table does not answer; 10 s by default. What is
	// settled has no such limit.
	Stale time.Duration
	// Observations is how many are held in memory, of all media together; 100,000 by default, some 100 MB.
	Observations int
	// OnFault hears of each question that the table did not answer, which is one a second for what cannot be read; nil is
	// allowed. It must not block.
	OnFault func(error)
}

// View answers the viewer API from a table, where any number of copies may do so at once. It asks only when it is asked,
// about a part of the table at most once a second, and holds what it got; an answer is never older than a second while the
// table is well. It has no goroutine of its own.
type View struct {
	reader  Reader
	o       ViewOptions
	flights singleflight.Group

	mu       sync.Mutex
	reads    uint64     // the number last given
	catalogs []*catalog // the newest last, and before it those of the last Stale
	fault    fault      // of the newest reading of the states
	slots    cache[place, *slot]
	joined   cache[stretch, *joined]
}

var (
	_ httpapi.Media      = (*View)(nil)
	_ httpapi.Timestamps = (*View)(nil)
)

// fault is why a question was not answered, and when; the zero fault is none.
type fault struct {
	err error
	at  time.Time
}

// recent reports whether to ask again would be too soon.
func (f fault) recent(now time.Time) bool { return f.err != nil && now.Sub(f.at) < refresh }

// NewView returns a view of the table that reader reads.
func NewView(reader Reader, o ViewOptions) *View {
	o.Timeout = cmp.Or(o.Timeout, 2*time.Second)
	o.Stale = cmp.Or(o.Stale, 10*time.Second)
	o.Observations = cmp.Or(o.Observations, 100_000)
	return &View{reader: reader, o: o, slots: newCache[place, *slot](o.Observations), joined: newCache[stretch, *joined](o.Observations)}
}

// Fault returns why the table cannot be read, or nil when it could be at the last try.
func (v *View) Fault() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.fault.err
}

// read asks the table within the timeout.
func (v *View) read(ask func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), v.o.Timeout)
	defer cancel()
	err := ask(ctx)
	if err != nil && v.o.OnFault != nil {
		v.o.OnFault(err)
	}
	return err
}

// begin numbers the reading of a chunk that begins now.
func (v *View) begin() uint64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.reads++
	return v.reads
}

func unavailable(cause error) error { return fmt.Errorf("%w: %w", httpapi.ErrUnavailable, cause) }

func unknown(id string) error { return fmt.Errorf("%w: %q", httpapi.ErrUnknownMedia, id) }

// IDs implements httpapi.Media: all media of the table, sorted.
func (v *View) IDs() ([]string, error) {
	c, away := v.catalog()
	if err := v.usable(c, away); err != nil {
		return nil, err
	}
	return c.ids, nil
}

// Status implements httpapi.Media.
func (v *View) Status(id string) (httpapi.Status, error) {
	c, away := v.catalog()
	if err := v.usable(c, away); err != nil {
		return httpapi.Status{}, err
	}
	m, ok := c.media[id]
	if !ok {
		return httpapi.Status{}, unknown(id)
	}
	return m.status(time.Now()), nil
}

// medium returns a media's state, of whatever age where there is no newer one.
func (v *View) medium(id string) (*catalog, *medium, error, error) {
	c, away := v.catalog()
	if c == nil {
		return nil, nil, away, unavailable(away)
	}
	m, ok := c.media[id]
	if !ok {
		if err := v.usable(c, away); err != nil {
			return nil, nil, away, err
		}
		return nil, nil, away, unknown(id)
	}
	return c, m, away, nil
}

// Settled implements httpapi.Media. What was settled stays so, whatever the table's state.
func (v *View) Settled(id string) (timeline.Position, bool, error) {
	_, m, _, err := v.medium(id)
	if err != nil || m.state.Settled == nil {
		return 0, false, err
	}
	return *m.state.Settled, true, nil
}

// PositionAt implements httpapi.Media: it answers as the box's clock did when the state was written.
func (v *View) PositionAt(id string, t time.Time) (timeline.Position, bool, error) {
	_, m, _, err := v.medium(id)
	if err != nil {
		return 0, false, err
	}
	if m.clock == nil {
		return 0, false, m.clockFault
	}
	p, told := m.clock.PositionAt(t)
	return p, told, nil
}

// Timestamps implements httpapi.Timestamps.
func (v *View) Timestamps(id string) (zero int64, discontinuity uint64, ok bool, err error) {
	_, m, _, err := v.medium(id)
	if err != nil || m.clock == nil {
		return 0, 0, false, err
	}
	zero, discontinuity, ok = m.clock.Timestamps()
	return zero, discontinuity, ok, nil
}

// Timeline implements httpapi.Media. A snapshot costs in proportion to the window; one of a few minutes is made once for all
// who ask.
func (v *View) Timeline(id string, w timeline.Span) (*timeline.Timeline, error) {
	c, m, away, err := v.medium(id)
	if err != nil {
		return nil, err
	}
	part, some := m.reach(w)
	if !some {
		return m.base, v.usable(c, away)
	}
	q := &question{view: v, media: id, window: part, catalog: c, medium: m, away: away}
	if err := q.gather(); err != nil {
		return nil, err
	}
	if err := q.settle(); err != nil {
		return nil, err
	}
	return q.join(), nil
}
