//go:build !noonnx

package onnx_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/models/onnx"
)

// library returns the path of ONNX Runtime in this checkout, or skips the test.
func library(t testing.TB) string {
	t.Helper()
	path, err := onnx.Find(filepath.Join("..", "..", ".build", "onnxruntime"))
	if err != nil {
		t.Skip("ONNX Runtime absent: run `make setup`")
	}
	return path
}

func open(t testing.TB) *onnx.Runtime {
	t.Helper()
	r, err := onnx.Open(library(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// Element types of ONNX's TensorProto.
const (
	float  = 1
	int64s = 7
)

// field appends field number n of a protobuf message, with content of a length below 128.
func field(msg []byte, n byte, content ...byte) []byte {
	return append(append(msg, n<<3|2, byte(len(content))), content...)
}

// negation writes a model that negates a tensor of the given element type and dimensions, where 0 is an unknown one.
func negation(t *testing.T, element byte, dims ...byte) string {
	t.Helper()
	var shape []byte
	for _, d := range dims {
		dim := []byte{1 << 3, d}
		if d == 0 {
			dim = field(nil, 2, 'N')
		}
		shape = field(shape, 1, dim...)
	}
	tensor := field([]byte{1 << 3, element}, 2, shape...)
	value := func(name byte) []byte { return field(field(nil, 1, name), 2, field(nil, 1, tensor...)...) }
	node := field(field(field(nil, 1, 'x'), 2, 'y'), 4, 'N', 'e', 'g')
	graph := field(field(field(field(nil, 1, node...), 2, 'g'), 11, value('x')...), 12, value('y')...)
	model := field([]byte{1 << 3, 8}, 7, graph...)
	model = field(model, 8, 2<<3, 13)
	path := filepath.Join(t.TempDir(), "negation.onnx")
	if err := os.WriteFile(path, model, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOpen(t *testing.T) {
	t.Run("of one library at a time", func(t *testing.T) {
		path := library(t)
		for range 2 { // the last to be closed makes room for the next
			var all []*onnx.Runtime
			for range 2 {
				r, err := onnx.Open(path)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, r)
			}
			elsewhere := filepath.Join(t.TempDir(), onnx.Library)
			path, err := filepath.Abs(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(path, elsewhere); err != nil {
				t.Fatal(err)
			}
			if _, err := onnx.Open(elsewhere); !errors.Is(err, onnx.ErrOpen) {
				t.Errorf("open of another: err = %v, want ErrOpen", err)
			}
			if all[0].Version() == "" {
				t.Error("no version")
			}
			for _, r := range all {
				for range 2 {
					if err := r.Close(); err != nil {
						t.Error(err)
					}
				}
				if _, err := r.Load("any.onnx", 1); err == nil {
					t.Error("a closed Runtime loads")
				}
			}
		}
	})
	t.Run("absent", func(t *testing.T) {
		_, err := onnx.Open(filepath.Join(t.TempDir(), onnx.Library))
		if !errors.Is(err, onnx.ErrNoLibrary) || !strings.Contains(err.Error(), "make setup") {
			t.Errorf("err = %v, want ErrNoLibrary and the mend", err)
		}
	})
	t.Run("not a library", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), onnx.Library)
		if err := os.WriteFile(path, []byte("no ELF"), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := onnx.Open(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("err = %v, want the path in it", err)
		}
		open(t) // the failure has not blocked the next
	})
}

func TestLoadRefuses(t *testing.T) {
	r := open(t)
	garbage := filepath.Join(t.TempDir(), "garbage.onnx")
	if err := os.WriteFile(garbage, []byte("garbage"), 0o644); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name    string
		path    string
		threads int
		want    error
		text    string
	}{
		{"absent", "absent.onnx", 1, os.ErrNotExist, "spotter models pull"},
		{"garbage", garbage, 1, onnx.ErrModel, "garbage.onnx"},
		{"integers", negation(t, int64s, 1, 4), 1, onnx.ErrModel, "float32"},
		{"unknown size", negation(t, float, 1, 0), 1, onnx.ErrModel, `"x" has the shape [1 -1]`},
		{"no threads", negation(t, float, 1, 4), 0, nil, "at least 1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := r.Load(tt.path, tt.threads)
			if err == nil || tt.want != nil && !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("err = %v, want %v with %q", err, tt.want, tt.text)
			}
		})
	}
}

func TestRun(t *testing.T) {
	r := open(t)
	tests := []struct {
		name  string
		dims  []byte
		shape []int64
	}{
		{"fixed", []byte{1, 4}, []int64{1, 4}},
		{"any batch", []byte{0, 2, 2}, []int64{1, 2, 2}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n, err := r.Load(negation(t, float, tt.dims...), 1)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.shape, n.InputShape()); diff != "" {
				t.Errorf("shape (-want +got):\n%s", diff)
			}
			first, err := n.Run([]float32{1, 2, 3, 4})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := n.Run([]float32{5, 6, 7, 8}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([][]float32{{-1, -2, -3, -4}}, first); diff != "" {
				t.Errorf("output of the first run, after a second (-want +got):\n%s", diff)
			}
			for _, input := range [][]float32{nil, {1, 2, 3}, {1, 2, 3, 4, 5}} {
				if _, err := n.Run(input); !errors.Is(err, onnx.ErrInput) {
					t.Errorf("Run of %d numbers: err = %v, want ErrInput", len(input), err)
				}
			}
			for range 2 {
				if err := n.Close(); err != nil {
					t.Error(err)
				}
			}
			if _, err := n.Run([]float32{1, 2, 3, 4}); !errors.Is(err, onnx.ErrClosed) {
				t.Errorf("Run when closed: err = %v, want ErrClosed", err)
			}
		})
	}
}

func TestRunConcurrently(t *testing.T) {
	r := open(t)
	n, err := r.Load(negation(t, float, 1, 100), 1)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			input := slices.Repeat([]float32{float32(g)}, 100)
			for range 200 {
				out, err := n.Run(input)
				if errors.Is(err, onnx.ErrClosed) {
					return
				}
				if err != nil || slices.ContainsFunc(out[0], func(v float32) bool { return v != -float32(g) }) {
					t.Errorf("Run of %d = %v, %v", g, out, err)
					return
				}
			}
			if err := r.Close(); err != nil { // while others may still run
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
