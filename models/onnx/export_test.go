//go:build !noonnx

package onnx

import (
	"errors"
)

// Bind binds the input and outputs to the network's own session and returns what runs it: ONNX Runtime and nothing else.
// The caller must call free.
func (n *Network) Bind(input []float32, outputs [][]float32) (run, free func() error, err error) {
	b, err := n.session.CreateIoBinding()
	if err != nil {
		return nil, nil, err
	}
	w := &wrapped{}
	in, err := w.wrap(n.input.shape, input)
	if err != nil {
		return nil, nil, err
	}
	err = b.BindInput(n.input.name, in)
	for i, o := range n.outputs {
		out, werr := w.wrap(o.shape, outputs[i])
		if werr != nil {
			return nil, nil, werr
		}
		err = errors.Join(err, b.BindOutput(o.name, out))
	}
	run = func() error { return n.session.RunWithBinding(b) }
	free = func() error {
		err := b.Destroy()
		w.free()
		return err
	}
	return run, free, err
}
