package local_test

import (
	"os"
	"path/filepath"
	"testing"
)

// kit returns the folder of the test kit, or skips the test.
func kit(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("SPOTTER_KIT")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "kit")
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skip("test kit absent: set SPOTTER_KIT")
	}
	return dir
}
