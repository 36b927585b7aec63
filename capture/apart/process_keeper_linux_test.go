package apart_test

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"spotter/capture/apart"
)

// replacements is how often the Keeper's child is killed.
const replacements = 200

// TestReplaced kills a Keeper's child again and again, and sees that each time another answers, and that in the end
// nothing is left of any.
func TestReplaced(t *testing.T) {
	var ends atomic.Int64
	k := apart.NewKeeper(options(t, "echo"), func(how error, pause time.Duration) {
		ends.Add(1)
		if pause != 0 || !strings.Contains(how.Error(), "killed by signal 9") {
			t.Errorf("ended with %v, next after %v", how, pause)
		}
	})
	t.Cleanup(func() { k.Close() })
	replacements := replacements
	if testing.Short() {
		replacements /= 5
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var files, threads int
	var took []time.Duration
	last, killed := 0, time.Now()
	for i := range replacements + 1 {
		p, err := k.Get(ctx)
		for err == nil && p.PID() == last { // the Keeper has not noticed its end yet
			<-p.Done()
			p, err = k.Get(ctx)
		}
		if err != nil {
			t.Fatal(err)
		}
		ready(t, p)
		if i > 0 {
			took = append(took, time.Since(killed))
		}
		if i == 10 { // the runtime's own threads and descriptors are there
			files, threads = counts(t)
		}
		p.Served()
		last, killed = p.PID(), time.Now()
		if err := unix.Kill(p.PID(), unix.SIGKILL); i < replacements && err != nil {
			t.Fatal(err)
		}
	}
	if err := k.Close(); err != nil {
		t.Error(err)
	}
	slices.Sort(took)
	t.Logf("%d replacements, from kill -9 to the first answer: median %d ms, slowest %d ms",
		len(took), took[len(took)/2].Milliseconds(), took[len(took)-1].Milliseconds())
	if slowest := took[len(took)-1]; slowest > 5*time.Second {
		t.Errorf("a replacement took %v", slowest)
	}
	if n := ends.Load(); n < int64(replacements) {
		t.Errorf("%d ends told of %d", n, replacements)
	}
	filesNow, threadsNow := counts(t)
	if filesNow > files || threadsNow > threads+4 {
		t.Errorf("descriptors grew from %d to %d, threads from %d to %d", files, filesNow, threads, threadsNow)
	}
	if err := childless(); err != nil {
		t.Error(err)
	}
	if _, err := k.Get(ctx); !errors.Is(err, apart.ErrClosed) {
		t.Errorf("closed, and gives %v", err)
	}
}

// TestBrokenInstallationDoesNotSpin sees pauses grow when children are of no use.
func TestBrokenInstallationDoesNotSpin(t *testing.T) {
	tests := []struct {
		name, act string
		missing   bool
	}{
		{name: "the child ends at once", act: "exit"},
		{name: "the program is missing", missing: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := options(t, test.act)
			if test.missing {
				o.Command = []string{filepath.Join(t.TempDir(), "missing")}
			}
			pauses, hows := make(chan time.Duration, 100), make(chan error, 100)
			k := apart.NewKeeper(o, func(how error, pause time.Duration) { hows <- how; pauses <- pause })
			defer k.Close()
			for want := 100 * time.Millisecond; want <= 400*time.Millisecond; want *= 2 {
				if got := <-pauses; got != want {
					t.Errorf("paused %v, want %v", got, want)
				}
			}
			how := <-hows
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			for { // a child may be there for a moment
				p, err := k.Get(ctx)
				if err != nil {
					if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), how.Error()) {
						t.Errorf("asked in vain: %v", err)
					}
					break
				}
				_, _ = io.Copy(io.Discard, p.Conn())
				<-p.Done()
			}
		})
	}
}
