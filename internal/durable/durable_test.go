package durable_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
	"golang.org/x/sys/unix"

	"spotter/internal/durable"
)

var bucket = []byte("b")

func open(t *testing.T, path string) *durable.DB {
	t.Helper()
	d, err := durable.Open(path, 0o600, bolt.Options{Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func put(d *durable.DB, n uint64, size int) error {
	return d.Update(func(tx *bolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists(bucket)
		if err != nil {
			return err
		}
		return b.Put(binary.BigEndian.AppendUint64(nil, n), bytes.Repeat([]byte{byte(n) | 1}, size))
	})
}

// used returns how much of the file is used, in bytes.
func used(t *testing.T, d *durable.DB) (size int64) {
	t.Helper()
	if err := d.View(func(tx *bolt.Tx) error { size = tx.Size(); return nil }); err != nil {
		t.Fatal(err)
	}
	return size
}

// hole returns where the first part of a file lies that was never written.
func hole(t *testing.T, path string) int64 {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	at, err := f.Seek(0, unix.SEEK_HOLE)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// TestNothingIsWrittenIntoHoles has transactions of many sizes, and openings of the file: a commit may use no more than was written
// before it.
func TestNothingIsWrittenIntoHoles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	d := open(t, path)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range uint64(400) {
		if i%50 == 49 {
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
			d = open(t, path)
		}
		most := int64(rng.IntN(100_000))
		if i%20 == 0 {
			most *= 20
		}
		if err := put(d, rng.Uint64N(300), int(most)); err != nil {
			t.Fatal(err)
		}
		if written, size := d.Written(), used(t, d); size > written || hole(t, path) < written {
			t.Fatalf("transaction %d used up to %d of %d bytes that were written; the file has a hole at %d", i, size, written, hole(t, path))
		}
	}
	ahead := hole(t, path) - used(t, d)
	if most := int64(8 << 20); ahead <= 0 || ahead > most {
		t.Errorf("the file is written %d bytes ahead, want no more than %d", ahead, most)
	}
	err := d.View(func(tx *bolt.Tx) error {
		var faults []error
		for err := range tx.Check() {
			faults = append(faults, err)
		}
		return errors.Join(faults...)
	})
	if err != nil {
		t.Error(err)
	}
}

// TestLargeTransaction has some that are larger than all that is ahead.
func TestLargeTransaction(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	d := open(t, path)
	for i, size := range []int{10, 3 << 20, 10, 12 << 20, 10} {
		if err := put(d, uint64(i), size); err != nil {
			t.Fatal(err)
		}
		if at, size := hole(t, path), used(t, d); at <= size || at > 2*size+8<<20 {
			t.Errorf("put %d: %d bytes are used, and the first hole is at %d", i, size, at)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d = open(t, path)
	err := d.View(func(tx *bolt.Tx) error {
		v := tx.Bucket(bucket).Get(binary.BigEndian.AppendUint64(nil, 3))
		if len(v) != 12<<20 || bytes.IndexByte(v, 0) >= 0 {
			t.Errorf("%d bytes are left", len(v))
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestRefused has transactions that fail, which leave nothing, and a file that takes no writes.
func TestRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	d := open(t, path)
	want := errors.New("no")
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	err = d.Update(func(tx *bolt.Tx) error {
		if _, err := tx.CreateBucket(bucket); err != nil {
			return err
		}
		return want
	})
	if err != want {
		t.Errorf("%v, want %v", err, want)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("a transaction that was refused has changed the file, %v", err)
	}
	err = d.Settled(func(tx *bolt.Tx) error {
		if tx.Bucket(bucket) != nil {
			t.Error("half a transaction is there")
		}
		return want
	})
	if err != want {
		t.Errorf("%v, want %v", err, want)
	}
	if err := put(d, 1, 10); err != nil {
		t.Error(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := put(d, 2, 10); err == nil {
		t.Error("a closed file takes a transaction")
	}
	if err := d.Settled(func(*bolt.Tx) error { return nil }); err == nil {
		t.Error("a closed file is read")
	}
	if _, err := durable.Open(filepath.Join(path, "x"), 0o600, bolt.Options{}); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("%v, want that it is no folder", err)
	}
}

// TestSettledWaitsForTheDisk holds a commit up where bbolt's readers see it already. On the disk it counts as being only when Update
// returns.
func TestSettledWaitsForTheDisk(t *testing.T) {
	d := open(t, filepath.Join(t.TempDir(), "x.db"))
	if err := put(d, 0, 10); err != nil {
		t.Fatal(err)
	}
	count := func(view func(func(*bolt.Tx) error) error) (n int) {
		if err := view(func(tx *bolt.Tx) error { n = tx.Bucket(bucket).Stats().KeyN; return nil }); err != nil {
			t.Error(err)
		}
		return n
	}
	settled := make(chan int, 1)
	err := d.Update(func(tx *bolt.Tx) error {
		if n := count(d.Settled); n != 1 { // no commit yet: nobody waits
			t.Errorf("%d keys before the commit", n)
		}
		tx.OnCommit(func() {
			if n := count(d.View); n != 2 {
				t.Errorf("bbolt's readers see %d keys: this test shows nothing", n)
			}
			go func() { settled <- count(d.Settled) }()
			select {
			case n := <-settled:
				t.Errorf("read %d keys before the commit has ended", n)
				settled <- n
			case <-time.After(100 * time.Millisecond):
			}
		})
		return tx.Bucket(bucket).Put([]byte("later"), []byte("x"))
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := <-settled; n != 2 {
		t.Errorf("%d keys after the commit, want 2", n)
	}
}
