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
	open    bool // the model takes any number of rows

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
	return n.run(n.input, n.outputs, input, outputs)
}

// RunRows is RunInto for a model that leaves its first dimension open: the input and each of the outputs are that many
// rows, at least 1. The error wraps ErrInput for a model that takes no other number of rows than its own.
func (n *Network) RunRows(rows int, input []float32, outputs [][]float32) error {
	if !n.open || rows < 1 {
		return fmt.Errorf("run network: %w: %d rows for the shape %v", ErrInput, rows, n.input.shape)
	}
	of := make([]tensor, len(n.outputs))
	for i, o := range n.outputs {
		if o.shape[0] != n.input.shape[0] {
			return fmt.Errorf("run network: %w: %q has no row for each of the input's", ErrInput, o.name)
		}
		of[i] = o.ofRows(rows)
	}
	return n.run(n.input.ofRows(rows), of, input, outputs)
}

// ofRows returns the tensor with another first dimension.
func (t tensor) ofRows(rows int) tensor {
	shape := slices.Clone(t.shape)
	shape[0] = int64(rows)
	return tensor{t.name, shape, t.size / int(t.shape[0]) * rows}
}

func (n *Network) run(from tensor, to []tensor, input []float32, outputs [][]float32) error {
	if err := check(from, to, input, outputs); err != nil {
		return fmt.Errorf("run network: %w", err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.session == nil {
		return fmt.Errorf("run network: it is %w", ErrClosed)
	}
	var w wrapped
	defer w.free()
	in, err := w.wrap(from.shape, input)
	if err != nil {
		return fmt.Errorf("run network: %w", err)
	}
	out := make([]ort.Value, len(outputs))
	for i, o := range to {
		if out[i], err = w.wrap(o.shape, outputs[i]); err != nil {
			return fmt.Errorf("run network: %w", err)
		}
	}
	if err := n.session.Run([]ort.Value{in}, out); err != nil {
		return fmt.Errorf("run network: %w", err)
	}
	return nil
}

func check(from tensor, to []tensor, input []float32, outputs [][]float32) error {
	if len(input) != from.size {
		return fmt.Errorf("%w: %d numbers, not %d", ErrInput, len(input), from.size)
	}
	if len(outputs) != len(to) {
		return fmt.Errorf("%w: %d outputs, not %d", ErrOutput, len(outputs), len(to))
	}
	for i, o := range to {
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
	inputs, outputs, err := declared(path, o.Outputs)
	if err != nil {
		return err
	}
	if n.input, err = describe(inputs[0], o.Input); err != nil {
		return err
	}
	n.open = len(inputs[0].Dimensions) > 0 && inputs[0].Dimensions[0] < 1
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

// declared returns what the model says of its input and of the outputs wanted, nil for all of them: one input, and tensors
// of float32 only.
func declared(path string, wanted []string) (inputs, outputs []ort.InputOutputInfo, err error) {
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
	if outputs, err = choose(outputs, wanted); err != nil {
		return nil, nil, err
	}
	for _, info := range slices.Concat(inputs, outputs) {
		if info.OrtValueType != ort.ONNXTypeTensor || info.DataType != ort.TensorElementDataTypeFloat {
			return nil, nil, fmt.Errorf("%w: %q is not a tensor of float32", ErrModel, info.Name)
		}
	}
	return inputs, outputs, nil
}

// choose returns the outputs of the names wanted, or all of them for nil.
func choose(outputs []ort.InputOutputInfo, wanted []string) ([]ort.InputOutputInfo, error) {
	if wanted == nil {
		return outputs, nil
	}
	var chosen []ort.InputOutputInfo
	for _, name := range wanted {
		i := slices.IndexFunc(outputs, func(o ort.InputOutputInfo) bool { return o.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("%w: it has no output %q", ErrModel, name)
		}
		chosen = append(chosen, outputs[i])
	}
	return chosen, nil
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
