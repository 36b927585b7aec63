package ledger

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"os"
)

// What bbolt's pages begin with, as its internal/common/page.go and meta.go have it, in the machine's byte order.
const (
	pageHead     = 16 // id 8, flags 2, count 2, overflow 4
	pageFreelist = 0x10
	metaBytes    = 64 // magic 4, version 4, page size 4, flags 4, root 8+8, freelist 8, pages 8, transaction 8, checksum 8
	noFreelist   = 1<<64 - 1
	countBeyond  = 0xffff // the count is in the first 8 bytes of the content
)

// checkFreelist refuses a damaged list of free pages. It is the one page that bbolt believes as it is: it would write records
// beyond the file's end, or over others.
func checkFreelist(path string, pageSize int64) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	list, pages, err := newestMeta(f, pageSize)
	if err != nil || list == noFreelist {
		return err
	}
	n := binary.NativeEndian
	head := make([]byte, pageHead+8)
	if _, err := f.ReadAt(head, int64(list)*pageSize); err != nil {
		return err
	}
	count, at := uint64(n.Uint16(head[10:])), int64(pageHead)
	room := (int64(n.Uint32(head[12:])) + 1) * pageSize
	if count == countBeyond {
		count, at = n.Uint64(head[pageHead:]), pageHead+8
	}
	if n.Uint64(head) != list || n.Uint16(head[8:]) != pageFreelist || count > pages || at+8*int64(count) > room {
		return fmt.Errorf("%w: its list of free pages has a wrong head", ErrCorrupt)
	}
	ids := make([]byte, 8*count)
	if _, err := f.ReadAt(ids, int64(list)*pageSize+at); err != nil {
		return err
	}
	for last := uint64(1); len(ids) > 0; ids = ids[8:] {
		id := n.Uint64(ids)
		if id <= last || id >= pages || id == list {
			return fmt.Errorf("%w: its list of free pages has page %d after page %d, of %d", ErrCorrupt, id, last, pages)
		}
		last = id
	}
	return nil
}

// newestMeta returns where the list of free pages is, and how many pages there are, by the newer of the two meta pages
// that is sound.
func newestMeta(r io.ReaderAt, pageSize int64) (list, pages uint64, err error) {
	n, newest, found := binary.NativeEndian, uint64(0), false
	for _, at := range []int64{0, pageSize} {
		b := make([]byte, metaBytes)
		if _, err := r.ReadAt(b, at+pageHead); err != nil {
			return 0, 0, err
		}
		sum := fnv.New64a()
		sum.Write(b[:metaBytes-8])
		if sum.Sum64() != n.Uint64(b[metaBytes-8:]) {
			continue
		}
		if transaction := n.Uint64(b[48:]); !found || transaction > newest {
			newest, list, pages, found = transaction, n.Uint64(b[32:]), n.Uint64(b[40:]), true
		}
	}
	if !found || list != noFreelist && list >= pages {
		return 0, 0, fmt.Errorf("%w: both of its meta pages are", ErrCorrupt)
	}
	return list, pages, nil
}
