//go:build bench

package bench_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/prometheus/client_golang/prometheus"

	"spotter/httpapi"
	"spotter/internal/scorecard/record"
	"spotter/timeline"
)

const (
	livePause = 500 * time.Millisecond // between two observations
	liveStart = 30 * time.Second       // for all clients to connect
	// liveVariable makes a process started from the test binary be the clients of a server: "ADDRESS CLIENTS OBSERVATIONS".
	liveVariable = "SPOTTER_BENCH_LIVE"
)

// crowd is who follows a media, and how much happens.
type crowd struct{ clients, observations int }

// pushed is a media that gets one observation after another; an object's name says when.
type pushed struct {
	snapshot atomic.Pointer[timeline.Timeline]
}

const pushedMedia = "cup-final"

func (p *pushed) IDs() ([]string, error) { return []string{pushedMedia}, nil }

func (p *pushed) Status(id string) (httpapi.Status, error) {
	return httpapi.Status{Media: id, State: httpapi.StateLive}, nil
}

func (p *pushed) Timeline(string, timeline.Span) (*timeline.Timeline, error) {
	return p.snapshot.Load(), nil
}

func (p *pushed) Settled(string) (timeline.Position, bool, error) {
	until, ok := p.snapshot.Load().AnalyzedUntil()
	return until - 30_000, ok, nil
}

func (p *pushed) PositionAt(string, time.Time) (timeline.Position, bool, error) { return 0, false, nil }

func (p *pushed) push(i int) {
	from := timeline.Position(i) * 2000
	o := &timeline.Observation{
		Media: pushedMedia, Span: timeline.Span{From: from, Until: from + 2000}, Source: timeline.SourceRekognition, Revision: 1,
		Celebrities: []timeline.Entity{
			{Name: "Lin-Manuel Miranda", ID: "4oW6Pz", URLs: []string{"www.imdb.com/name/nm0592135"}, Confidence: 99.1},
			{Name: "Daveed Diggs", ID: "2Uq1Ba", URLs: []string{"www.imdb.com/name/nm4101127"}, Confidence: 97.4},
		},
		Objects: []timeline.Entity{
			{Name: "Person", Confidence: 99},
			{Name: "Couch", Confidence: 93.4},
			{Name: "Microphone", Confidence: 90.2},
			{Name: fmt.Sprintf("at=%d", time.Now().UnixNano()), Confidence: 50},
		},
	}
	p.snapshot.Store(p.snapshot.Load().With([]*timeline.Observation{o}, []timeline.Span{o.Span}))
}

// TestLive lets more and more clients, up to ten thousand, in a process of their own follow one media, and prints what a client
// costs and how long after its observation it has an event. Run it with
//
//	go test -tags bench -v -run 'TestLive$' ./internal/bench
func TestLive(t *testing.T) {
	const (
		group = record.Growth + "viewers that follow one event"
		note  = "An observation is written to each viewer in turn, so the last waits for all before it; the clients run on the same cores. " +
			"Memory is in proportion once the server's own no longer counts."
	)
	crowds := []crowd{{10, 20}, {100, 20}, {1000, 20}, {10_000, 100}}
	if record.Quick() {
		crowds = []crowd{{10, 6}, {1000, 6}}
	}
	limit := raiseFiles()
	for _, c := range crowds {
		t.Run(fmt.Sprint(c.clients), func(t *testing.T) {
			if limit < uint64(c.clients)+200 {
				t.Skipf("%d open files are allowed, which is not enough for %d clients: raise ulimit -n", limit, c.clients)
			}
			r := c.follow(t)
			for _, m := range []record.Measurement{
				{Name: "CPU of the server for an event to all", Unit: "ms", Values: []float64{r.cpu * 1e3}, Note: note},
				{Name: "p50 from observation to viewer", Unit: "ms", Values: []float64{r.p50 * 1e3}},
				{Name: "p99 from observation to viewer", Unit: "ms", Values: []float64{r.p99 * 1e3}},
				{Name: "memory of the server, all viewers", Unit: "MB", Values: []float64{r.memory / 1e6}},
			} {
				if m.Values[0] <= 0 {
					continue // less than the collector gave back meanwhile
				}
				m.Group, m.Axis, m.X = group, "viewers", float64(c.clients)
				record.Add(t, m)
			}
		})
	}
}

// followed is what a crowd took: seconds of the server's CPU for an event to all, its bytes of memory, and the seconds from an
// observation to a viewer's event.
type followed struct{ cpu, memory, p50, p99 float64 }

// follow serves the crowd and prints what it took.
func (c crowd) follow(t *testing.T) (r followed) {
	media := new(pushed)
	media.snapshot.Store(new(timeline.Timeline))
	reg := prometheus.NewRegistry()
	s := httpapi.NewViewer(httpapi.ViewerConfig{Media: media, Registerer: reg, Log: slog.New(slog.DiscardHandler)})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	before := memory(t)

	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	clients := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestLiveClients$", "-test.v")
	clients.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d %d", liveVariable, ln.Addr(), c.clients, c.observations))
	var said bytes.Buffer
	clients.Stdout, clients.Stderr = &said, &said
	if err := clients.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(liveStart); gauge(t, reg) < float64(c.clients); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%v clients after %v", gauge(t, reg), liveStart)
		}
	}
	time.Sleep(2 * time.Second) // for what was buffered meanwhile to be handed back
	idle := memory(t)
	cpu := cpuTime(t)
	for i := range c.observations {
		media.push(i)
		time.Sleep(livePause)
	}
	cpu = cpuTime(t) - cpu
	if err := clients.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, said.String())
	}
	busy := memory(t)
	n := int64(c.clients)
	fmt.Printf("%d clients, idle: %d bytes each of the process's memory, %d of its heap, %d of its stacks\n", n,
		(idle.resident-before.resident)/n, (idle.heap-before.heap)/n, (idle.stacks-before.stacks)/n)
	fmt.Printf("after %d observations: %d bytes each; %v of CPU time an event and client\n", c.observations,
		(busy.resident-before.resident)/n, cpu/time.Duration(c.clients*c.observations))
	for line := range strings.Lines(said.String()) {
		if result, ok := strings.CutPrefix(line, "clients: "); ok {
			fmt.Print(result)
		} else if result, ok := strings.CutPrefix(line, "latencies: "); ok {
			if _, err := fmt.Sscan(result, &r.p50, &r.p99); err != nil {
				t.Error(err)
			}
		}
	}
	r.cpu, r.memory = cpu.Seconds()/float64(c.observations), float64(max(0, busy.resident-before.resident))
	began := time.Now()
	if err := s.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
	fmt.Printf("shut down in %v\n", time.Since(began).Round(time.Millisecond))
	return r
}

// TestLiveClients is the process of clients that TestLive starts.
func TestLiveClients(t *testing.T) {
	text := os.Getenv(liveVariable)
	if text == "" {
		t.Skip("TestLive starts this")
	}
	var addr string
	var c crowd
	if _, err := fmt.Sscan(text, &addr, &c.clients, &c.observations); err != nil {
		t.Fatal(err)
	}
	raiseFiles()
	var all sync.WaitGroup
	var mu sync.Mutex
	total := hdrhistogram.New(1, int64(time.Minute/time.Microsecond), 3)
	failed := 0
	dialing := make(chan struct{}, 64) // so that the listener's queue does not overflow
	for range c.clients {
		all.Go(func() {
			h, err := c.hear(addr, dialing)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				if failed++; failed < 5 {
					t.Error(err)
				}
				return
			}
			for _, us := range h {
				if err := total.RecordValue(us); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	at := func(q float64) time.Duration { return time.Duration(total.ValueAtQuantile(q)) * time.Microsecond }
	fmt.Printf("clients: %d events, each once and in order to each of %d clients, %d failed; from observation to client p50 %v, p99 %v, max %v\n",
		total.TotalCount(), c.clients, failed, at(50), at(99), at(100))
	fmt.Printf("latencies: %g %g\n", at(50).Seconds(), at(99).Seconds())
}

// hear returns after how many microseconds each observation came, or why not each came once.
func (c crowd) hear(addr string, dialing chan struct{}) ([]int64, error) {
	dialing <- struct{}{}
	conn, err := net.Dial("tcp", addr)
	if err == nil {
		defer conn.Close()
		_, err = io.WriteString(conn, "GET /v1/media/"+pushedMedia+"/live HTTP/1.1\r\nHost: spotter\r\n\r\n")
	}
	<-dialing
	if err != nil {
		return nil, err
	}
	var late []int64
	r := bufio.NewReaderSize(conn, 2048)
	for len(late) < c.observations {
		line, err := r.ReadString('\n')
		if err != nil {
			return nil, fmt.Errorf("after %d observations: %w", len(late), err)
		}
		_, name, ok := strings.Cut(line, `"at=`)
		if !ok {
			continue
		}
		now := time.Now().UnixNano()
		digits, _, _ := strings.Cut(name, `"`)
		at, err := strconv.ParseInt(digits, 10, 64)
		if err != nil {
			return nil, err
		}
		if want := fmt.Sprintf(`"from":%v,`, timeline.Position(len(late))*2000); !strings.Contains(line, want) {
			return nil, fmt.Errorf("not %s but %s", want, line)
		}
		late = append(late, max(1, (now-at)/1000))
	}
	return late, nil
}

// raiseFiles raises the limit of open files as far as is allowed and returns it.
func raiseFiles() uint64 {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0
	}
	limit.Cur = limit.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0
	}
	return limit.Cur
}

func gauge(t *testing.T, reg *prometheus.Registry) (n float64) {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "spotter_viewer_live_clients" {
			n = f.Metric[0].GetGauge().GetValue()
		}
	}
	return n
}

// used is memory in bytes, without the kernel's.
type used struct{ resident, heap, stacks int64 }

func memory(t *testing.T) used {
	t.Helper()
	debug.FreeOSMemory() // what the tests before this one left
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return used{resident: resident(t), heap: int64(m.HeapAlloc), stacks: int64(m.StackInuse)}
}

// resident returns the process's resident memory (proc(5), /proc/pid/statm).
func resident(t *testing.T) int64 {
	t.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	var size, pages int64
	if _, err := fmt.Sscan(string(text), &size, &pages); err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}

func cpuTime(t *testing.T) time.Duration {
	t.Helper()
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		t.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
