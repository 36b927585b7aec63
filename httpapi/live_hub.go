package httpapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// Why a stream ends, unless its client went.
var (
	errSlow      = errors.New("slow")       // the client took nothing for liveLimits.write
	errBehind    = errors.New("behind")     // the client is further behind than events are kept
	errMediaGone = errors.New("media_gone") // there is no such media any more
	errExpired   = errors.New("expired")    // the client's token has, or its key was withdrawn
	errClosing   = errors.New("closing")    // the server shuts down, or the feed ends
)

// hub owns the live streams of a viewer API: a goroutine for each media that is followed, one for each client.
type hub struct {
	media   Media
	limits  liveLimits
	metrics liveMetrics
	log     *slog.Logger
	done    chan struct{} // closed by close
	buffers sync.Pool     // of *[]byte, for what is more than one event

	wg      sync.WaitGroup
	mu      sync.Mutex
	closed  bool
	feeds   map[string]*feed // by the media's id
	clients map[*liveClient]struct{}
}

type liveMetrics struct {
	clients prometheus.Gauge
	events  prometheus.Counter
	dropped *prometheus.CounterVec
}

func newHub(media Media, limits liveLimits, reg prometheus.Registerer, log *slog.Logger) *hub {
	auto := promauto.With(reg)
	h := &hub{
		media: media, limits: limits, log: log, done: make(chan struct{}),
		feeds: make(map[string]*feed), clients: make(map[*liveClient]struct{}),
		metrics: liveMetrics{
			clients: auto.NewGauge(prometheus.GaugeOpts{
				Name: "spotter_viewer_live_clients",
				Help: "Clients that follow a live stream of events now.",
			}),
			events: auto.NewCounter(prometheus.CounterOpts{
				Name: "spotter_viewer_live_events_total",
				Help: "Events made for live streams, each counted once however many clients get it.",
			}),
			dropped: auto.NewCounterVec(prometheus.CounterOpts{
				Name: "spotter_viewer_live_dropped_total",
				Help: "Clients whose live stream was ended: slow took nothing for long, behind lacked more than is kept, media_gone has no media.",
			}, []string{"reason"}),
		},
	}
	for _, reason := range []error{errSlow, errBehind, errMediaGone, errExpired} {
		h.metrics.dropped.WithLabelValues(reason.Error())
	}
	h.buffers.New = func() any { return new([]byte) }
	return h
}

// feed returns the feed of a media, which begins with its first client. It lasts liveLimits.idle without one.
func (h *hub) feed(id string) (*feed, error) {
	if f := h.running(id); f != nil {
		return f, nil
	}
	// Without the lock: it may ask over a network.
	f, err := newFeed(h, id)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, fmt.Errorf("%w: shutting down", ErrUnavailable)
	}
	if other := h.feeds[id]; other != nil {
		f = other
	} else {
		h.feeds[id] = f
		h.wg.Go(f.run)
	}
	f.used = time.Now()
	return f, nil
}

func (h *hub) running(id string) *feed {
	h.mu.Lock()
	defer h.mu.Unlock()
	f := h.feeds[id]
	if f != nil {
		f.used = time.Now()
	}
	return f
}

// forget lets the next client begin a feed of its own.
func (h *hub) forget(f *feed) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.feeds, f.id)
}

// forgetIdle forgets a feed that nobody has used for long, and reports whether it did.
func (h *hub) forgetIdle(f *feed) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if f.clients > 0 || time.Since(f.used) < h.limits.idle {
		return false
	}
	delete(h.feeds, f.id)
	return true
}

// full reports whether no client may join. A few more do when many ask at the same moment.
func (h *hub) full() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.clients) >= h.limits.clients
}

// take writes the answer's head and then the stream to conn, which is the hub's from now on. It returns at once.
func (h *hub) take(conn net.Conn, who *Identity, f *feed, join *joining, head []byte) {
	c := &liveClient{hub: h, feed: f, conn: conn, who: who}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		conn.Close()
		return
	}
	h.clients[c] = struct{}{}
	f.clients++
	h.metrics.clients.Inc()
	// A goroutine of its own: that of the request has grown a stack for more than this.
	h.wg.Go(func() { c.run(head, join) })
}

func (h *hub) leave(c *liveClient) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.clients, c)
	c.feed.clients--
	c.feed.used = time.Now()
	h.metrics.clients.Dec()
}

// close ends all streams and waits for that, or until ctx ends, whose error it returns then. It may be called again.
func (h *hub) close(ctx context.Context) error {
	h.mu.Lock()
	if !h.closed {
		h.closed = true
		close(h.done)
	}
	for c := range h.clients {
		// Whoever writes now, to a client that does not read, is done within this; see liveClient.write.
		_ = c.conn.SetWriteDeadline(time.Now().Add(h.limits.farewell))
	}
	h.mu.Unlock()
	ended := make(chan struct{})
	go func() {
		h.wg.Wait() // ends: no client may take longer than the deadline, and a look has one of its own
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
