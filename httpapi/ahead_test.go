package httpapi_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"spotter/httpapi"
)

// TestReadAhead asks a connection for one byte at a time, and for more than one, of texts that are shorter and longer than what is
// read ahead.
func TestReadAhead(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	lazy := httpapi.Lazily(ln)
	defer lazy.Close()
	for name, tc := range map[string]struct{ length, ask int }{
		"a byte": {1, 1}, "byte by byte": {100, 1}, "a request": {150, 8 << 10}, "longer, byte by byte": {10_000, 1},
		"longer": {100_000, 4 << 10}, "nothing": {0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			far, err := net.Dial("tcp", ln.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer far.Close()
			conn, err := lazy.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			conn.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
			if n, err := conn.Read(make([]byte, 1)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("%d, %v before anything was sent", n, err)
			}
			conn.SetReadDeadline(time.Time{})
			want := make([]byte, tc.length)
			for i := range want {
				want[i] = byte(i * 7)
			}
			go func() {
				far.Write(want)
				far.(*net.TCPConn).CloseWrite()
			}()
			var got []byte
			for size := 1; ; size = tc.ask { // the first is what fasthttp waits with
				b := make([]byte, size)
				n, err := conn.Read(b)
				got = append(got, b[:n]...)
				if err == io.EOF {
					break
				} else if err != nil {
					t.Fatal(err)
				}
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%d bytes of %d, or others", len(got), len(want))
			}
			conn.Close()
			if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
				t.Errorf("%v after it was closed", err)
			}
		})
	}
}
