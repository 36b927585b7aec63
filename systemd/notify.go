// Package systemd owns what the service says to the service manager that started it, and in which words: that it is
// ready, reloads or stops, that its parts make progress, and its log. Where no service manager listens, saying it does
// nothing.
package systemd

import (
	"fmt"

	"github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sys/unix"
)

// Ready says that the service has started, or has reloaded, and what it is doing (sd_notify(3), READY and STATUS).
func Ready(status string) error {
	return notify(daemon.SdNotifyReady + "\n" + statusLine(status))
}

// Reloading says that the configuration is being read again. Ready must follow, whether the new one was taken or not.
func Reloading() error {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return fmt.Errorf("read the monotonic clock: %w", err)
	}
	return notify(fmt.Sprintf("%s\nMONOTONIC_USEC=%d", daemon.SdNotifyReloading, now.Nano()/1000))
}

// Stopping says that the service ends.
func Stopping() error {
	return notify(daemon.SdNotifyStopping + "\n" + statusLine("finishing what is under way"))
}

// Status tells `systemctl status` in a line what the service is doing.
func Status(status string) error { return notify(statusLine(status)) }

// statusLine keeps a status from being read as more assignments.
func statusLine(status string) string {
	line := []rune(status)
	for i, r := range line {
		if r < ' ' {
			line[i] = ' '
		}
	}
	return "STATUS=" + string(line)
}

func notify(state string) error {
	if _, err := daemon.SdNotify(false, state); err != nil {
		return fmt.Errorf("tell the service manager: %w", err)
	}
	return nil
}
