//go:build !noonnx

package onnx

import (
	"errors"
	"fmt"
	"strconv"

	ort "github.com/yalue/onnxruntime_go"
)

// sessionOptions returns o as ONNX Runtime takes it, which the caller must Destroy. The error wraps ErrProvider where
// the library of the given path has not what o asks for.
func sessionOptions(o Options, library string) (*ort.SessionOptions, error) {
	s, err := ort.NewSessionOptions()
	if err != nil {
		return nil, fmt.Errorf("make session options: %w", err)
	}
	if err := configure(s, o); err != nil {
		return nil, errors.Join(err, s.Destroy())
	}
	if err := appendProvider(s, o); err != nil {
		return nil, errors.Join(missing(o.Provider, library, err), s.Destroy())
	}
	return s, nil
}

func configure(s *ort.SessionOptions, o Options) error {
	if err := s.SetIntraOpNumThreads(o.Threads); err != nil {
		return fmt.Errorf("set %d threads: %w", o.Threads, err)
	}
	// Threads that wait for the next operation by spinning would take cores from decoding.
	if err := s.AddSessionConfigEntry("session.intra_op.allow_spinning", "0"); err != nil {
		return fmt.Errorf("set threads to wait without spinning: %w", err)
	}
	return nil
}

// appendProvider has s prefer the provider that o names. The option names are those of ONNX Runtime's pages on its
// execution providers.
func appendProvider(s *ort.SessionOptions, o Options) error {
	switch o.Provider {
	case CUDA:
		return appendCUDA(s, o.Device)
	case TensorRT:
		if err := appendTensorRT(s, o.Device); err != nil {
			return err
		}
		return appendCUDA(s, o.Device) // for what TensorRT leaves over
	case OpenVINO:
		return s.AppendExecutionProviderOpenVINO(map[string]string{
			"device_type":    "AUTO",
			"num_of_threads": strconv.Itoa(o.Threads),
		})
	}
	return nil
}

func appendCUDA(s *ort.SessionOptions, device int) (err error) {
	c, err := ort.NewCUDAProviderOptions()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Destroy()) }()
	if err := c.Update(map[string]string{"device_id": strconv.Itoa(device)}); err != nil {
		return err
	}
	return s.AppendExecutionProviderCUDA(c)
}

func appendTensorRT(s *ort.SessionOptions, device int) (err error) {
	t, err := ort.NewTensorRTProviderOptions()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.Destroy()) }()
	if err := t.Update(map[string]string{"device_id": strconv.Itoa(device)}); err != nil {
		return err
	}
	return s.AppendExecutionProviderTensorRT(t)
}

// missing explains why a provider cannot be used, and the mend.
func missing(provider, library string, err error) error {
	mend := map[string]string{
		CUDA:     "the GPU build of ONNX Runtime with its libonnxruntime_providers_cuda.so, NVIDIA's driver, and the CUDA and cuDNN it was built for",
		TensorRT: "the GPU build of ONNX Runtime with its libonnxruntime_providers_tensorrt.so, NVIDIA's driver, and the TensorRT, CUDA and cuDNN it was built for",
		OpenVINO: "the OpenVINO build of ONNX Runtime with its libonnxruntime_providers_openvino.so and libopenvino.so",
	}[provider]
	return fmt.Errorf("%w: %s with %s: %w: install %s, or use %s", ErrProvider, provider, library, err, mend, CPU)
}
