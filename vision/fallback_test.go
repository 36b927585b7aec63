package vision_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"spotter/vision"
)

const deadline = 2 * time.Second

// late answers only when the caller's patience ends.
func late(ctx context.Context) (vision.Answer, error) {
	<-ctx.Done()
	return vision.Answer{}, ctx.Err()
}

// counted counts the calls of a recogniser whose script may be changed between calls.
type counted struct {
	script
	calls int
}

func (c *counted) Recognize(ctx context.Context, p vision.Picture) (vision.Answer, error) {
	c.calls++
	return c.script.Recognize(ctx, p)
}

func join(t *testing.T, mode vision.Mode, cloud, local vision.Recognizer, onFault func(error)) vision.Recognizer {
	t.Helper()
	r, err := vision.NewFallback(mode, cloud, local, deadline, onFault)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestParseMode(t *testing.T) {
	for _, s := range []string{"cloud-first", "local-first", "local-only", "cloud-only"} {
		if m, err := vision.ParseMode(s); err != nil || string(m) != s {
			t.Errorf("%s: got %q, %v", s, m, err)
		}
	}
	for _, s := range []string{"", "Cloud-First", "cloud"} {
		if _, err := vision.ParseMode(s); !errors.Is(err, vision.ErrMode) {
			t.Errorf("%q: error %v, want ErrMode", s, err)
		}
	}
}

func TestNewFallbackRefuses(t *testing.T) {
	some := says("some")
	cases := []struct {
		name         string
		mode         vision.Mode
		cloud, local vision.Recognizer
		deadline     time.Duration
		ok           bool
	}{
		{"all there", vision.CloudFirst, some, some, deadline, true},
		{"cloud-first without local", vision.CloudFirst, some, nil, deadline, false},
		{"cloud-first without cloud", vision.CloudFirst, nil, some, deadline, false},
		{"local-first without cloud", vision.LocalFirst, nil, some, deadline, false},
		{"local-only without cloud", vision.LocalOnly, nil, some, 0, true},
		{"local-only without local", vision.LocalOnly, some, nil, 0, false},
		{"cloud-only without local", vision.CloudOnly, some, nil, deadline, true},
		{"cloud-only without cloud", vision.CloudOnly, nil, some, deadline, false},
		{"no deadline", vision.CloudOnly, some, nil, 0, false},
		{"unknown mode", "nearest", some, some, deadline, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r, err := vision.NewFallback(c.mode, c.cloud, c.local, c.deadline, nil)
			if c.ok != (err == nil) || c.ok != (r != nil) {
				t.Fatalf("got %v, %v", r, err)
			}
			if err != nil && !errors.Is(err, vision.ErrMode) {
				t.Errorf("error %q does not wrap ErrMode", err)
			}
		})
	}
}

func TestModes(t *testing.T) {
	throttled := fmt.Errorf("pace: %w", vision.ErrThrottled)
	denied := fmt.Errorf("rights: %w", vision.ErrPermanent)
	cases := []struct {
		name         string
		mode         vision.Mode
		cloud, local script
		want         string // source
		is           error
		faults       int
		takes        time.Duration
	}{
		{"cloud-first", vision.CloudFirst, says("cloud"), says("local"), "cloud", nil, 0, 0},
		{"cloud-first, cloud down", vision.CloudFirst, fails(errDown), says("local"), "local", nil, 1, 0},
		{"cloud-first, throttled", vision.CloudFirst, fails(throttled), says("local"), "local", nil, 1, 0},
		{"cloud-first, denied", vision.CloudFirst, fails(denied), says("local"), "local", nil, 1, 0},
		{"cloud-first, late", vision.CloudFirst, late, says("local"), "local", nil, 1, deadline},
		{"cloud-first, both down", vision.CloudFirst, fails(errDown), fails(denied), "", errDown, 1, 0},
		{"cloud-first, denied and local down", vision.CloudFirst, fails(denied), fails(errDown), "", errDown, 1, 0},
		{"local-first", vision.LocalFirst, says("cloud"), says("local"), "local", nil, 0, 0},
		{"local-first, local down", vision.LocalFirst, says("cloud"), fails(errDown), "cloud", nil, 1, 0},
		{"local-only, local down", vision.LocalOnly, says("cloud"), fails(errDown), "", errDown, 0, 0},
		{"cloud-only", vision.CloudOnly, says("cloud"), says("local"), "cloud", nil, 0, 0},
		{"cloud-only, denied", vision.CloudOnly, fails(denied), says("local"), "", vision.ErrPermanent, 0, 0},
		{"cloud-only, late", vision.CloudOnly, late, says("local"), "", context.DeadlineExceeded, 0, deadline},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				faults := 0
				r := join(t, c.mode, c.cloud, c.local, func(error) { faults++ })
				began := time.Now()
				a, err := r.Recognize(t.Context(), vision.Picture{})
				if a.Source != c.want || !errors.Is(err, c.is) {
					t.Errorf("got %q, %v; want %q, %v", a.Source, err, c.want, c.is)
				}
				if errors.Is(err, vision.ErrPermanent) && !errors.Is(c.is, vision.ErrPermanent) {
					t.Errorf("error %q is permanent, though one side may yet answer", err)
				}
				if took := time.Since(began); took != c.takes || faults != c.faults {
					t.Errorf("took %v with %d faults, want %v and %d", took, faults, c.takes, c.faults)
				}
			})
		})
	}
}

// TestDeadCloud proves that a cloud that never answers costs its deadline three times, not on every picture, that it is
// tried again with one picture, and that it is back at once when that one succeeds.
func TestDeadCloud(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := &counted{script: late}
		faults := 0
		r := join(t, vision.CloudFirst, cloud, says("local"), func(error) { faults++ })
		began := time.Now()
		for range 100 {
			expect(t, r, "local")
		}
		if took := time.Since(began); took != 3*deadline || cloud.calls != 3 || faults != 3 {
			t.Errorf("100 pictures took %v, %d calls, %d faults; want %v, 3, 3", took, cloud.calls, faults, 3*deadline)
		}
		time.Sleep(11 * time.Second)
		expect(t, r, "local")
		expect(t, r, "local")
		if cloud.calls != 4 {
			t.Errorf("%d calls after the pause, want one probe more: 4", cloud.calls)
		}
		cloud.script = says("cloud")
		expect(t, r, "local")
		time.Sleep(11 * time.Second)
		expect(t, r, "cloud")
		expect(t, r, "cloud")
	})
}

func TestPermanentFaultPausesLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := &counted{script: fails(fmt.Errorf("rights: %w", vision.ErrPermanent))}
		r := join(t, vision.CloudOnly, cloud, nil, nil)
		for range 110 {
			if _, err := r.Recognize(t.Context(), vision.Picture{}); !errors.Is(err, vision.ErrPermanent) {
				t.Fatalf("error %v while the rights are missing, want ErrPermanent", err)
			}
			time.Sleep(time.Second)
		}
		if cloud.calls != 1 {
			t.Errorf("%d calls in 110 s, want 1", cloud.calls)
		}
		cloud.script = says("cloud")
		time.Sleep(11 * time.Second)
		expect(t, r, "cloud")
	})
}

// TestHarmlessRefusals proves that a spent budget, an unfit picture and callers who leave do not stop the cloud.
func TestHarmlessRefusals(t *testing.T) {
	cases := []struct {
		name string
		err  error
	}{
		{"throttled", fmt.Errorf("pace: %w", vision.ErrThrottled)},
		{"unfit picture", fmt.Errorf("80 pixels: %w", vision.ErrPicture)},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cloud := &counted{script: fails(c.err)}
			r := join(t, vision.CloudFirst, cloud, says("local"), nil)
			for range 20 {
				expect(t, r, "local")
			}
			cloud.script = says("cloud")
			expect(t, r, "cloud")
		})
	}
	t.Run("caller leaves", func(t *testing.T) {
		local := &counted{script: says("local")}
		cloud := &counted{script: late}
		r := join(t, vision.CloudFirst, cloud, local, func(err error) { t.Errorf("fault %v", err) })
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for range 20 {
			if _, err := r.Recognize(ctx, vision.Picture{}); !errors.Is(err, context.Canceled) {
				t.Fatalf("error %v, want context.Canceled", err)
			}
		}
		cloud.script = says("cloud")
		expect(t, r, "cloud")
		if local.calls != 0 {
			t.Errorf("%d local calls for a caller who left", local.calls)
		}
	})
}

func expect(t *testing.T, r vision.Recognizer, source string) {
	t.Helper()
	if a, err := r.Recognize(t.Context(), vision.Picture{}); err != nil || a.Source != source {
		t.Fatalf("got %q, %v; want %q", a.Source, err, source)
	}
}
