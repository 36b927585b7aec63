package store_test

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"

	"spotter/store"
	"spotter/timeline"
)

// toFirstFormat makes of a closed file one as format 1 was.
func toFirstFormat(t *testing.T, path string) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		meta, all := tx.Bucket([]byte("meta")), tx.Bucket([]byte("media"))
		return errors.Join(meta.Delete([]byte("seal")), meta.Put([]byte("format"), []byte("1")),
			all.ForEachBucket(func(name []byte) error { return all.Bucket(name).Delete([]byte("sum")) }))
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestMigrationIsResumed cuts a migration off after each of its transactions.
func TestMigrationIsResumed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spotter.db")
	s := open(t, path, "dynamodb")
	for _, m := range []string{media, media + "-2"} {
		for i := range 3 {
			var list []*timeline.Observation
			for j := range timeline.Position(2000) {
				o := observe(timeline.Position(i)*4_000_000+j*1000, timeline.Position(i)*4_000_000+j*1000+500, 1)
				o.Media = m
				list = append(list, o)
			}
			record(t, s, store.Batch{
				Media: m, Observations: list, Analyzed: spans(timeline.Position(i)*4_000_000, timeline.Position(i)*4_000_000+100), Clock: []byte("{}"),
				Breaks: []timeline.Break{adBreak("x", timeline.Position(i), 5, false)},
			})
		}
	}
	want := told(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	golden := dump(t, path)
	toFirstFormat(t, path)
	steps := 0
	for more := true; more; steps++ {
		var err error
		if more, err = store.MigrateSome(path); err != nil { // opens and closes the file
			t.Fatal(err)
		}
		check(t, path)
		if err := store.Check(path); err != nil {
			t.Fatalf("after %d steps: %v", steps, err)
		}
	}
	if steps < 5 {
		t.Errorf("%d steps for 12,000 keys of at most 5,000 each", steps)
	}
	if diff := cmp.Diff(golden, dump(t, path)); diff != "" {
		t.Errorf("migrated (-written by today's code +got):\n%.2000s", diff)
	}
	s = open(t, path, "dynamodb")
	if diff := cmp.Diff(want, told(t, s)); diff != "" {
		t.Errorf("(-want +got):\n%.2000s", diff)
	}
}

// TestMigrationAllAtOnce opens an old file that has nothing in it, and one half migrated.
func TestMigrationAllAtOnce(t *testing.T) {
	for name, steps := range map[string]int{"none": 0, "one": 1, "two": 2} {
		t.Run(name+" of its steps done", func(t *testing.T) {
			path := unpacked(t, "testdata/format1.db.gz")
			for range steps {
				if _, err := store.MigrateSome(path); err != nil {
					t.Fatal(err)
				}
			}
			testFormatRead(t, path)
		})
	}
}
