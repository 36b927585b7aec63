//go:build linux

package apart_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"spotter/capture/apart"
)

// actVariable tells this test binary, run as a child, what to do.
const actVariable = "TEST_ACT"

// TestChild is not a test: it is the child of the others.
func TestChild(t *testing.T) {
	act := os.Getenv(actVariable)
	switch act {
	case "":
		t.Skip("it is run by the other tests")
	case "parent":
		haveChild()
	}
	conn, err := apart.Confine()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if _, err := conn.Write([]byte{1}); err != nil {
		os.Exit(1)
	}
	behave(act, conn)
	os.Exit(0)
}

// behave does what a child may do, or must not.
func behave(act string, conn *os.File) {
	switch act {
	case "wait":
		_, _ = conn.Read(make([]byte, 1))
	case "echo":
		_, _ = io.CopyBuffer(struct{ io.Writer }{conn}, struct{ io.Reader }{conn}, make([]byte, 1<<16))
	case "try":
		_ = json.NewEncoder(conn).Encode(attempts())
	case "exit":
		fmt.Println("nothing to decode")
		os.Exit(3)
	case "panic":
		panic("lost the picture")
	case "abort":
		fmt.Fprintln(os.Stderr, "terminate called after throwing an instance of 'cv::Exception'")
		_ = unix.Kill(os.Getpid(), unix.SIGABRT)
	case "flood":
		flood()
	case "hoard":
		hoard(8 << 20)
	case "hoard-fast":
		hoard(128 << 20)
	case "hoard-files":
		hoardFiles()
	case "fill-folder":
		fillFolder(1 << 20)
	case "many-files":
		fillFolder(0)
	}
}

func flood() {
	fmt.Println(strings.Repeat("long ", 1<<20))
	block := strings.Repeat("\x1b[31mred\r\n", 1000)
	for range 500 {
		fmt.Print(block)
	}
	fmt.Println("the end")
	os.Exit(1)
}

// hoard allocates and touches until it is ended.
func hoard(step int) {
	var kept [][]byte
	for {
		b := make([]byte, step)
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
		kept = append(kept, b)
		if len(kept) > 1<<20 {
			return
		}
	}
}

// hoardFiles fills files in memory that are mapped nowhere.
func hoardFiles() {
	block := make([]byte, 1<<20)
	for {
		fd, err := unix.MemfdCreate("media", unix.MFD_CLOEXEC)
		if err != nil {
			select {} // no more descriptors: what there is must have been seen
		}
		for range 8 {
			if _, err := unix.Write(fd, block); err != nil {
				select {}
			}
		}
	}
}

// fillFolder writes files into its folder until it is ended.
func fillFolder(size int) {
	block := make([]byte, size)
	for i := 0; ; i++ {
		if err := os.WriteFile(filepath.Join(os.Getenv("TMPDIR"), fmt.Sprint(i)), block, 0o600); err != nil {
			select {} // the disk is full: it must have been seen
		}
	}
}

// haveChild has a child of its own, says which, and waits to be killed.
func haveChild() {
	p, err := apart.Start(context.Background(), apart.Options{
		Command: []string{"/proc/self/exe", "-test.run=^TestChild$"},
		Dir:     os.Getenv("TEST_RUN"),
		Env:     []string{actVariable + "=wait"},
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if _, err := p.Conn().Read(make([]byte, 1)); err != nil {
		fmt.Fprintln(os.Stderr, p.Wait())
		os.Exit(1)
	}
	fmt.Println(p.PID())
	_ = p.Wait()
	os.Exit(1)
}
