//go:build !noonnx

package onnx_test

import (
	"os"
	"testing"
)

// TestLibraryIsSilent checks that the library keeps no device id and no queue of reports for its maker.
func TestLibraryIsSilent(t *testing.T) {
	home := t.TempDir()
	for _, name := range []string{"HOME", "XDG_CACHE_HOME", "TMPDIR"} {
		t.Setenv(name, home)
	}
	r := open(t)
	n, err := r.Load(negation(t, float, 2), 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Run([]float32{1, 2}); err != nil {
		t.Fatal(err)
	}
	if files, err := os.ReadDir(home); err != nil || len(files) > 0 {
		t.Errorf("the library wrote %v, %v", files, err)
	}
}
