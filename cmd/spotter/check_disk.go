package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/dustin/go-humanize"
	"golang.org/x/sys/unix"
)

const (
	// leastDisk is room for models, and for weeks of one busy stream.
	leastDisk = 1 << 30
	// syncs and streamBytes are what a disk is measured with: a commit is a page or two, a copy of the database is a stream.
	syncs       = 20
	commitBytes = 8 << 10
	streamBytes = 32 << 20
	// slowSync is where a commit for each second of eight streams begins to queue up; deadSync is where one stream's do.
	slowSync = 50 * time.Millisecond
	deadSync = 500 * time.Millisecond
	// slowDisk is a tenth of what a plain memory card writes, in bytes a second.
	slowDisk = 2 << 20
)

// disk checks the room for what the configuration lets grow, and how fast the disk takes what must not be lost.
func (r *report) disk(conf *config) {
	var disk unix.Statfs_t
	err := unix.Statfs(conf.DataDir, &disk)
	free := disk.Bavail * uint64(disk.Bsize)
	if err == nil && free < leastDisk {
		err = mend(fmt.Errorf("%s free in %s", humanize.IBytes(free), conf.DataDir), "make room, at least %s", humanize.IBytes(leastDisk))
	}
	r.line("disk", humanize.IBytes(free)+" free in "+conf.DataDir, err)
	if err != nil {
		return
	}
	if need := conf.growth() - usedBelow(conf.DataDir); need > 0 && uint64(need) > free {
		r.advise("disk", fmt.Sprintf("what is kept may grow by %s, and %s are free", humanize.IBytes(uint64(need)), humanize.IBytes(free)),
			"lower retention.max_bytes, sync.outbox or engage.max_bytes, or make room; a full disk makes the box forget the oldest first")
	}
	r.diskSpeed(conf.DataDir)
}

// growth returns how many bytes what is kept may take in all.
func (c *config) growth() int64 {
	n := c.Retention.bytes() + max(c.spoolBytes(), 0)
	if len(c.sinks()) > 0 {
		n += max(parseBytes(c.Sync.Outbox), 0)
	}
	if c.Engage != nil {
		n += max(parseBytes(c.Engage.MaxBytes), 0)
	}
	return n
}

// usedBelow returns how many bytes the files of a folder take, those of its folders included. What cannot be seen counts as none.
func usedBelow(dir string) (n int64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				n += info.Size()
			}
		}
		return nil
	})
	return n
}

func (r *report) diskSpeed(dir string) {
	s, err := measureDisk(dir)
	if err != nil {
		r.line("disk speed", "", mend(err, "see that %s can be written, and the kernel's log (dmesg) for faults of the disk", dir))
		return
	}
	said := fmt.Sprintf("a commit takes %s, at worst %s; %s/s", s.median.Round(10*time.Microsecond), s.worst.Round(10*time.Microsecond), humanize.IBytes(uint64(s.bytesPerSecond)))
	const why = "put data_dir on a disk of its own, without a network or a memory card in between, or see what else writes there (iotop)"
	switch {
	case s.median >= deadSync:
		r.line("disk speed", "", mend(errors.New(said+": too slow to record a stream"), why))
	case s.median >= slowSync || s.bytesPerSecond < slowDisk:
		r.advise("disk speed", said+": slow, so that many streams wait for each other", why)
	default:
		r.line("disk speed", said, nil)
	}
}

// speed is how fast a disk is.
type speed struct {
	median, worst  time.Duration // to write a page or two so that a power cut does not lose them
	bytesPerSecond float64       // in one stream, to the disk itself
}

// measureDisk writes into a file of its own in a folder, and removes it.
func measureDisk(dir string) (s speed, err error) {
	f, err := os.CreateTemp(dir, ".check-*")
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	block := make([]byte, 1<<20)
	for i := range block {
		block[i] = byte(i * 31) // no file system keeps this as a hole
	}
	var took []time.Duration
	for i := range syncs {
		began := time.Now()
		if _, err := f.WriteAt(block[:commitBytes], int64(i)*commitBytes); err != nil {
			return s, err
		}
		if err := unix.Fdatasync(int(f.Fd())); err != nil {
			return s, err
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	s.median, s.worst = took[len(took)/2], took[len(took)-1]
	began := time.Now()
	for at := int64(0); at < streamBytes; at += int64(len(block)) {
		if _, err := f.WriteAt(block, at); err != nil {
			return s, err
		}
	}
	if err := f.Sync(); err != nil {
		return s, err
	}
	s.bytesPerSecond = streamBytes / time.Since(began).Seconds()
	return s, nil
}
