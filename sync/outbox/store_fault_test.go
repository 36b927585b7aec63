package outbox_test

import (
	"context"
	"errors"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"spotter/sync/outbox"
	"spotter/timeline"
)

// full is a store on a full disk: it is read, but nothing is taken out.
type full struct {
	outbox.Store
	full bool
}

func (s *full) Done(sink string, seqs ...uint64) error {
	if s.full && len(seqs) > 0 {
		return syscall.ENOSPC
	}
	return s.Store.Done(sink, seqs...)
}

// TestDrainAfterFullDisk has Run called again and again while the disk is full: what the sink took is not given to it twice, for
// subscribers would be told twice, and a table's writes be paid twice.
func TestDrainAfterFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud()
		b := newBox(t, c, observations(0, 3)...)
		disk := &full{b.s, true}
		b.Store = disk
		for range 3 {
			if err := b.Run(context.Background()); !errors.Is(err, syscall.ENOSPC) {
				t.Fatalf("run: %v, want the disk's", err)
			}
		}
		if err := b.Flush(context.Background()); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("flush: %v, want the disk's", err)
		}
		disk.full = false
		stop := b.start(t)
		<-time.After(time.Second)
		stop()
		b.check(t, c)
		for at := range timeline.Position(3) {
			if n := c.putsOf(at); n != 1 {
				t.Errorf("%v was put %d times, want once", at, n)
			}
		}
	})
}
