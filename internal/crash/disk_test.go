//go:build crash && linux

package crash_test

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
)

// disk is a folder as a file system keeps it: what is on the disk, and what only the page cache has yet.
type disk struct {
	dir     string
	names   map[string]*inode // as programs see them
	durable map[string]*inode
	waiting []rename // changes of names since
	handles map[int]*handle
	// posix promises no more than POSIX: names are on disk once their folder was synced, and may get there in any order.
	// Otherwise it is what ext4, XFS and Btrfs do: names get there in order, and with a file's sync all that came before.
	posix bool
}

// rename changes names together: a nil inode removes one.
type rename map[string]*inode

type handle struct {
	file   *inode // nil for the folder
	folder bool
}

// inode is a file's content.
type inode struct {
	data    []byte // on the disk
	waiting []change
}

// change is a write, or with nil data a truncation to off.
type change struct {
	off  int
	data []byte
}

func newDisk(dir string, posix bool) (*disk, error) {
	d := &disk{dir: dir, names: map[string]*inode{}, handles: map[int]*handle{}, posix: posix}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		d.names[e.Name()] = &inode{data: data}
	}
	d.durable = maps.Clone(d.names)
	return d, nil
}

// name returns what a path is called in the folder; false where it is elsewhere.
func (d *disk) name(path []byte) (string, bool) {
	name, ok := strings.CutPrefix(string(path), d.dir+"/")
	return name, ok && !strings.Contains(name, "/")
}

func (d *disk) change(r rename) {
	for name, file := range r {
		if file == nil {
			delete(d.names, name)
		} else {
			d.names[name] = file
		}
	}
	d.waiting = append(d.waiting, r)
}

// do makes a call. It says whether the call was one that changes something.
func (d *disk) do(c call) bool {
	switch c.name {
	case "openat":
		return d.open(c)
	case "close":
		delete(d.handles, c.int(0))
	case "linkat", "renameat", "renameat2", "rename":
		from, ok := d.name(c.strings[0])
		to, ok2 := d.name(c.strings[1])
		if !ok || !ok2 {
			return false
		}
		r := rename{to: d.names[from]}
		if c.name != "linkat" {
			r[from] = nil
		}
		d.change(r)
		return true
	case "unlinkat":
		if name, ok := d.name(c.strings[0]); ok {
			d.change(rename{name: nil})
			return true
		}
	default:
		if h := d.handles[c.int(0)]; h != nil {
			d.write(h, c)
			return true
		}
	}
	return false
}

func (d *disk) open(c call) bool {
	if string(c.strings[0]) == d.dir {
		d.handles[c.result] = &handle{folder: true}
		return false
	}
	name, ok := d.name(c.strings[0])
	if !ok {
		return false
	}
	file, flags := d.names[name], c.args[1]
	switch {
	case file == nil:
		file = new(inode)
		d.change(rename{name: file})
	case strings.Contains(flags, "O_TRUNC"):
		file.waiting = append(file.waiting, change{})
	}
	d.handles[c.result] = &handle{file: file}
	return true
}

func (d *disk) write(h *handle, c call) {
	switch c.name {
	case "pwrite64":
		h.file.waiting = append(h.file.waiting, change{c.int(2), c.strings[0][:c.result]})
	case "write":
		panic("a write at no position")
	case "ftruncate":
		h.file.waiting = append(h.file.waiting, change{off: c.int(1)})
	case "fsync", "fdatasync":
		if !h.folder {
			h.file.data = apply(h.file.data, h.file.waiting)
			h.file.waiting = nil
		}
		if h.folder || !d.posix {
			d.durable, d.waiting = maps.Clone(d.names), nil
		}
	}
}

func apply(data []byte, changes []change) []byte {
	for _, c := range changes {
		end := c.off + len(c.data)
		if end > len(data) {
			data = append(data, make([]byte, end-len(data))...)
		}
		if c.data == nil {
			data = data[:c.off]
		}
		copy(data[c.off:], c.data)
	}
	return data
}

// lose writes to a folder what the disk may have after the power went.
func (d *disk) lose(rng *rand.Rand, to string) error {
	names := maps.Clone(d.durable)
	first := rng.IntN(len(d.waiting) + 1)
	for i, r := range d.waiting {
		if !d.posix && i >= first || d.posix && rng.IntN(2) == 0 {
			continue
		}
		for name, file := range r {
			if file == nil {
				delete(names, name)
			} else {
				names[name] = file
			}
		}
	}
	if err := os.MkdirAll(to, 0o750); err != nil {
		return err
	}
	for name, file := range names {
		if err := os.WriteFile(filepath.Join(to, name), file.lose(rng), 0o600); err != nil {
			return fmt.Errorf("make the image: %w", err)
		}
	}
	return nil
}

// sector is what a disk writes whole or not at all, in bytes.
const sector = 512

// lose returns what may be left of a file: all that was synced, and of the rest any part.
func (f *inode) lose(rng *rand.Rand) []byte {
	var kept []change
	chance := rng.IntN(5) // how many fourths of the writes got to the disk
	for _, c := range f.waiting {
		switch {
		case rng.IntN(4) >= chance: // lost; but the file's length may be known, and zeros be there
			if rng.IntN(4) == 0 && c.data != nil {
				kept = append(kept, change{c.off + len(c.data), []byte{}})
			}
		case c.data != nil && rng.IntN(4) == 0:
			for i := 0; i < len(c.data); {
				n := min(len(c.data)-i, sector-(c.off+i)%sector)
				if rng.IntN(2) == 0 {
					kept = append(kept, change{c.off + i, c.data[i : i+n]})
				}
				i += n
			}
		default:
			kept = append(kept, c)
		}
	}
	return apply(bytes.Clone(f.data), kept)
}
