package apart

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// What Aside keeps at most.
const (
	mostAside      = 5
	mostAsideBytes = 64 << 20
)

// Aside keeps the segments of which decoders died, for an engineer to look at: the newest few, in a folder of their own.
// It may be used from several goroutines.
type Aside struct {
	dir string
	mu  sync.Mutex
}

// NewAside returns what keeps segments in dir, which is made when there is one to keep.
func NewAside(dir string) *Aside { return &Aside{dir: dir} }

// Keep writes a segment, its initialisation section first, and removes the oldest that there is no room for. It returns
// the file's path; empty where the segment is too large to be kept at all.
func (a *Aside) Keep(name string, head, segment []byte) (path string, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	size := int64(len(head) + len(segment))
	if size == 0 || size > mostAsideBytes {
		return "", nil
	}
	if err := os.MkdirAll(a.dir, 0o750); err != nil {
		return "", fmt.Errorf("set a segment aside: %w", err)
	}
	if err := a.makeRoom(size); err != nil {
		return "", fmt.Errorf("set a segment aside: %w", err)
	}
	end := ".ts"
	if len(head) > 0 || len(segment) > 0 && segment[0] != 0x47 {
		end = ".mp4"
	}
	name = strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' {
			return c
		}
		return '_'
	}, name)
	path = filepath.Join(a.dir, time.Now().UTC().Format("20060102T150405.000000000Z")+"-"+name+end)
	if err := os.WriteFile(path, append(slices.Clip(head), segment...), 0o640); err != nil {
		return "", errors.Join(fmt.Errorf("set a segment aside: %w", err), os.Remove(path))
	}
	return path, nil
}

// makeRoom removes the oldest files until one more of a size may be there. Names begin with the time, so their order is
// that of age.
func (a *Aside) makeRoom(size int64) error {
	entries, err := os.ReadDir(a.dir)
	if err != nil {
		return err
	}
	var names []string
	var sizes []int64
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		names, sizes = append(names, e.Name()), append(sizes, info.Size())
		size += info.Size()
	}
	for i := range names {
		if len(names)-i < mostAside && size <= mostAsideBytes {
			break
		}
		if err := os.Remove(filepath.Join(a.dir, names[i])); err != nil {
			return err
		}
		size -= sizes[i]
	}
	return nil
}
