// Package intruder owns the client that nobody wants: it asks a viewer API random, malformed, slow and endless things over
// TCP, and tells what of the answers no client should have got.
package intruder

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Attack is a series of requests against one server. The same seed, media and number of workers make the same requests.
type Attack struct {
	Addr     string
	Seed     uint64
	Requests int
	Workers  int
	// Media are ids that the server knows.
	Media []string
}

// Report is what came of an attack.
type Report struct {
	// Sent are the requests, or what stood in the place of one; Answers are the answers, by status.
	Sent    int
	Answers map[int]int
	// Streams are the answers that are without an end, which were left after their head.
	Streams int
	// Unanswered are malformed requests after which the server hung up without a word.
	Unanswered int
	// Faults are the first of the answers that break what the API promises, and FaultCount counts them all: a 5xx other than
	// 503, what is not HTTP, an error that is no problem of RFC 9457, and silence after a request that was well-formed.
	Faults     []string
	FaultCount int
}

// maxFaults is how many faults are told.
const maxFaults = 10

// patience is how long an answer is waited for. It is beyond what a machine with other work takes.
const patience = 30 * time.Second

// Run carries the attack out. It returns an error where the server cannot be reached at all, or ctx's when it ends first.
func (a Attack) Run(ctx context.Context) (Report, error) {
	total := Report{Answers: map[int]int{}}
	var mu sync.Mutex
	var all sync.WaitGroup
	var failed error
	names := make([]string, len(a.Media))
	for i, id := range a.Media {
		names[i] = url.PathEscape(id)
	}
	for i := range a.Workers {
		n := a.Requests / a.Workers
		if i < a.Requests%a.Workers {
			n++
		}
		all.Go(func() {
			w := &worker{
				addr: a.Addr, r: rand.New(rand.NewPCG(a.Seed, uint64(i))), media: names,
				report: Report{Answers: map[int]int{}},
			}
			err := w.run(ctx, n)
			mu.Lock()
			defer mu.Unlock()
			total.add(&w.report)
			if err != nil && failed == nil {
				failed = err
			}
		})
	}
	all.Wait()
	return total, failed
}

func (r *Report) add(o *Report) {
	r.Sent += o.Sent
	r.Streams += o.Streams
	r.Unanswered += o.Unanswered
	r.FaultCount += o.FaultCount
	for status, n := range o.Answers {
		r.Answers[status] += n
	}
	for _, f := range o.Faults {
		if len(r.Faults) < maxFaults {
			r.Faults = append(r.Faults, f)
		}
	}
}

// String sums the report up in a line.
func (r Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d requests sent, %d streams left, %d malformed ones hung up on, %d faults; answers by status:", r.Sent, r.Streams, r.Unanswered, r.FaultCount)
	for status := range 600 {
		if n := r.Answers[status]; n > 0 {
			fmt.Fprintf(&b, " %d: %d", status, n)
		}
	}
	return b.String()
}

func (r *Report) fault(m *message, format string, args ...any) {
	if r.FaultCount++; len(r.Faults) < maxFaults {
		text := m.text
		if len(text) > 300 {
			text = text[:300]
		}
		r.Faults = append(r.Faults, fmt.Sprintf(format, args...)+fmt.Sprintf(" after %s %q", m.kind, text))
	}
}

// dial connects from one of many addresses of the loopback network, as a crowd would.
func dial(ctx context.Context, r *rand.Rand, addr string) (*net.TCPConn, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, byte(r.IntN(8)), byte(1+r.IntN(250)))}, Timeout: patience}
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("reach the server: %w", err)
	}
	tcp := conn.(*net.TCPConn)
	return tcp, tcp.SetLinger(0)
}
