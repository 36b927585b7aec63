//go:build crash && linux

package crash_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// life is one worker from its start to its end.
type life struct {
	wrap  []string // what the worker is run by, with its arguments
	seed  uint64
	limit int
	// kill decides after each note, and at the start with an empty one, when the worker is to be killed: after that
	// long from now, or not yet where it is negative. The first that is not holds.
	kill func(n note) time.Duration
}

// live runs a worker on dir and has the model hear it to its end. It returns how it ended.
func (v life) live(dir string, m *model) (*os.ProcessState, string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, "", err
	}
	args := append(v.wrap, self)
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), envDir+"="+dir, envSeed+"="+strconv.FormatUint(v.seed, 10), envLimit+"="+strconv.Itoa(v.limit))
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, "", err
	}
	if err := cmd.Start(); err != nil {
		return nil, "", err
	}
	err = v.hear(cmd.Process, out, m)
	if waited := cmd.Wait(); waited != nil {
		if _, ended := errors.AsType[*exec.ExitError](waited); !ended {
			err = errors.Join(err, waited)
		}
	}
	return cmd.ProcessState, complaint.String(), err
}

func (v life) hear(p *os.Process, out io.Reader, m *model) error {
	var timer *time.Timer
	plan := func(n note) {
		if timer != nil || v.kill == nil {
			return
		}
		if d := v.kill(n); d >= 0 {
			timer = time.AfterFunc(d, func() { p.Kill() })
		}
	}
	plan(note{})
	lines := bufio.NewReader(out)
	var faults []error
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			break // what is left of a line was not said in full
		}
		n, err := m.hear(line)
		if err != nil {
			faults = append(faults, err)
			p.Kill()
		}
		plan(n)
	}
	if timer != nil {
		timer.Stop()
	}
	return errors.Join(faults...)
}

// uniform kills at any moment of the first 60 ms, the opening of the files included.
func uniform(rng *rand.Rand) func(note) time.Duration {
	d := time.Duration(rng.Int64N(int64(60 * time.Millisecond)))
	return func(note) time.Duration { return d }
}

// clustered kills just after the n-th note of a kind: where an acknowledgement or a put was just made.
func clustered(rng *rand.Rand) func(note) time.Duration {
	kind := []string{begin, done, cloud, appendDone, flush, opened}[rng.IntN(6)]
	n, delay := 1+rng.IntN(12), time.Duration(rng.Int64N(int64(500*time.Microsecond)))
	if kind == opened {
		n = 1
	}
	return nth(kind, n, delay)
}

// patience is after how many operations a worker is killed whose n-th note of a kind does not come, as where its cloud
// is away.
const patience = 40

// nth kills a while after the n-th note of a kind.
func nth(kind string, n int, delay time.Duration) func(note) time.Duration {
	seen, operations := 0, 0
	return func(x note) time.Duration {
		if x.What == kind {
			seen++
		}
		if x.What == done {
			operations++
		}
		if seen == n || operations == patience {
			return delay
		}
		return -1
	}
}

// livesPerFolder bounds how long damage may add up, and how much each check has to read.
const livesPerFolder = 80

// lanes is how many workers are killed at the same time.
const lanes = 3

// TestKill kills workers at random moments and has the next one go on with the same files.
func TestKill(t *testing.T) {
	points, acknowledged := 0, 0
	report(t, "kill -9 of store, drainers and ledger", &points)
	counts := make([][2]int, lanes)
	t.Run("lanes", func(t *testing.T) {
		for lane := range lanes {
			t.Run(fmt.Sprint(lane), func(t *testing.T) {
				t.Parallel()
				counts[lane][0], counts[lane][1] = killLane(t, share(75)/lanes+1)
			})
		}
	})
	for _, c := range counts {
		points += c[0]
		acknowledged += c[1]
	}
	t.Logf("%d acknowledgements, none lost, none twice", acknowledged)
}

func killLane(t *testing.T, lives int) (points, acknowledged int) {
	rng := random(t)
	var dir string
	var m *model
	for i := range lives {
		if i%livesPerFolder == 0 {
			if m != nil {
				acknowledged += m.acknowledged
				os.RemoveAll(dir)
			}
			m, dir = newModel(), filepath.Join(t.TempDir(), fmt.Sprint("data", i))
			if err := os.Mkdir(dir, 0o750); err != nil {
				t.Fatal(err)
			}
		}
		v := life{seed: rng.Uint64()}
		if rng.IntN(2) == 0 {
			v.kill = uniform(rng)
		} else {
			v.kill = clustered(rng)
		}
		before := *m
		state, complaint, err := v.live(dir, m)
		if err == nil && (!state.Sys().(syscall.WaitStatus).Signaled() || complaint != "") {
			err = fmt.Errorf("the worker ended by itself: %v: %s", state, complaint)
		}
		var f *found
		if err == nil {
			f, err = m.look(dir, false)
		}
		if err != nil {
			t.Fatalf("life %d of lane, %d operations before: %v\nfiles: %s", i, before.operations, err, keep(t, dir))
		}
		m.adopt(f)
		points++
	}
	return points, acknowledged + m.acknowledged
}
