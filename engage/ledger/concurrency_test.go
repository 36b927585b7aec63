package ledger_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	bolt "go.etcd.io/bbolt"

	"spotter/engage/ledger"
)

// TestConcurrency has appends, duplicate events, flushes, reads, erasures and prunings at the same time.
func TestConcurrency(t *testing.T) {
	const workers, each = 8, 300
	l := open(t, t.TempDir())
	var appended, clicks, flushed atomic.Int64
	var wg, others sync.WaitGroup
	stop := make(chan struct{})
	for w := range workers {
		wg.Go(func() {
			v := l.Viewer(fmt.Sprint("v", w))
			for i := range each {
				r := &ledger.Record{Decision: decision(v, "poll")}
				if err := l.Append(r); err != nil {
					t.Error(err)
				}
				appended.Add(1)
				if n, err := l.Shown(v, "poll"); err != nil || n != i+1 {
					t.Errorf("shown %d of %d, %v", n, i+1, err)
				}
				if d, err := l.Decision(r.Number); err != nil || d.Viewer != v {
					t.Error(d, err)
				}
				var pair sync.WaitGroup
				for range 2 {
					pair.Go(func() {
						err := l.Append(&ledger.Record{Event: &ledger.Event{At: start, Decision: r.Number, Type: "click", Reward: 0.5}})
						if err == nil {
							clicks.Add(1)
						} else if !errors.Is(err, ledger.ErrDuplicate) {
							t.Error(err)
						}
					})
				}
				pair.Wait()
				if got, err := l.Rewarded(r.Number); err != nil || got != 0.5 {
					t.Errorf("rewarded %v, %v", got, err)
				}
			}
		})
	}
	background := func(f func() error) {
		others.Go(func() {
			for {
				if err := f(); err != nil {
					t.Error(err)
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	background(func() error { rs, err := l.Flush(); flushed.Add(int64(len(rs))); return err })
	background(func() error { return l.Replay(0, func(*ledger.Record) error { return nil }) })
	background(func() error {
		return errors.Join(l.PutProfile("gone", []byte("{}")), l.Erase("gone"), l.Prune(start), l.Forget("gone"))
	})
	wg.Wait()
	close(stop)
	others.Wait()
	flushed.Add(int64(len(flush(t, l))))
	if appended.Load() != clicks.Load() || flushed.Load() != 2*workers*each {
		t.Errorf("%d decisions, %d clicks, %d flushed", appended.Load(), clicks.Load(), flushed.Load())
	}
	check(t, l)
}

func TestOpenErrors(t *testing.T) {
	file := func(f func(path string) error) func(*testing.T) string {
		return func(t *testing.T) string {
			dir := t.TempDir()
			if err := f(filepath.Join(dir, "engagement.db")); err != nil {
				t.Fatal(err)
			}
			return dir
		}
	}
	foreign := func(bucket, format string) func(string) error {
		return func(path string) error {
			db, err := bolt.Open(path, 0o600, nil)
			if err != nil {
				return err
			}
			defer db.Close()
			return db.Update(func(tx *bolt.Tx) error {
				b, err := tx.CreateBucket([]byte(bucket))
				if err != nil {
					return err
				}
				return b.Put([]byte("format"), []byte(format))
			})
		}
	}
	for _, c := range []struct {
		name string
		dir  func(*testing.T) string
		want error
	}{
		{"in use", func(t *testing.T) string { dir := t.TempDir(); open(t, dir); return dir }, ledger.ErrLocked},
		{"no folder", func(t *testing.T) string { return filepath.Join(t.TempDir(), "none") }, os.ErrNotExist},
		{"another kind of file", file(foreign("other", "1")), ledger.ErrFormat},
		{"newer", file(foreign("meta", "2")), ledger.ErrFormat},
		{"no number", file(foreign("meta", "x")), ledger.ErrCorrupt},
		{"without secret", file(foreign("meta", "1")), ledger.ErrCorrupt},
		{"not a database", file(func(path string) error { return os.WriteFile(path, make([]byte, 1<<16), 0o600) }), ledger.ErrCorrupt},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ledger.Open(c.dir(t), ledger.Options{})
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}
