package main_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	main "spotter/cmd/spotter"
)

// TestFoldersOfKilledProcessesAreRemoved: kill -9 left spotter-decoders-* in the folder for temporary files for ever.
func TestFoldersOfKilledProcessesAreRemoved(t *testing.T) {
	parent := t.TempDir()
	make := func(name string) string {
		path := filepath.Join(parent, name)
		if err := os.MkdirAll(filepath.Join(path, "decoder-1"), 0o700); err != nil {
			t.Fatal(err)
		}
		return path
	}
	long := time.Now().Add(-time.Hour)
	abandoned, young, other := make("spotter-decoders-1"), make("spotter-decoders-2"), make("something-else")
	living, remove, err := main.NewTemporary(parent)
	if err != nil {
		t.Fatal(err)
	}
	target := t.TempDir()
	link := filepath.Join(parent, "spotter-decoders-3")
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{abandoned, other, living, target} {
		if err := os.Chtimes(path, long, long); err != nil {
			t.Fatal(err)
		}
	}
	second, removeSecond, err := main.NewTemporary(parent)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{abandoned: false, young: true, other: true, living: true, second: true, target: true} {
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s: %v, want it there %v", filepath.Base(path), err, want)
		}
	}
	for path, remove := range map[string]func() error{living: remove, second: removeSecond} {
		if err := remove(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(path); !os.IsNotExist(err) {
			t.Errorf("%s is left: %v", path, err)
		}
	}
}
