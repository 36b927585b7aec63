//go:build !linux

package jail

import "fmt"

// FilesError says that files cannot be confined: only Linux has Landlock.
func FilesError() error { return fmt.Errorf("confine files: %w", ErrUnsupported) }
