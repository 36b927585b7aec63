package vision_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"spotter/vision"
)

// TestAskerTimesChange: another deadline counts for the next picture.
func TestAskerTimesChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := &oracle{say: func(ctx context.Context, want vision.Want) (vision.Answer, error) {
			return part(whole("cloud"), want), wait(ctx, 3*time.Second)
		}}
		here := &oracle{say: func(_ context.Context, want vision.Want) (vision.Answer, error) {
			return part(whole("local"), want), nil
		}}
		a, err := vision.NewAsker(vision.CloudFirst, slow, here, vision.AskOptions{Deadline: deadline})
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		ask := func() (string, time.Duration) {
			began := time.Now()
			reply, err := a.Ask(t.Context(), vision.Picture{}, nil)
			if err != nil {
				t.Fatal(err)
			}
			return reply.Answer.Source, time.Since(began)
		}
		if source, took := ask(); source != "local" || took != deadline {
			t.Errorf("%s after %v", source, took)
		}
		if err := a.SetTimes(5*time.Second, 0); err != nil {
			t.Fatal(err)
		}
		if source, took := ask(); source != "cloud" || took != 3*time.Second {
			t.Errorf("with a later deadline: %s after %v", source, took)
		}
		for _, times := range [][2]time.Duration{{0, 0}, {-1, 0}, {2, 1}, {2, 2}} {
			if err := a.SetTimes(times[0], times[1]); !errors.Is(err, vision.ErrMode) {
				t.Errorf("%v: %v", times, err)
			}
		}
		if source, took := ask(); source != "cloud" || took != 3*time.Second {
			t.Errorf("after refusals: %s after %v", source, took)
		}
	})
}
