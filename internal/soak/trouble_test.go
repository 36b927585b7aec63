//go:build soak && linux

package soak_test

import (
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"
	"time"
)

// How often there is trouble.
const (
	killEvery   = 20 * time.Second
	awayEvery   = 45 * time.Second
	reloadEvery = 15 * time.Second
)

// trouble is what befalls a box. Half of the decoders are spared, so that what they grow by is seen.
type trouble struct {
	site   *site
	box    *box
	spared []int // process ids
	away   *source

	killed, outages, reloads, refused int
}

func newTrouble(s *site, b *box) *trouble { return &trouble{site: s, box: b} }

// step does what is due after so much time; it is called every few seconds.
func (x *trouble) step(t *testing.T, since time.Duration) {
	t.Helper()
	if x.away != nil {
		x.end()
	}
	due := func(every time.Duration) bool { return since%every < often }
	if due(killEvery) {
		x.kill(t)
	}
	if due(awayEvery) {
		x.away = x.site.origins[rand.IntN(len(x.site.origins))]
		x.away.away.Store(true)
		x.outages++
	}
	if due(reloadEvery) {
		x.reload(t)
	}
}

// end lets origins be back.
func (x *trouble) end() {
	if x.away != nil {
		x.away.away.Store(false)
		x.away = nil
	}
}

func (x *trouble) kill(t *testing.T) {
	t.Helper()
	pids := children(t, x.box.cmd.Process.Pid)
	if x.spared == nil {
		x.spared = pids[:len(pids)/2]
	}
	pids = slices.DeleteFunc(pids, func(pid int) bool { return slices.Contains(x.spared, pid) })
	if len(pids) == 0 {
		return
	}
	if err := syscall.Kill(pids[rand.IntN(len(pids))], syscall.SIGKILL); err == nil {
		x.killed++
	}
}

// reload gives the box another configuration; every fourth is wrong, and the right one follows.
func (x *trouble) reload(t *testing.T) {
	t.Helper()
	x.reloads++
	text := x.site.config(x.reloads)
	if x.reloads%4 == 0 {
		x.refused++
		text += "nonsense: true\n"
	}
	x.site.write(t, "spotter.yaml", text)
	if err := x.box.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Error(err)
	}
}
