//go:build linux

package apart_test

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"spotter/capture/apart/jail"
)

// attempt is something that a child tries to do.
type attempt struct {
	name    string
	allowed bool
	files   bool // it is Landlock that denies it
	try     func() error
}

// tries lists what a child must and must not be able to do.
func tries() []attempt {
	database, models := os.Getenv("TEST_DATABASE"), os.Getenv("TEST_MODELS")
	own := filepath.Join(os.Getenv("TMPDIR"), "picture")
	return append([]attempt{
		{name: "write in its folder", allowed: true, try: func() error { return os.WriteFile(own, []byte("x"), 0o600) }},
		{name: "read in its folder", allowed: true, try: func() error { return read(own) }},
		{name: "remove in its folder", allowed: true, try: func() error { return os.Remove(own) }},
		{name: "read a model", allowed: true, try: func() error { return read(filepath.Join(models, "model.onnx")) }},
		{name: "read its own maps", allowed: true, try: func() error { return read("/proc/self/maps") }},
		{name: "read the kernel's random numbers", allowed: true, try: func() error { return open("/dev/urandom", os.O_RDONLY) }},
		{name: "make a file in memory and open it by name", allowed: true, try: openMemory},
		{name: "have no descriptors of others", allowed: true, try: inherited},
		{name: "make a thread", allowed: true, try: thread},

		{name: "write beside its folder", files: true, try: func() error {
			beside := filepath.Join(os.Getenv("TMPDIR"), "..", "x")
			if err := os.WriteFile(beside, nil, 0o600); err != nil {
				return err
			}
			return os.Remove(beside)
		}},
		{name: "write a model", files: true, try: func() error { return open(filepath.Join(models, "model.onnx"), os.O_WRONLY) }},
		{name: "read the database", files: true, try: func() error { return read(database) }},
		{name: "write the database", files: true, try: func() error { return open(database, os.O_RDWR) }},
		{name: "remove the database", files: true, try: func() error { return os.Remove(database) }},
		{name: "read passwords", files: true, try: func() error { return read("/etc/shadow") }},
		{name: "list the root", files: true, try: func() error { _, err := os.ReadDir("/"); return err }},
		{name: "read its parent's environment", files: true, try: func() error {
			return read("/proc/" + strconv.Itoa(os.Getppid()) + "/environ")
		}},
		{name: "read its parent's memory by name", files: true, try: func() error {
			return open("/proc/"+strconv.Itoa(os.Getppid())+"/mem", os.O_RDONLY)
		}},
		{name: "see its parent's descriptors", files: true, try: func() error {
			_, err := os.Readlink("/proc/" + strconv.Itoa(os.Getppid()) + "/fd/1")
			return err
		}},
	}, denied(database)...)
}

// denied lists what seccomp denies.
func denied(database string) []attempt {
	raw := func(name string, number uintptr, args ...uintptr) attempt {
		return attempt{name: name, try: func() error {
			args := append(args, make([]uintptr, 6)...)
			if _, _, errno := unix.Syscall6(number, args[0], args[1], args[2], args[3], args[4], args[5]); errno != 0 {
				return errno
			}
			return nil
		}}
	}
	socket := func(name string, family, kind int) attempt {
		return attempt{name: name, try: func() error { _, err := unix.Socket(family, kind, 0); return err }}
	}
	return []attempt{
		socket("open a TCP socket", unix.AF_INET, unix.SOCK_STREAM),
		socket("open a UDP socket", unix.AF_INET6, unix.SOCK_DGRAM),
		socket("open a local socket", unix.AF_UNIX, unix.SOCK_STREAM),
		socket("open a netlink socket", unix.AF_NETLINK, unix.SOCK_RAW),
		{name: "dial", try: func() error { _, err := net.Dial("tcp", "127.0.0.1:1"); return err }},
		{name: "make a socket pair", try: func() error { _, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0); return err }},
		{name: "run a program", try: func() error { return exec.Command("/proc/self/exe", "-test.run=^$").Run() }},
		{name: "become a program", try: func() error { return syscall.Exec("/proc/self/exe", []string{"x", "-test.run=^$"}, nil) }},
		{name: "send its parent a signal", try: func() error { return unix.Kill(os.Getppid(), 0) }},
		{name: "let the kernel send its parent one", try: func() error {
			_, err := unix.FcntlInt(3, unix.F_SETOWN, os.Getppid())
			return err
		}},
		{name: "trace its parent", try: func() error { return unix.PtraceAttach(os.Getppid()) }},
		{name: "raise its limits", try: func() error {
			return unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 200, Max: 200})
		}},
		{name: "change rights of a file", try: func() error { return os.Chmod(database, 0o777) }},
		raw("fork", unix.SYS_CLONE, uintptr(unix.SIGCHLD)),
		raw("make a namespace", unix.SYS_UNSHARE, unix.CLONE_NEWUSER),
		raw("mount", unix.SYS_MOUNT),
		raw("load a module", unix.SYS_FINIT_MODULE),
		raw("use io_uring", unix.SYS_IO_URING_SETUP, 1),
		raw("use bpf", unix.SYS_BPF),
		raw("use the keyring", unix.SYS_KEYCTL),
		raw("handle page faults", unix.SYS_USERFAULTFD, 1),
		raw("count events", unix.SYS_PERF_EVENT_OPEN),
		raw("read its parent's memory", unix.SYS_PROCESS_VM_READV, uintptr(os.Getppid())),
		raw("have a handle of its parent", unix.SYS_PIDFD_OPEN, uintptr(os.Getppid())),
		raw("change the root", unix.SYS_CHROOT),
		raw("set the clock", unix.SYS_CLOCK_SETTIME),
		raw("make a process by clone3", unix.SYS_CLONE3),
	}
}

func read(path string) error {
	_, err := os.ReadFile(path)
	return err
}

func open(path string, flag int) error {
	f, err := os.OpenFile(path, flag, 0)
	if err != nil {
		return err
	}
	return f.Close()
}

// openMemory is how OpenCV gets its media.
func openMemory() error {
	fd, err := unix.MemfdCreate("media", unix.MFD_CLOEXEC)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return open("/proc/self/fd/"+strconv.Itoa(fd), os.O_RDONLY)
}

// inherited fails where a pipe that the parent left open for its children is open here.
func inherited() error {
	left, err := os.Readlink("/proc/self/fd/" + os.Getenv("TEST_LEFT_OPEN"))
	if err == nil && left == os.Getenv("TEST_LEFT_PIPE") {
		return fmt.Errorf("%s is open", left)
	}
	return nil
}

// thread blocks a few threads in the kernel, so that the runtime must make others.
func thread() error {
	done := make(chan error)
	const threads = 16
	for range threads {
		go func() {
			done <- unix.Nanosleep(&unix.Timespec{Nsec: 1e7}, nil)
		}()
	}
	var err error
	for range threads {
		if e := <-done; e != nil && e != unix.EINTR {
			err = e
		}
	}
	return err
}

// attempts tries everything and returns what came of it, "" for success.
func attempts() map[string]string {
	all := map[string]string{}
	for _, a := range tries() {
		all[a.name] = ""
		if err := a.try(); err != nil {
			all[a.name] = err.Error()
		}
	}
	return all
}

// TestConfined has a child, as strong as this process, try what it must and must not do.
func TestConfined(t *testing.T) {
	folder := t.TempDir()
	models, database := filepath.Join(folder, "models"), filepath.Join(folder, "data", "spotter.db")
	for _, path := range []string{filepath.Join(models, "model.onnx"), database} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("secret"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("TEST_DATABASE", database)
	t.Setenv("TEST_MODELS", models)
	fds := make([]int, 2)
	if err := unix.Pipe(fds); err != nil { // not closed when a program is executed
		t.Fatal(err)
	}
	defer unix.Close(fds[0])
	defer unix.Close(fds[1])
	pipe, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fds[0]))
	if err != nil {
		t.Fatal(err)
	}
	o := options(t, "try", "TEST_DATABASE="+database, "TEST_MODELS="+models,
		fmt.Sprintf("TEST_LEFT_OPEN=%d", fds[0]), "TEST_LEFT_PIPE="+pipe)
	o.ReadOnly = []string{models, filepath.Join(folder, "not there")}
	p := start(t, o)
	ready(t, p)
	var got map[string]string
	if err := json.NewDecoder(p.Conn()).Decode(&got); err != nil {
		t.Fatal(err, p.Wait())
	}
	unconfined := jail.FilesError()
	for _, a := range tries() {
		t.Run(a.name, func(t *testing.T) {
			if a.files && unconfined != nil {
				t.Skip(unconfined)
			}
			how, tried := got[a.name]
			if !tried || (how == "") != a.allowed {
				t.Errorf("tried %v: %q, want allowed %v", tried, how, a.allowed)
			}
			if !a.allowed {
				t.Log(fmt.Sprint("denied: ", how))
			}
		})
	}
}
