package engagebench_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// python returns the interpreter with the packages that the comparisons need, or skips the test.
func python(t *testing.T, modules ...string) string {
	t.Helper()
	path := os.Getenv("SPOTTER_ENGAGE_PYTHON")
	if path == "" {
		var err error
		if path, err = filepath.Abs(filepath.Join("..", "..", ".build", "engage-python", "bin", "python3")); err != nil {
			t.Fatal(err)
		}
	}
	const look = "import importlib.util, sys; sys.exit(any(importlib.util.find_spec(m) is None for m in sys.argv[1:]))"
	if err := exec.CommandContext(t.Context(), path, append([]string{"-c", look}, modules...)...).Run(); err != nil {
		t.Skipf("Python with %s absent (%s): run scripts/setup-engage", strings.Join(modules, ", "), path)
	}
	return path
}

// output runs a program on an input, nil for none, and returns what it prints.
func output(t *testing.T, input []byte, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Stdin = bytes.NewReader(input)
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1") // the sources stay as they are
	var faults bytes.Buffer
	cmd.Stderr = &faults
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, faults.Bytes())
	}
	return out
}
