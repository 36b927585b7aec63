package httpapi

import (
	"net"
	"time"
)

// ReadPlain returns the media of a request that s answers past fasthttp.
func (s *Server) ReadPlain(request []byte) (id string, ok bool) {
	if s.direct == nil {
		return "", false
	}
	id, _, ok = s.direct.read(request)
	return id, ok
}

// AnswersDirectly reports whether s answers past fasthttp what it can.
func (s *Server) AnswersDirectly() bool { return s.direct != nil }

// DirectConn is a connection on which requests are answered past fasthttp.
type DirectConn struct{ *lazyConn }

func (s *Server) DirectConn(conn net.Conn) DirectConn {
	return DirectConn{&lazyConn{
		Conn: conn, epoch: time.Now(), direct: s.direct,
		read:  lazyDeadline{set: conn.SetReadDeadline, wanted: never, armed: never},
		write: lazyDeadline{set: conn.SetWriteDeadline, wanted: never, armed: never},
	}}
}

// Answer answers a request that was read, if it is plain.
func (c DirectConn) Answer(request []byte) (bool, error) { return c.answer(request) }

// ReadUntil returns how long after it was made c waits for another request.
func (c DirectConn) ReadUntil() time.Duration { return c.read.wanted }

const IdleTimeout = idleTimeout
