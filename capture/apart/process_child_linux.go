package apart

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"spotter/capture/apart/jail"
)

const (
	// socket is the descriptor that Start gives the child.
	socket = 3

	// niceness of the child: who looks up waits less for it, above all while it starts, and it still gets a quarter of a core
	// that both want.
	niceness = 5

	// devicesVariable is set where the child may use graphics cards.
	devicesVariable = "SPOTTER_DECODER_DEVICES"
)

// Confine is the first thing that a child does, before it reads media, models or options. Its files were confined before it was
// born; this leaves only the system calls of jail.Calls. It returns the socket to the parent, to be used as it is; deadlines work.
// The child must end when it fails: the error, printed, gets into the parent's log.
func Confine() (*os.File, error) {
	if err := unix.SetNonblock(socket, true); err != nil {
		return nil, fmt.Errorf("%w: this command is for Spotter itself, which starts it with a socket", err)
	}
	unix.CloseOnExec(socket)
	conn := os.NewFile(socket, "parent")
	if err := jail.Calls(os.Getenv(devicesVariable) != ""); err != nil {
		return nil, err
	}
	return conn, nil
}

// confine makes the calling thread such that what it starts is confined from its first instruction on, with every thread and
// library: files to the rules, where that can be done. There is no way back.
func confine(rules jail.Rules) error {
	// Descriptors that whoever started this process left open are not for the decoder.
	if err := unix.CloseRange(socket, ^uint(0), unix.CLOSE_RANGE_CLOEXEC); err != nil && !errors.Is(err, unix.ENOSYS) {
		return fmt.Errorf("leave descriptors behind: %w", err)
	}
	if err := jail.Files(rules); err != nil && !errors.Is(err, jail.ErrUnsupported) {
		return err
	}
	if err := giveUpCapabilities(); err != nil {
		return err
	}
	// Of this thread alone, and of what it starts. A service that may not do so does without.
	if err := unix.Setpriority(unix.PRIO_PROCESS, 0, niceness); err != nil && !errors.Is(err, unix.EPERM) {
		return fmt.Errorf("let viewers come before the decoder: %w", err)
	}
	return nil
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
