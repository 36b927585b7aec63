//go:build soak && linux

package soak_test

import (
	"bufio"
	"bytes"
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

	"spotter/httpapi/client"
	hls "spotter/internal/origin"
	"spotter/internal/testmedia"
)

// site is where a box stands: its origins, and its files.
type site struct {
	dir, program string
	onnx         bool
	origins      []*source
	publisher    *publisher
}

func newSite(t *testing.T, n int) *site {
	t.Helper()
	s := &site{dir: t.TempDir()}
	s.program = filepath.Join(s.dir, "bin", "spotter")
	if out, err := exec.Command("go", "build", "-o", s.program, "spotter/cmd/spotter").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	clip := makeClip(t, pictures(t))
	s.publisher = new(publisher)
	for i := range n {
		s.origins = append(s.origins, newSource(t, clip, 5*i))
		s.publisher.names = append(s.publisher.names, fmt.Sprintf("s%d", i))
	}
	s.publisher.origins = s.origins
	s.write(t, "instruments.yaml", instruments)
	s.findModels(t)
	s.write(t, "spotter.yaml", s.config(0))
	return s
}

const instruments = `instruments:
  - {id: poll, type: poll, payload: {}, caps: {per_viewer: 3}}
  - {id: quiz, type: quiz, payload: {}, targets: {any: [Person]}}
  - {id: scarf, type: offer, payload: {}}
  - {id: ticket, type: offer, payload: {}}
`

func (s *site) names() []string { return s.publisher.names }

func (s *site) data() string { return filepath.Join(s.dir, "data") }

func (s *site) run() string { return filepath.Join(s.dir, "run") }

// findModels takes the kit's models and photographs, where they and ONNX Runtime are.
func (s *site) findModels(t *testing.T) {
	t.Helper()
	kit, ok := testmedia.FindKit(t)
	library, err := filepath.Abs(filepath.Join("..", "..", ".build", "onnxruntime"))
	if err != nil || !ok {
		return
	}
	if _, err := os.Stat(library); err != nil {
		return
	}
	if err := os.MkdirAll(filepath.Join(s.dir, ".build"), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(library, filepath.Join(s.dir, ".build", "onnxruntime")); err != nil {
		t.Fatal(err)
	}
	s.onnx = true
	s.write(t, "spotter.yaml", s.config(0))
	s.spotter(t, "models", "pull", "--mirror", filepath.Join(kit, "models"))
	for name, photo := range map[string]string{"Barack Obama": "obama.jpg", "Joe Biden": "biden.jpg", "Rose Leslie": "rose-leslie.jpg"} {
		s.spotter(t, "faces", "add", name, filepath.Join(kit, "photos", "enrol", photo))
	}
}

// spotter runs another of the program's commands.
func (s *site) spotter(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.Command(s.program, append(args, "--config", filepath.Join(s.dir, "spotter.yaml"))...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("spotter %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

// config is the turn-th configuration. Each has another retention, which drops what is too old at once, and every third
// has another sample interval for the last media, which is restarted then.
func (s *site) config(turn int) string {
	local := "{recognizer: classic}"
	if s.onnx {
		local = "{recognizer: onnx, identities: mobilefacenet, unknown_faces: {keep: 1h}}"
	}
	lines := []string{
		"data_dir: " + s.data(),
		"http: {viewer: {listen: '127.0.0.1:0'}, admin: {listen: '127.0.0.1:0'}}",
		"vision: {mode: local-only, local: " + local + "}",
		"engage: {instruments: instruments.yaml, window: 30s, keep: 1h, max_bytes: 16MiB}",
		fmt.Sprintf("retention: {age: %ds, max_bytes: 1GiB}", 3600+turn%2),
		"media:",
	}
	for i, o := range s.origins {
		interval := *looks
		if i == len(s.origins)-1 {
			interval += time.Duration(turn/3%2) * 50 * time.Millisecond
		}
		lines = append(lines, fmt.Sprintf("  - {id: %s, url: '%s', sample_interval: %s}", s.names()[i], o.url+hls.Media, interval))
	}
	return strings.Join(lines, "\n") + "\n"
}

// write puts a file in place as a whole.
func (s *site) write(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// box is the program at work.
type box struct {
	cmd           *exec.Cmd
	viewer, admin string
	client        *client.Client
	ended         chan struct{}

	mu    sync.Mutex
	lines map[string]int // how often the log says what
	tail  []string
}

var (
	running = regexp.MustCompile(`msg="spotter runs" .*viewer=(\S+) admin=(\S+)`)
	message = regexp.MustCompile(`level=(\w+) msg=("[^"]*"|\S+)`)
)

func (s *site) start(t *testing.T) *box {
	t.Helper()
	if err := os.MkdirAll(s.run(), 0o700); err != nil {
		t.Fatal(err)
	}
	b := &box{cmd: exec.Command(s.program, "run", "--config", filepath.Join(s.dir, "spotter.yaml")), ended: make(chan struct{}), lines: map[string]int{}}
	b.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent", "TMPDIR=" + os.TempDir(), "RUNTIME_DIRECTORY=" + s.run(), "GOMAXPROCS=2"}
	stderr, err := b.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := b.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready := make(chan struct{})
	go func() {
		defer close(b.ended)
		b.read(stderr, ready)
		b.cmd.Wait() // its status is looked at where it is to end
	}()
	t.Cleanup(func() {
		b.cmd.Process.Kill()
		<-b.ended
		b.mu.Lock()
		defer b.mu.Unlock()
		for what, n := range b.lines {
			t.Logf("%6d times in the log: %s", n, what)
		}
		if t.Failed() {
			t.Logf("the log's end:\n%s", strings.Join(b.tail, "\n"))
		}
	})
	select {
	case <-ready:
	case <-b.ended:
		t.Fatal("the box ended at once")
	case <-time.After(time.Minute):
		t.Fatal("the box does not run")
	}
	if b.client, err = client.New(client.Config{BaseURL: b.viewer}); err != nil {
		t.Fatal(err)
	}
	s.publisher.start(b.client)
	return b
}

func (b *box) read(stderr io.Reader, ready chan<- struct{}) {
	lines := bufio.NewScanner(stderr)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		text := lines.Text()
		b.mu.Lock()
		if m := message.FindStringSubmatch(text); m != nil {
			b.lines[m[1]+" "+m[2]]++
		}
		if b.tail = append(b.tail, text); len(b.tail) > 200 {
			b.tail = b.tail[100:]
		}
		b.mu.Unlock()
		if m := running.FindStringSubmatch(text); m != nil {
			b.viewer, b.admin = m[1], m[2]
			close(ready)
		}
	}
}

// stop ends the box as systemd does.
func (b *box) stop(t *testing.T) {
	t.Helper()
	if err := b.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-b.ended:
		if code := b.cmd.ProcessState.ExitCode(); code != 0 {
			t.Errorf("exit code %d after SIGTERM", code)
		}
	case <-time.After(30 * time.Second):
		t.Error("it still runs 30 s after SIGTERM")
	}
}

// metrics returns the values of /metrics by name, added up over their labels, and how many lines there are.
func (b *box) metrics(t *testing.T) map[string]float64 {
	t.Helper()
	resp, err := http.Get(b.admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]float64{}
	for l := range bytes.Lines(body) {
		var v float64
		name, value, ok := strings.Cut(string(l[bytes.LastIndexByte(l, '}')+1:]), " ")
		if at := bytes.IndexByte(l, '{'); at > 0 {
			name = string(l[:at])
		}
		if _, err := fmt.Sscan(value, &v); ok && err == nil && l[0] != '#' {
			all[name] += v
		}
	}
	all["series"] = float64(bytes.Count(body, []byte("\n")))
	return all
}

// checkAnalyzed fails where a segment was lost, or analysis fell behind.
func (b *box) checkAnalyzed(t *testing.T, s *site) {
	t.Helper()
	m := b.metrics(t)
	published := int64(0)
	for _, o := range s.origins {
		published += o.published.Load()
	}
	fmt.Printf("%d segments published, %.0f analysed, %.0f lost\n", published, m["spotter_segments_analyzed_total"], m["spotter_segments_lost_total"])
	if lost := m["spotter_segments_lost_total"]; lost > 0 || m["spotter_segments_analyzed_total"] < float64(published) {
		t.Errorf("%.0f segments were lost, %.0f of %d analysed", lost, m["spotter_segments_analyzed_total"], published)
	}
}
