//go:build !noonnx

package onnx

import (
	"errors"
	"fmt"
)

// Metadata returns what the model's maker has written into it under the key, or "" if nothing. The error wraps ErrClosed,
// or is ONNX Runtime's.
func (n *Network) Metadata(key string) (value string, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.session == nil {
		return "", fmt.Errorf("read the network's metadata: it is %w", ErrClosed)
	}
	m, err := n.session.GetModelMetadata()
	if err != nil {
		return "", fmt.Errorf("read the network's metadata: %w", err)
	}
	defer func() { err = errors.Join(err, m.Destroy()) }()
	value, _, err = m.LookupCustomMetadataMap(key)
	return value, err
}
