//go:build crash && linux

package crash_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"spotter/timeline"
)

// TestBox kills the whole program while it follows a stream, recognises, records and decides, and asks the next one for all
// that viewers were told.
func TestBox(t *testing.T) {
	s := newSite(t, build(t))
	boxes(t, "kill -9 of the box", s, share(2), map[int]strike{
		2: {"decoder killed", s.killDecoder}, 5: {"decoder out of memory", s.starveDecoder},
		7: {"decoder killed", s.killDecoder}, 9: {"stopped", stopAndGoOn},
	})
}

// TestBoxOfJumpingClock is TestBox with a program whose wall clock jumps each second by up to three years. No clock of the
// machine is set: the program is built with a standard library whose time.Now does that.
func TestBoxOfJumpingClock(t *testing.T) {
	s := newSite(t, build(t, "-overlay", jumping(t)))
	s.jumps = true
	boxes(t, "kill -9 of the box while its clock jumps", s, share(1)/2+1, map[int]strike{
		1: {"stream went on over jumps", s.goOn}, 6: {"stream went on over jumps", s.goOn}, 9: {"stopped", stopAndGoOn},
	})
}

// jumping returns an overlay for the go command in which the wall clock jumps; durations are measured as ever.
func jumping(t *testing.T) string {
	t.Helper()
	source := filepath.Join(run(t, "go", "env", "GOROOT"), "src", "time", "time.go")
	text, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	const now = "sec, nsec, mono := runtimeNow()\n"
	if strings.Count(string(text), now) == 0 {
		t.Skipf("%s has another time.Now than the one that this test alters", source)
	}
	jumps := `switch mono / 1e9 % 4 {
	case 1:
		sec += 400 * 24 * 3600
	case 2:
		sec -= 26 * 3600
	case 3:
		sec -= 3 * 365 * 24 * 3600
	}
`
	dir := t.TempDir()
	altered := filepath.Join(dir, "time.go")
	if err := os.WriteFile(altered, []byte(strings.Replace(string(text), now, now+jumps, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {source: altered}})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(path, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestDamagedBox spoils the database of a box that was killed. The next one must run, with the file set aside where it could not be
// read, or end with words that say the mend; it must not crash.
func TestDamagedBox(t *testing.T) {
	points := 0
	report(t, "damaged database of the box", &points)
	s, rng := newSite(t, build(t)), random(t)
	for round := range share(1)/4 + 1 {
		s.origin.Publish(1)
		b := s.start(t)
		if !b.runs(t) {
			t.Fatalf("round %d: the box does not start:\n%s", round, b.logged())
		}
		a := &answered{scenes: map[timeline.Position]timeline.Observation{}}
		err := a.ask(b)
		b.kill()
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		ways := damages()
		file := filepath.Join(s.data(), []string{storeName, "engagement.db"}[rng.IntN(2)])
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		way := ways[rng.IntN(len(ways))]
		if err := os.WriteFile(file, way.spoil(rng, data), 0o600); err != nil {
			t.Fatal(err)
		}
		b = s.start(t)
		if b.runs(t) {
			b.kill()
		} else if log := b.logged(); strings.Contains(log, "goroutine ") || !strings.Contains(log, "restore") {
			t.Errorf("round %d: %s: %s: the box ended without a mend:\n%s", round, way.name, file, log)
		}
		os.Remove(file) // what the mend says
		points++
	}
}

// strike is what befalls a box in its work, before it is killed.
type strike struct {
	name string
	do   func(t *testing.T, b *box, a *answered, rng *rand.Rand) error
}

// boxes has one box after the other live and die on the same data. Of each ten lives, some are struck before.
func boxes(t *testing.T, kind string, s *site, rounds int, strikes map[int]strike) {
	points, struck := 0, map[string]int{}
	report(t, kind, &points)
	rng := random(t)
	a := &answered{scenes: map[timeline.Position]timeline.Observation{}, late: s.jumps}
	for round := range rounds {
		s.origin.Publish(1 + rng.IntN(2))
		b := s.start(t)
		x := strikes[round%10]
		if err := liveAndDie(t, b, a, rng, x); err != nil {
			b.kill()
			t.Fatalf("round %d, %s: %v\nthe box:\n%s\nfiles: %s", round, x.name, err, b.logged(), keep(t, s.data()))
		}
		if x.do != nil {
			struck[x.name]++
		}
		points++
	}
	b := s.start(t)
	defer b.kill()
	if !b.runs(t) {
		t.Fatalf("the box does not start again:\n%s", b.logged())
	}
	if err := errors.Join(a.ask(b), a.report(b)); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d answers, %d scenes, none lost, none twice; struck before: %v", a.told, len(a.scenes), struck)
	if len(a.scenes) < rounds/4 {
		t.Errorf("the boxes saw %d scenes in %d lives", len(a.scenes), rounds)
	}
}

// liveAndDie asks a box until it is killed: at a random moment of its start, or of its work.
func liveAndDie(t *testing.T, b *box, a *answered, rng *rand.Rand, x strike) error {
	t.Helper()
	span := time.Duration(rng.Int64N(int64(900 * time.Millisecond)))
	timer := time.AfterFunc(span, func() { b.cmd.Process.Kill() })
	defer b.kill()
	defer timer.Stop()
	if rng.IntN(3) == 0 && x.do == nil {
		<-b.ended // in its start, perhaps
		return unlessKilled(b, nil)
	}
	timer.Stop()
	if !b.runs(t) {
		return unlessKilled(b, errors.New("the box does not start"))
	}
	if err := errors.Join(a.ask(b), a.report(b)); err != nil {
		return err
	}
	if x.do != nil {
		if err := x.do(t, b, a, rng); err != nil {
			return err
		}
	}
	again := time.AfterFunc(span, func() { b.cmd.Process.Kill() })
	defer again.Stop()
	for {
		err := a.ask(b)
		var fault faultOfBox
		if errors.As(err, &fault) {
			return err
		}
		if err != nil {
			<-b.ended
			return unlessKilled(b, nil)
		}
	}
}

// unlessKilled returns an error where the box ended otherwise than by being killed.
func unlessKilled(b *box, err error) error {
	<-b.ended
	if b.cmd.ProcessState.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL {
		return nil
	}
	return errors.Join(err, errors.New("the box ended by itself with "+b.cmd.ProcessState.String()))
}

// goOn publishes a few segments, one after the other, and asks for their scenes.
func (s *site) goOn(_ *testing.T, b *box, a *answered, _ *rand.Rand) error {
	for range 3 {
		before := a.end()
		s.origin.Publish(1)
		if err := a.askUntil(b, toGoOn, "the stream goes on", func() bool { return a.end() > before }); err != nil {
			return err
		}
	}
	return nil
}

// stopAndGoOn stops a box as a debugger or a starved machine does. Look-ups hang meanwhile, and only then.
func stopAndGoOn(_ *testing.T, b *box, a *answered, _ *rand.Rand) error {
	b.cmd.Process.Signal(syscall.SIGSTOP)
	// Some threads still work for a moment; the kernel says when the last has stopped.
	err := error(unix.EINTR)
	for err == unix.EINTR {
		err = unix.Waitid(unix.P_PID, b.cmd.Process.Pid, nil, unix.WSTOPPED|unix.WNOWAIT, nil)
	}
	if err != nil {
		return faultOfBox{fmt.Errorf("stop the box: %w", err)}
	}
	asked := make(chan error, 1)
	go func() { asked <- a.ask(b) }()
	select {
	case <-asked:
		return faultOfBox{errors.New("a box that is stopped answers")}
	case <-time.After(2 * time.Second):
	}
	b.cmd.Process.Signal(syscall.SIGCONT)
	if err := <-asked; err != nil {
		return faultOfBox{err}
	}
	return nil
}
