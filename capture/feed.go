package capture

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/fnv"
	"net/url"
	"strconv"
	"time"

	"spotter/capture/fetch"
	"spotter/capture/playlist"
)

const (
	// loadTime is how long a playlist may take in all; one that the origin holds back until it changes, that and a target
	// duration.
	loadTime = 15 * time.Second
	// minIdle and maxIdle bound how long an origin may send nothing, which else is a target duration: so there is time
	// for another attempt. The upper is what hls.js grants the first byte.
	minIdle = 1500 * time.Millisecond
	maxIdle = 9 * time.Second
)

// option is a media playlist that can be followed.
type option struct {
	source   int // index of the configured address that led to it
	rank     int // 0 is the first choice of its source
	url      *url.URL
	iframes  bool
	pathway  string
	family   string
	imported map[string]string
	variant  playlist.Variant
}

// feed is the media playlist in use.
type feed struct {
	option
	first     bool            // it is the first choice of its source, as far as that can be followed at all
	quiet     time.Duration   // how long the origin may send nothing at first
	list      *playlist.Media // as last loaded, complete
	askedAt   time.Time       // when the last load began
	loadedAt  time.Time
	changedAt time.Time
	grewAt    time.Time          // when something new was last taken from it
	steering  *playlist.Steering // of the catalog that led to it
	saving    bool               // of I-frames, in place of a whole stream that is there as well
	adopted   cursor             // its end when it was first looked at after a switch
	refused   int                // answers in a row that the origin failed to hold back
	phase     phase              // of its publisher
}

// blocked is how often an origin may fail to hold its answer back until that is asked for no more.
const blocked = 3

// idle returns how long an origin may send nothing.
func idle(target time.Duration) time.Duration { return min(max(target, minIdle), maxIdle) }

// load loads the playlist anew. Where the origin offers it, the answer comes when the piece at next does, and tells only
// what is new (rfc8216bis section 6.2.5).
func (x *feed) load(ctx context.Context, getter fetch.Getter, next cursor) error {
	directives, blocks := x.directives(next)
	err := x.loadWith(ctx, getter, directives, blocks)
	if directives == "" {
		return err
	}
	if err == nil {
		x.refused = 0
		return nil
	}
	if ctx.Err() != nil {
		return err
	}
	x.refused++
	return x.loadWith(ctx, getter, "", false)
}

// directives returns the delivery directives of the next load, in their order of names (rfc8216bis section 6.2.5).
func (x *feed) directives(next cursor) (query string, blocks bool) {
	if x.list == nil || x.list.Ended || x.refused >= blocked {
		return "", false
	}
	c := x.list.Control
	if n := len(x.list.Segments); c.BlockReload && n > 0 && next.sequence == x.list.Last()+1 {
		blocks = true
		query = "_HLS_msn=" + strconv.FormatUint(next.sequence, 10)
		if x.list.PartTarget > 0 {
			query += "&_HLS_part=" + strconv.Itoa(next.part)
		}
	}
	if c.SkipUntil > 0 && time.Since(x.loadedAt) < c.SkipUntil/2 {
		if query != "" {
			query += "&"
		}
		query += "_HLS_skip=YES"
	}
	return query, blocks
}

func (x *feed) loadWith(ctx context.Context, getter fetch.Getter, directives string, blocks bool) error {
	u, limit, quiet := x.url, loadTime, cmp.Or(x.quiet, maxIdle)
	if x.list != nil {
		quiet = idle(x.list.Target)
	}
	if blocks {
		quiet += x.list.Target
		limit += x.list.Target
	}
	if directives != "" {
		with := *u
		if with.RawQuery != "" {
			directives = with.RawQuery + "&" + directives
		}
		with.RawQuery = directives
		u = &with
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	asked := time.Now()
	list, multi, _, err := load(ctx, getter, u, x.imported, quiet)
	switch {
	case err != nil:
		return err
	case multi != nil:
		return fmt.Errorf("%w: the media playlist turned into a multivariant one", playlist.ErrFormat)
	case list.Skipped > 0:
		if x.list == nil {
			return fmt.Errorf("%w: a delta update that nobody asked for", playlist.ErrFormat)
		}
		if err := list.Merge(x.list); err != nil {
			return err
		}
	}
	if x.list != nil && x.refused >= blocked && list.Last() != x.list.Last() {
		x.refused = 0 // it grows again
	}
	x.list, x.askedAt, x.loadedAt = list, asked, time.Now()
	return nil
}

// load loads one playlist.
func load(ctx context.Context, getter fetch.Getter, u *url.URL, imported map[string]string, quiet time.Duration) (*playlist.Media, *playlist.Multivariant, *url.URL, error) {
	answer, err := getter.Get(ctx, fetch.Request{URL: u, Limit: MaxPlaylistBytes, Idle: quiet, Revalidate: true})
	if err != nil {
		return nil, nil, nil, fmt.Errorf("load playlist: %w", err)
	}
	list, multi, err := playlist.Parse(answer.Body, answer.URL, imported)
	return list, multi, answer.URL, err
}

// pace returns how long after the start of the last load the next is due, which may be once least has passed. An origin
// that offers more than plain playlists has better ways to tell of news.
func (x *feed) pace(least time.Duration) time.Duration {
	if l := x.list; !grows(l) || len(l.Parts) > 0 || l.PartTarget > 0 || l.Control.BlockReload || x.askedAt.IsZero() {
		x.phase = phase{}
		return least
	}
	x.phase.observe(x.list, x.askedAt, x.loadedAt)
	return x.phase.wait(least)
}

// usable returns why a playlist of I-frames is not worth following, or nil: fewer pictures than are wanted, or such as
// cannot be decrypted on their own.
func (x *feed) usable(interval time.Duration) error {
	if !x.saving {
		return nil
	}
	if !x.list.IFramesOnly || len(x.list.Segments) == 0 {
		return errors.New("it lists no I-frames")
	}
	if mean := typical(x.list); mean > interval+interval*slack/100 {
		return fmt.Errorf("its I-frames are %s apart", mean.Round(time.Millisecond))
	}
	for i := range x.list.Segments {
		if x.list.Segments[i].Key != nil {
			return errors.New("its I-frames are encrypted")
		}
	}
	return nil
}

// digest returns a short name for where a playlist is, that tells nothing of it.
func digest(u *url.URL) string {
	return digestOf(u.Scheme + "://" + u.Host + u.Path)
}

func digestOf(text string) string {
	h := fnv.New32a()
	h.Write([]byte(text))
	return hex.EncodeToString(h.Sum(nil))
}
