package main_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"spotter/timeline"
)

// patience is how long a test waits for what must happen; a loaded machine is slow.
const patience = 60 * time.Second

// box is the real program at work, as a child process.
type box struct {
	t             *testing.T
	viewer, admin string // addresses of its listeners
	file          string // of its configuration

	process *os.Process
	ended   chan struct{} // closed at its end, after which code holds
	code    int

	mu  sync.Mutex
	log strings.Builder
}

// raceOptions has the race detector of a child wait for late races for less than its second, which each command of a test would last longer.
const raceOptions = "atexit_sleep_ms=50"

// environment is the child's: nothing of the tester's own AWS configuration reaches it.
func environment(extra []string) []string {
	env := []string{
		"PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir(), "HOME=/nonexistent", "GORACE=" + raceOptions,
		"AWS_EC2_METADATA_DISABLED=true", "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret", "AWS_REGION=us-east-1",
	}
	return append(env, extra...)
}

// launch starts spotter run with a configuration.
func launch(t *testing.T, conf string, env ...string) *box {
	t.Helper()
	path := filepath.Join(t.TempDir(), "spotter.yaml")
	if err := os.WriteFile(path, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("spotter", "run", "--config", path)
	cmd.Env = environment(env)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	b := &box{t: t, file: path, process: cmd.Process, ended: make(chan struct{})}
	ready := make(chan struct{})
	go func() {
		defer close(b.ended)
		b.read(stderr, ready)
		if err := cmd.Wait(); err != nil {
			b.code = -1
			if e, ok := errors.AsType[*exec.ExitError](err); ok {
				b.code = e.ExitCode()
			}
		}
	}()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-b.ended
		if t.Failed() {
			t.Logf("log of the box:\n%s", b.logged())
		}
	})
	select {
	case <-ready:
	case <-b.ended:
	case <-time.After(patience):
		t.Fatal("the box neither runs nor ends")
	}
	return b
}

// start launches a box that is to run.
func start(t *testing.T, conf string, env ...string) *box {
	t.Helper()
	b := launch(t, conf, env...)
	if b.viewer == "" {
		t.Fatal("the box ended at once")
	}
	return b
}

var running = regexp.MustCompile(`msg="spotter runs" .*viewer=(\S+) admin=(\S+)`)

// read keeps the log, and closes ready when it tells the listeners' addresses.
func (b *box) read(stderr io.Reader, ready chan<- struct{}) {
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		b.mu.Lock()
		b.log.WriteString(lines.Text() + "\n")
		b.mu.Unlock()
		if m := running.FindStringSubmatch(lines.Text()); m != nil {
			b.viewer, b.admin = m[1], m[2]
			close(ready)
		}
	}
}

func (b *box) logged() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log.String()
}

func (b *box) signal(s syscall.Signal) {
	b.t.Helper()
	if err := b.process.Signal(s); err != nil {
		b.t.Fatal(err)
	}
}

// end waits for the box's end and returns its exit code, -1 where a signal ended it.
func (b *box) end(within time.Duration) int {
	b.t.Helper()
	select {
	case <-b.ended:
		return b.code
	case <-time.After(within):
		b.t.Fatalf("the box still runs after %v", within)
		return 0
	}
}

// stop ends a box as systemd does.
func (b *box) stop() {
	b.t.Helper()
	b.signal(syscall.SIGTERM)
	if code := b.end(10 * time.Second); code != 0 {
		b.t.Fatalf("exit code %d after SIGTERM, want 0", code)
	}
}

// ask makes a request and returns the answer with its body read.
func (b *box) ask(method, address string) (*http.Response, []byte) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, address, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return resp, body
}

// get decodes a JSON answer, which must be 200.
func (b *box) get(path string, into any) {
	b.t.Helper()
	resp, body := b.ask(http.MethodGet, b.viewer+path)
	if resp.StatusCode != http.StatusOK {
		b.t.Fatalf("GET %s: %s: %s", path, resp.Status, body)
	}
	if err := json.Unmarshal(body, into); err != nil {
		b.t.Fatalf("GET %s: %v: %s", path, err, body)
	}
}

// status is GET /v1/media/{media}.
type status struct {
	State         string
	LiveEdge      *timeline.Position `json:"live_edge"`
	AnalyzedUntil *timeline.Position `json:"analyzed_until"`
	Source        string
	Faults        []fault
}

type fault struct{ Kind, Message string }

func (b *box) status(media string) (s status) {
	b.t.Helper()
	b.get("/v1/media/"+media, &s)
	return s
}

// lookUp is GET /v1/media/{media}/context.
type lookUp struct {
	From, Until timeline.Position
	Complete    bool
	Celebrities []timeline.Seen
	Objects     []timeline.Seen
}

func (a lookUp) has(name string) bool {
	for _, e := range append(a.Celebrities, a.Objects...) {
		if e.Name == name {
			return true
		}
	}
	return false
}

func (b *box) context(media string, position, backward, forward timeline.Position) (a lookUp) {
	b.t.Helper()
	b.get(fmt.Sprintf("/v1/media/%s/context?position=%s&backward=%s&forward=%s", media, position, backward, forward), &a)
	return a
}

// timeline is all that the box has seen of a media.
func (b *box) timeline(media string) []timeline.Observation {
	b.t.Helper()
	var a struct{ Observations []timeline.Observation }
	b.get("/v1/media/"+media+"/timeline", &a)
	return a.Observations
}

// metric returns a line of /metrics that begins with name, or nothing.
func (b *box) metric(name string) string {
	b.t.Helper()
	_, body := b.ask(http.MethodGet, b.admin+"/metrics")
	for line := range strings.Lines(string(body)) {
		if strings.HasPrefix(line, name) {
			return strings.TrimSpace(line)
		}
	}
	return ""
}

// eventually waits until cond holds.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(patience); !cond(); {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// analyzed waits until a media is analysed up to a position.
func (b *box) analyzed(media string, until timeline.Position) {
	b.t.Helper()
	eventually(b.t, fmt.Sprintf("%s analysed until %v", media, until), func() bool {
		s := b.status(media)
		return s.AnalyzedUntil != nil && *s.AnalyzedUntil >= until
	})
}
