// Package onnx owns ONNX Runtime: its shared library, its process-wide environment and the networks loaded into it.
// Only plain Go slices pass its border. Built with the tag noonnx it has the same functions and no cgo, and Open
// returns ErrUnavailable.
package onnx

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

var (
	// ErrUnavailable is returned by Open in a program that was built with the tag noonnx.
	ErrUnavailable = errors.New("built without ONNX Runtime (tag noonnx)")
	// ErrNoLibrary is wrapped when ONNX Runtime's shared library is in none of the places searched.
	ErrNoLibrary = errors.New("ONNX Runtime's library not found")
	// ErrOpen is returned by Open while this process has another library of ONNX Runtime open.
	ErrOpen = errors.New("another ONNX Runtime is open in this process")
	// ErrClosed is returned by a Runtime or a Network that was closed.
	ErrClosed = errors.New("closed")
	// ErrProvider is wrapped when the execution provider asked for does not exist, or is not in the library or the machine.
	ErrProvider = errors.New("execution provider not available")
	// ErrModel is wrapped when a model is not one this package runs: one input, tensors of float32, shapes that are fixed
	// or follow from the input's.
	ErrModel = errors.New("unsuitable model")
	// ErrInput is wrapped when the input of Run has not the length of the model's input.
	ErrInput = errors.New("wrong length of input")
	// ErrOutput is wrapped when the outputs given to RunInto have not the lengths of the model's.
	ErrOutput = errors.New("wrong length of output")
)

// Library is the file name of ONNX Runtime's shared library.
const Library = "libonnxruntime.so"

// Places returns the folders in which the library is looked for when the program's executable is at the given path:
// a checkout's, a package's, then the system's.
func Places(executable string) []string {
	up := filepath.Dir(filepath.Dir(executable))
	return []string{
		filepath.Join(up, ".build", "onnxruntime"),
		filepath.Join(up, "lib", "spotter"),
		"/usr/local/lib",
		"/usr/lib/x86_64-linux-gnu",
		"/usr/lib/aarch64-linux-gnu",
		"/usr/lib64",
		"/usr/lib",
	}
}

// Find returns the path of the library in the first of dirs that has it. Its error wraps ErrNoLibrary and says where
// it looked and how to mend it.
func Find(dirs ...string) (string, error) {
	for _, dir := range dirs {
		path := filepath.Join(dir, Library)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path, nil
		}
	}
	return "", fmt.Errorf("%w in %s: run `make setup`", ErrNoLibrary, strings.Join(dirs, ", "))
}
