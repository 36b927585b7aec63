//go:build !linux

package jail

import "fmt"

// Files refuses: only Linux has Landlock.
func Files(Rules) error { return fmt.Errorf("confine files: %w", ErrUnsupported) }

// FilesError says that files cannot be confined.
func FilesError() error { return fmt.Errorf("confine files: %w", ErrUnsupported) }

// Calls refuses: only Linux has seccomp.
func Calls() error { return fmt.Errorf("confine system calls: %w", ErrUnsupported) }
