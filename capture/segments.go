package capture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net/url"
	"time"

	"spotter/capture/container"
)

// cached is a small resource that many segments share: a key or an initialisation section.
type cached struct {
	url   string
	bytes byteRange
	body  []byte
}

// parsedInit is the initialisation section of the newest segment.
type parsedInit struct {
	bytes []byte
	init  *container.Init
}

// pick returns the segments of a playlist that are to be fetched now, and keeps count of what is next.
func (f *Follower) pick(list *mediaPlaylist, changed bool) []reference {
	if len(list.segments) == 0 {
		return nil
	}
	first, last := list.sequence, list.last()
	if !f.started {
		f.next = f.start(list)
		f.started = true
	}
	switch {
	case last+1 < f.next:
		if changed {
			f.backwards++
		}
		if f.backwards <= resetAfter {
			return nil
		}
		f.fault(Fault{Kind: FaultReset, URL: Redact(f.media.String()), Err: fmt.Errorf("the media sequence went back from %d to %d", f.next-1, last)})
		f.next = f.edge(list)
	case f.next < first && first-f.next > MaxSegments:
		f.fault(Fault{Kind: FaultReset, URL: Redact(f.media.String()), Err: fmt.Errorf("the media sequence went from %d to %d", f.next-1, first)})
		f.next = f.edge(list)
	case f.next < first:
		f.fault(Fault{
			Kind: FaultBehind, URL: Redact(f.media.String()), Lost: int(first - f.next),
			Err: fmt.Errorf("segments %d to %d left the playlist before they were read", f.next, first-1),
		})
		f.next = first
	}
	f.backwards = 0
	f.jump(list)
	fresh := list.segments[min(f.next-first, uint64(len(list.segments))):]
	f.next = last + 1
	return fresh
}

// stale is how many segments an origin's copy of a playlist may be behind another: what ends further back was numbered
// anew.
const stale = 3

// start returns the first segment to read: of a live stream one near its end, or where the clock left off.
func (f *Follower) start(list *mediaPlaylist) uint64 {
	if f.Clock.Started && f.Clock.Next >= list.sequence && f.Clock.Next <= list.last()+1+stale {
		return f.Clock.Next
	}
	if f.Recording || !list.slides() {
		return list.sequence
	}
	return f.edge(list)
}

// edge returns the segment that begins at least startBehind target durations before the end.
func (f *Follower) edge(list *mediaPlaylist) uint64 {
	var d time.Duration
	n := len(list.segments)
	for n > 0 && d < startBehind*list.target {
		n--
		d += list.segments[n].duration
	}
	return list.sequence + uint64(n)
}

// jump goes to the live edge when a sliding playlist is too far ahead of what was read.
func (f *Follower) jump(list *mediaPlaylist) {
	var behind time.Duration
	for _, r := range list.segments {
		if r.sequence >= f.next {
			behind += r.duration
		}
	}
	allowed := maxCatchUp
	if f.caughtUp {
		allowed = maxBehind * list.target
	}
	f.caughtUp = f.caughtUp || behind <= startBehind*list.target
	if !list.slides() || f.Recording || behind <= allowed {
		return
	}
	edge := f.edge(list)
	f.fault(Fault{
		Kind: FaultBehind, URL: Redact(f.media.String()), Lost: int(edge - f.next),
		Err: fmt.Errorf("analysis was %s behind and went on at the live edge", behind.Round(time.Second)),
	})
	f.next = edge
}

// fetchInto downloads a segment and hands it on, waiting for room. A segment that cannot be had is a fault, not an
// error; the only error is ctx's.
func (f *Follower) fetchInto(ctx context.Context, r reference, list *mediaPlaylist, queue chan<- fetched) error {
	if r.gap {
		return ctx.Err()
	}
	s := fetched{reference: r, live: !list.ended}
	err := f.fetch(ctx, &s, list.target)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		f.fault(Fault{Kind: FaultSegment, URL: Redact(r.url.String()), Err: err, Lost: 1})
		return nil
	}
	s.at = time.Now()
	return hand(ctx, s, queue)
}

// hand puts s into the queue, waiting for room.
func hand(ctx context.Context, s fetched, queue chan<- fetched) error {
	select {
	case queue <- s:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// fetch downloads a segment with what it needs, trying again within its useful life.
func (f *Follower) fetch(ctx context.Context, s *fetched, target time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, max(startBehind*target, 10*time.Second))
	defer cancel()
	for wait := 250 * time.Millisecond; ; wait *= 2 {
		err := f.fetchOnce(ctx, s)
		if err == nil || !retryable(err) || !sleep(ctx, wait) {
			return err
		}
	}
}

func (f *Follower) fetchOnce(ctx context.Context, s *fetched) error {
	r := &s.reference
	var key []byte
	if r.key != nil {
		if r.key.method != "AES-128" {
			return fmt.Errorf("%w: METHOD=%s", ErrEncryption, r.key.method)
		}
		body, err := f.shared(ctx, &f.key, r.key.url, byteRange{}, KeyBytes)
		if err != nil {
			return fmt.Errorf("load key: %w", err)
		}
		if key = body; len(key) != KeyBytes {
			f.key = cached{} // the next segment may find a better one
		}
	}
	if r.init != nil {
		body, err := f.shared(ctx, &f.init, r.init.url, r.init.bytes, MaxInitBytes)
		if err != nil {
			return fmt.Errorf("load initialisation section: %w", err)
		}
		if s.init, err = f.openInit(body, key, r); err != nil {
			f.init = cached{}
			return fmt.Errorf("read initialisation section: %w", err)
		}
	}
	body, _, err := f.Getter.Get(ctx, r.url, r.bytes, MaxSegmentBytes)
	if err != nil {
		return fmt.Errorf("load segment: %w", err)
	}
	if key != nil {
		if body, err = decrypt(body, key, r.key.iv, r.sequence); err != nil {
			return err
		}
	}
	s.body = body
	return nil
}

// retryable reports whether a failed download may succeed a moment later.
func retryable(err error) bool {
	var status StatusError
	if errors.As(err, &status) {
		return !status.gone()
	}
	if _, local := errors.AsType[*fs.PathError](err); local {
		return false
	}
	for _, lasting := range []error{
		ErrTooLarge, ErrEncryption, errAddress, context.Canceled,
		container.ErrNoVideo, container.ErrCodec, container.ErrEncrypted,
	} {
		if errors.Is(err, lasting) {
			return false
		}
	}
	return true
}

// openInit checks an initialisation section, and decrypts it where only that makes it one: the playlist does not say
// whether it is encrypted, other than by the order of its tags (RFC 8216 section 4.3.2.5).
func (f *Follower) openInit(body, key []byte, r *reference) ([]byte, error) {
	_, err := container.ParseInit(body)
	if err == nil || key == nil {
		return body, err
	}
	plain, decryptErr := decrypt(bytes.Clone(body), key, r.key.iv, r.sequence)
	if decryptErr != nil {
		return nil, err
	}
	if _, decryptErr = container.ParseInit(plain); decryptErr != nil {
		return nil, err
	}
	return plain, nil
}

// shared loads a resource once for as long as it is the one in use.
func (f *Follower) shared(ctx context.Context, c *cached, u *url.URL, r byteRange, limit int64) ([]byte, error) {
	if c.body != nil && c.url == u.String() && c.bytes == r {
		return c.body, nil
	}
	body, _, err := f.Getter.Get(ctx, u, r, limit)
	if err != nil {
		return nil, err
	}
	*c = cached{url: u.String(), bytes: r, body: body}
	return body, nil
}

// demux splits a segment into access units.
func (f *Follower) demux(s fetched) (*container.Video, error) {
	if s.init == nil {
		return container.Demux(nil, s.body)
	}
	if f.parsed.init == nil || !bytes.Equal(f.parsed.bytes, s.init) {
		init, err := container.ParseInit(s.init)
		if err != nil {
			return nil, err
		}
		f.parsed.init, f.parsed.bytes = init, s.init
	}
	return container.Demux(f.parsed.init, s.body)
}

// extent returns where a segment's pictures begin and end, in ticks from the first PTS as it stands. The last picture
// is taken to last as long as the one before it, a lone one as long as the playlist says.
func extent(units []container.Unit, announced time.Duration) (first, end int64) {
	base := units[0].PTS
	var lo, hi int64
	before := int64(math.MinInt64) // the PTS shown before the last
	for _, u := range units[1:] {
		d := container.Unwrap(u.PTS - base)
		lo = min(lo, d)
		if d > hi {
			hi, before = d, hi
		} else if d < hi {
			before = max(before, d)
		}
	}
	last := announced.Milliseconds() * ticksPerMilli
	if before != math.MinInt64 {
		last = hi - before
	}
	return base + lo, base + hi + last
}
