//go:build crash && linux

package crash_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What is promised of a decoder that ends: another is there soon, look-ups go on meanwhile, and so does the stream.
const (
	toReplace = 5 * time.Second
	toGoOn    = 15 * time.Second
)

// patient is how long what else must come is waited for. It costs nothing where all is well, and holds on a machine with other work.
const patient = 90 * time.Second

// decoder returns the process of the box's decoder, 0 between two.
func (b *box) decoder() int {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", b.cmd.Process.Pid))
	for _, path := range tasks {
		text, _ := os.ReadFile(path) // a thread may have ended
		if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
			return pid
		}
	}
	return 0
}

// askUntil asks until something is so. Every look-up must be answered.
func (a *answered) askUntil(b *box, limit time.Duration, what string, is func() bool) error {
	for begin := time.Now(); ; {
		if err := a.ask(b); err != nil {
			return faultOfBox{fmt.Errorf("while %s: %w", what, err)}
		}
		if is() {
			return nil
		}
		if time.Since(begin) > limit {
			return faultOfBox{fmt.Errorf("%s takes more than %v", what, limit)}
		}
	}
}

// endDecoder ends the box's decoder at a random moment, its start included. Of some boxes no more is asked, so that they are
// killed while they replace it; of the others the stream must go on.
func (s *site) endDecoder(b *box, a *answered, rng *rand.Rand, end func(pid int) error) error {
	old := 0
	if err := a.askUntil(b, toReplace, "the first decoder starts", func() bool { old = b.decoder(); return old != 0 }); err != nil {
		return err
	}
	begin, moment := time.Now(), time.Duration(rng.Int64N(int64(time.Second)))
	if err := a.askUntil(b, toReplace, "the decoder works", func() bool { return time.Since(begin) >= moment }); err != nil {
		return err
	}
	if err := end(old); err != nil {
		return err
	}
	s.origin.Publish(1)
	if rng.IntN(3) == 0 {
		return nil
	}
	err := a.askUntil(b, toReplace, "the decoder is replaced", func() bool { pid := b.decoder(); return pid != 0 && pid != old })
	if err != nil {
		return err
	}
	return s.goOn(nil, b, a, rng)
}

// killDecoder ends the box's decoder as its own crash would.
func (s *site) killDecoder(_ *testing.T, b *box, a *answered, rng *rand.Rand) error {
	return s.endDecoder(b, a, rng, func(pid int) error { return syscall.Kill(pid, syscall.SIGKILL) })
}

// starveDecoder has the kernel kill the box's decoder for want of memory.
func (s *site) starveDecoder(t *testing.T, b *box, a *answered, rng *rand.Rand) error {
	return s.endDecoder(b, a, rng, func(pid int) error {
		group, err := newGroup(fmt.Sprintf("spotter-crash-%d", pid))
		if err != nil {
			t.Logf("no group to bound memory in (%v): the decoder is killed as the kernel would", err)
			return syscall.Kill(pid, syscall.SIGKILL)
		}
		t.Cleanup(func() { syscall.Rmdir(group) }) // once nobody is in it
		return os.WriteFile(filepath.Join(group, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0)
	})
}

// newGroup makes a control group whose processes get next to no more memory than they had before.
func newGroup(name string) (string, error) {
	const most = "65536"
	var failed []error
	for _, limit := range []string{"/sys/fs/cgroup/memory/%s/memory.limit_in_bytes", "/sys/fs/cgroup/%s/memory.max"} {
		path := fmt.Sprintf(limit, name)
		group := filepath.Dir(path)
		if err := os.Mkdir(group, 0o755); err != nil {
			failed = append(failed, err)
			continue
		}
		err := os.WriteFile(path, []byte(most), 0)
		if err == nil {
			return group, nil
		}
		failed = append(failed, err, syscall.Rmdir(group))
	}
	return "", errors.Join(failed...)
}
