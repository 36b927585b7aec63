package store

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"os"
)

// What bbolt's file consists of, as its internal/common/page.go, meta.go, inode.go and bucket.go have it, in the machine's byte
// order. bbolt itself checks only the meta pages, and some of its checks panic in a goroutine of their own, which nobody can
// contain: so the pages are looked through before it opens the file.
const (
	boltMagic    = 0xED0CDAED
	pageHead     = 16 // id 8, flags 2, count 2, overflow 4
	elementSize  = 16
	metaSize     = 64 // behind the head: magic 4, version 4, page size 4, flags 4, root 8+8, freelist 8, pages 8, transaction 8, checksum 8
	bucketSize   = 16 // root 8, sequence 8
	pageBranch   = 0x01
	pageLeaf     = 0x02
	pageFreelist = 0x10
	leafBucket   = 0x01
	mostDepth    = 64
)

// pageMeta is the part of a meta page that is needed to walk through the others.
type pageMeta struct{ size, root, freelist, pages, transaction uint64 }

// pageCheck walks through all pages of a file.
type pageCheck struct {
	r    io.ReaderAt
	meta pageMeta
	seen []bool
}

// checkPages reports damage to a file's structure: each page must be reached once or be free once, and say of itself what leads
// to it; keys must be in order, and what a page has must lie in it without gaps, as bbolt writes it. whole is false where one of
// the two meta pages is damaged, and with it maybe the last transaction.
func checkPages(r io.ReaderAt, size int64) (whole bool, err error) {
	meta, whole, err := readMetas(r, size)
	if err != nil {
		return false, err
	}
	if meta.pages < 4 || meta.pages > uint64(size)/meta.size {
		return false, fmt.Errorf("%w: it was cut short from %d to %d bytes", ErrCorrupt, meta.pages*meta.size, size)
	}
	c := &pageCheck{r: r, meta: meta, seen: make([]bool, meta.pages)}
	c.seen[0], c.seen[1] = true, true
	if err := c.tree(meta.root, nil, nil, 0); err != nil {
		return false, err
	}
	if err := c.free(); err != nil {
		return false, err
	}
	for id, seen := range c.seen {
		if !seen {
			return false, fmt.Errorf("%w: page %d is neither used nor free", ErrCorrupt, id)
		}
	}
	return whole, nil
}

// CheckPages reports damage to the structure of any bbolt file, which nobody may be writing: ErrCorrupt, or that it cannot be read.
func CheckPages(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return err
	}
	if _, err := checkPages(f, fi.Size()); err != nil {
		return fmt.Errorf("check %s: %w", path, err)
	}
	return nil
}

// readMetas returns the newer of the two meta pages that is sound.
func readMetas(r io.ReaderAt, size int64) (newest pageMeta, whole bool, err error) {
	sound := 0
	for _, step := range []int64{0, 1} {
		for pageSize := int64(1 << 10); pageSize <= 1<<16; pageSize <<= 1 { // where the second lies is only known from the first
			m, ok := readMeta(r, step*pageSize, size)
			if !ok || m.size != uint64(pageSize) {
				continue
			}
			if sound++; sound == 1 || m.transaction > newest.transaction {
				newest = m
			}
			break
		}
	}
	if sound == 0 {
		return newest, false, fmt.Errorf("%w: both of its meta pages are", ErrCorrupt)
	}
	return newest, sound == 2, nil
}

func readMeta(r io.ReaderAt, at, size int64) (m pageMeta, ok bool) {
	b := make([]byte, pageHead+metaSize)
	if at+int64(len(b)) > size {
		return m, false
	}
	if _, err := r.ReadAt(b, at); err != nil {
		return m, false
	}
	b = b[pageHead:]
	n := binary.NativeEndian
	sum := fnv.New64a()
	sum.Write(b[:metaSize-8])
	m = pageMeta{uint64(n.Uint32(b[8:])), n.Uint64(b[16:]), n.Uint64(b[32:]), n.Uint64(b[40:]), n.Uint64(b[48:])}
	return m, n.Uint32(b) == boltMagic && sum.Sum64() == n.Uint64(b[56:])
}

// page is one that was read: its head and what of its content fits into one page. The rest is read where it is asked for.
type page struct {
	check    *pageCheck
	at       int64 // in the file; -1 for one inside a value
	content  []byte
	length   uint64 // with what overflows
	overflow uint64
	flags    uint16
	count    int
}

func damaged(id uint64, format string, args ...any) error {
	return fmt.Errorf("%w: page %d %s", ErrCorrupt, id, fmt.Sprintf(format, args...))
}

// read reads a page and marks it.
func (c *pageCheck) read(id uint64) (*page, error) {
	if id >= c.meta.pages || c.seen[id] {
		return nil, damaged(id, "is used twice or beyond the end")
	}
	b := make([]byte, c.meta.size)
	at := int64(id * c.meta.size)
	if _, err := c.r.ReadAt(b, at); err != nil {
		return nil, fmt.Errorf("read page %d: %w", id, err)
	}
	n := binary.NativeEndian
	p := &page{check: c, at: at, content: b, flags: n.Uint16(b[8:]), count: int(n.Uint16(b[10:])), overflow: uint64(n.Uint32(b[12:]))}
	if n.Uint64(b) != id {
		return nil, damaged(id, "says that it is page %d", n.Uint64(b))
	}
	if id+p.overflow >= c.meta.pages {
		return nil, damaged(id, "goes on beyond the end")
	}
	p.length = (p.overflow + 1) * c.meta.size
	return p, c.mark(id, p.overflow+1)
}

func (c *pageCheck) mark(id, n uint64) error {
	for i := id; i < id+n; i++ {
		if i >= c.meta.pages || c.seen[i] {
			return damaged(i, "is used twice or beyond the end")
		}
		c.seen[i] = true
	}
	return nil
}

// bytes returns a part of a page.
func (p *page) bytes(off, n uint64) ([]byte, error) {
	if off+n > p.length || off+n < off {
		return nil, fmt.Errorf("%w: a page of %d bytes has something at %d", ErrCorrupt, p.length, off+n)
	}
	if off+n <= uint64(len(p.content)) {
		return p.content[off : off+n], nil
	}
	b := make([]byte, n)
	_, err := p.check.r.ReadAt(b, p.at+int64(off))
	return b, err
}

// tree walks through the pages of a bucket, whose keys are in [low, high); nil is no bound.
func (c *pageCheck) tree(id uint64, low, high []byte, depth int) error {
	if depth > mostDepth {
		return damaged(id, "lies too deep")
	}
	p, err := c.read(id)
	if err != nil {
		return err
	}
	if err := c.elements(p, low, high, depth); err != nil {
		return fmt.Errorf("page %d: %w", id, err)
	}
	return nil
}

// element is one of a page: a key, and the page that it leads to or the value.
type element struct {
	key   []byte
	child uint64 // of a branch
	flags uint32 // of a leaf
	value uint64 // where it begins
	size  uint64 // of the value
}

func (c *pageCheck) elements(p *page, low, high []byte, depth int) error {
	if p.flags != pageLeaf && p.flags != pageBranch || p.flags == pageBranch && p.count == 0 {
		return fmt.Errorf("%w: flags %#x with %d elements", ErrCorrupt, p.flags, p.count)
	}
	list, err := p.elements()
	if err != nil {
		return err
	}
	for i, e := range list {
		if i > 0 && bytes.Compare(list[i-1].key, e.key) >= 0 || low != nil && bytes.Compare(e.key, low) < 0 ||
			high != nil && bytes.Compare(e.key, high) >= 0 {
			return fmt.Errorf("%w: key %x is out of order", ErrCorrupt, e.key)
		}
		switch {
		case p.flags == pageBranch:
			end := high
			if i+1 < len(list) {
				end = list[i+1].key
			}
			err = c.tree(e.child, e.key, end, depth+1)
		case e.flags == leafBucket:
			err = c.bucket(p, e, depth)
		case e.flags != 0:
			err = fmt.Errorf("%w: key %x has flags %#x", ErrCorrupt, e.key, e.flags)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// elements reads what a page has. It lies behind the table of elements without gaps.
func (p *page) elements() ([]element, error) {
	list := make([]element, p.count)
	n := binary.NativeEndian
	next := uint64(pageHead + elementSize*p.count)
	for i := range list {
		at := uint64(pageHead + elementSize*i)
		head, err := p.bytes(at, elementSize)
		if err != nil {
			return nil, err
		}
		e, pos, size := &list[i], uint64(0), uint64(0)
		if p.flags == pageBranch {
			pos, size, e.child = uint64(n.Uint32(head)), uint64(n.Uint32(head[4:])), n.Uint64(head[8:])
		} else {
			e.flags, pos, size, e.size = n.Uint32(head), uint64(n.Uint32(head[4:])), uint64(n.Uint32(head[8:])), uint64(n.Uint32(head[12:]))
		}
		if at+pos != next || next+size+e.size > p.length {
			return nil, fmt.Errorf("%w: element %d does not lie where it must", ErrCorrupt, i)
		}
		if e.key, err = p.bytes(next, size); err != nil {
			return nil, err
		}
		e.value = next + size
		next = e.value + e.size
	}
	return list, nil
}

// bucket walks through a bucket, which is in pages of its own or, where it is small, inside the value.
func (c *pageCheck) bucket(p *page, e element, depth int) error {
	value, err := p.bytes(e.value, e.size)
	if err != nil {
		return err
	}
	if len(value) < bucketSize {
		return fmt.Errorf("%w: bucket %x has %d bytes", ErrCorrupt, e.key, len(value))
	}
	if root := binary.NativeEndian.Uint64(value); root != 0 {
		return c.tree(root, nil, nil, depth+1)
	}
	inline := value[bucketSize:]
	if len(inline) < pageHead || depth > mostDepth {
		return fmt.Errorf("%w: bucket %x has no page", ErrCorrupt, e.key)
	}
	n := binary.NativeEndian
	q := &page{content: inline, length: uint64(len(inline)), flags: n.Uint16(inline[8:]), count: int(n.Uint16(inline[10:]))}
	if q.flags != pageLeaf {
		return fmt.Errorf("%w: bucket %x has flags %#x", ErrCorrupt, e.key, q.flags)
	}
	return c.elements(q, nil, nil, depth+1)
}

// free marks the free pages, which must be in order.
func (c *pageCheck) free() error {
	id := c.meta.freelist
	p, err := c.read(id)
	if err != nil {
		return err
	}
	n, count, at := binary.NativeEndian, uint64(p.count), uint64(pageHead)
	if p.count == 0xFFFF { // the count is too large for its place and comes first in the list
		b, err := p.bytes(at, 8)
		if err != nil {
			return err
		}
		count, at = n.Uint64(b), at+8
	}
	if p.flags != pageFreelist || count > p.length/8 || count > c.meta.pages {
		return damaged(id, "is no list of free pages: flags %#x, %d of them", p.flags, count)
	}
	list, err := p.bytes(at, count*8)
	if err != nil {
		return err
	}
	for ; len(list) > 0; list = list[8:] {
		if err := c.mark(n.Uint64(list), 1); err != nil {
			return err
		}
	}
	return nil
}
