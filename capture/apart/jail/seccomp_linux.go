package jail

import (
	"fmt"
	"os"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/sys/unix"
)

// Calls leaves the whole process, all its threads and those to come, the system calls that decoding and recognising
// need; every other fails with "operation not permitted". Where devices is set, these may be spoken to as drivers of graphics
// cards do. It cannot be taken back. Files that are open stay so.
func Calls(devices bool) error {
	policy, err := policy(os.Getpid(), devices)
	if err != nil {
		return fmt.Errorf("confine system calls: %w", err)
	}
	filter := seccomp.Filter{NoNewPrivs: true, Flag: seccomp.FilterFlagTSync, Policy: policy}
	if err := seccomp.LoadFilter(filter); err != nil {
		return fmt.Errorf("confine system calls: %w: a kernel with seccomp is needed, and prctl and seccomp must be allowed", err)
	}
	return nil
}

// policy is the filter for the process of the given id.
func policy(pid int, devices bool) (seccomp.Policy, error) {
	machine, err := arch.GetInfo("")
	if err != nil {
		return seccomp.Policy{}, fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	names := allowed()
	if devices {
		names = append(names, "ioctl") // of what, Landlock judges
	}
	return seccomp.Policy{
		DefaultAction: seccomp.ActionErrno, // EPERM
		Syscalls: []seccomp.SyscallGroup{
			{Action: seccomp.ActionAllow, Names: known(machine, names), NamesWithCondtions: guarded(uint64(pid))},
			{Action: seccomp.ActionErrno | seccomp.Action(unix.ENOSYS), Names: known(machine, tooNew())},
		},
	}, nil
}

// known returns those of the system calls that this kind of machine has: newer kinds lack the oldest calls.
func known(machine *arch.Info, names []string) []string {
	var list []string
	for _, name := range names {
		if _, has := machine.SyscallNames[name]; has {
			list = append(list, name)
		}
	}
	return list
}
