package httpapi

import (
	"io"
	"os"
	"sync"
	"syscall"
)

// aheadSize is how many bytes are read at once of what comes in on a connection that waits: as many as fasthttp reads of a request. Where
// a connection is closed over a request, what was not read before would have the kernel take back the answers to those before it.
const aheadSize = maxHeader

type aheadBuffer [aheadSize]byte

// ahead waits for a connection without holding memory for what will come. fasthttp, told to keep none for a connection that
// waits, asks for one byte of the next request and only then takes buffers, which a few requests under way pass on to one
// another and which so stay in the CPU's cache. The byte is read together with those that came with it, as one system call.
// It is for one reader at a time.
type ahead struct {
	raw   syscall.RawConn
	pool  *sync.Pool // of *aheadBuffer
	try   func(fd uintptr) bool
	rest  []byte       // what was read and not yet taken
	from  *aheadBuffer // where rest lies; nil where there is none
	spare *aheadBuffer // for what comes at once; a connection that waits has none
	fault error        // of the last read
}

func newAhead(raw syscall.RawConn, pool *sync.Pool) *ahead {
	a := &ahead{raw: raw, pool: pool}
	a.try = a.tryRead
	return a
}

// tryRead reads what there is, and reports whether it must not be waited for.
func (a *ahead) tryRead(fd uintptr) bool {
	b := a.spare
	if a.spare = nil; b == nil {
		b = a.pool.Get().(*aheadBuffer)
	}
	n, err := syscall.Read(int(fd), b[:])
	for err == syscall.EINTR {
		n, err = syscall.Read(int(fd), b[:])
	}
	if n > 0 {
		a.rest, a.from, a.fault = b[:n], b, nil
		return true
	}
	a.pool.Put(b)
	switch err {
	case syscall.EAGAIN:
		return false
	case nil:
		a.fault = io.EOF
	default:
		a.fault = os.NewSyscallError("read", err)
	}
	return true
}

// wait returns when there is something to take.
func (a *ahead) wait() error {
	if err := a.raw.Read(a.try); err != nil {
		return err
	}
	return a.fault
}

// take moves what was read to p.
func (a *ahead) take(p []byte) int {
	n := copy(p, a.rest)
	if a.rest = a.rest[n:]; len(a.rest) == 0 {
		a.drop()
	}
	return n
}

// drop gives up what was read and not yet taken.
func (a *ahead) drop() { a.rest, a.from, a.spare = nil, nil, a.from }
