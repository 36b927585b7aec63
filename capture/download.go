package capture

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"time"

	"spotter/capture/container"
	"spotter/capture/fetch"
	"spotter/capture/playlist"
)

const (
	// queued is how many pieces are fetched ahead of the one that is waited for; with so many, loading waits.
	queued = 2
	// minLife is how long a piece is tried to be had at least, if none behind it came.
	minLife = 10 * time.Second
	// recordedLife is that of a recording's pieces, which nothing overtakes.
	recordedLife = 5 * time.Minute
	// missing is how often a piece that the playlist names and the origin does not find is asked for again, and garbled how
	// often one that does not fit its key.
	missing = 4
	garbled = 1
	// minRetry and maxRetry bound the time between two attempts, which is a target duration at most.
	minRetry = 250 * time.Millisecond
	maxRetry = 2 * time.Second
)

// errOvertaken is why a piece is given up before its time.
var errOvertaken = errors.New("given up, for the one behind it came")

// download is a piece on its way to be placed. Its results hold once done is closed.
type download struct {
	piece
	end    bool // in place of a piece: there are no more
	done   chan struct{}
	cancel context.CancelCauseFunc
	ahead  *early    // a body that is under way already
	before *download // the one in front of it, until this one came
	asked  time.Time // when its download began

	init, body []byte
	at         time.Time // when it had arrived
	err        error
}

// fetchInto starts the download of a piece and hands it on, waiting for room. The only error is ctx's.
func (f *Follower) fetchInto(ctx context.Context, p *piece, list *playlist.Media, queue chan<- *download) error {
	if p.gap {
		f.owed = f.owed || p.broken
		f.fault(Fault{Kind: FaultGap, URL: fetch.Redact(p.url.String()), Err: errGap, Lost: 1})
		return ctx.Err()
	}
	p.broken, f.owed = p.broken || f.owed, false
	life := max(startBehind*list.Target, minLife)
	if f.Recording {
		life = recordedLife
	}
	own, cancel := context.WithCancelCause(ctx)
	d := &download{piece: *p, done: make(chan struct{}), cancel: cancel, before: f.newest, asked: time.Now(), ahead: f.ahead.take(p)}
	if f.newest = d; f.Recording {
		d.before = nil // a recording loses nothing
	}
	f.spawn(func() {
		defer close(d.done)
		defer cancel(nil)
		limited, stop := context.WithTimeout(own, life)
		defer stop()
		if d.err = f.fetch(limited, d, list.Target); d.err == nil {
			d.at = time.Now()
			d.overtake(ctx, list.Target)
		}
		d.before = nil
	})
	return hand(ctx, d, queue)
}

var errGap = errors.New("the origin says that it has a gap here (EXT-X-GAP)")

// overtake gives the piece in front of d one target duration more, and in all the time for a second attempt where the
// first was held up: both may have been asked for at once.
func (d *download) overtake(ctx context.Context, target time.Duration) {
	if d.before == nil {
		return
	}
	grace := max(target, minIdle)
	late := time.NewTimer(max(grace, time.Until(d.before.asked.Add(idle(target)+grace))))
	defer late.Stop()
	select {
	case <-d.before.done:
	case <-ctx.Done():
	case <-late.C:
		d.before.cancel(errOvertaken)
	}
}

// hand puts d into the queue, waiting for room.
func hand(ctx context.Context, d *download, queue chan<- *download) error {
	select {
	case queue <- d:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// fetch downloads a piece with what it needs, trying again while ctx lets it.
func (f *Follower) fetch(ctx context.Context, d *download, target time.Duration) error {
	var last error
	tries := attempts{missing, garbled}
	for wait := minRetry; ; wait = min(2*wait, maxRetry, max(target, minRetry)) {
		err := f.fetchOnce(ctx, d, target)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return whyNot(ctx, last, err)
		}
		last = err
		if status, ok := errors.AsType[*fetch.StatusError](err); ok {
			wait = max(wait, status.RetryAfter)
		}
		if !tries.again(err) || !sleep(ctx, wait) {
			return err
		}
	}
}

// attempts counts down how often faults that seldom pass are given another chance.
type attempts struct{ missing, garbled int }

func (a *attempts) again(err error) bool {
	status, ok := errors.AsType[*fetch.StatusError](err)
	switch {
	case ok && (status.Code == http.StatusNotFound || status.Code == http.StatusForbidden):
		a.missing--
		return a.missing >= 0
	case errors.Is(err, errMethod):
		return false
	case errors.Is(err, ErrEncryption):
		a.garbled--
		return a.garbled >= 0
	}
	return retryable(err)
}

// whyNot returns the most telling reason why a piece could not be had in its time.
func whyNot(ctx context.Context, last, err error) error {
	if last == nil {
		last = err
	}
	if cause := context.Cause(ctx); errors.Is(cause, errOvertaken) {
		return fmt.Errorf("%w: %w", last, cause)
	}
	return last
}

func (f *Follower) fetchOnce(ctx context.Context, d *download, target time.Duration) error {
	quiet := idle(target)
	key, err := f.shelf.key(ctx, f.Getter, d.key, quiet)
	if err != nil {
		return err
	}
	if d.piece.init != nil {
		if d.init, err = f.shelf.initialisation(ctx, f.Getter, d.piece.init, d.piece.at.sequence, quiet); err != nil {
			return err
		}
	}
	body, err := d.load(ctx, f.Getter, quiet)
	if err != nil {
		return fmt.Errorf("load segment: %w", err)
	}
	if key != nil {
		if body, err = decrypt(body, key, d.key.IV, d.piece.at.sequence); err != nil {
			f.shelf.drop(d.key) // it may have been replaced in its place
			return err
		}
	}
	d.body = body
	return nil
}

// load loads the piece's own bytes.
func (d *download) load(ctx context.Context, getter fetch.Getter, quiet time.Duration) ([]byte, error) {
	if ahead := d.ahead; ahead != nil {
		d.ahead = nil
		if body := ahead.wait(ctx); body != nil {
			return body, nil
		}
	}
	answer, err := getter.Get(ctx, fetch.Request{
		URL: d.url, Offset: d.bytes.Offset, Length: d.bytes.Length, Limit: MaxSegmentBytes, Idle: quiet,
	})
	return answer.Body, err
}

// retryable reports whether a failed download may succeed a moment later.
func retryable(err error) bool {
	if status, ok := errors.AsType[*fetch.StatusError](err); ok {
		return !status.Gone()
	}
	if _, local := errors.AsType[*fs.PathError](err); local {
		return false
	}
	for _, lasting := range []error{
		fetch.ErrTooLarge, fetch.ErrAddress, context.Canceled,
		container.ErrNoVideo, container.ErrCodec, container.ErrEncrypted,
	} {
		if errors.Is(err, lasting) {
			return false
		}
	}
	return true
}
