package main_test

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	main "spotter/cmd/spotter"
	"spotter/engage"
	"spotter/engage/instrument"
	"spotter/httpapi"
	"spotter/internal/mediatest"
)

const instrumentText = "instruments:\n  - {id: a, type: poll, payload: {}, caps: {total: 10}}\n  - {id: b, type: poll, payload: {}}\n"

// lookedAt is a file of instruments that is looked at.
type lookedAt struct {
	t    *testing.T
	path string
	look func() (bool, error)
	n    int // instruments that it had when it was taken up last
}

func lookAt(t *testing.T) *lookedAt {
	f := &lookedAt{t: t, path: filepath.Join(t.TempDir(), "instruments.yaml")}
	write(t, f.path, instrumentText)
	var err error
	f.look, err = main.LookAtInstruments(f.path, func(list []instrument.Instrument) { f.n = len(list) })
	if err != nil || f.n != 2 {
		t.Fatal(f.n, err)
	}
	return f
}

// want looks, and says how many instruments are in use then.
func (f *lookedAt) want(step string, n int, failed bool) {
	f.t.Helper()
	if _, err := f.look(); f.n != n || (err != nil) != failed {
		f.t.Errorf("%s: %d instruments, want %d; %v", step, f.n, n, err)
	}
}

// TestHalfWrittenInstruments looks while an editor writes: half of a file may be YAML too.
func TestHalfWrittenInstruments(t *testing.T) {
	f := lookAt(t)
	f.want("as it was", 2, false)
	write(t, f.path, instrumentText[:len(instrumentText)-len("  - {id: b, type: poll, payload: {}}\n")])
	f.want("half written", 2, false)
	write(t, f.path, instrumentText+"  - {id: c, type: poll, payload: {}}\n")
	f.want("just written", 2, false)
	f.want("written", 3, false)
	f.want("as it was", 3, false)
	if err := os.Remove(f.path); err != nil {
		t.Fatal(err)
	}
	f.want("removed", 3, true)
	write(t, f.path, "instruments: [")
	f.want("just there again", 3, false)
	f.want("there again, and wrong", 3, true)
	f.want("wrong, which was said", 3, false)
	write(t, f.path+".new", instrumentText)
	if err := os.Rename(f.path+".new", f.path); err != nil {
		t.Fatal(err)
	}
	f.want("just renamed", 3, false)
	f.want("renamed", 2, false)
}

// TestInstrumentsLetIn takes up a file that could not be read, once it can be: its time of change is the same.
func TestInstrumentsLetIn(t *testing.T) {
	f := lookAt(t)
	write(t, f.path, instrumentText+"  - {id: c, type: poll, payload: {}}\n")
	if err := os.Chmod(f.path, 0); err != nil {
		t.Fatal(err)
	}
	f.asNobody(func() {
		f.want("just written", 2, false)
		f.want("not to be read", 2, true)
		f.want("still not to be read", 2, true)
	})
	if err := os.Chmod(f.path, 0o644); err != nil {
		t.Fatal(err)
	}
	f.want("let in", 3, false)
}

// asNobody does something as a user whom permissions bind, as they do not bind root.
func (f *lookedAt) asNobody(do func()) {
	f.t.Helper()
	if os.Geteuid() != 0 {
		do()
		return
	}
	// The test's folders are of root's, and let nobody else in.
	for dir := filepath.Dir(f.path); dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			f.t.Fatal(err)
		}
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := syscall.Setfsuid(65534); err != nil {
		f.t.Fatal(err)
	}
	defer func() {
		if err := syscall.Setfsuid(0); err != nil {
			f.t.Fatal(err)
		}
	}()
	do()
}

// TestProfileFaults lists what is wrong with a profile one by one.
func TestProfileFaults(t *testing.T) {
	err := fmt.Errorf("%w: %w", engage.ErrProfile, errors.Join(errors.New("a is null"), errors.New("b is an object")))
	var faults httpapi.Faults
	if !errors.As(main.Translated(err), &faults) || len(faults) != 2 {
		t.Errorf("%q", faults)
	}
}

// TestEngagementMakesItsFolder engages viewers of a copy of the viewer API, which has no data yet.
func TestEngagementMakesItsFolder(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "spotter.yaml")
	write(t, path, fmt.Sprintf("data_dir: %s\nhttp: {viewer: {listen: \"127.0.0.1:0\"}, admin: {listen: \"127.0.0.1:0\"}}\nengage:\n", filepath.Join(dir, "data")))
	_, _, stop, err := main.OpenDoors(path, mediatest.NewBox(mediatest.Cup()...), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := stop(t.Context()); err != nil {
		t.Error(err)
	}
}
