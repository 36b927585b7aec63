//go:build bench

package bench_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// loadVariable makes a process started from the test binary put the load at its value, as JSON, on a server.
const loadVariable = "SPOTTER_BENCH_LOAD"

// load is what a server is asked.
type load struct {
	Addr        string
	Connections int
	Warm, For   time.Duration
	// Rate is the requests a second that are due, whether or not the ones before them were answered; 0 stands for a closed
	// loop, in which each connection asks as soon as it has its answer.
	Rate int
}

// loadResult is what came of it, with latencies in nanoseconds. In an open loop a latency counts from when the request was due.
type loadResult struct {
	Requests            int
	Seconds             float64
	P50, P99, P999, Max int64
}

func (r *loadResult) rate() float64 { return float64(r.Requests) / r.Seconds }

// apply puts the load on the server from a process of its own, so that it shares neither collector nor scheduler with it.
func (l load) apply(t *testing.T) loadResult {
	t.Helper()
	text, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestViewerLoad$", "-test.v")
	cmd.Env = append(os.Environ(), loadVariable+"="+string(text))
	out, err := cmd.CombinedOutput()
	var r loadResult
	for line := range strings.Lines(string(out)) {
		if told, ok := strings.CutPrefix(line, "result: "); ok {
			if err := json.Unmarshal([]byte(told), &r); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err != nil || r.Requests == 0 {
		t.Fatalf("load: %v: %s", err, out)
	}
	return r
}

// TestViewerLoad is the process of clients that load.apply starts.
func TestViewerLoad(t *testing.T) {
	text := os.Getenv(loadVariable)
	if text == "" {
		t.Skip("TestViewer starts this")
	}
	var l load
	if err := json.Unmarshal([]byte(text), &l); err != nil {
		t.Fatal(err)
	}
	raiseFiles()
	players, err := connect(l)
	if err != nil {
		t.Fatal(err)
	}
	var r loadResult
	if l.Rate > 0 {
		r, err = l.open(players)
	} else {
		r, err = l.closed(players)
	}
	if err != nil {
		t.Fatal(err)
	}
	told, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("result: %s\n", told)
}

// player is one client's connection.
type player struct {
	conn      net.Conn
	in        *bufio.Reader
	requests  [][]byte
	next      int
	latencies []int64
}

func connect(l load) ([]*player, error) {
	const different = 4096
	var requests [][]byte
	for _, path := range viewerPaths(different, viewerObservations) {
		requests = append(requests, fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: spotter\r\n\r\n", path))
	}
	players := make([]*player, l.Connections)
	for i := range players {
		conn, err := net.Dial("tcp", l.Addr)
		if err != nil {
			return nil, err
		}
		players[i] = &player{conn: conn, in: bufio.NewReaderSize(conn, 8<<10), requests: requests, next: i * 61 % different}
	}
	return players, nil
}

// ask asks for the next window and reads the answer.
func (p *player) ask() error {
	if _, err := p.conn.Write(p.requests[p.next]); err != nil {
		return err
	}
	p.next = (p.next + 1) % len(p.requests)
	length := -1
	for first := true; ; first = false {
		line, err := p.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		switch field := "Content-Length: "; {
		case first && !bytes.HasPrefix(line, []byte("HTTP/1.1 200 ")):
			return fmt.Errorf("answer: %s", line)
		case len(line) > len(field) && string(line[:len(field)]) == field:
			if length, err = strconv.Atoi(string(bytes.TrimSpace(line[len(field):]))); err != nil {
				return err
			}
		case len(line) == 2:
			if length < 0 {
				return errors.New("an answer has no length")
			}
			_, err := p.in.Discard(length)
			return err
		}
	}
}

// closed has each player ask again as soon as it is answered. What is answered in the warming-up does not count.
func (l load) closed(players []*player) (loadResult, error) {
	begin := time.Now().Add(l.Warm)
	end := begin.Add(l.For)
	var all sync.WaitGroup
	failed := make([]error, len(players))
	for i, p := range players {
		all.Go(func() {
			for asked := time.Now(); asked.Before(end); {
				if failed[i] = p.ask(); failed[i] != nil {
					return
				}
				now := time.Now()
				if asked.After(begin) && now.Before(end) {
					p.latencies = append(p.latencies, int64(now.Sub(asked)))
				}
				asked = now
			}
		})
	}
	all.Wait()
	return sum(players, l.For), errors.Join(failed...)
}

// open has requests be due at a constant rate; any player that is free takes the next. A request waits where none is.
func (l load) open(players []*player) (loadResult, error) {
	begin := time.Now().Add(50 * time.Millisecond)
	gap := time.Second / time.Duration(l.Rate)
	warm := int(l.Warm / gap)
	n := warm + int(l.For/gap)
	due := make(chan int, n) // with room for all, so that the schedule never waits for the server
	var all sync.WaitGroup
	failed := make([]error, len(players))
	for i, p := range players {
		all.Go(func() {
			for k := range due {
				if failed[i] = p.ask(); failed[i] != nil {
					return
				}
				if k >= warm {
					p.latencies = append(p.latencies, int64(time.Since(begin.Add(time.Duration(k)*gap))))
				}
			}
		})
	}
	runtime.LockOSThread() // the kernel's timer is exact to some 60 us, Go's to a millisecond
	defer runtime.UnlockOSThread()
	for k := range n {
		if wait := time.Until(begin.Add(time.Duration(k) * gap)); wait > 0 {
			nap := syscall.NsecToTimespec(int64(wait))
			_ = syscall.Nanosleep(&nap, nil) // one that a signal cuts short is late by nothing
		}
		due <- k
	}
	close(due)
	all.Wait()
	return sum(players, time.Since(begin)-l.Warm), errors.Join(failed...)
}

// sum puts the players' latencies into one histogram.
func sum(players []*player, took time.Duration) loadResult {
	h := hdrhistogram.New(1, int64(10*time.Minute), 3)
	for _, p := range players {
		for _, l := range p.latencies {
			_ = h.RecordValue(max(1, l)) // ten minutes are more than a load takes
		}
		p.conn.Close()
	}
	return loadResult{
		Requests: int(h.TotalCount()), Seconds: took.Seconds(),
		P50: h.ValueAtQuantile(50), P99: h.ValueAtQuantile(99), P999: h.ValueAtQuantile(99.9), Max: h.Max(),
	}
}
