package vision

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Mode says which of the cloud and the local recogniser is asked, and in what order.
type Mode string

// The modes, as the configuration names them.
const (
	// CloudFirst asks the cloud, and locally where the cloud fails, is throttled or is late.
	CloudFirst Mode = "cloud-first"
	// LocalFirst asks locally, and the cloud only where that fails.
	LocalFirst Mode = "local-first"
	// LocalOnly never asks the cloud.
	LocalOnly Mode = "local-only"
	// CloudOnly never asks locally.
	CloudOnly Mode = "cloud-only"
)

var modes = [...]Mode{CloudFirst, LocalFirst, LocalOnly, CloudOnly}

// ErrMode is wrapped when a mode is unknown, or needs a recogniser or a deadline that is not there.
var ErrMode = errors.New("vision mode cannot be used")

// ParseMode reads a mode as the configuration names it, and fails with ErrMode.
func ParseMode(s string) (Mode, error) {
	if m := Mode(s); slices.Contains(modes[:], m) {
		return m, nil
	}
	names := make([]string, len(modes))
	for i, m := range modes {
		names[i] = string(m)
	}
	return "", fmt.Errorf("%q: %w: want one of %s", s, ErrMode, strings.Join(names, ", "))
}

// UsesCloud reports whether the mode ever asks the cloud.
func (m Mode) UsesCloud() bool { return m != LocalOnly }

// UsesLocal reports whether the mode ever asks locally.
func (m Mode) UsesLocal() bool { return m != CloudOnly }

// AsksCloudFirst reports whether the mode asks the cloud about every picture.
func (m Mode) AsksCloudFirst() bool { return m == CloudFirst || m == CloudOnly }
