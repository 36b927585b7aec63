//go:build soak && linux

package soak_test

import (
	"fmt"
	"slices"
	"testing"
)

// bound is by how much something may be more in the soak's last third than in its second, in the median: a share, and
// what it may sway by.
type bound struct {
	name  string
	of    func(*sample) float64
	share float64
	sway  float64
}

var bounds = []bound{
	{"parent's memory, MiB", func(x *sample) float64 { return mib(x.parent.resident) }, 0.10, 8},
	{"parent's heap, MiB", func(x *sample) float64 { return x.heap / (1 << 20) }, 0.10, 8},
	{"parent's stacks, MiB", func(x *sample) float64 { return x.stacks / (1 << 20) }, 0.10, 1},
	{"parent's descriptors", func(x *sample) float64 { return float64(x.parent.files) }, 0, 12},
	{"parent's threads", func(x *sample) float64 { return float64(x.parent.threads) }, 0, 4},
	{"parent's goroutines", func(x *sample) float64 { return x.goroutines }, 0.05, 10},
	{"lines of metrics", func(x *sample) float64 { return x.series }, 0, 12},
	{"decoders", func(x *sample) float64 { return float64(len(x.children)) }, 0, 1},
	{"store, MiB", func(x *sample) float64 { return mib(x.store) }, 0.10, 1},
	{"engagement, MiB", func(x *sample) float64 { return mib(x.engagement) }, 0, 24}, // its max_bytes, and its logs
	{"other files, MiB", func(x *sample) float64 { return mib(x.rest) }, 0.10, 1},
	{"temporary files", func(x *sample) float64 { return float64(x.temporary) }, 0, 4},
}

// checkFlat compares the thirds of the soak. In the first, caches and the retention's age fill up.
func checkFlat(t *testing.T, all []sample) {
	t.Helper()
	second, last := all[len(all)/3:2*len(all)/3], all[2*len(all)/3:]
	decoders := decoderBounds(all)
	if len(decoders) == 0 {
		t.Error("no decoder lived long enough to see whether it grows")
	}
	for _, b := range append(slices.Clone(bounds), decoders...) {
		before, after := median(second, b.of), median(last, b.of)
		most := before*(1+b.share) + b.sway
		fmt.Printf("%-28s %8.1f in the second third, %8.1f in the last (at most %.1f)\n", b.name, before, after, most)
		if after > most {
			t.Errorf("%s grew from %.1f to %.1f, more than %.1f", b.name, before, after, most)
		}
	}
}

// decoderBounds are those of each decoder that lived from the second third to the end.
func decoderBounds(all []sample) (list []bound) {
	for _, c := range all[len(all)-1].children {
		of := func(take func(process) float64) func(*sample) float64 {
			return func(x *sample) float64 {
				if i := slices.IndexFunc(x.children, func(p process) bool { return p.pid == c.pid }); i >= 0 {
					return take(x.children[i])
				}
				return 0
			}
		}
		if memory := of(func(p process) float64 { return mib(p.resident) }); memory(&all[len(all)/3]) > 0 {
			name := fmt.Sprintf("decoder %d's ", c.pid)
			list = append(list,
				bound{name + "memory", memory, 0.05, 8},
				bound{name + "files", of(func(p process) float64 { return float64(p.files) }), 0, 3},
				bound{name + "threads", of(func(p process) float64 { return float64(p.threads) }), 0, 3},
			)
		}
	}
	return list
}

func median(all []sample, of func(*sample) float64) float64 {
	var values []float64
	for i := range all {
		values = append(values, of(&all[i]))
	}
	slices.Sort(values)
	return values[len(values)/2]
}
