//go:build soak && linux

package soak_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// process is what one of the box's processes takes.
type process struct {
	pid              int
	resident, pss    int64
	files, threads   int
	cpu, childrenCPU float64 // seconds; the latter of those that ended
}

// sample is what the box takes at one time.
type sample struct {
	at             time.Time
	event          time.Duration
	parent         process
	children       []process
	cpu, parentCPU float64

	goroutines, heap, stacks, series float64
	store, engagement, rest          int64 // bytes of data_dir
	temporary                        int   // files and folders where temporary ones are
}

func (b *box) measure(t *testing.T, s *site) sample {
	t.Helper()
	m := b.metrics(t)
	x := sample{
		at: time.Now(), event: s.publisher.event(), goroutines: m["go_goroutines"], series: m["series"],
		heap: m["go_memstats_heap_inuse_bytes"], stacks: m["go_memstats_stack_inuse_bytes"],
	}
	var err error
	if x.parent, err = look(b.cmd.Process.Pid); err != nil {
		t.Fatal(err)
	}
	x.parentCPU = x.parent.cpu
	x.cpu = x.parent.cpu + x.parent.childrenCPU
	for _, pid := range children(t, b.cmd.Process.Pid) {
		if c, err := look(pid); err == nil {
			x.children = append(x.children, c)
			x.cpu += c.cpu
		}
	}
	x.store, x.engagement, x.rest = size(s.data())
	filepath.WalkDir(s.run(), func(string, fs.DirEntry, error) error { x.temporary++; return nil })
	return x
}

// minutes is how many stream minutes were analysed.
func (x *sample) minutes(s *site) float64 { return x.event.Minutes() * float64(len(s.origins)) }

// look reads what the kernel says of a process (proc(5)).
func look(pid int) (p process, err error) {
	dir := fmt.Sprintf("/proc/%d/", pid)
	rollup, err := os.ReadFile(dir + "smaps_rollup")
	stat, err2 := os.ReadFile(dir + "stat")
	files, err3 := os.ReadDir(dir + "fd")
	if err := errors.Join(err, err2, err3); err != nil {
		return p, err
	}
	p = process{pid: pid, files: len(files)}
	for l := range strings.Lines(string(rollup)) {
		if f := strings.Fields(l); len(f) > 1 {
			n, _ := strconv.ParseInt(f[1], 10, 64)
			switch f[0] {
			case "Rss:":
				p.resident = n << 10
			case "Pss:":
				p.pss = n << 10
			}
		}
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	at := func(field int) float64 { // as proc_pid_stat(5) counts
		n, _ := strconv.ParseFloat(fields[field-3], 64)
		return n
	}
	const ticks = 100
	p.cpu, p.childrenCPU, p.threads = (at(14)+at(15))/ticks, (at(16)+at(17))/ticks, int(at(20))
	return p, nil
}

// children returns the processes that one has started and that run.
func children(t *testing.T, parent int) (pids []int) {
	t.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", parent))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range tasks {
		text, _ := os.ReadFile(f) // of a thread that has ended there is nothing
		for _, one := range strings.Fields(string(text)) {
			if pid, err := strconv.Atoi(one); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// size adds up the files of data_dir but the models.
func size(dir string) (store, engagement, rest int64) {
	filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() == "models" {
			return fs.SkipDir
		}
		info, err := d.Info()
		switch {
		case err != nil || !info.Mode().IsRegular():
		case d.Name() == "spotter.db":
			store += info.Size()
		case strings.HasPrefix(d.Name(), "engagement"):
			engagement += info.Size()
		default:
			rest += info.Size()
		}
		return nil
	})
	return store, engagement, rest
}

func mib(n int64) float64 { return float64(n) / (1 << 20) }

const header = " wall   event | parent: RSS  PSS heap MiB  fds threads goroutines series | decoders: n  RSS (max)  PSS MiB  fds threads | store engage rest MiB  temp | CPU s"

func (x *sample) row(began time.Time, s *site) string {
	var resident, most, pss int64
	files, threads, n := 0, 0, max(1, len(x.children))
	for _, c := range x.children {
		resident, most, pss, files, threads = resident+c.resident, max(most, c.resident), pss+c.pss, files+c.files, threads+c.threads
	}
	return fmt.Sprintf("%5s %7s | %11.0f %4.0f %8.1f %4d %7d %10.0f %6.0f | %11d %4.0f %5.0f %8.0f %4d %7d | %5.1f %6.1f %8.1f %5d | %5.0f",
		x.at.Sub(began).Round(time.Second), x.event.Round(time.Minute), mib(x.parent.resident), mib(x.parent.pss), x.heap/(1<<20), x.parent.files, x.parent.threads,
		x.goroutines, x.series, len(x.children), mib(resident)/float64(n), mib(most), mib(pss)/float64(n), files/n, threads/n,
		mib(x.store), mib(x.engagement), mib(x.rest), x.temporary, x.cpu)
}
