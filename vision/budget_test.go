package vision_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"spotter/vision"
)

// script is a Recognizer made of a function.
type script func(ctx context.Context) (vision.Answer, error)

func (s script) Recognize(ctx context.Context, _ vision.Picture) (vision.Answer, error) {
	return s(ctx)
}

// says answers at once, as the given source.
func says(source string) script {
	return func(context.Context) (vision.Answer, error) { return vision.Answer{Source: source}, nil }
}

// fails errs at once.
func fails(err error) script {
	return func(context.Context) (vision.Answer, error) { return vision.Answer{}, err }
}

var errDown = errors.New("connection refused")

func TestLimitPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := vision.Limit(says("cloud"), vision.Budget{CallsPerSecond: 5, CallsPerPicture: 2, USDPerHour: 2, USDPerPicture: 0.002})
		ask := func() error {
			_, err := l.Recognize(t.Context(), vision.Picture{})
			return err
		}
		for i, want := range []error{nil, nil, vision.ErrThrottled} { // 5 calls are two pictures and a half
			if err := ask(); !errors.Is(err, want) {
				t.Fatalf("picture %d: error %v, want %v", i, err, want)
			}
		}
		time.Sleep(200 * time.Millisecond) // one call more makes two
		if err := ask(); err != nil {
			t.Fatalf("after 200 ms: %v", err)
		}
		if l.Asked() != 4 || l.Refused() != 1 || math.Abs(l.SpentUSD()-0.006) > 1e-12 {
			t.Errorf("asked %d, refused %d, spent $%v; want 4, 1, $0.006", l.Asked(), l.Refused(), l.SpentUSD())
		}
	})
}

func TestLimitSlowerThanOneASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := vision.Limit(says("cloud"), vision.Budget{CallsPerSecond: 0.5, CallsPerPicture: 2})
		n := 0
		for range 41 { // two calls at once, then one picture in four seconds
			if _, err := l.Recognize(t.Context(), vision.Picture{}); err == nil {
				n++
			}
			time.Sleep(time.Second)
		}
		if n != 11 {
			t.Errorf("%d pictures in 40 s, want 11", n)
		}
	})
}

func TestLimitMoney(t *testing.T) {
	cases := []struct {
		name   string
		budget vision.Budget
		want   int // pictures at once
	}{
		{"nothing to spend", vision.Budget{USDPerPicture: 0.002}, 0},
		{"less than a picture", vision.Budget{USDPerHour: 0.0019, USDPerPicture: 0.002}, 0},
		{"whole pictures only", vision.Budget{USDPerHour: 0.0059, USDPerPicture: 0.002}, 2},
		{"sum that floats fall short of", vision.Budget{USDPerHour: 0.3, USDPerPicture: 0.1}, 3},
		{"no ceiling", vision.Budget{USDPerHour: math.Inf(1), USDPerPicture: 0.002}, 50},
		{"free of charge", vision.Budget{}, 50},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			c.budget.CallsPerSecond = math.Inf(1)
			l := vision.Limit(says("cloud"), c.budget)
			n := 0
			for range 50 {
				_, err := l.Recognize(t.Context(), vision.Picture{})
				if err == nil {
					n++
				} else if !errors.Is(err, vision.ErrThrottled) {
					t.Fatal(err)
				}
			}
			if n != c.want {
				t.Errorf("%d pictures, want %d", n, c.want)
			}
		})
	}
}

// TestLimitNeverOverspends asks a million times in fake time, in bursts and lulls that last seconds to hours, and
// checks every hour there is: the ones that begin with a picture are the fullest.
func TestLimitNeverOverspends(t *testing.T) {
	const calls, most = 1_000_000, 1000
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var spent []time.Duration
		l := vision.Limit(script(func(context.Context) (vision.Answer, error) {
			spent = append(spent, time.Since(began))
			return vision.Answer{}, errDown // failed calls are spent too
		}), vision.Budget{CallsPerSecond: math.Inf(1), USDPerHour: 2, USDPerPicture: 0.002})
		random := rand.New(rand.NewPCG(1, 2))
		var refused uint64
		for i := range calls {
			switch {
			case i%50_000 == 0:
				time.Sleep(time.Duration(random.Int64N(int64(3 * time.Hour))))
			case random.IntN(4) == 0:
				time.Sleep(time.Duration(random.Int64N(int64(2 * time.Second))))
			}
			if _, err := l.Recognize(t.Context(), vision.Picture{}); errors.Is(err, vision.ErrThrottled) {
				refused++
			}
		}
		first := 0
		for i, at := range spent {
			for at-spent[first] > time.Hour {
				first++
			}
			if n := i - first + 1; n > most {
				t.Fatalf("%d pictures in the hour from %v, want %d at most", n, spent[first], most)
			}
		}
		hours := int(time.Since(began) / (time.Hour + time.Second))
		if len(spent) < hours*most*8/10 {
			t.Errorf("%d pictures in %d hours: far less than the %d an hour that are paid for", len(spent), hours, most)
		}
		if l.Asked() != calls || l.Refused() != refused || l.Asked()-l.Refused() != uint64(len(spent)) {
			t.Errorf("asked %d, refused %d, spent on %d: do not add up", l.Asked(), l.Refused(), len(spent))
		}
	})
}

func TestLimitConcurrent(t *testing.T) {
	l := vision.Limit(says("cloud"), vision.Budget{CallsPerSecond: math.Inf(1), USDPerHour: 0.2, USDPerPicture: 0.002})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				_, _ = l.Recognize(t.Context(), vision.Picture{})
			}
		})
	}
	all.Wait()
	if got := l.Asked() - l.Refused(); got != 100 {
		t.Errorf("%d pictures, want 100", got)
	}
}

func TestLimitSpendsNothingOnACallerWhoLeft(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	l := vision.Limit(says("cloud"), vision.Budget{CallsPerSecond: 1, USDPerHour: 1, USDPerPicture: 0.002})
	if _, err := l.Recognize(ctx, vision.Picture{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	if l.SpentUSD() != 0 {
		t.Errorf("spent $%v", l.SpentUSD())
	}
}
