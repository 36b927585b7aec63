//go:build soak && linux

package soak_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"spotter/httpapi"
	"spotter/httpapi/client"
)

const (
	watchers = 4 // who look up all the while
	pause    = 25 * time.Millisecond
	follow   = 10 * time.Second // for which a live stream is followed
)

// audience are viewers, who look up, click, and follow live streams. Half of their look-ups come from new ones.
type audience struct {
	stop context.CancelFunc
	done sync.WaitGroup

	asked, clicked, failed, followed, count atomic.Int64
	mu                                      sync.Mutex
	took                                    []time.Duration
	first                                   error
}

func newAudience(t *testing.T, b *box, media []string) *audience {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	a := &audience{stop: cancel}
	for range watchers {
		a.done.Go(func() { a.watch(ctx, b, media) })
	}
	a.done.Go(func() { a.live(ctx, b, media) })
	t.Cleanup(func() { cancel(); a.done.Wait() })
	return a
}

func (a *audience) watch(ctx context.Context, b *box, media []string) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if err := a.ask(ctx, b.client, media[rand.IntN(len(media))]); err != nil && ctx.Err() == nil {
			a.fail(err)
		}
	}
}

// ask is one look-up, and for one in four a click.
func (a *audience) ask(ctx context.Context, c *client.Client, media string) error {
	status, err := c.Status(ctx, media)
	if err != nil || status.AnalyzedUntil == nil {
		return err
	}
	viewer := rand.Int64N(200)
	if rand.IntN(2) == 0 {
		viewer = 200 + a.count.Add(1)
	}
	began := time.Now()
	got, err := c.Context(ctx, media, client.Query{At: *status.AnalyzedUntil - 500, Backward: 10_000, Profile: fmt.Sprint("viewer-", viewer)})
	took := time.Since(began)
	if err != nil {
		return err
	}
	a.asked.Add(1)
	a.mu.Lock()
	a.took = append(a.took, took)
	a.mu.Unlock()
	if len(got.Instruments) > 0 && rand.IntN(4) == 0 {
		if err := c.Event(ctx, got.Instruments[0].Decision, httpapi.EventClick, 1); err != nil {
			return err
		}
		a.clicked.Add(1)
	}
	return nil
}

// live follows one stream after another for a while.
func (a *audience) live(ctx context.Context, b *box, media []string) {
	for i := 0; ctx.Err() == nil; i++ {
		following, cancel := context.WithTimeout(ctx, follow)
		req, err := http.NewRequestWithContext(following, http.MethodGet, b.viewer+"/v1/media/"+media[i%len(media)]+"/live", nil)
		if err == nil {
			var resp *http.Response
			if resp, err = http.DefaultClient.Do(req); err == nil {
				io.Copy(io.Discard, resp.Body) // ends with following
				resp.Body.Close()
				a.followed.Add(1)
			}
		}
		if cancel(); err != nil && ctx.Err() == nil {
			a.fail(err)
			return
		}
	}
}

func (a *audience) fail(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.failed.Add(1) == 1 {
		a.first = err
	}
}

// end sends the viewers away and says how they fared.
func (a *audience) end(t *testing.T) string {
	t.Helper()
	a.stop()
	a.done.Wait()
	if n := a.failed.Load(); n > 0 {
		t.Errorf("%d look-ups failed, the first so: %v", n, a.first)
	}
	slices.Sort(a.took)
	if len(a.took) == 0 {
		t.Fatal("nobody was answered")
	}
	return fmt.Sprintf("%d look-ups, %d of new viewers, %d clicks, %d live streams, %d failed; p50 %v, p99 %v, the slowest %v", a.asked.Load(), a.count.Load(),
		a.clicked.Load(), a.followed.Load(), a.failed.Load(), a.took[len(a.took)/2], a.took[len(a.took)*99/100], a.took[len(a.took)-1])
}
