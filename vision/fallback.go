package vision

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Mode says which of the cloud and the local recogniser is asked, and in what order.
type Mode string

// The modes, as the configuration names them.
const (
	// CloudFirst asks the cloud, and locally where the cloud fails, is throttled or is late.
	CloudFirst Mode = "cloud-first"
	// LocalFirst asks locally, and the cloud only where that fails.
	LocalFirst Mode = "local-first"
	// LocalOnly never asks the cloud.
	LocalOnly Mode = "local-only"
	// CloudOnly never asks locally.
	CloudOnly Mode = "cloud-only"
)

var modes = [...]Mode{CloudFirst, LocalFirst, LocalOnly, CloudOnly}

var (
	// ErrMode is wrapped when a mode is unknown, or needs a recogniser or a deadline that is not there.
	ErrMode = errors.New("vision mode cannot be used")
	// ErrPicture is wrapped by permanent errors that are about one picture only: the next may be fit.
	ErrPicture = fmt.Errorf("unfit picture: %w", ErrPermanent)
)

// ParseMode reads a mode as the configuration names it, and fails with ErrMode.
func ParseMode(s string) (Mode, error) {
	if m := Mode(s); slices.Contains(modes[:], m) {
		return m, nil
	}
	names := make([]string, len(modes))
	for i, m := range modes {
		names[i] = string(m)
	}
	return "", fmt.Errorf("%q: %w: want one of %s", s, ErrMode, strings.Join(names, ", "))
}

// UsesCloud reports whether the mode ever asks the cloud.
func (m Mode) UsesCloud() bool { return m != LocalOnly }

// UsesLocal reports whether the mode ever asks locally.
func (m Mode) UsesLocal() bool { return m != CloudOnly }

// NewFallback joins the two recognisers as the mode says; one that the mode does not use may be nil. The cloud has until
// the deadline for each picture and is then cancelled; while it is dead it is not asked at all, see circuit. onFault,
// which may be nil, hears of each error of a recogniser that was asked first and of which the other had to make good.
// It is called from Recognize and may be called from several goroutines.
func NewFallback(mode Mode, cloud, local Recognizer, deadline time.Duration, onFault func(error)) (Recognizer, error) {
	if _, err := ParseMode(string(mode)); err != nil {
		return nil, err
	}
	if mode.UsesCloud() && cloud == nil {
		return nil, fmt.Errorf("%s: %w: no cloud recogniser; add vision.rekognition or say local-only", mode, ErrMode)
	}
	if mode.UsesLocal() && local == nil {
		return nil, fmt.Errorf("%s: %w: no local recogniser; add vision.local or say cloud-only", mode, ErrMode)
	}
	if mode.UsesCloud() && deadline <= 0 {
		return nil, fmt.Errorf("%s: %w: deadline %v is not above zero", mode, ErrMode, deadline)
	}
	if onFault == nil {
		onFault = func(error) {}
	}
	guarded := guard(cloud, deadline)
	switch mode {
	case LocalOnly:
		return local, nil
	case CloudOnly:
		return guarded, nil
	case LocalFirst:
		return &fallback{first: local, second: guarded, onFault: onFault}, nil
	default:
		return &fallback{first: guarded, second: local, onFault: onFault}, nil
	}
}

// fallback asks the second recogniser where the first errs.
type fallback struct {
	first, second Recognizer
	onFault       func(error)
}

func (f *fallback) Recognize(ctx context.Context, p Picture) (Answer, error) {
	a, first := f.first.Recognize(ctx, p)
	if first == nil {
		return a, nil
	}
	if ctx.Err() != nil {
		return Answer{}, first // the caller has given up: nobody is at fault
	}
	if !errors.Is(first, errOpen) {
		f.onFault(first)
	}
	a, second := f.second.Recognize(ctx, p)
	if second == nil {
		return a, nil
	}
	// The error is as permanent as the more hopeful of the two: asking again helps if it helps with either.
	if errors.Is(first, ErrPermanent) {
		return Answer{}, fmt.Errorf("recognize: %w; before that: %v", second, first)
	}
	return Answer{}, fmt.Errorf("recognize: %w; after that: %v", first, second)
}
