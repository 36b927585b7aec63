//go:build !noonnx

package onnx

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"

	ort "github.com/yalue/onnxruntime_go"
)

// Network is one loaded model. It may be used from several goroutines; runs follow one another.
type Network struct {
	runtime *Runtime
	input   tensor
	outputs []tensor

	mu      sync.Mutex
	session *ort.DynamicAdvancedSession // nil once closed
}

// tensor describes an input or an output.
type tensor struct {
	name  string
	shape []int64
	size  int // how many numbers
}

// InputShape returns the dimensions of the input, such as 1, 3, 416, 416.
func (n *Network) InputShape() []int64 { return slices.Clone(n.input.shape) }

// OutputNames returns the names of the outputs, in the order in which Run returns them.
func (n *Network) OutputNames() []string {
	names := make([]string, len(n.outputs))
	for i, o := range n.outputs {
		names[i] = o.name
	}
	return names
}

// OutputShapes returns the dimensions of each output, in the order in which Run returns them.
func (n *Network) OutputShapes() [][]int64 {
	shapes := make([][]int64, len(n.outputs))
	for i, o := range n.outputs {
		shapes[i] = slices.Clone(o.shape)
	}
	return shapes
}

// NewOutputs returns slices for RunInto to fill.
func (n *Network) NewOutputs() [][]float32 {
	outputs := make([][]float32, len(n.outputs))
	for i, o := range n.outputs {
		outputs[i] = make([]float32, o.size)
	}
	return outputs
}

// Run feeds the network and returns its outputs in the model's order, each flat and row-major. The input is read only
// during the call and the outputs are the caller's. The error wraps ErrInput or ErrClosed, or is ONNX Runtime's.
func (n *Network) Run(input []float32) ([][]float32, error) {
	outputs := n.NewOutputs()
	if err := n.RunInto(input, outputs); err != nil {
		return nil, err
	}
	return outputs, nil
}

// RunInto is Run into the caller's slices, such as those of NewOutputs, which a next call may use again. Nothing is
// copied: ONNX Runtime reads the input and writes the outputs where they are. They must not overlap, and nobody else
// may use them during the call. The error wraps ErrInput, ErrOutput or ErrClosed, or is ONNX Runtime's.
func (n *Network) RunInto(input []float32, outputs [][]float32) error {
	if err := n.check(input, outputs); err != nil {
		return fmt.Errorf("run network: %w", err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.session == nil {
		return fmt.Errorf("run network: it is %w", ErrClosed)
	}
	var w wrapped
	defer w.free()
	in, err := w.wrap(n.input.shape, input)
	if err != nil {
		return fmt.Errorf("run network: %w", err)
	}
	out := make([]ort.Value, len(outputs))
	for i, o := range n.outputs {
		if out[i], err = w.wrap(o.shape, outputs[i]); err != nil {
			return fmt.Errorf("run network: %w", err)
		}
	}
	if err := n.session.Run([]ort.Value{in}, out); err != nil {
		return fmt.Errorf("run network: %w", err)
	}
	return nil
}

func (n *Network) check(input []float32, outputs [][]float32) error {
	if len(input) != n.input.size {
		return fmt.Errorf("%w: %d numbers, not %d", ErrInput, len(input), n.input.size)
	}
	if len(outputs) != len(n.outputs) {
		return fmt.Errorf("%w: %d outputs, not %d", ErrOutput, len(outputs), len(n.outputs))
	}
	for i, o := range n.outputs {
		if len(outputs[i]) != o.size {
			return fmt.Errorf("%w: %d numbers for %q, not %d", ErrOutput, len(outputs[i]), o.name, o.size)
		}
	}
	return nil
}

// wrapped is Go memory that ONNX Runtime knows as tensors. It is pinned, for C keeps its address.
type wrapped struct {
	pins    runtime.Pinner
	tensors []*ort.Tensor[float32]
}

func (w *wrapped) wrap(shape []int64, numbers []float32) (ort.Value, error) {
	w.pins.Pin(&numbers[0])
	t, err := ort.NewTensor(shape, numbers)
	if err != nil {
		return nil, fmt.Errorf("make tensor: %w", err)
	}
	w.tensors = append(w.tensors, t)
	return t, nil
}

// free lets go of the memory, which stays the caller's.
func (w *wrapped) free() {
	for _, t := range w.tensors {
		t.Destroy() // a tensor that was made can be released: there is no error to come
	}
	w.pins.Unpin()
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

func (n *Network) release() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.session == nil {
		return nil
	}
	err := n.session.Destroy()
	n.session = nil
	return err
}

func (n *Network) load(path string, o Options) error {
	inputs, outputs, err := declared(path)
	if err != nil {
		return err
	}
	if n.input, err = describe(inputs[0], o.Input); err != nil {
		return err
	}
	options, err := sessionOptions(o, n.runtime.library)
	if err != nil {
		return err
	}
	defer options.Destroy()
	names := make([]string, len(outputs))
	for i, info := range outputs {
		names[i] = info.Name
	}
	n.session, err = ort.NewDynamicAdvancedSession(path, []string{n.input.name}, names, options)
	if err != nil && o.Provider != "" && o.Provider != CPU {
		return missing(o.Provider, n.runtime.library, err)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrModel, err)
	}
	return n.describeOutputs(outputs)
}

// declared returns what the model says of its input and outputs: one input, and tensors of float32 only.
func declared(path string) (inputs, outputs []ort.InputOutputInfo, err error) {
	options, err := ort.NewSessionOptions()
	if err != nil {
		return nil, nil, fmt.Errorf("make session options: %w", err)
	}
	defer options.Destroy()
	err = errors.Join(options.SetIntraOpNumThreads(1), options.SetGraphOptimizationLevel(ort.GraphOptimizationLevelDisableAll))
	if err != nil {
		return nil, nil, fmt.Errorf("set session options: %w", err)
	}
	inputs, outputs, err = ort.GetInputOutputInfoWithOptions(path, options)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrModel, err)
	}
	if len(inputs) != 1 || len(outputs) == 0 {
		return nil, nil, fmt.Errorf("%w: it has %d inputs and %d outputs", ErrModel, len(inputs), len(outputs))
	}
	for _, info := range slices.Concat(inputs, outputs) {
		if info.OrtValueType != ort.ONNXTypeTensor || info.DataType != ort.TensorElementDataTypeFloat {
			return nil, nil, fmt.Errorf("%w: %q is not a tensor of float32", ErrModel, info.Name)
		}
	}
	return inputs, outputs, nil
}

func describe(info ort.InputOutputInfo, asked []int64) (tensor, error) {
	shape, err := dimensions(info.Dimensions, asked)
	if err != nil {
		return tensor{}, fmt.Errorf("%w: %q has the shape %v: %w", ErrModel, info.Name, info.Dimensions, err)
	}
	size, err := numbers(shape)
	return tensor{info.Name, shape, size}, err
}

// describeOutputs notes the outputs' shapes. Those that the model leaves open follow from the input's: one run on
// zeros shows them.
func (n *Network) describeOutputs(outputs []ort.InputOutputInfo) error {
	shapes := make([]ort.Shape, len(outputs))
	known := true
	for i, info := range outputs {
		shapes[i] = info.Dimensions
		known = known && !slices.ContainsFunc(info.Dimensions, func(d int64) bool { return d < 1 })
	}
	if !known {
		if err := n.learn(shapes); err != nil {
			return err
		}
	}
	for i, info := range outputs {
		size, err := numbers(shapes[i])
		if err != nil {
			return fmt.Errorf("%w: %q has the shape %v for the input %v: %w", ErrModel, info.Name, shapes[i], n.input.shape, err)
		}
		n.outputs = append(n.outputs, tensor{info.Name, slices.Clone(shapes[i]), size})
	}
	return nil
}

// learn runs the network on zeros and notes the shapes of what comes out.
func (n *Network) learn(shapes []ort.Shape) (err error) {
	var w wrapped
	defer w.free()
	in, err := w.wrap(n.input.shape, make([]float32, n.input.size))
	if err != nil {
		return err
	}
	out := make([]ort.Value, len(shapes))
	defer func() {
		for _, o := range out {
			if o != nil {
				err = errors.Join(err, o.Destroy())
			}
		}
	}()
	if err := n.session.Run([]ort.Value{in}, out); err != nil {
		return fmt.Errorf("%w: it does not run on the input %v: %w", ErrModel, n.input.shape, err)
	}
	for i, o := range out {
		shapes[i] = o.GetShape().Clone()
	}
	return nil
}
