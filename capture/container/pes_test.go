package container_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/capture/container"
)

func TestUnwrap(t *testing.T) {
	got := map[int64]int64{}
	want := map[int64]int64{0: 0, 1: 1, -1: -1, 1<<33 - 1: -1, 1 - 1<<33: 1, 1 << 33: 0, 1 << 32: 1 << 32, 1<<32 + 1: 1 - 1<<32, 5<<33 + 7: 7}
	for d := range want {
		got[d] = container.Unwrap(d)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
