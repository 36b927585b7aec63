package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sys/unix"

	"spotter/httpapi"
	"spotter/store"
	"spotter/systemd"
)

const (
	faultDisk = "disk"
	// spaceEvery is how often the disk is looked at.
	spaceEvery = 3 * time.Second
	// mostReserve and reserveShare bound what must stay free on the file system: the lesser of the two.
	mostReserve, reserveShare = 256 << 20, 50
	// leastSpare and mostSpare bound how much of the store's file must be free where the file system has no room: a twentieth of it.
	leastSpare, mostSpare, spareShare = 1 << 20, 64 << 20, 20
	// ballastBytes is given up where not even old observations can be deleted for want of room: to delete takes some, too.
	ballastBytes = 4 << 20
	ballastFile  = ".reserve"
)

// space pauses analysis, and what is told the cloud, while the disk takes nothing more, and makes room by itself.
type space struct {
	dir   string
	store *store.Store
	// early drops the oldest observations until that many bytes of the store's file are free, or none are left to drop.
	early func(spare int64) error
	// wake tells the sinks that they may go on; nil where there are none.
	wake func()
	log  *slog.Logger
	// statfs returns how many bytes of a folder's file system are free for this user, and how many it has.
	statfs func(dir string) (free, total int64, err error)

	mu      sync.Mutex
	fault   *httpapi.Fault // nil while there is room
	writes  bool           // the sinks may be told, and the outbox cleared
	changed chan struct{}  // closed when analysis pauses or goes on; then there is another
	pauses  float64
}

func newSpace(dir string, s *store.Store, early func(int64) error, log *slog.Logger) *space {
	return &space{dir: dir, store: s, early: early, log: log, statfs: statfs, writes: true, changed: make(chan struct{})}
}

func statfs(dir string) (free, total int64, err error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, 0, fmt.Errorf("look at the disk of %s: %w", dir, err)
	}
	return int64(s.Bavail) * s.Bsize, int64(s.Blocks) * s.Bsize, nil
}

// register shows on /metrics how much room there is.
func (s *space) register(r prometheus.Registerer) {
	gauge := func(name, help string, value func() float64) {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
	}
	gauge("spotter_disk_free_bytes", "Bytes free on the file system of data_dir.", func() float64 {
		free, _, err := s.statfs(s.dir)
		if err != nil {
			return -1
		}
		return float64(free)
	})
	gauge("spotter_disk_reserve_bytes", "Bytes free on the file system of data_dir below which room is made.", func() float64 {
		_, total, err := s.statfs(s.dir)
		if err != nil {
			return -1
		}
		return float64(reserveOf(total))
	})
	gauge("spotter_disk_paused", "1 while analysis is paused because the disk takes nothing more, else 0.", func() float64 {
		if s.paused() {
			return 1
		}
		return 0
	})
	r.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "spotter_disk_pauses_total", Help: "How often analysis was paused because the disk took nothing more.",
	}, func() float64 {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.pauses
	}))
}

func reserveOf(total int64) int64 { return min(mostReserve, total/reserveShare) }

// errUnwritable ends the box: the store can only be written after it was opened, and so checked, again.
var errUnwritable = errors.New("the store cannot be written until it is opened again")

// unwritableFor is how long a broken store is left to look-ups before the box ends, to be started again.
const unwritableFor = time.Minute

// run looks at the disk until ctx is done, and says so to part. It returns an error where only a restart helps.
func (s *space) run(ctx context.Context, part *systemd.Part) error {
	defer part.Leave()
	tick := time.NewTicker(spaceEvery)
	defer tick.Stop()
	var broken time.Time
	for {
		s.look()
		part.Progress()
		err := s.store.Broken()
		switch {
		case err == nil:
			broken = time.Time{}
		case broken.IsZero():
			broken = time.Now()
		case time.Since(broken) > unwritableFor:
			return fmt.Errorf("%w: %w", errUnwritable, err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// look finds out whether there is room, and makes some where there is none.
func (s *space) look() {
	free, total, err := s.statfs(s.dir)
	if err != nil {
		s.log.Warn("the disk cannot be looked at", "error", err)
		return
	}
	fault := s.writeFault()
	enough := reserveOf(total)
	if s.paused() {
		enough += enough / 4 // so that it does not go to and fro
	}
	if free >= enough {
		if fault == nil {
			s.goOn("there is room on the disk again")
			s.holdBallast(free - enough)
			return
		}
		s.pause(fault)
		s.letWrite(false)
		return
	}
	spare := s.spare()
	if fault == nil && s.store.Spare() >= spare/2 {
		s.goOn("it goes on in the room that old observations have left in the store's file")
		return
	}
	if fault == nil {
		fault = fmt.Errorf("%s of %s are free, %s must be", humanize.IBytes(uint64(free)), humanize.IBytes(uint64(total)), humanize.IBytes(uint64(enough)))
	}
	s.pause(fault)
	s.makeRoom(spare)
}

// writeFault returns why the store cannot be written now.
func (s *space) writeFault() error {
	if err := s.store.WriteFault(); err != nil && store.Full(err) {
		return s.store.Probe()
	}
	return nil
}

// spare is how much of the store's file is to be free before analysis goes on in that.
func (s *space) spare() int64 {
	used, err := s.store.InUse()
	if err != nil {
		return leastSpare
	}
	return min(max((used+s.store.Spare())/spareShare, leastSpare), mostSpare)
}

// makeRoom drops what is oldest. To write again is tried last.
func (s *space) makeRoom(spare int64) {
	err := s.early(spare)
	if err != nil && store.Full(err) {
		if os.Remove(filepath.Join(s.dir, ballastFile)) == nil {
			err = s.early(spare)
		}
	}
	if err == nil {
		err = s.store.Probe()
	}
	if err != nil {
		s.letWrite(false)
		s.log.Debug("no room could be made", "error", err)
		return
	}
	if s.store.Spare() >= spare/2 {
		s.goOn("the oldest observations were dropped for room")
		return
	}
	s.letWrite(true) // what waits for the cloud cannot be dropped before it is told
}

// holdBallast sets some room aside for when there is none.
func (s *space) holdBallast(over int64) {
	name := filepath.Join(s.dir, ballastFile)
	if _, err := os.Stat(name); err == nil || over < 2*ballastBytes {
		return
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return
	}
	if err := errors.Join(unix.Fallocate(int(f.Fd()), 0, 0, ballastBytes), f.Close()); err != nil {
		s.log.Debug("no room could be set aside", "error", errors.Join(err, os.Remove(name)))
	}
}

// pause says once that the disk takes nothing more.
func (s *space) pause(cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fault != nil {
		s.fault.Count++
		s.fault.Message = cause.Error()
		return
	}
	s.fault = &httpapi.Fault{At: time.Now().UTC().Truncate(time.Millisecond), Kind: faultDisk, Message: cause.Error(), Count: 1}
	s.writes = false
	s.pauses++
	close(s.changed)
	s.changed = make(chan struct{})
	s.log.Error("THE DISK TAKES NOTHING MORE: analysis and the cloud's copy are paused, look-ups go on, and the oldest observations are dropped for room; "+
		"delete files on the disk of data_dir, give it a larger one, or lower retention.max_bytes", "data_dir", s.dir, "error", cause)
}

// goOn says once that there is room again.
func (s *space) goOn(why string) {
	s.mu.Lock()
	fault := s.fault
	if fault != nil {
		s.fault, s.writes = nil, true
		close(s.changed)
		s.changed = make(chan struct{})
	}
	s.mu.Unlock()
	if fault != nil {
		s.log.Info("analysis and the cloud's copy go on: "+why, "paused", time.Since(fault.At).Round(time.Second))
		s.wakeSinks()
	}
}

// letWrite says whether the sinks may be told while analysis is paused.
func (s *space) letWrite(may bool) {
	s.mu.Lock()
	fresh := may && !s.writes
	s.writes = may
	s.mu.Unlock()
	if fresh {
		s.wakeSinks()
	}
}

func (s *space) wakeSinks() {
	if s.wake != nil {
		s.wake()
	}
}

func (s *space) paused() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fault != nil
}

// faults are the disk's, for the status of each media.
func (s *space) faults() []httpapi.Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fault == nil {
		return nil
	}
	return []httpapi.Fault{*s.fault}
}

// ready is the disk's line of /readyz.
func (s *space) ready() httpapi.Check {
	if list := s.faults(); len(list) > 0 {
		return httpapi.Check{Name: "disk", Detail: "paused since " + list[0].At.Format(time.RFC3339) + ": " + list[0].Message}
	}
	return httpapi.Check{Name: "disk", OK: true, Detail: "there is room"}
}
