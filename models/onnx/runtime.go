//go:build !noonnx

package onnx

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	ort "github.com/yalue/onnxruntime_go"
)

// environment is ONNX Runtime's, which is global to the process, and so must this be: it lasts while a Runtime is open.
var environment struct {
	mu      sync.Mutex
	library string // its path
	users   int
}

// join opens the environment of a library, or uses the one that is open.
func join(library string) error {
	e := &environment
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.users > 0 && e.library != library {
		return fmt.Errorf("%w: %s", ErrOpen, e.library)
	}
	if e.users == 0 {
		// The published builds keep a device id and report to their maker unless told not to: nothing here calls home.
		if err := os.Setenv("ORT_DISABLE_TELEMETRY", "1"); err != nil {
			return err
		}
		ort.SetSharedLibraryPath(library)
		if err := ort.InitializeEnvironment(); err != nil {
			return fmt.Errorf("%s (1.24 or later is needed): %w", library, err)
		}
		e.library = library
	}
	e.users++
	return nil
}

// leave frees the environment when nobody uses it any more.
func leave() error {
	e := &environment
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.users--; e.users > 0 {
		return nil
	}
	return ort.DestroyEnvironment()
}

// Runtime is the open library. It may be used from several goroutines.
type Runtime struct {
	library string // its path

	mu       sync.Mutex
	closed   bool
	networks map[*Network]struct{}
}

// Open loads the shared library at the given path, which must be of ONNX Runtime 1.24 or later. Several Runtimes may be
// open at a time, of one library: ErrOpen is returned where another one is open. The caller must Close it.
func Open(libraryPath string) (*Runtime, error) {
	// The loader would look for a plain name in the system's folders; here a path is a path.
	path, err := filepath.Abs(libraryPath)
	if err != nil {
		return nil, fmt.Errorf("open ONNX Runtime: %w", err)
	}
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("open ONNX Runtime: %w: %w: run `make setup`", ErrNoLibrary, err)
	}
	if err := join(path); err != nil {
		return nil, fmt.Errorf("open ONNX Runtime: %w", err)
	}
	return &Runtime{library: path, networks: map[*Network]struct{}{}}, nil
}

// Version returns the version of the library, such as "1.30.0".
func (*Runtime) Version() string { return ort.GetVersion() }

// Load is LoadWith on the given number of threads of the CPU, for a model of fixed shapes.
func (r *Runtime) Load(modelPath string, threads int) (*Network, error) {
	return r.LoadWith(modelPath, Options{Threads: threads})
}

// LoadWith reads a model and makes it ready to run. The network is closed with the Runtime if it was not before. The
// error wraps ErrModel for a model that this package cannot run, and ErrProvider where the library or the machine lacks
// the execution provider asked for: then it says what to install.
func (r *Runtime) LoadWith(modelPath string, o Options) (*Network, error) {
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("load network: %w", err)
	}
	if _, err := os.Stat(modelPath); err != nil {
		return nil, fmt.Errorf("load network: %w: run `spotter models pull`", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, fmt.Errorf("load network: ONNX Runtime is %w", ErrClosed)
	}
	n := &Network{runtime: r}
	if err := n.load(modelPath, o); err != nil {
		return nil, errors.Join(fmt.Errorf("load network %s: %w", modelPath, err), n.release())
	}
	r.networks[n] = struct{}{}
	return n, nil
}

// Close closes every network, waiting for those that run, and frees the library with the last Runtime. A second Close does nothing.
func (r *Runtime) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil
	}
	r.closed = true
	var errs []error
	for n := range r.networks {
		errs = append(errs, n.release())
	}
	r.networks = nil
	return errors.Join(append(errs, leave())...)
}
