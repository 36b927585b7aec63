//go:build bench

package bench_test

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/valyala/fasthttp"

	"spotter/httpapi"
	"spotter/internal/mediatest"
	"spotter/timeline"
)

const (
	viewerMedia        = "cup-final"
	viewerObservations = 22_000 // 12 h of scenes of 2 s
	viewerScene        = timeline.Position(2000)
	viewerMaxScene     = timeline.Position(30_000) // how long before a window a scene that meets it may begin
	// viewerVariable makes a process started from the test binary be the server that it names.
	viewerVariable = "SPOTTER_BENCH_VIEWER"
)

// The ways to answer a look-up. The bare handler says the same to all; its body is as long as Spotter's are on average.
const (
	viewerSpotter = "spotter"
	viewerBare    = "bare fasthttp"
	viewerRedis   = "Redis sorted set"
	viewerSQLite  = "SQLite, indexed"
)

var viewerContenders = []string{viewerSpotter, viewerBare, viewerRedis, viewerSQLite}

// busyEvent is n scenes with three people and five objects each.
func busyEvent(n int) []*timeline.Observation {
	list := make([]*timeline.Observation, n)
	for i := range list {
		from := timeline.Position(i) * viewerScene
		o := &timeline.Observation{Media: viewerMedia, Span: timeline.Span{From: from, Until: from + viewerScene}, Source: timeline.SourceRekognition, Revision: 1}
		for j := range 3 {
			id := fmt.Sprint((i + j) % 40)
			o.Celebrities = append(o.Celebrities, timeline.Entity{
				Name: "Person " + id, ID: "3Ir0du" + id, URLs: []string{"www.imdb.com/name/nm" + id}, Confidence: float64(60 + (i+j)%40),
			})
		}
		for j := range 5 {
			o.Objects = append(o.Objects, timeline.Entity{Name: fmt.Sprint("Object ", (i+3*j)%25), Confidence: float64(60+(i+j)%40) + 0.25})
		}
		list[i] = o
	}
	return list
}

// viewerPaths are n look-ups of 15 s anywhere in an event, the same at each call.
func viewerPaths(n, observations int) []string {
	r := rand.New(rand.NewPCG(15, 12))
	list := make([]string, n)
	for i := range list {
		position := 10_000 + timeline.Position(r.Int64N(int64(observations)*int64(viewerScene)-15_000))
		list[i] = fmt.Sprintf("/v1/media/%s/context?position=%v&backward=10&forward=5", viewerMedia, position)
	}
	return list
}

// newSpotter is the viewer API over a busy event in memory, as the store publishes it.
func newSpotter(observations int) *httpapi.Server {
	until := timeline.Position(observations) * viewerScene
	box := mediatest.NewBox(mediatest.Event{
		Status:   httpapi.Status{Media: viewerMedia, State: httpapi.StateLive, LiveEdge: &until, AnalyzedUntil: &until},
		Timeline: timeline.New(busyEvent(observations), []timeline.Span{{From: 0, Until: until}}),
		Zero:     time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC),
	})
	return httpapi.NewViewer(httpapi.ViewerConfig{Media: box, Registerer: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler)})
}

// typicalBody is the answer whose length is the median of Spotter's.
func typicalBody() []byte {
	s := newSpotter(viewerObservations)
	var bodies [][]byte
	for _, path := range viewerPaths(501, viewerObservations) {
		bodies = append(bodies, slices.Clone(handled(s, path).Response.Body()))
	}
	slices.SortFunc(bodies, func(a, b []byte) int { return cmp.Compare(len(a), len(b)) })
	return bodies[len(bodies)/2]
}

// handled is a request that came over no listener, and its answer.
func handled(s *httpapi.Server, path string) *fasthttp.RequestCtx {
	ctx := new(fasthttp.RequestCtx)
	var req fasthttp.Request
	req.SetRequestURI(path)
	ctx.Init(&req, nil, nil)
	s.Handle(ctx)
	return ctx
}

// TestViewerServer is the process of one server that TestViewer starts. It prints its address and ends with its standard input.
func TestViewerServer(t *testing.T) {
	contender := os.Getenv(viewerVariable)
	if contender == "" {
		t.Skip("TestViewer starts this")
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	raiseFiles()
	var serve func(net.Listener) error
	switch contender {
	case viewerSpotter:
		serve = newSpotter(viewerObservations).Serve
	case viewerBare:
		body := typicalBody()
		serve = (&fasthttp.Server{Handler: func(ctx *fasthttp.RequestCtx) {
			ctx.SetContentType("application/json")
			ctx.SetBody(body)
		}}).Serve
	case viewerRedis:
		serve = (&fasthttp.Server{Handler: lookUpHandler(openRedis(t))}).Serve
	case viewerSQLite:
		serve = (&fasthttp.Server{Handler: lookUpHandler(openSQLite(t))}).Serve
	}
	served := make(chan error, 1)
	go func() { served <- serve(ln) }()
	fmt.Printf("%s%s\n", listening, ln.Addr())
	os.Stdin.Read(make([]byte, 1)) // returns when TestViewer is done
	ln.Close()
	if err := <-served; err != nil {
		t.Log(err)
	}
}

// What a server's process says: where it listens, or why it does not.
const (
	listening = "listening on "
	absent    = "absent: "
)

// startContender starts a server's process and returns its address, or why it is absent where what it needs is not there.
func startContender(t *testing.T, contender string) (addr, why string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestViewerServer$", "-test.v", "-test.timeout=30m")
	cmd.Env = append(os.Environ(), viewerVariable+"="+contender)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v", contender, err)
		}
	})
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if addr, ok := strings.CutPrefix(lines.Text(), listening); ok {
			return addr, ""
		}
		if _, why, ok := strings.Cut(lines.Text(), absent); ok {
			fmt.Printf("%s is left out: %s\n", contender, why)
			return "", why
		}
	}
	t.Fatalf("%s did not start", contender)
	return "", ""
}

// seen is what an answer says of who is on screen.
type seen struct {
	Celebrities []seenEntity `json:"celebrities"`
	Objects     []seenEntity `json:"objects"`
}

// checkContender compares its answers with Spotter's, so that all that are measured say the same.
func checkContender(t *testing.T, contender, addr string) {
	t.Helper()
	s := newSpotter(viewerObservations)
	for _, path := range viewerPaths(50, viewerObservations) {
		status, body, err := fasthttp.Get(nil, "http://"+addr+path)
		if err != nil || status != fasthttp.StatusOK {
			t.Fatalf("%s: %d, %v", contender, status, err)
		}
		var got, want seen
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatalf("%s: %v", contender, err)
		}
		if err := json.Unmarshal(handled(s, path).Response.Body(), &want); err != nil {
			t.Fatal(err)
		}
		if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
			t.Fatalf("%s answers %s with %s, not %s", contender, path, g, w)
		}
	}
}
