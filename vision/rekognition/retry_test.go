package rekognition_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"spotter/internal/fakeaws"
	"spotter/vision"
	"spotter/vision/rekognition"
)

// flaky is a service that misbehaves in its first calls.
type flaky struct {
	*fakeaws.Rekognition
	fault fakeaws.Fault
	first int64
	n     atomic.Int64
}

func (f *flaky) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	broken := new(fakeaws.Rekognition)
	if f.n.Add(1) <= f.first {
		broken.SetFault("", f.fault)
		broken.ServeHTTP(w, r)
		return
	}
	f.Rekognition.ServeHTTP(w, r)
}

func TestRepeats(t *testing.T) {
	cases := []struct {
		name      string
		fault     fakeaws.Fault
		first     int64
		repeats   int
		throttled int
		is        error
		says      string // "" for an answer
	}{
		{"server error", fakeaws.Broken, 1, 1, 0, nil, ""},
		{"two server errors", fakeaws.Broken, 2, 2, 0, nil, ""},
		{"reset", fakeaws.Disconnected, 1, 1, 0, nil, ""},
		{"throttled", fakeaws.Throttled, 2, 2, 2, nil, ""},
		{"server error without end", fakeaws.Broken, 100, 2, 0, nil, "status 500"},
		{"throttled without end", fakeaws.Overrun, 100, 2, 3, vision.ErrThrottled, "quota"},
		{"denied", fakeaws.Denied, 100, 0, 0, vision.ErrPermanent, "allow"},
		{"cut off, and on the bill", fakeaws.Fault{Truncated: true}, 100, 0, 0, nil, "EOF"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			fake, config, paid := &flaky{Rekognition: new(fakeaws.Rekognition), fault: c.fault, first: c.first}, standard(), new(wallet)
			config.Purse = paid
			t.Setenv("AWS_MAX_ATTEMPTS", "10")
			r := start(t, fake, config)
			p := picture()
			p.Want = vision.WantObjects
			_, err := r.Recognize(t.Context(), p)
			if c.says != "" {
				checkError(t, err, c.is, c.says)
			} else if err != nil {
				t.Error(err)
			}
			if len(paid.repeats) != c.repeats || len(paid.throttled) != c.throttled || int(fake.n.Load()) != 1+c.repeats {
				t.Errorf("%d calls, %d repeats paid, %d times throttled; want %d, %d, %d",
					fake.n.Load(), len(paid.repeats), len(paid.throttled), 1+c.repeats, c.repeats, c.throttled)
			}
			if slices.ContainsFunc(slices.Concat(paid.repeats, paid.throttled), func(s string) bool { return s != rekognition.LabelsAPI }) {
				t.Errorf("repeats of %v, throttling of %v", paid.repeats, paid.throttled)
			}
		})
	}
}

// TestRepeatsEnd wants no attempt that ends after the deadline, and what is wrong rather than that it is late.
func TestRepeatsEnd(t *testing.T) {
	fake := &flaky{Rekognition: new(fakeaws.Rekognition), fault: fakeaws.Broken, first: 100}
	r := start(t, fake, standard())
	p := picture()
	p.Want = vision.WantObjects
	ctx, cancel := context.WithTimeout(t.Context(), 250*time.Millisecond)
	defer cancel()
	_, err := r.Recognize(ctx, p)
	checkError(t, err, nil, "status 500")
	if n := fake.n.Load(); n != 1 {
		t.Errorf("%d calls, want 1", n)
	}
}

// TestBudgetBoundsAttempts asks a service that is down: the budget holds for what is sent, not for pictures only.
func TestBudgetBoundsAttempts(t *testing.T) {
	const most = 20
	purse, err := vision.NewPurse(vision.Budget{CallsPerSecond: 1000, USDPerHour: most * rekognition.USDPerCall, USDPerCall: rekognition.USDPerCall}, nil)
	if err != nil {
		t.Fatal(err)
	}
	fake, config := new(fakeaws.Rekognition), standard()
	config.Purse = purse
	r := start(t, fake, config)
	fake.SetFault("", fakeaws.Broken)
	refused := 0
	for range 10 {
		_, err := r.Recognize(t.Context(), picture())
		if errors.Is(err, vision.ErrThrottled) {
			refused++
			if !strings.Contains(err.Error(), "usd_per_hour") {
				t.Errorf("error %q does not say what refused it", err)
			}
		} else if err == nil || !strings.Contains(err.Error(), "status 500") {
			t.Errorf("error %v", err)
		}
	}
	sent := len(fake.Calls())
	if paid := purse.Calls(rekognition.LabelsAPI) + purse.Calls(rekognition.CelebritiesAPI); sent > most || uint64(sent) != paid || refused < 6 {
		t.Errorf("%d attempts sent, %d paid, %d of 10 pictures refused; want %d attempts at most", sent, paid, refused, most)
	}
	if fake.Billed() != 0 {
		t.Errorf("%d calls on the bill of a service that is down", fake.Billed())
	}
}

// TestThrottledService has a service of half the pace that is configured: the purse finds it, and most calls come through.
func TestThrottledService(t *testing.T) {
	purse, err := vision.NewPurse(vision.Budget{CallsPerSecond: 40, USDPerHour: 1, USDPerCall: rekognition.USDPerCall}, nil)
	if err != nil {
		t.Fatal(err)
	}
	fake, config := new(fakeaws.Rekognition), standard()
	config.Purse = purse
	r := start(t, fake, config)
	fake.SetFault(fakeaws.DetectLabels, fakeaws.Fault{PerSecond: 10, Latency: time.Millisecond, Jitter: 5 * time.Millisecond})
	p := picture()
	p.Want = vision.WantObjects
	answered := 0
	for began := time.Now(); time.Since(began) < 2*time.Second; {
		if _, err := r.Recognize(t.Context(), p); err == nil {
			answered++
		}
	}
	sent := fake.Count(fakeaws.DetectLabels)
	t.Logf("%d answered of %d sent", answered, sent)
	if answered < 15 || sent > 120 || fake.Billed() != answered {
		t.Errorf("%d answered of %d sent, %d on the bill", answered, sent, fake.Billed())
	}
}
