package origin

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
)

// Pipe is a network of one server in memory, fit for testing/synctest: nothing in it waits on the machine. It is the
// server's net.Listener, and Dial is the client's way in.
type Pipe struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

var errPipeClosed = errors.New("the server in memory is closed")

// NewPipe returns a network with nobody on it.
func NewPipe() *Pipe { return &Pipe{conns: make(chan net.Conn), closed: make(chan struct{})} }

// Dial connects to the server whatever the address.
func (p *Pipe) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.conns <- server:
		return client, nil
	case <-p.closed:
		return nil, errPipeClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements net.Listener.
func (p *Pipe) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, errPipeClosed
	}
}

// Addr implements net.Listener.
func (p *Pipe) Addr() net.Addr { return pipeAddr{} }

// Close implements net.Listener.
func (p *Pipe) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

// Serve answers with handler until the returned function is called, which waits until nothing runs any more.
func (p *Pipe) Serve(handler http.Handler) (stop func()) {
	server := &http.Server{Handler: handler}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(p)
	}()
	return func() {
		_ = server.Close()
		<-done
	}
}

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "origin.example:80" }
