//go:build !linux

package apart

import (
	"context"
	"fmt"
	"os"

	"spotter/capture/apart/jail"
)

// start refuses: a decoder that is not confined is not what the caller asked for.
func start(context.Context, Options) (*Process, error) {
	return nil, fmt.Errorf("%w: run Spotter on Linux", jail.ErrUnsupported)
}

// Confine refuses too.
func Confine() (*os.File, error) {
	return nil, fmt.Errorf("%w: run Spotter on Linux", jail.ErrUnsupported)
}

func ending(state *os.ProcessState) (how string, killed bool, most int64) {
	return state.String(), false, 0
}
