//go:build !race

package instrument_test

import "testing"

func TestEligibleAllocatesNothing(t *testing.T) {
	c, q := shop(1000, "Player")
	list := c.Eligible(nil, q)
	if len(list) == 0 {
		t.Fatal("nothing is eligible")
	}
	if n := testing.AllocsPerRun(1000, func() { list = c.Eligible(list[:0], q) }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}
