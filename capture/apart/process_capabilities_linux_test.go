package apart_test

import (
	"runtime"
	"testing"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"golang.org/x/sys/unix"

	"spotter/capture/apart"
)

// TestServiceWithoutCapabilities: the service's unit leaves no capability and refuses capset, so that no decoder started under it.
func TestServiceWithoutCapabilities(t *testing.T) {
	t.Parallel()
	got := make(chan error)
	go func() {
		runtime.LockOSThread() // and the thread ends with the goroutine
		var none [2]unix.CapUserData
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		if err := unix.Capset(&header, &none[0]); err != nil {
			got <- err
			return
		}
		refuse := seccomp.Policy{
			DefaultAction: seccomp.ActionAllow,
			Syscalls:      []seccomp.SyscallGroup{{Action: seccomp.ActionErrno, Names: []string{"capset"}}},
		}
		if err := seccomp.LoadFilter(seccomp.Filter{NoNewPrivs: true, Policy: refuse}); err != nil {
			got <- err
			return
		}
		got <- apart.GiveUpCapabilities()
	}()
	if err := <-got; err != nil {
		t.Error(err)
	}
}
