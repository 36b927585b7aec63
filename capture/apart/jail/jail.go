// Package jail owns what a process that parses hostile media may still do: which files it sees (Landlock) and which
// system calls it can make (seccomp). It needs no privileges, and works inside a service that has none to give.
package jail

import "errors"

// ErrUnsupported is returned where a system cannot confine a process: another one than Linux, or a kernel without it.
var ErrUnsupported = errors.New("this system cannot confine a process")

// Rules say which files a confined process may see, beyond the system's libraries and what C libraries read about the
// machine. Everything else cannot be opened.
type Rules struct {
	// Program is the file that will be executed.
	Program string

	// ReadOnly are files and folders, with all below them, that may be read. Those that do not exist, or that this
	// process may not see, are left out.
	ReadOnly []string

	// Writable is the one folder in which files may be made, written and removed.
	Writable string

	// Devices lets it work with graphics cards: NVIDIA's, and what is under /dev/dri.
	Devices bool
}
