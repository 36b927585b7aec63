package capture_test

import (
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// kit returns a path inside the test kit, or skips the test.
func kit(t testing.TB, elem ...string) string {
	t.Helper()
	path, ok := kitPath(elem...)
	if !ok {
		t.Skip("no test kit: set SPOTTER_KIT to its folder")
	}
	return path
}

func kitPath(elem ...string) (string, bool) {
	root := os.Getenv("SPOTTER_KIT")
	if root == "" {
		root = filepath.Join("..", "..", "shared", "kit")
	}
	_, err := os.Stat(root)
	return filepath.Join(append([]string{root}, elem...)...), err == nil
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
