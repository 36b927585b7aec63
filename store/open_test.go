package store_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc64"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"
	"golang.org/x/sys/unix"

	"spotter/store"
	"spotter/timeline"
)

func TestOpenMakesPrivateFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "spotter.db")
	open(t, path)
	fi, err := os.Stat(path)
	if err != nil || fi.Mode() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", fi.Mode(), err)
	}
	if list, _ := os.ReadDir(dir); len(list) != 1 {
		t.Errorf("files left beside the store: %v", list)
	}
}

// written returns the bytes of a store with some content.
func written(t testing.TB) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "spotter.db")
	s := open(t, path, "dynamodb")
	for i := range timeline.Position(20) {
		var list []*timeline.Observation
		for j := range timeline.Position(20) {
			list = append(list, observe(i*1000+j*10, i*1000+j*10+10, 1))
		}
		record(t, s, store.Batch{Media: media, Observations: list, Analyzed: spans(i*1000, i*1000+500), Clock: []byte("{}")})
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestOpenRefusesAndLeavesFileAlone(t *testing.T) {
	good := written(t)
	foreign := func(t *testing.T, fill func(*bolt.Tx) error) []byte {
		path := filepath.Join(t.TempDir(), "other.db")
		db, err := bolt.Open(path, 0o600, nil)
		if err == nil {
			err = errors.Join(db.Update(fill), db.Close())
		}
		b, rerr := os.ReadFile(path)
		if err := errors.Join(err, rerr); err != nil {
			t.Fatal(err)
		}
		return b
	}
	withFormat := func(text string) func(tx *bolt.Tx) error {
		return func(tx *bolt.Tx) error {
			b, err := tx.CreateBucket([]byte("meta"))
			if err != nil {
				return err
			}
			seal := binary.BigEndian.AppendUint64(nil, crc64.Checksum([]byte(text), crc64.MakeTable(crc64.ECMA)))
			return errors.Join(b.Put([]byte("format"), []byte(text)), b.Put([]byte("seal"), seal))
		}
	}
	for name, tc := range map[string]struct {
		content []byte
		want    error
		mend    string
	}{
		"empty":              {nil, store.ErrCorrupt, "restore it from a backup"},
		"text":               {[]byte("not a database\n"), store.ErrCorrupt, "restore it"},
		"zeros":              {make([]byte, 1<<16), store.ErrCorrupt, "restore it"},
		"garbage":            {bytes.Repeat([]byte("garbage "), 1<<13), store.ErrCorrupt, "restore it"},
		"cut to a byte":      {good[:1], store.ErrCorrupt, "restore it"},
		"cut to a meta page": {good[:4096], store.ErrCorrupt, "restore it"},
		"cut to both metas":  {good[:8192], store.ErrCorrupt, "restore it"},
		"cut in half":        {good[:len(good)/2], store.ErrCorrupt, "restore it"},
		"another program's":  {foreign(t, func(*bolt.Tx) error { return nil }), store.ErrFormat, "move it away"},
		"newer":              {foreign(t, withFormat("3")), store.ErrFormat, "install the newer spotter"},
		"format unreadable":  {foreign(t, withFormat("x")), store.ErrCorrupt, "restore it"},
		"buckets missing":    {foreign(t, withFormat("2")), store.ErrCorrupt, "restore it"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "spotter.db")
			if err := os.WriteFile(path, tc.content, 0o600); err != nil {
				t.Fatal(err)
			}
			for range 2 { // the second finds no lock left behind by the first
				_, err := store.Open(path, store.Options{Sinks: observers("dynamodb")})
				if !errors.Is(err, tc.want) || !strings.Contains(err.Error(), tc.mend) || !strings.Contains(err.Error(), path) {
					t.Fatalf("error %v; want %v, %q and the path", err, tc.want, tc.mend)
				}
			}
			if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, tc.content) {
				t.Errorf("the file was changed, %v", err)
			}
		})
	}
}

func TestOpenSurvivesDamage(t *testing.T) {
	good := written(t)
	rng := rand.New(rand.NewPCG(1, 2))
	path := filepath.Join(t.TempDir(), "spotter.db")
	refused := 0
	for i := range 150 {
		b := bytes.Clone(good)
		page := rng.IntN(len(b)/4096) * 4096
		for n := range 1 + rng.IntN(64) {
			b[page+(n*37+rng.IntN(64))%4096] = byte(rng.Uint32())
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := store.Open(path, store.Options{})
		if err == nil { // the damage lies in free pages, or changed no more than a value
			s.Close()
			continue
		}
		refused++
		if !errors.Is(err, store.ErrCorrupt) && !errors.Is(err, store.ErrFormat) {
			t.Fatalf("damage %d: %v; want ErrCorrupt", i, err)
		}
	}
	if refused == 0 {
		t.Error("no damage was noticed")
	}
}

func TestOpenLocked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spotter.db")
	open(t, path)
	_, err := store.Open(path, store.Options{})
	if !errors.Is(err, store.ErrLocked) || !strings.Contains(err.Error(), "stop the other spotter") {
		t.Errorf("error %v, want ErrLocked and the mend", err)
	}
}

func TestOpenMissingFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "absent")
	_, err := store.Open(filepath.Join(dir, "spotter.db"), store.Options{})
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "create the folder "+dir) {
		t.Errorf("error %v, want the folder to create", err)
	}
}

func TestOpenWithoutRights(t *testing.T) {
	closed := t.TempDir()
	path := filepath.Join(closed, "spotter.db")
	open(t, path).Close()
	empty := t.TempDir()
	for _, dir := range []string{closed, empty} {
		if err := os.Chmod(dir, 0o500); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.Chmod(dir, 0o700) })
	}
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{"file": path, "folder": filepath.Join(empty, "spotter.db")} {
		t.Run(name, func(t *testing.T) {
			if os.Geteuid() == 0 { // root may do everything, until its thread's file access is another user's
				runtime.LockOSThread() // the thread ends with the test
				const nobody = 65534
				if _, err := unix.SetfsuidRetUid(nobody); err != nil {
					t.Skip("root cannot act as another user here: ", err)
				}
			}
			_, err := store.Open(path, store.Options{})
			if !errors.Is(err, store.ErrRights) || !strings.Contains(err.Error(), "give the user that runs spotter the folder") {
				t.Errorf("error %v, want ErrRights and the mend", err)
			}
		})
	}
}

func TestClosedStore(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "spotter.db"), "a")
	record(t, s, store.Batch{Media: media, Observations: []*timeline.Observation{observe(0, 5, 1)}})
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if tl, ok := s.Timeline(media); !ok || tl.Len() != 1 {
		t.Error("the snapshot went with the file")
	}
	if err := s.Record(store.Batch{Media: media, Analyzed: spans(0, 1)}); err == nil {
		t.Error("recorded into a closed store")
	}
	if _, err := s.Pending("a", 0, 1); err == nil {
		t.Error("read from a closed store")
	}
}
