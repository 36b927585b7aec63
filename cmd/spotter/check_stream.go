package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"sync"
	"time"

	"spotter/capture"
	"spotter/capture/container"
	"spotter/capture/fetch"
	"spotter/timeline"
)

// sampleTime is how long a stream may take to show its first segment.
const sampleTime = 20 * time.Second

// errEnough ends a look at a stream.
var errEnough = errors.New("enough was seen")

// sampled is what the first segment of a stream shows.
type sampled struct {
	segment   *capture.Segment
	took      time.Duration // from the first request on
	wallClock bool          // its playlist tells the time of day
	faults    []capture.Fault
}

// stream reads a stream's first segment as the box would: whether it comes, and what is in it.
func (r *report) stream(ctx context.Context, getter fetch.Getter, name, key string, m *mediaConfig, u *url.URL) {
	s, err := sample(ctx, getter, m, u)
	if err != nil {
		r.line(name, "", mend(fmt.Errorf("%s%w", key, err), "%s", streamMend(err)))
		return
	}
	v := s.segment.Video
	said := fmt.Sprintf("%s%s %dx%d, its first segment of %.1f s came after %s", key, v.Codec, v.Width, v.Height,
		(s.segment.Until - s.segment.From).Seconds(), s.took.Round(10*time.Millisecond))
	if !s.wallClock {
		said += ", no program date-time"
	}
	r.line(name, said, nil)
	if apart := keyframesApart(v, s.segment.Span); apart > m.SampleInterval+m.SampleInterval/10 {
		r.advise(name, fmt.Sprintf("%skeyframes come every %.1f s, and a picture is wanted every %s: pictures in between are decoded, which takes more CPU", key, apart.Seconds(), m.SampleInterval),
			"have the encoder set a keyframe more often, or a longer sample_interval")
	}
	if v.Damaged > 0 {
		r.advise(name, fmt.Sprintf("%s%d pictures of the first segment are damaged", key, v.Damaged), "look for losses between encoder and origin")
	}
	for _, f := range s.faults {
		r.note(name, fmt.Sprintf("%s%s: %v", key, f.URL, f.Err))
	}
}

// sample follows a stream until its first segment is there.
func sample(ctx context.Context, getter fetch.Getter, m *mediaConfig, u *url.URL) (s sampled, err error) {
	ctx, cancel := context.WithTimeout(ctx, sampleTime)
	defer cancel()
	zero, err := capture.ParseZero(m.Zero)
	if err != nil {
		return s, err
	}
	clock, err := capture.NewClock(zero, nil)
	if err != nil {
		return s, err
	}
	var mu sync.Mutex
	follower := &capture.Follower{
		Sources: []*url.URL{u}, Getter: getter, Clock: clock, Interval: m.SampleInterval, Logger: slog.New(slog.DiscardHandler),
		OnFault: func(f capture.Fault) {
			mu.Lock()
			defer mu.Unlock()
			if len(s.faults) < 3 {
				s.faults = append(s.faults, f)
			}
		},
	}
	began := time.Now()
	err = follower.Run(ctx, func(_ context.Context, x *capture.Segment) error {
		s.segment, s.took = x, time.Since(began)
		return errEnough
	})
	_, s.wallClock = follower.PositionAt(time.Now())
	switch {
	case s.segment != nil:
		return s, nil
	case len(s.faults) > 0:
		f := s.faults[0]
		return s, fmt.Errorf("%s: %w", f.URL, f.Err)
	case errors.Is(err, context.DeadlineExceeded), err == nil:
		return s, fmt.Errorf("no segment with pictures came within %s", sampleTime)
	}
	return s, err
}

// streamMend says what to do about a stream whose first segment does not come.
func streamMend(err error) string {
	switch {
	case errors.Is(err, container.ErrCodec):
		return "have the encoder make H.264, HEVC or MPEG-2 video"
	case errors.Is(err, container.ErrEncrypted), errors.Is(err, capture.ErrEncryption):
		return "give the box a rendition without DRM: AES-128 is the only encryption that it can take off"
	case errors.Is(err, capture.ErrClock):
		return "have the packager write EXT-X-PROGRAM-DATE-TIME, or set zero: first"
	}
	return "the playlist is there and its segments are not: see that the origin serves them to this machine (allow_hosts, headers_file)"
}

// keyframesApart returns the longest way from one keyframe to the next within a segment, or to its end.
func keyframesApart(v *container.Video, span timeline.Span) time.Duration {
	var keys []int64
	for _, u := range v.Units {
		if u.Key {
			keys = append(keys, u.PTS)
		}
	}
	whole := time.Duration(span.Until-span.From) * time.Millisecond
	if len(keys) < 2 {
		return whole
	}
	slices.Sort(keys)
	var apart int64
	for i := 1; i < len(keys); i++ {
		apart = max(apart, keys[i]-keys[i-1])
	}
	return time.Duration(apart) * time.Second / container.Clock
}
