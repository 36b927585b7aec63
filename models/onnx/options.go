package onnx

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The execution providers that a network can run on.
const (
	CPU      = "cpu"
	CUDA     = "cuda"
	TensorRT = "tensorrt"
	OpenVINO = "openvino"
)

// Providers returns the names that Options.Provider may have, the default first.
func Providers() []string { return []string{CPU, CUDA, TensorRT, OpenVINO} }

// Options says how a network is to run.
type Options struct {
	// Threads is how many threads of the CPU one run may use, at least 1.
	Threads int
	// Provider is one of Providers; "" means CPU. What a provider cannot do of a model, the CPU does.
	Provider string
	// Device is which GPU CUDA and TensorRT use, from 0. OpenVINO chooses among the machine's devices itself.
	Device int
	// Input is the shape of the input, for a model that leaves some of it open; nil means the model's own, where a batch
	// of any size means one picture.
	Input []int64
	// Outputs are the names of those outputs that are wanted, in the order wanted; nil means all. The others may be of any
	// type, such as the labels beside a classifier's probabilities.
	Outputs []string
}

// check refuses what no machine can do.
func (o *Options) check() error {
	switch {
	case o.Threads < 1:
		return fmt.Errorf("%d threads: at least 1 is needed", o.Threads)
	case o.Provider != "" && !slices.Contains(Providers(), o.Provider):
		return fmt.Errorf("%w: %q is none of %s", ErrProvider, o.Provider, strings.Join(Providers(), ", "))
	case o.Outputs != nil && len(o.Outputs) == 0:
		return errors.New("no output: at least one is needed")
	case o.Device < 0:
		return fmt.Errorf("%w: device %d: they count from 0", ErrProvider, o.Device)
	case o.Device > 0 && o.Provider != CUDA && o.Provider != TensorRT:
		return fmt.Errorf("%w: device %d: only %s and %s take one", ErrProvider, o.Device, CUDA, TensorRT)
	}
	return nil
}

// dimensions returns the declared shape with what it leaves open taken from the shape asked for, or a batch of 1 where
// none was.
func dimensions(declared, asked []int64) ([]int64, error) {
	shape := slices.Clone(declared)
	if asked == nil {
		if len(shape) > 1 && shape[0] < 1 {
			shape[0] = 1
		}
	} else {
		if len(asked) != len(declared) {
			return nil, fmt.Errorf("it is not %v", asked)
		}
		for i, d := range asked {
			if declared[i] > 0 && declared[i] != d {
				return nil, fmt.Errorf("it is not %v", asked)
			}
			shape[i] = d
		}
	}
	_, err := numbers(shape)
	return shape, err
}

// mostNumbers is how many one tensor may have: 1 GiB of float32.
const mostNumbers = 1 << 28

// numbers returns how many numbers a tensor of the given shape has.
func numbers(shape []int64) (int, error) {
	n := int64(1)
	for _, d := range shape {
		if d < 1 {
			return 0, errors.New("the size of a dimension is left open: say the shape of the input")
		}
		if d > mostNumbers/n {
			return 0, fmt.Errorf("it has more than %d numbers", mostNumbers)
		}
		n *= d
	}
	return int(n), nil
}
