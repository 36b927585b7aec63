//go:build bench && nocv

package bench_test

import "testing"

// analyzed has nothing to analyse with.
func analyzed(*testing.T) func() string {
	return func() string { return "meanwhile no stream was analysed: this was built without OpenCV" }
}
