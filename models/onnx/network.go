//go:build !noonnx

package onnx

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"

	ort "github.com/yalue/onnxruntime_go"
)

// Network is one loaded model. It may be used from several goroutines; runs follow one another.
type Network struct {
	runtime *Runtime

	mu      sync.Mutex
	session *ort.AdvancedSession // nil once closed
	input   *ort.Tensor[float32]
	outputs []*ort.Tensor[float32]
	shape   []int64
	pins    runtime.Pinner // the tensors' memory is Go's, and C keeps its address
}

// InputShape returns the dimensions of the input, such as 1, 3, 416, 416.
func (n *Network) InputShape() []int64 { return slices.Clone(n.shape) }

// Run feeds the network and returns its outputs in the model's order, each flat and row-major. The input is read only
// during the call and the outputs are the caller's. The error wraps ErrInput or ErrClosed, or is ONNX Runtime's.
func (n *Network) Run(input []float32) ([][]float32, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.session == nil {
		return nil, fmt.Errorf("run network: it is %w", ErrClosed)
	}
	to := n.input.GetData()
	if len(input) != len(to) {
		return nil, fmt.Errorf("run network: %w: %d numbers, not %d", ErrInput, len(input), len(to))
	}
	copy(to, input)
	if err := n.session.Run(); err != nil {
		return nil, fmt.Errorf("run network: %w", err)
	}
	outputs := make([][]float32, len(n.outputs))
	for i, o := range n.outputs {
		outputs[i] = slices.Clone(o.GetData())
	}
	return outputs, nil
}

// Close frees the network, after a run that is under way. A second Close does nothing.
func (n *Network) Close() error {
	n.runtime.mu.Lock()
	defer n.runtime.mu.Unlock()
	if n.runtime.closed {
		return nil
	}
	delete(n.runtime.networks, n)
	return n.release()
}

// release frees whatever load has made.
func (n *Network) release() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	var errs []error
	if n.session != nil {
		errs = append(errs, n.session.Destroy())
		n.session = nil
	}
	if n.input != nil {
		errs = append(errs, n.input.Destroy())
		n.input = nil
	}
	for _, o := range n.outputs {
		errs = append(errs, o.Destroy())
	}
	n.outputs = nil
	n.pins.Unpin()
	return errors.Join(errs...)
}

func (n *Network) load(path string, threads int) error {
	options, err := sessionOptions(threads)
	if err != nil {
		return err
	}
	defer options.Destroy()
	inputs, outputs, err := ort.GetInputOutputInfoWithOptions(path, options)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrModel, err)
	}
	if len(inputs) != 1 || len(outputs) == 0 {
		return fmt.Errorf("%w: it has %d inputs and %d outputs", ErrModel, len(inputs), len(outputs))
	}
	if n.input, err = n.tensor(inputs[0]); err != nil {
		return err
	}
	n.shape = n.input.GetShape()
	outputNames, outputValues := make([]string, len(outputs)), make([]ort.Value, len(outputs))
	for i, info := range outputs {
		o, err := n.tensor(info)
		if err != nil {
			return err
		}
		n.outputs = append(n.outputs, o)
		outputNames[i], outputValues[i] = info.Name, o
	}
	n.session, err = ort.NewAdvancedSession(path, []string{inputs[0].Name}, outputNames, []ort.Value{n.input}, outputValues, options)
	return err
}

// tensor allocates the tensor of one input or output.
func (n *Network) tensor(info ort.InputOutputInfo) (*ort.Tensor[float32], error) {
	if info.OrtValueType != ort.ONNXTypeTensor || info.DataType != ort.TensorElementDataTypeFloat {
		return nil, fmt.Errorf("%w: %q is not a tensor of float32", ErrModel, info.Name)
	}
	shape := slices.Clone(info.Dimensions)
	if len(shape) > 1 && shape[0] < 1 {
		shape[0] = 1 // a batch of any size: here one picture at a time
	}
	if err := fixed(shape); err != nil {
		return nil, fmt.Errorf("%w: %q has the shape %v: %w", ErrModel, info.Name, info.Dimensions, err)
	}
	t, err := ort.NewEmptyTensor[float32](shape)
	if err != nil {
		return nil, fmt.Errorf("allocate tensor: %w", err)
	}
	n.pins.Pin(&t.GetData()[0])
	return t, nil
}

// fixed refuses a shape with a dimension that is not known beforehand, or of more numbers than one tensor may have.
func fixed(shape []int64) error {
	const most = math.MaxInt32 / 4
	size := int64(1)
	for _, d := range shape {
		if d < 1 || d > most/size {
			return fmt.Errorf("dimension %d is not between 1 and %d", d, most/size)
		}
		size *= d
	}
	return nil
}

func sessionOptions(threads int) (*ort.SessionOptions, error) {
	o, err := ort.NewSessionOptions()
	if err != nil {
		return nil, fmt.Errorf("make session options: %w", err)
	}
	if err := o.SetIntraOpNumThreads(threads); err != nil {
		o.Destroy()
		return nil, fmt.Errorf("set %d threads: %w", threads, err)
	}
	// Threads that wait for the next operation by spinning would take cores from decoding.
	if err := o.AddSessionConfigEntry("session.intra_op.allow_spinning", "0"); err != nil {
		o.Destroy()
		return nil, fmt.Errorf("set threads to wait without spinning: %w", err)
	}
	return o, nil
}
