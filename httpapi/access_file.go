package httpapi

import (
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	recheckTime   = time.Second // between two looks at the same files
	maxAccessFile = 4 << 20     // bytes of one file with keys or certificates
)

// reloaded is what files say, read again when they change. Whoever needs it looks for changes on the way, at most once
// a second, so that nothing runs beside. Files that cannot be taken leave what was there.
type reloaded[T any] struct {
	paths []string
	parse func(contents [][]byte) (T, error)
	log   *slog.Logger
	value atomic.Pointer[T]
	next  atomic.Int64 // when to look again, in Unix nanoseconds

	mu     sync.Mutex
	stamps []os.FileInfo // nil: read whatever they look like
	tried  [sha256.Size]byte
	broken error  // why the contents tried last were refused; nil where they were not
	said   string // the fault that was logged, until the files are mended
}

// openReloaded reads the files for the first time. The errors of parse must tell nothing that is secret.
func openReloaded[T any](log *slog.Logger, parse func([][]byte) (T, error), paths ...string) (*reloaded[T], error) {
	r := &reloaded[T]{paths: paths, parse: parse, log: log}
	now := time.Now()
	if err := r.read(now); err != nil {
		return nil, err
	}
	r.next.Store(now.Add(recheckTime).UnixNano())
	return r, nil
}

// get returns the newest value.
func (r *reloaded[T]) get(now time.Time) T {
	next := r.next.Load()
	if now.UnixNano() >= next && r.next.CompareAndSwap(next, now.Add(recheckTime).UnixNano()) && r.mu.TryLock() {
		r.refresh(now)
		r.mu.Unlock()
	}
	return *r.value.Load()
}

// refresh reads the files if they have changed; a fault is logged once.
func (r *reloaded[T]) refresh(now time.Time) {
	before := r.value.Load()
	err := r.read(now)
	if err == nil {
		r.said = ""
		if r.value.Load() != before {
			r.log.Info("changed file taken up", "file", r.paths[0])
		}
		return
	}
	if err.Error() != r.said {
		r.said = err.Error()
		r.log.Error("changed file refused, the old one stays in force", "file", r.paths[0], "error", err)
	}
}

// read takes up the files unless they are as they were.
func (r *reloaded[T]) read(now time.Time) error {
	stamps := make([]os.FileInfo, len(r.paths))
	same, settled := r.stamps != nil, true
	for i, path := range r.paths {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		stamps[i] = info
		same = same && os.SameFile(info, r.stamps[i]) && info.ModTime().Equal(r.stamps[i].ModTime()) && info.Size() == r.stamps[i].Size()
		// A file written twice within a tick of the file system's clock looks the same: it is read until it is older.
		settled = settled && now.Sub(info.ModTime()) > recheckTime
	}
	if same {
		return r.broken
	}
	contents := make([][]byte, len(r.paths))
	digest := sha256.New()
	for i, path := range r.paths {
		var err error
		if contents[i], err = readAccessFile(path); err != nil {
			return err
		}
		fmt.Fprintf(digest, "%d:", len(contents[i]))
		digest.Write(contents[i])
	}
	r.stamps = nil
	if settled {
		r.stamps = stamps
	}
	if sum := [sha256.Size]byte(digest.Sum(nil)); sum != r.tried {
		r.tried = sum
		value, err := r.parse(contents)
		if r.broken = err; err != nil {
			r.broken = fmt.Errorf("%s: %w", r.paths[0], err)
		} else {
			r.value.Store(&value)
		}
	}
	return r.broken
}

func readAccessFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxAccessFile+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxAccessFile {
		return nil, fmt.Errorf("%s is larger than %d MiB", path, maxAccessFile>>20)
	}
	return b, nil
}
