//go:build nocv

package classic_test

import (
	"errors"
	"testing"

	"spotter/vision"
	"spotter/vision/classic"
)

func TestNewSaysWhatIsMissing(t *testing.T) {
	if r, err := classic.New(classic.DefaultFolder); r != nil || !errors.Is(err, vision.ErrPermanent) {
		t.Errorf("got %v, %v; want vision.ErrPermanent", r, err)
	}
}
