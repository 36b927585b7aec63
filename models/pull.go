package models

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Puller fetches model files.
type Puller struct {
	// Dir is the folder that the files are kept in; it is made when it is not there.
	Dir string
	// Mirror is a folder, or an http or https address that a file's name is added to, and is tried before upstream;
	// empty means upstream alone.
	Mirror string
	// Client makes the requests; nil means one with limits on how long a server may keep it waiting.
	Client *http.Client
	// Progress, where set, is told of each step: bytes on disk so far, of how many. They become fewer where a download
	// has to begin again.
	Progress func(name string, done, total int64)
	// Retrying, where set, is told why a download broke off and how long Pull waits before it goes on.
	Retrying func(name string, err error, wait time.Duration)

	patience patience // the zero value means usual
}

// patience is how long a download may take over what.
type patience struct {
	attempts int           // in a row that bring nothing new
	pause    time.Duration // before the second attempt; it doubles from there
	stall    time.Duration // without a byte
}

var usual = patience{attempts: 4, pause: time.Second, stall: 30 * time.Second}

// longestPause bounds what a server may ask for with Retry-After.
const longestPause = 30 * time.Second

// Pull brings the file of m to Dir, or does nothing where the right one is there already. Only the exact published
// file ever appears under its name. A download that breaks off is tried again, and what there is of it is kept for the
// next Pull; one that turns out wrong is removed, and the error wraps ErrAltered. A mirror that has another file under
// the name is refused, one that lacks it is passed over.
func (p *Puller) Pull(ctx context.Context, m Model) error {
	switch err := Verify(p.Dir, m); {
	case err == nil:
		return nil
	case !errors.Is(err, ErrMissing) && !errors.Is(err, ErrAltered):
		return err
	}
	if err := os.MkdirAll(p.Dir, 0o755); err != nil {
		return fmt.Errorf("make models folder: %w", err)
	}
	part, err := openPartial(Path(p.Dir, m))
	if err != nil {
		return fmt.Errorf("pull %s: %w", m.Name, err)
	}
	defer part.close()
	if err := p.fill(ctx, part, m); err != nil {
		if part.size == 0 {
			part.remove()
		}
		return fmt.Errorf("pull %s %w", m.Name, err)
	}
	if err := part.keep(Path(p.Dir, m)); err != nil {
		return fmt.Errorf("keep %s: %w", m.Name, err)
	}
	return nil
}

// fill completes part from the first source that has the file.
func (p *Puller) fill(ctx context.Context, part *partial, m Model) error {
	sources, err := p.sources(m)
	if err != nil {
		return err
	}
	client := p.Client
	if client == nil {
		client = newClient()
		defer client.CloseIdleConnections()
	}
	var failed error
	for _, s := range sources {
		err := p.from(ctx, client, part, m, s)
		if err == nil {
			return nil
		}
		err = fmt.Errorf("from %s: %w", s.at, err)
		if failed != nil {
			err = fmt.Errorf("%w; and %w", failed, err)
		}
		if ctx.Err() != nil || errors.Is(err, ErrAltered) {
			return err
		}
		failed = err
	}
	return failed
}

// source is where a file may come from.
type source struct {
	at     string // path or address
	remote bool
}

// sources returns where m may come from, in the order in which to try.
func (p *Puller) sources(m Model) ([]source, error) {
	var all []source
	switch {
	case strings.HasPrefix(p.Mirror, "http://"), strings.HasPrefix(p.Mirror, "https://"):
		at, err := url.JoinPath(p.Mirror, m.File)
		if err != nil {
			return nil, fmt.Errorf("from %s: %w", p.Mirror, err)
		}
		all = append(all, source{at, true})
	case p.Mirror != "":
		all = append(all, source{filepath.Join(p.Mirror, m.File), false})
	}
	if m.URL != "" {
		all = append(all, source{m.URL, true})
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("from upstream: it %w: put %s in a folder and name that with --mirror", ErrNoSource, m.File)
	}
	return all, nil
}

// transient is a fault that may be gone at the next attempt.
type transient struct {
	error
	after time.Duration // that the server asks to wait, or 0
}

func (t transient) Unwrap() error { return t.error }

// from completes part from one source. It gives up after some attempts in a row that brought nothing new.
func (p *Puller) from(ctx context.Context, client *http.Client, part *partial, m Model, s source) error {
	patience := p.patience
	if patience.attempts == 0 {
		patience = usual
	}
	most, failures := part.size, 0
	for {
		err := p.attempt(ctx, client, part, m, s, patience.stall)
		var again transient
		if err == nil || ctx.Err() != nil || !errors.As(err, &again) {
			return err
		}
		if part.size > most {
			most, failures = part.size, 0
		}
		if failures++; failures >= patience.attempts {
			return fmt.Errorf("%w: gave up after %d attempts; pull again to go on from there, or %s", err, failures, elsewhere(m))
		}
		wait := patience.pause << (failures - 1)
		wait += rand.N(wait/4 + 1)
		wait = min(max(wait, again.after), longestPause)
		if p.Retrying != nil {
			p.Retrying(m.Name, err, wait)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

// attempt adds to part what it lacks, as far as one opening of the source brings it, and verifies the whole.
func (p *Puller) attempt(ctx context.Context, client *http.Client, part *partial, m Model, s source, stall time.Duration) error {
	if part.size > m.Bytes {
		if err := part.restart(); err != nil {
			return err
		}
	}
	resumed := part.size > 0
	kind := ""
	if part.size < m.Bytes {
		ctx, wake, stop := watch(ctx, stall)
		defer stop()
		in, err := open(ctx, client, part, m, s)
		if err != nil {
			return stalled(ctx, err)
		}
		defer in.Close()
		resumed, kind = resumed && part.size > 0, in.kind
		if err := p.copy(part, in, m, wake); err != nil {
			return stalled(ctx, err)
		}
	}
	got := part.hash()
	if got == m.SHA256 {
		return nil
	}
	if err := part.restart(); err != nil {
		return err
	}
	if resumed { // the beginning, which an earlier attempt has left, may be what is wrong
		return transient{error: errors.New("what an earlier attempt left does not fit: beginning again")}
	}
	return fmt.Errorf("%s is %w: its sha256 is %s, not %s%s", m.File, ErrAltered, got, m.SHA256, kind)
}
