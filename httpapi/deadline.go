package httpapi

import (
	"crypto/tls"
	"errors"
	"math"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// lazyListener accepts connections whose deadlines cost next to nothing to put off. fasthttp sets three for each request, and
// each would move a timer of the runtime and may wake the thread that waits for the network: together as much as a look-up.
type lazyListener struct {
	net.Listener
	epoch  time.Time // from which deadlines count
	ahead  sync.Pool // of *aheadBuffer
	direct *direct
}

// lazily returns ln with lazy deadlines, where direct answers what it can; it may be nil. Under a listener of TLS they are lazy
// already; see NewTLSListener.
func lazily(ln net.Listener, direct *direct) net.Listener {
	l := &lazyListener{Listener: ln, epoch: time.Now(), direct: direct}
	l.ahead.New = func() any { return new(aheadBuffer) }
	return l
}

// Accept implements net.Listener.
func (l *lazyListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if _, ok := conn.(*tls.Conn); ok {
		return conn, nil
	}
	c := &lazyConn{
		Conn: conn, epoch: l.epoch, direct: l.direct,
		read:  lazyDeadline{set: conn.SetReadDeadline, wanted: never, armed: never},
		write: lazyDeadline{set: conn.SetWriteDeadline, wanted: never, armed: never},
	}
	if s, ok := conn.(syscall.Conn); ok {
		if raw, err := s.SyscallConn(); err == nil {
			c.ahead = newAhead(raw, &l.ahead)
		}
	}
	return c, nil
}

// lazyConn is a connection that moves its timers only when it must. Its deadlines are exact and otherwise as those of any
// net.Conn.
type lazyConn struct {
	net.Conn
	epoch       time.Time
	read, write lazyDeadline
	ahead       *ahead // nil where there is no system call to read with
	direct      *direct
	use         atomic.Int32
}

// What a connection is in use for.
const (
	useNone   = iota // or for what fasthttp knows of
	useDirect        // an answer is being written past fasthttp, which takes the connection for idle
	useOver          // it is to be closed behind that answer
)

// NetConn returns the connection below, as tls.Conn's does.
func (c *lazyConn) NetConn() net.Conn { return c.Conn }

// Read implements net.Conn.
func (c *lazyConn) Read(p []byte) (int, error) {
	for {
		n, err := c.readOnce(p)
		if err == nil || n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) || !c.read.renew(c.epoch) {
			return n, err
		}
	}
}

func (c *lazyConn) readOnce(p []byte) (int, error) {
	if c.ahead == nil {
		return c.Conn.Read(p)
	}
	if c.ahead.from == nil {
		if len(p) != 1 {
			return c.Conn.Read(p)
		}
		if err := c.wait(); err != nil {
			return 0, err
		}
	}
	return c.ahead.take(p), nil
}

// wait returns when there is something to take, and answers what comes before it.
func (c *lazyConn) wait() error {
	for {
		if err := c.ahead.wait(); err != nil {
			return err
		}
		answered, err := c.answer(c.ahead.rest)
		if answered {
			c.ahead.drop()
		}
		if err != nil || !answered {
			return err
		}
	}
}

// answer answers a request past fasthttp if that can be done.
func (c *lazyConn) answer(request []byte) (answered bool, err error) {
	if !c.use.CompareAndSwap(useNone, useDirect) {
		return false, net.ErrClosed
	}
	answered, err = c.direct.answer(c, request)
	if !c.use.CompareAndSwap(useDirect, useNone) {
		err = errors.Join(net.ErrClosed, c.Conn.Close())
	}
	return answered, err
}

// Close implements io.Closer. An answer that is being written past fasthttp still goes out; its deadline bounds that.
func (c *lazyConn) Close() error {
	if c.use.Swap(useOver) == useDirect {
		return nil
	}
	return c.Conn.Close()
}

// Write implements net.Conn.
func (c *lazyConn) Write(p []byte) (int, error) {
	for done := 0; ; {
		n, err := c.Conn.Write(p[done:])
		done += n
		if err == nil || !errors.Is(err, os.ErrDeadlineExceeded) || !c.write.renew(c.epoch) {
			return done, err
		}
	}
}

// SetDeadline implements net.Conn.
func (c *lazyConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetReadDeadline implements net.Conn.
func (c *lazyConn) SetReadDeadline(t time.Time) error { return c.read.want(t, c.epoch) }

// SetWriteDeadline implements net.Conn.
func (c *lazyConn) SetWriteDeadline(t time.Time) error { return c.write.want(t, c.epoch) }

// never is a deadline that there is not.
const never = time.Duration(math.MaxInt64)

// lazyDeadline is the deadline of a connection's reads or of its writes. One that is put off is only remembered: the
// connection's own stays where it is and, once it has passed, is set anew.
type lazyDeadline struct {
	set func(time.Time) error // the connection's own

	mu     sync.Mutex
	wanted time.Duration
	armed  time.Duration // what the connection has; never after wanted
}

// want sets the deadline to t, or to none.
func (d *lazyDeadline) want(t, epoch time.Time) error {
	wanted := never
	if !t.IsZero() {
		wanted = t.Sub(epoch)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wanted = wanted
	if wanted >= d.armed {
		return nil
	}
	d.armed = wanted
	return d.set(t)
}

// renew reports whether the deadline that is wanted is still to come, and has the connection wait until then.
func (d *lazyDeadline) renew(epoch time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if time.Since(epoch) >= d.wanted {
		return false
	}
	var t time.Time
	if d.wanted != never {
		t = epoch.Add(d.wanted)
	}
	d.armed = d.wanted
	return d.set(t) == nil
}
