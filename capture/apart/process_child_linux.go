package apart

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"

	"spotter/capture/apart/jail"
)

const (
	// socket is the descriptor that Start gives the child.
	socket = 3

	// filesVariable has the rules for a child's files, in JSON. It is gone when they are in force.
	filesVariable = "SPOTTER_DECODER_FILES"

	// niceness of the child: who looks up waits less for it, above all while it starts, and it still gets a quarter of a core
	// that both want.
	niceness = 5

	// devicesVariable is set where the child may use graphics cards.
	devicesVariable = "SPOTTER_DECODER_DEVICES"
)

// Confine is the first thing that a child does, before it reads media, models or options. It confines the files, executes
// the program once more, so that every thread and all loading of libraries is under these rules, and when it comes
// here again leaves only the system calls of jail.Calls. It returns the socket to the parent, to be used as it is;
// deadlines work. The child must end when it fails: the error, printed, gets into the parent's log.
func Confine() (*os.File, error) {
	if err := unix.SetNonblock(socket, true); err != nil {
		return nil, fmt.Errorf("%w: this command is for Spotter itself, which starts it with a socket", err)
	}
	if rules, ok := os.LookupEnv(filesVariable); ok {
		return nil, again(rules)
	}
	unix.CloseOnExec(socket)
	conn := os.NewFile(socket, "parent")
	if err := jail.Calls(os.Getenv(devicesVariable) != ""); err != nil {
		return nil, err
	}
	return conn, nil
}

// again confines the files, where that can be done, and executes the program once more. It returns only where it failed.
func again(rules string) error {
	var r jail.Rules
	if err := json.Unmarshal([]byte(rules), &r); err != nil {
		return fmt.Errorf("read the rules for files: %w", err)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	// Descriptors that whoever started the parent left open are not for the decoder.
	if err := unix.CloseRange(socket+1, ^uint(0), unix.CLOSE_RANGE_CLOEXEC); err != nil && !errors.Is(err, unix.ENOSYS) {
		return fmt.Errorf("leave descriptors behind: %w", err)
	}
	if err := jail.Files(r); err != nil && !errors.Is(err, jail.ErrUnsupported) {
		return err
	}
	if err := giveUpCapabilities(); err != nil {
		return err
	}
	// What was set for the first thread is not so for this one, which executes the program.
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return fmt.Errorf("end with the parent: %w", err)
	}
	// Of this thread, which is the first one after that and which all others come from. A service that may not do so does without.
	if err := unix.Setpriority(unix.PRIO_PROCESS, 0, niceness); err != nil && !errors.Is(err, unix.EPERM) {
		return fmt.Errorf("let viewers come before the decoder: %w", err)
	}
	var env []string
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, filesVariable+"=") {
			env = append(env, e)
		}
	}
	return fmt.Errorf("execute once more: %w", unix.Exec(self, os.Args, env))
}

// giveUpCapabilities leaves the calling thread none. Where Spotter runs as root, its child is not to be: with capabilities it could
// read the memory of others. A service that has none may not even be allowed to ask, and need not.
func giveUpCapabilities() error {
	var has, none [2]unix.CapUserData // the kernel reads two
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	if err := unix.Capget(&header, &has[0]); err != nil {
		return fmt.Errorf("read capabilities: %w", err)
	}
	if has == none {
		return nil
	}
	if err := unix.Capset(&header, &none[0]); err != nil {
		return fmt.Errorf("give up capabilities: %w", err)
	}
	return nil
}
