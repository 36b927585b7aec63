package apart

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"spotter/capture/apart/wire"
)

// kind is what a message is. The parent asks; a child answers each request with any number of messages, of which the last
// is a done or a failed.
type kind uint8

// Messages of the parent, and then of the child.
const (
	kindSetup   kind = iota + 1 // the first: what to open; done brings the child's greeting
	kindDemux                   // head, tables, segment; done brings the video
	kindDecode                  // a job with its units' bytes; looks and frames, then done
	kindSee                     // a picture; done brings the sight
	kindVerdict                 // on the picture that decode shows: whether its frame is wanted
	kindCancel                  // nobody waits for a request's answer

	kindBeat   // decode goes on
	kindLook   // decode shows a small picture, with what models see in it, and waits for the verdict
	kindFrame  // the full picture that the verdict asked for
	kindDone   // the request's answer
	kindFailed // why there is none
)

// header is the length of what stands before a message: its length in bytes, its kind, and the request's number.
const header = 4 + 1 + 4

// What a child's messages may hold, in bytes; 0: it does not send them. Nothing is allocated for more.
const (
	maxSmallSide = 640
	maxJPEG      = 5 << 20
	maxSight     = 1 << 20
	maxAnswer    = 16 << 20 // the units of a video
	maxFailed    = 4 << 10
)

// mostFromChild is how long a child's message may be.
func mostFromChild(k kind) int {
	switch k {
	case kindLook:
		return 4*maxSmallSide*maxSmallSide + maxSight
	case kindFrame:
		return maxJPEG + 64
	case kindDone:
		return maxAnswer
	case kindFailed:
		return maxFailed
	}
	return 0
}

// mostFromParent is how long a parent's message may be, which the child believes.
func mostFromParent(kind) int { return 1 << 30 }

// message is one that came. Its payload belongs to its reader's pool until it is kept.
type message struct {
	kind    kind
	id      uint32
	payload []byte
}

// receiver reads messages. It is for one goroutine, but for give.
type receiver struct {
	r    *bufio.Reader
	most func(kind) int
	free chan []byte // memory to be used again: a pool that collections of garbage empty would be empty most often
}

func newReceiver(r io.Reader, most func(kind) int) *receiver {
	return &receiver{r: bufio.NewReaderSize(r, 16<<10), most: most, free: make(chan []byte, 2)}
}

// next reads a message. Its error wraps wire.ErrMalformed where the other side talks nonsense.
func (r *receiver) next() (message, error) {
	var h [header]byte
	if _, err := io.ReadFull(r.r, h[:]); err != nil {
		return message{}, err
	}
	m := message{kind: kind(h[4]), id: binary.BigEndian.Uint32(h[5:])}
	n := int(binary.BigEndian.Uint32(h[:]))
	if n > r.most(m.kind) {
		return message{}, fmt.Errorf("%w: %d bytes for one of kind %d", wire.ErrMalformed, n, m.kind)
	}
	if n == 0 {
		return m, nil
	}
	m.payload = r.room(n)
	_, err := io.ReadFull(r.r, m.payload)
	return m, err
}

// room returns n bytes of memory.
func (r *receiver) room(n int) []byte {
	if n < leastReused {
		return make([]byte, n)
	}
	select {
	case b := <-r.free:
		if cap(b) >= n {
			return b[:n]
		}
	default:
	}
	return make([]byte, n, n+n/4)
}

// Buffers of this many bytes are used again: what is smaller costs nothing, and what is larger is not held on to.
const (
	leastReused = 64 << 10
	mostReused  = 8 << 20
)

// give gives the memory of a message back that nobody reads any more.
func (r *receiver) give(m message) {
	if cap(m.payload) < leastReused || cap(m.payload) > mostReused {
		return
	}
	select {
	case r.free <- m.payload:
	default:
	}
}

// sender writes messages. It may be used from several goroutines.
type sender struct {
	w        io.Writer
	patience time.Duration // how long a message may take to write, where w can tell; 0: for ever

	mu   sync.Mutex
	meta []byte
}

// write writes a message of the bytes that meta appends, behind their length, and then of parts as they are. meta may be nil
// for a message of parts alone.
func (s *sender) write(k kind, id uint32, meta func(b []byte) []byte, parts ...[]byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := append(s.meta[:0], make([]byte, header)...)
	if meta != nil {
		b = meta(append(b, 0, 0, 0, 0))
		binary.BigEndian.PutUint32(b[header:], uint32(len(b)-header-4))
	}
	s.meta = b
	all := make(net.Buffers, 1, 1+len(parts))
	size := len(b) - header
	for _, p := range parts {
		if len(p) > 0 {
			all, size = append(all, p), size+len(p)
		}
	}
	if size > mostFromParent(k) {
		return fmt.Errorf("a message of %d bytes is too long", size)
	}
	binary.BigEndian.PutUint32(b, uint32(size))
	b[4] = byte(k)
	binary.BigEndian.PutUint32(b[5:], id)
	all[0] = b
	if d, ok := s.w.(interface{ SetWriteDeadline(time.Time) error }); ok && s.patience > 0 {
		if err := d.SetWriteDeadline(time.Now().Add(s.patience)); err != nil {
			return err
		}
	}
	_, err := all.WriteTo(s.w)
	return err
}

// open splits a payload into what meta appended and the parts behind it.
func (m message) open() (meta *wire.Reader, parts []byte) {
	if len(m.payload) < 4 {
		r := wire.NewReader(nil)
		r.Fail("it ends too early")
		return r, nil
	}
	b := m.payload[4:]
	n := binary.BigEndian.Uint32(m.payload)
	if uint64(n) > uint64(len(b)) {
		r := wire.NewReader(nil)
		r.Fail("it ends too early")
		return r, nil
	}
	return wire.NewReader(b[:n:n]), b[n:]
}
