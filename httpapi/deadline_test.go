package httpapi_test

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"spotter/httpapi"
)

// TestLazyDeadlines holds a connection's reads and writes to deadlines that are put off, brought forward and taken away.
func TestLazyDeadlines(t *testing.T) {
	for name, tc := range map[string]struct {
		set  func(begin time.Time, set func(time.Time) error)
		ends time.Duration
	}{
		"one":             {func(t time.Time, set func(time.Time) error) { set(t.Add(5 * time.Second)) }, 5 * time.Second},
		"put off":         {func(t time.Time, set func(time.Time) error) { set(t.Add(5 * time.Second)); set(t.Add(time.Minute)) }, time.Minute},
		"brought forward": {func(t time.Time, set func(time.Time) error) { set(t.Add(time.Minute)); set(t.Add(time.Second)) }, time.Second},
		"taken away":      {func(t time.Time, set func(time.Time) error) { set(t.Add(time.Second)); set(time.Time{}) }, never},
		"long past":       {func(t time.Time, set func(time.Time) error) { set(time.Unix(1, 0)) }, 0},
		"put off late": {func(t time.Time, set func(time.Time) error) {
			set(t.Add(time.Second))
			time.Sleep(2 * time.Second)
			set(t.Add(4 * time.Second))
		}, 4 * time.Second},
		"put off while it waits": {func(t time.Time, set func(time.Time) error) {
			set(t.Add(time.Second))
			go func() {
				time.Sleep(time.Second / 2)
				set(t.Add(3 * time.Second))
			}()
		}, 3 * time.Second},
		"brought forward while it waits": {func(t time.Time, set func(time.Time) error) {
			set(t.Add(time.Minute))
			go func() {
				time.Sleep(time.Second)
				set(t.Add(2 * time.Second))
			}()
		}, 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			for _, write := range []bool{false, true} {
				synctest.Test(t, func(t *testing.T) { checkDeadline(t, write, tc.set, tc.ends) })
			}
		})
	}
}

// never is how long nothing ends.
const never = time.Hour

func checkDeadline(t *testing.T, write bool, set func(time.Time, func(time.Time) error), ends time.Duration) {
	p := pipes{conns: make(chan net.Conn, 1), done: make(chan struct{})}
	far := p.dial()
	defer far.Close()
	conn, err := httpapi.Lazily(p).Accept()
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	use, deadline := func() (int, error) { return conn.Read(make([]byte, 8)) }, conn.SetReadDeadline
	if write {
		use, deadline = func() (int, error) { return conn.Write(make([]byte, 8)) }, conn.SetWriteDeadline
	}
	set(begin, deadline)
	go func() {
		time.Sleep(never)
		conn.Close()
	}()
	_, err = use()
	if took := time.Since(begin); took != ends || (ends != never) != errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("write %v: %v after %v, want it after %v", write, err, took, ends)
	}
	time.Sleep(2 * never)
}

// TestLazyWriteGoesOn has a reader take a few bytes before each of the deadlines that are put off meanwhile.
func TestLazyWriteGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pipes{conns: make(chan net.Conn, 1), done: make(chan struct{})}
		far := p.dial()
		conn, err := httpapi.Lazily(p).Accept()
		if err != nil {
			t.Fatal(err)
		}
		const text = "who and what is on screen"
		got := make(chan string)
		go func() {
			var all []byte
			for len(all) < len(text) {
				conn.SetWriteDeadline(time.Now().Add(3 * time.Second))
				time.Sleep(2 * time.Second)
				var b [5]byte
				n, err := io.ReadFull(far, b[:])
				if err != nil {
					t.Error(err)
					break
				}
				all = append(all, b[:n]...)
			}
			got <- string(all)
		}()
		conn.SetWriteDeadline(time.Now().Add(time.Second))
		if n, err := io.WriteString(conn, text); n != len(text) || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		if g := <-got; g != text {
			t.Errorf("%q, want %q", g, text)
		}
	})
}
