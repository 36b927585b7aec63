//go:build noonnx

package onnx

// Runtime is ONNX Runtime, which this program was built without.
type Runtime struct{}

// Open returns ErrUnavailable.
func Open(string) (*Runtime, error) { return nil, ErrUnavailable }

// Version returns "".
func (*Runtime) Version() string { return "" }

// Load returns ErrUnavailable.
func (*Runtime) Load(string, int) (*Network, error) { return nil, ErrUnavailable }

// LoadWith returns ErrUnavailable.
func (*Runtime) LoadWith(string, Options) (*Network, error) { return nil, ErrUnavailable }

// Close does nothing.
func (*Runtime) Close() error { return nil }

// Network is a loaded model, of which this program can have none.
type Network struct{}

// InputShape returns nil.
func (*Network) InputShape() []int64 { return nil }

// OutputNames returns nil.
func (*Network) OutputNames() []string { return nil }

// OutputShapes returns nil.
func (*Network) OutputShapes() [][]int64 { return nil }

// NewOutputs returns nil.
func (*Network) NewOutputs() [][]float32 { return nil }

// Run returns ErrUnavailable.
func (*Network) Run([]float32) ([][]float32, error) { return nil, ErrUnavailable }

// RunInto returns ErrUnavailable.
func (*Network) RunInto([]float32, [][]float32) error { return ErrUnavailable }

// RunRows returns ErrUnavailable.
func (*Network) RunRows(int, []float32, [][]float32) error { return ErrUnavailable }

// Metadata returns ErrUnavailable.
func (*Network) Metadata(string) (string, error) { return "", ErrUnavailable }

// Close does nothing.
func (*Network) Close() error { return nil }
