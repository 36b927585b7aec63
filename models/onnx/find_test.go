package onnx_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"spotter/models/onnx"
)

func TestFind(t *testing.T) {
	empty, first, second, folder := t.TempDir(), t.TempDir(), t.TempDir(), t.TempDir()
	for _, dir := range []string{first, second} {
		if err := os.WriteFile(filepath.Join(dir, onnx.Library), []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(folder, onnx.Library), 0o755); err != nil {
		t.Fatal(err)
	}
	got, err := onnx.Find(empty, folder, first, second)
	if want := filepath.Join(first, onnx.Library); err != nil || got != want {
		t.Errorf("Find = %q, %v, want %q", got, err, want)
	}
	_, err = onnx.Find(empty, folder)
	if !errors.Is(err, onnx.ErrNoLibrary) || !strings.Contains(err.Error(), empty) || !strings.Contains(err.Error(), "make setup") {
		t.Errorf("err = %v, want ErrNoLibrary, where it looked, and the mend", err)
	}
}

func TestPlaces(t *testing.T) {
	places := onnx.Places("/opt/spotter/bin/spotter")
	for i, want := range []string{"/opt/spotter/.build/onnxruntime", "/opt/spotter/lib/spotter"} {
		if places[i] != want {
			t.Errorf("place %d = %q, want %q", i, places[i], want)
		}
	}
}
