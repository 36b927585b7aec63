package timeline_test

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"spotter/timeline"
)

func TestParsePosition(t *testing.T) {
	for text, want := range map[string]timeline.Position{
		"0": 0, "50": 50_000, "50.25": 50_250, "-1.5": -1500, "-0": 0, ".5": 500, "5.": 5000,
		"50.123456":      50_123,
		"0.0006":         1,
		"-0.0006":        -1,
		"31536000000":    timeline.MaxPosition,
		"-31536000000.0": -timeline.MaxPosition,
		"1764000000.123": 1_764_000_000_123, // PTS of the Unix epoch
	} {
		if got, err := timeline.ParsePosition(text); err != nil || got != want {
			t.Errorf("%q is %d ms, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "-", ".", "1e3", "0x10", "+1", "1_0", " 1", "1 ", "1.2.3", "--1", "1-", "NaN", "inf",
		"31536000000.001", "99999999999999999999", "١", strings.Repeat("9", 1000),
	} {
		got, err := timeline.ParsePosition(text)
		if !errors.Is(err, timeline.ErrPosition) {
			t.Errorf("%.20q is %v, %v; want ErrPosition", text, got, err)
		} else if len(err.Error()) > 200 {
			t.Errorf("%.20q: an error of %d bytes", text, len(err.Error()))
		}
	}
}

func TestPositionString(t *testing.T) {
	for p, want := range map[timeline.Position]string{
		0: "0.0", 40_000: "40.0", 41_275: "41.275", 41_270: "41.27", 41_200: "41.2", 41_007: "41.007", 41_070: "41.07",
		-1: "-0.001", -1500: "-1.5", -40_000: "-40.0",
		timeline.MaxPosition: "31536000000.0",
	} {
		if got := p.String(); got != want {
			t.Errorf("%d ms is %q, want %q", int64(p), got, want)
		}
	}
}

func TestPositionRoundTrips(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range 20_000 {
		p := timeline.Position(rng.Int64N(int64(2*timeline.MaxPosition))) - timeline.MaxPosition
		if i%2 == 0 {
			p = timeline.Position(rng.Int64N(200_000) - 100_000)
		}
		if got, err := timeline.ParsePosition(p.String()); err != nil || got != p {
			t.Fatalf("%d ms written as %v is read as %d, %v", int64(p), p, int64(got), err)
		}
		b, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		var got timeline.Position
		if err := json.Unmarshal(b, &got); err != nil || got != p {
			t.Fatalf("%d ms in JSON is %s, read as %d, %v", int64(p), b, int64(got), err)
		}
	}
}

func TestPositionDurations(t *testing.T) {
	for d, want := range map[time.Duration]timeline.Position{
		0: 0, time.Second: 1000, 1499 * time.Microsecond: 1, 1500 * time.Microsecond: 2, -1500 * time.Microsecond: -2,
	} {
		if got := timeline.FromDuration(d); got != want {
			t.Errorf("%v is %d ms, want %d", d, got, want)
		}
	}
	if p := timeline.Position(-1500); p.Duration() != -1500*time.Millisecond || p.Seconds() != -1.5 {
		t.Errorf("%v lasts %v, %v seconds", p, p.Duration(), p.Seconds())
	}
}

func FuzzParsePosition(f *testing.F) {
	for _, text := range []string{"50", "-1.5", "50.123456", "1e3", "", "31536000000.0005"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := timeline.ParsePosition(text)
		if err != nil {
			return
		}
		if p > timeline.MaxPosition || p < -timeline.MaxPosition {
			t.Fatalf("%q is %d ms, beyond the bound", text, int64(p))
		}
		if again, err := timeline.ParsePosition(p.String()); err != nil || again != p {
			t.Fatalf("%q is %v, which is read as %v, %v", text, p, again, err)
		}
	})
}
