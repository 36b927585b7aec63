//go:build crash && linux

package crash_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"spotter/internal/fakeaws"
	hls "spotter/internal/origin"
	"spotter/internal/testmedia"
	"spotter/timeline"
)

// site is where a box stands: an origin, a cloud, a configuration and data that outlive it.
type site struct {
	program string
	dir     string
	origin  *hls.Origin
	env     []string
	jumps   bool // the boxes' clock jumps
}

// build builds the real program once, with what the go command is told beside.
func build(t *testing.T, flags ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "spotter")
	args := append([]string{"build", "-o", path}, flags...)
	run(t, "go", append(args, "spotter/cmd/spotter")...)
	return path
}

func newSite(t *testing.T, program string) *site {
	t.Helper()
	media := testmedia.Stream{Rate: "10", Seconds: 60, Segment: "1", Encoder: []string{
		"-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-g", "10", "-keyint_min", "10", "-sc_threshold", "0",
	}}.Make(t)
	clip, err := hls.Read(filepath.Join(media, testmedia.Playlist))
	if err != nil {
		t.Fatal(err)
	}
	s := &site{program: program, dir: t.TempDir(), origin: hls.New(clip, hls.Style{Window: 8, Continuous: true})}
	s.origin.Publish(4)
	server := httptest.NewServer(s.origin)
	t.Cleanup(server.Close)
	rekognition := httptest.NewServer(new(fakeaws.Rekognition))
	t.Cleanup(rekognition.Close)
	s.env = []string{
		"PATH=" + os.Getenv("PATH"), "TMPDIR=" + t.TempDir(), "HOME=/nonexistent", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret", "AWS_REGION=us-east-1",
		"AWS_ENDPOINT_URL_REKOGNITION=" + rekognition.URL,
	}
	s.write(t, "instruments.yaml", "instruments: [{id: poll, type: poll, payload: {}}, {id: quiz, type: quiz, payload: {}}]\n")
	s.write(t, "spotter.yaml", strings.Join([]string{
		"data_dir: " + s.data(),
		"http: {viewer: {listen: '127.0.0.1:0'}, admin: {listen: '127.0.0.1:0'}}",
		"media: [{id: cup, url: '" + server.URL + hls.Media + "'}]",
		"vision: {mode: cloud-only, max_scene: 1s, rekognition: {calls_per_second: 1000, usd_per_hour: 1000}}",
		"engage: {instruments: " + filepath.Join(s.dir, "instruments.yaml") + "}",
	}, "\n"))
	return s
}

func (s *site) data() string { return filepath.Join(s.dir, "data") }

func (s *site) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// box is one run of the program.
type box struct {
	viewer string
	cmd    *exec.Cmd
	ready  chan struct{} // closed once it answers
	ended  chan struct{} // closed at its end
	client *http.Client

	mu  sync.Mutex
	log strings.Builder
}

var running = regexp.MustCompile(`msg="spotter runs" .*viewer=(\S+)`)

func (s *site) start(t *testing.T) *box {
	t.Helper()
	b := &box{
		cmd: exec.Command(s.program, "run", "--config", filepath.Join(s.dir, "spotter.yaml")), ready: make(chan struct{}),
		ended: make(chan struct{}), client: &http.Client{Timeout: patient, Transport: new(http.Transport)},
	}
	b.cmd.Env = s.env
	stderr, err := b.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := b.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(b.ended)
		b.read(stderr)
		b.cmd.Wait()
	}()
	return b
}

func (b *box) read(stderr io.Reader) {
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		b.mu.Lock()
		b.log.WriteString(lines.Text() + "\n")
		b.mu.Unlock()
		if m := running.FindStringSubmatch(lines.Text()); m != nil {
			b.viewer = m[1]
			close(b.ready)
		}
	}
}

func (b *box) logged() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log.String()
}

// runs waits until the box answers; false where it ended instead.
func (b *box) runs(t *testing.T) bool {
	t.Helper()
	select {
	case <-b.ready:
		return true
	case <-b.ended:
		return false
	case <-time.After(patient):
		b.kill()
		t.Fatalf("the box neither runs nor ends:\n%s", b.logged())
		return false
	}
}

func (b *box) kill() {
	b.cmd.Process.Signal(syscall.SIGKILL)
	<-b.ended
	b.client.CloseIdleConnections()
}

// get returns the JSON of a path. A box that was killed gives an error.
func (b *box) get(path string, into any) error {
	resp, err := b.client.Get(b.viewer + path)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s: %s", path, resp.Status, body)
	}
	return json.Unmarshal(body, into)
}

// answered is what viewers were told and so must not be lost.
type answered struct {
	scenes    map[timeline.Position]timeline.Observation
	decisions []string // without an event
	told      int
	late      bool // an event may come later than is allowed, by the box's clock
}

// ask looks up what the box has and takes a decision.
func (a *answered) ask(b *box) error {
	var all struct{ Observations []timeline.Observation }
	if err := b.get("/v1/media/cup/timeline", &all); err != nil {
		return err
	}
	if err := a.compare(all.Observations); err != nil {
		return err
	}
	for _, o := range all.Observations {
		a.scenes[o.From] = o
	}
	var look struct{ Instruments []struct{ Decision string } }
	if err := b.get("/v1/media/cup/context?position=1&engage=1&profile=p1", &look); err != nil {
		return err
	}
	for _, i := range look.Instruments {
		a.decisions = append(a.decisions, i.Decision)
	}
	a.told += len(all.Observations) + len(look.Instruments)
	return nil
}

// faultOfBox is what must never be, as opposed to a look-up that fails because the box was killed.
type faultOfBox struct{ error }

// compare says what is lost, less than it was, or there twice.
func (a *answered) compare(list []timeline.Observation) error {
	now := map[timeline.Position]timeline.Observation{}
	last := timeline.Position(-1)
	for _, o := range list {
		if o.From < last {
			return faultOfBox{fmt.Errorf("the scene at %v begins before the one before it ends at %v", o.From, last)}
		}
		last, now[o.From] = o.Until, o
	}
	for from, was := range a.scenes {
		if is, ok := now[from]; !ok || is.Until < was.Until || is.Revision < was.Revision {
			return faultOfBox{fmt.Errorf("viewers were told %+v, which is now %+v (there: %v)", was, is, ok)}
		}
	}
	return nil
}

// end is up to where scenes were seen.
func (a *answered) end() (end timeline.Position) {
	for _, o := range a.scenes {
		end = max(end, o.Until)
	}
	return end
}

// report sends an event for some decisions, all of which the box must still know.
func (a *answered) report(b *box) error {
	for len(a.decisions) > 0 {
		resp, err := b.client.Post(b.viewer+"/v1/decisions/"+a.decisions[0]+"/events", "application/json",
			bytes.NewReader([]byte(`{"type":"view"}`)))
		if err != nil {
			return err
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		gone := resp.StatusCode == http.StatusGone && a.late
		if resp.StatusCode != http.StatusNoContent && resp.StatusCode != http.StatusConflict && !gone {
			return faultOfBox{fmt.Errorf("decision %s: %s: %s", a.decisions[0], resp.Status, body)}
		}
		a.decisions = a.decisions[1:]
	}
	return nil
}
