//go:build soak && linux

package soak_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"spotter/httpapi/client"
	hls "spotter/internal/origin"
	"spotter/internal/testmedia"
	"spotter/timeline"
)

const (
	segment = 2 * time.Second
	// ahead is how many segments a stream publishes at most before they are analysed: less than the 15 target durations after
	// which analysis would jump to the live edge.
	ahead = 14
	// shot is how long each picture of a clip is shown.
	shot = 4 * time.Second
)

// source is one stream's origin, which can be away.
type source struct {
	*hls.Origin
	away      atomic.Bool
	published atomic.Int64
	analyzed  atomic.Int64 // milliseconds
	url       string
}

func (s *source) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.away.Load() {
		http.Error(w, "away", http.StatusServiceUnavailable)
		return
	}
	s.Origin.ServeHTTP(w, r)
}

// newSource returns an origin that begins with another segment of the clip than others.
func newSource(t *testing.T, clip hls.Clip, begin int) *source {
	t.Helper()
	s := &source{Origin: hls.New(clip, hls.Style{
		Window: 4 * ahead, Continuous: true, Target: int(segment.Seconds()), Start: time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC),
	})}
	s.Skip(begin % len(clip.Segments))
	s.publish(2)
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

func (s *source) publish(n int) {
	s.Publish(n)
	s.published.Add(int64(n))
}

// pictures are what a clip shows one after the other: photographs of the kit, and patterns.
func pictures(t *testing.T) (inputs [][]string) {
	t.Helper()
	if kit, ok := testmedia.FindKit(t, "photos"); ok {
		for _, pattern := range []string{"enrol/*.jpg", "test/*.jpg", "objects/*.jpg"} {
			files, err := filepath.Glob(filepath.Join(kit, pattern))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range files {
				inputs = append(inputs, []string{"-loop", "1", "-framerate", "25", "-t", fmt.Sprint(shot.Seconds()), "-i", f})
			}
		}
	}
	for _, lavfi := range []string{"testsrc2", "smptehdbars", "rgbtestsrc"} {
		inputs = append(inputs, []string{"-f", "lavfi", "-i", fmt.Sprintf("%s=size=320x180:rate=25,trim=duration=%v", lavfi, shot.Seconds())})
	}
	return inputs
}

// makeClip encodes the pictures.
func makeClip(t *testing.T, inputs [][]string) hls.Clip {
	t.Helper()
	var args []string
	var filter, names strings.Builder
	for i := range inputs {
		args = append(args, inputs[i]...)
		fmt.Fprintf(&filter, "[%d:v]scale=320:180:force_original_aspect_ratio=decrease,pad=320:180:-1:-1,setsar=1,fps=25,format=yuv420p[p%d];", i, i)
		fmt.Fprintf(&names, "[p%d]", i)
	}
	dir := t.TempDir()
	args = append(args, "-filter_complex", fmt.Sprintf("%s%sconcat=n=%d:v=1:a=0", filter.String(), names.String(), len(inputs)),
		"-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-g", "50", "-keyint_min", "50", "-sc_threshold", "0",
		"-f", "hls", "-hls_time", "1.98", "-hls_list_size", "0", testmedia.Playlist)
	testmedia.FFmpeg(t, dir, args...)
	clip, err := hls.Read(filepath.Join(dir, testmedia.Playlist))
	if err != nil {
		t.Fatal(err)
	}
	return clip
}

// publisher publishes segments as fast as they are analysed.
type publisher struct {
	origins []*source
	names   []string
	stop    context.CancelFunc
	done    sync.WaitGroup
}

func (p *publisher) start(c *client.Client) {
	ctx, cancel := context.WithCancel(context.Background())
	p.stop = cancel
	for i, o := range p.origins {
		p.done.Go(func() {
			tick := time.NewTicker(100 * time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-tick.C:
				case <-ctx.Done():
					return
				}
				p.look(ctx, c, i)
				done := time.Duration(o.analyzed.Load()) * time.Millisecond
				if !o.away.Load() && o.published.Load()-int64(done/segment) < ahead {
					o.publish(1)
				}
			}
		})
	}
}

// look asks how far a stream is analysed.
func (p *publisher) look(ctx context.Context, c *client.Client, i int) {
	if s, err := c.Status(ctx, p.names[i]); err == nil && s.AnalyzedUntil != nil {
		p.origins[i].analyzed.Store(int64(*s.AnalyzedUntil))
	}
}

// event returns how much of an event the streams have had, on average.
func (p *publisher) event() time.Duration {
	var sum time.Duration
	for _, o := range p.origins {
		sum += timeline.Position(o.analyzed.Load()).Duration()
	}
	return sum / time.Duration(len(p.origins))
}

// waitFor waits until so much is analysed of each stream.
func (p *publisher) waitFor(t *testing.T, d time.Duration) {
	t.Helper()
	for i, o := range p.origins {
		for late := time.Now().Add(3 * time.Minute); timeline.Position(o.analyzed.Load()).Duration() < d; {
			if time.Now().After(late) {
				t.Fatalf("%s is analysed until %v only", p.names[i], timeline.Position(o.analyzed.Load()))
			}
			waitUntil(t, time.Now().Add(50*time.Millisecond))
		}
	}
}

// finish publishes no more, and waits until all that was published is analysed.
func (p *publisher) finish(t *testing.T, b *box) {
	t.Helper()
	p.stop()
	p.done.Wait()
	for i, o := range p.origins {
		want := time.Duration(o.published.Load()) * segment
		for late := time.Now().Add(time.Minute); ; {
			p.look(t.Context(), b.client, i)
			got := timeline.Position(o.analyzed.Load()).Duration()
			if got >= want-100*time.Millisecond {
				break
			}
			if time.Now().After(late) {
				t.Errorf("%s stalled: of %v published %v are analysed", p.names[i], want, got)
				break
			}
			waitUntil(t, time.Now().Add(50*time.Millisecond))
		}
	}
}
