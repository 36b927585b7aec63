package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// reloader reads the configuration again: when it is told to, and when the file or one that it names has changed. What is wrong
// is refused whole, said with all its faults, and changes nothing.
type reloader struct {
	path  string                                        // of the file; empty where there is none
	apply func(ctx context.Context, next *config) error // takes all of it or nothing
	files func() []string                               // that the configuration in use names
	told  reloadNotices
	count *reloadMetrics
	log   *slog.Logger

	taken  string // print of the files that are in use, or were refused
	change string // print of files that are not settled yet
}

// reloadNotices tell a service manager when a reload begins and when it is over, whether the file was taken or not; each may be
// nil. A service manager that has sent SIGHUP waits for the second.
type reloadNotices struct{ reloading, ready func() }

func (n reloadNotices) begin() {
	if n.reloading != nil {
		n.reloading()
	}
}

func (n reloadNotices) end() {
	if n.ready != nil {
		n.ready()
	}
}

// run reads again at each signal and at each change, until ctx is done.
func (r *reloader) run(ctx context.Context, signals <-chan os.Signal) {
	if r.taken == "" { // else it tells of the files as they were before the box was opened, which takes a while
		r.taken = r.print()
	}
	tick := time.NewTicker(lookTime)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-signals:
			r.reload(ctx, "signal")
		case <-tick.C:
			if r.changed() {
				r.reload(ctx, "change of a file")
			}
		}
	}
}

// changed reports whether the files have changed and then stayed as they are from one look to the next: editors and copying
// tools write in steps.
func (r *reloader) changed() bool {
	now := r.print()
	if now == r.taken {
		r.change = ""
		return false
	}
	settled := now == r.change
	r.change = now
	return settled
}

// print tells one state of the files from another, without reading them.
func (r *reloader) print() string {
	if r.path == "" {
		return ""
	}
	return printOf(r.path) + printOf(r.files()...)
}

func printOf(paths ...string) string {
	var b strings.Builder
	for _, path := range paths {
		var f unix.Stat_t
		if err := unix.Stat(path, &f); err != nil {
			fmt.Fprintf(&b, "%s: %v\n", path, err)
			continue
		}
		fmt.Fprintf(&b, "%s: %d %d %d %v %v\n", path, f.Dev, f.Ino, f.Size, f.Mtim, f.Ctim) // the last for its rights
	}
	return b.String()
}

// reload reads the file and has it applied.
func (r *reloader) reload(ctx context.Context, why string) {
	r.told.begin()
	defer r.told.end()
	if r.path == "" {
		r.log.Warn("there is no configuration file to read again: name one by --config or " + configVariable)
		return
	}
	file := printOf(r.path) // before it is read: what changes meanwhile is read again
	r.taken, r.change = file+printOf(r.files()...), ""
	next, err := loadConfig(r.path)
	if err == nil {
		names := next.watched()
		others := printOf(names...)
		if err = r.apply(ctx, &next); slices.Equal(names, r.files()) {
			r.taken = file + others
		}
	}
	r.count.reloaded(err == nil)
	if err == nil {
		r.log.Info("configuration read again", "file", r.path, "because", why)
		return
	}
	r.refused(err)
}

// refused says what is wrong, a line for each fault.
func (r *reloader) refused(err error) {
	lines := strings.Split(strings.TrimSpace(err.Error()), "\n")
	r.log.Error("the configuration is refused, and the one from before stays: mend the file, which is then read again",
		"file", r.path, "faults", max(len(lines)-1, 1))
	for _, line := range lines {
		if line = strings.TrimSpace(line); len(lines) == 1 || !strings.HasSuffix(line, r.path+":") {
			r.log.Error("fault of the configuration", "fault", line)
		}
	}
}
