package capture

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"spotter/capture/fetch"
	"spotter/capture/playlist"
)

// penalty is how long a playlist that failed is not tried again while there is another.
const penalty = time.Minute

var errNoVideo = errors.New("no variant has H.264 or HEVC video")

// catalog is what a configured address leads to.
type catalog struct {
	source   int
	options  []option // in the order of preference, before pathways
	only     *feed    // where the address is a media playlist itself
	steering *playlist.Steering
}

// consult loads the configured address of index i.
func consult(ctx context.Context, getter fetch.Getter, u *url.URL, i int, interval, quiet time.Duration) (*catalog, error) {
	ctx, cancel := context.WithTimeout(ctx, loadTime)
	defer cancel()
	list, multi, _, err := load(ctx, getter, u, nil, quiet)
	if err != nil {
		return nil, err
	}
	c := &catalog{source: i}
	if list != nil {
		c.only = &feed{first: true, option: option{source: i, url: u, family: digest(u), iframes: list.IFramesOnly}, list: list, loadedAt: time.Now()}
		return c, nil
	}
	c.steering = multi.Steering
	c.options = options(multi, interval, option{source: i, family: digest(u), imported: multi.Variables})
	if len(c.options) == 0 {
		return nil, fmt.Errorf("%w: %s: %w", playlist.ErrFormat, fetch.Redact(u.String()), errNoVideo)
	}
	return c, nil
}

// options lists a multivariant playlist's media playlists in the order in which they suit analysis. Playlists of I-frames
// come first where they may do, for they cost the least; whether their I-frames are dense enough is seen when they are
// loaded.
func options(multi *playlist.Multivariant, interval time.Duration, common option) (out []option) {
	best := choose(multi.Variants)
	add := func(v playlist.Variant, iframes bool) {
		o := common
		o.rank, o.url, o.iframes, o.variant = len(out), v.URL, iframes, v
		o.pathway = cmp.Or(v.Pathway, ".")
		out = append(out, o)
	}
	if interval > 0 && len(best) > 0 {
		for _, v := range choose(multi.IFrames) {
			same := v.Height == best[0].Height || v.Height > 0 && heightRank(v.Height) <= heightRank(best[0].Height)
			if same && v.VideoRange == best[0].VideoRange {
				add(v, true)
			}
		}
	}
	for _, v := range best {
		add(v, false)
	}
	return out
}

// open loads the first of a catalog's playlists that can be followed, but for those that are avoided.
func (c *catalog) open(ctx context.Context, getter fetch.Getter, interval, quiet time.Duration, avoid func(*option) bool) (*feed, error) {
	if c.only != nil {
		if avoid(&c.only.option) {
			return nil, errAvoided
		}
		return c.only, nil
	}
	var failed []error
	for _, o := range c.options {
		x := &feed{option: o, first: len(failed) == 0, quiet: quiet, steering: c.steering, saving: o.iframes}
		if avoid(&o) {
			failed = append(failed, errAvoided)
			continue
		}
		err := x.load(ctx, getter, cursor{})
		if err == nil {
			if x.usable(interval) != nil {
				continue
			}
			return x, nil
		}
		failed = append(failed, err)
		if ctx.Err() != nil {
			break
		}
	}
	return nil, errors.Join(failed...)
}

var errOver = errors.New("it has ended, and what was read had not")

// errAvoided is returned where all that could be followed failed a moment ago.
var errAvoided = errors.New("it failed a moment ago")

// open finds a playlist to follow: the first choice, or else what comes next. What failed a moment ago comes last.
func (f *Follower) open(ctx context.Context) (*feed, error) {
	var failed []error
	for range f.Sources {
		x, err := f.openSource(ctx, f.source)
		if err == nil {
			return x, nil
		}
		if ctx.Err() != nil {
			return nil, err
		}
		failed = append(failed, err)
		f.source = (f.source + 1) % len(f.Sources)
	}
	if len(f.avoided) > 0 { // what failed a moment ago is all there is
		clear(f.avoided)
		return f.openSource(ctx, f.source)
	}
	return nil, errors.Join(failed...)
}

func (f *Follower) openSource(ctx context.Context, i int) (*feed, error) {
	c, err := consult(ctx, f.Getter, f.Sources[i], i, f.dense(), f.patience())
	if err != nil {
		return nil, err
	}
	f.steering.begin(c.steering)
	c.options = f.steering.order(c.options)
	f.choices = len(f.Sources) + max(0, len(c.options)-1)
	ctx, cancel := context.WithTimeout(ctx, max(2*f.patience(), 5*time.Second)) // for all of its playlists: another source may be well
	defer cancel()
	x, err := c.open(ctx, f.Getter, f.dense(), f.patience(), f.avoids)
	if err == nil && f.reader.started && !f.Recording && x.list.Ended && !f.ended && !strings.HasPrefix(f.reader.name, digest(x.url)) {
		return nil, errOver
	}
	return x, err
}

// dense returns how far apart I-frames may be; 0 where they are not wanted.
func (f *Follower) dense() time.Duration {
	if f.Recording {
		return 0 // it may be cheaper, but a recording is read whole
	}
	return f.Interval
}

// patience returns how long an origin may send nothing, by the newest playlist.
func (f *Follower) patience() time.Duration {
	if f.reader.before == nil {
		return maxIdle
	}
	return idle(f.reader.before.Target)
}

// place names an option across loads of its multivariant playlist, whose addresses may differ each time.
type place struct {
	source, rank int
	pathway      string
}

func (o *option) place() place { return place{o.source, o.rank, o.pathway} }

func (f *Follower) avoids(o *option) bool {
	until, ok := f.avoided[o.place()]
	return ok && time.Now().Before(until)
}

// fail gives the playlist in use up, so that the next load looks for another.
func (f *Follower) fail() {
	if f.feed != nil && f.choices > 1 {
		f.avoided[f.feed.place()] = time.Now().Add(penalty)
	}
	f.feed = nil
}

// adopt goes on with another playlist.
func (f *Follower) adopt(x *feed) {
	f.feed, f.source, f.failures = x, x.source, 0
	x.changedAt, x.grewAt = time.Now(), time.Now()
	r := &f.reader
	if name := digest(x.url); !strings.HasPrefix(r.name, name) {
		r.switched = r.started
		r.name = name
	}
	level := slog.LevelInfo
	if f.choices <= 1 && !f.reader.started {
		level = slog.LevelDebug // there was nothing to choose
	}
	f.say(level, "playlist chosen", "url", fetch.Redact(x.url.String()), "height", x.variant.Height,
		"bandwidth", x.variant.Bandwidth, "codecs", x.variant.Codecs, "iframes", x.iframes, "pathway", x.pathway)
}
