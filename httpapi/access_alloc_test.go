//go:build !race

package httpapi_test

import "testing"

// The race detector makes sync.Pool drop things, so this is not for it.
func TestLettingInAllocatesLittle(t *testing.T) {
	most := map[string]float64{"none": 0, "none, limited": 0, "keys": 0, "jwt": 2}
	for name, guard := range guards(t) {
		t.Run(name, func(t *testing.T) {
			c, credential := guard()
			ask := guardedLookUp(t, c, credential)
			if n := testing.AllocsPerRun(1000, func() { ask() }); n > most[name] {
				t.Errorf("%v allocations, want at most %v", n, most[name])
			}
		})
	}
}
