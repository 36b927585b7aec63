//go:build !nocv && matprofile

package classic_test

import (
	"context"
	"testing"

	"gocv.io/x/gocv"
)

// TestMatsAreClosed is run with -tags matprofile.
func TestMatsAreClosed(t *testing.T) {
	r := open(t)
	p := sample(t, "messi5.jpg")
	before := gocv.MatProfile.Count()
	for range 3 {
		sees(t, r, p)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Recognize(ctx, p); err == nil {
		t.Error("no error for a cancelled context")
	}
	if n := gocv.MatProfile.Count(); n != before {
		t.Errorf("%d Mats open, %d before", n, before)
	}
}
