package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sys/unix"

	"spotter/store"
	"spotter/timeline"
)

// smallDisk is a file system of so many bytes; only root can make one.
func smallDisk(t *testing.T, size int) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("spotter-test", dir, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
		t.Skip("no file system can be mounted here: ", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fillDisk writes until the disk takes nothing more, and returns the file.
func fillDisk(t *testing.T, dir string) string {
	t.Helper()
	name := filepath.Join(dir, "another program's")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	block := make([]byte, 4096)
	for err == nil {
		_, err = f.Write(block)
	}
	if cerr := f.Close(); !errors.Is(err, syscall.ENOSPC) || cerr != nil {
		t.Fatal(err, cerr)
	}
	return name
}

// TestDiskTakesNothingMore fills the disk of a real store: analysis pauses, look-ups go on, the oldest goes, and nothing else is lost.
func TestDiskTakesNothingMore(t *testing.T) {
	dir := smallDisk(t, 48<<20)
	path := filepath.Join(dir, databaseFile)
	db, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	const scenes = 3000
	fill(t, db, scenes)
	var log bytes.Buffer
	a := &app{store: db, log: slog.New(slog.NewTextHandler(&log, nil))}
	s := newSpace(dir, db, a.tidyEarly, a.log)
	s.register(prometheus.NewRegistry())
	s.look()
	if s.paused() || !s.ready().OK {
		t.Fatal("paused at the begin: ", s.ready().Detail)
	}
	if _, err := os.Stat(filepath.Join(dir, ballastFile)); err != nil {
		t.Error("no room is set aside: ", err)
	}
	filler := fillDisk(t, dir)
	last := timeline.Position(scenes)
	next := func() error {
		o := &timeline.Observation{Media: "m", Source: timeline.SourceClassic, Objects: entities(strings.Repeat("x", 30_000))}
		o.From, o.Until = last*10_000, (last+1)*10_000
		return db.Record(store.Batch{Media: "m", Observations: []*timeline.Observation{o}, Analyzed: []timeline.Span{o.Span}})
	}
	for err = next(); err == nil; err = next() {
		last++
	}
	if !store.Full(err) {
		t.Fatal(err)
	}
	if err := s.gate(func(context.Context) error { return fmt.Errorf("store: %w", err) })(t.Context()); err != nil || !s.paused() || s.mayTell(nil)() {
		t.Fatalf("%v; paused %v", err, s.paused())
	}
	if tl, _ := db.Timeline("m"); tl.At((last-1)*10_000) == nil || tl.Len() != int(last) {
		t.Error("a look-up misses what was acknowledged")
	}
	s.look() // makes room in the file
	if s.paused() || !s.mayTell(nil)() {
		t.Fatalf("still paused: %s\n%s", s.ready().Detail, log.String())
	}
	if n := strings.Count(log.String(), "observations dropped because the disk is full"); n != 1 {
		t.Errorf("what was dropped is said %d times", n)
	}
	for range 20 {
		if err := next(); err != nil {
			t.Fatal("after room was made: ", err)
		}
		last++
	}
	if n := strings.Count(log.String(), "THE DISK TAKES NOTHING MORE"); n != 1 {
		t.Errorf("said %d times:\n%s", n, log.String())
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	s.look()
	tl, _ := db.Timeline("m")
	first := tl.Within(all)[0].From / 10_000
	if first == 0 || int(last-first) != tl.Len() {
		t.Errorf("%d scenes from %d to %d: more than the oldest are gone, or none", tl.Len(), first, last)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := store.Check(path); err != nil {
		t.Error(err)
	}
}

// TestLowDisk has too little left by what the system says, and nothing to drop: it goes on by itself when there is room.
func TestLowDisk(t *testing.T) {
	db, err := store.Open(filepath.Join(t.TempDir(), databaseFile), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	a := &app{store: db, log: slog.New(slog.DiscardHandler)}
	s := newSpace(t.TempDir(), db, a.tidyEarly, a.log)
	woken := 0
	s.wake = func() { woken++ }
	free := int64(300 << 20)
	s.statfs = func(string) (int64, int64, error) { return free, 100 << 30, nil }
	for _, x := range []struct {
		free   int64
		paused bool
	}{{300 << 20, false}, {255 << 20, true}, {300 << 20, true}, {330 << 20, false}, {257 << 20, false}} {
		free = x.free
		s.look()
		if s.paused() != x.paused || s.ready().OK == x.paused || len(s.faults()) > 0 != x.paused {
			t.Errorf("%d bytes free: paused %v, want %v", x.free, s.paused(), x.paused)
		}
		if !s.mayTell(nil)() {
			t.Errorf("%d bytes free: the sinks, whose entries alone can be dropped, are told nothing", x.free)
		}
	}
	if woken == 0 {
		t.Error("the sinks were not woken")
	}
}

// TestGate ends what runs when the disk is full and begins it again when there is room.
func TestGate(t *testing.T) {
	db, err := store.Open(filepath.Join(t.TempDir(), databaseFile), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s := newSpace(t.TempDir(), db, nil, slog.New(slog.DiscardHandler))
	began, ended := make(chan bool), make(chan error)
	run := s.gate(func(ctx context.Context) error {
		began <- true
		<-ctx.Done()
		return nil
	})
	go func() { ended <- run(t.Context()) }()
	<-began
	s.pause(syscall.ENOSPC)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	go func() { ended <- run(t.Context()) }()
	select {
	case <-began:
		t.Error("it began without room")
	case <-time.After(20 * time.Millisecond):
		s.goOn("test")
		<-began
	}
	s.pause(syscall.ENOSPC)
	<-ended
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := run(ctx); err != nil {
		t.Error(err)
	}
}
