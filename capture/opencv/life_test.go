//go:build !nocv

package opencv_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/capture"
	"spotter/capture/opencv"
	"spotter/internal/testmedia"
	"spotter/timeline"
)

func smallJobs(t testing.TB, interval time.Duration) []capture.Job {
	t.Helper()
	return jobs(t, testmedia.Stream{Rate: "25", Seconds: 4, Segment: "2", Encoder: fields(x264 + "keyint=25:scenecut=0:bframes=2")}.Make(t), interval)
}

func positions(d *opencv.Decoder, list []capture.Job) (out []timeline.Position, err error) {
	for _, job := range list {
		err := d.Decode(context.Background(), job, admitEvery(4), func(s opencv.Sample) error {
			out = append(out, s.Position)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

func TestDecodersInParallel(t *testing.T) {
	list := smallJobs(t, 200*time.Millisecond)
	want, err := positions(newDecoder(t), list)
	if err != nil {
		t.Fatal(err)
	}
	if len(want) < 15 {
		t.Fatalf("looks at %v", want)
	}
	var wait sync.WaitGroup
	for range 3 {
		wait.Go(func() {
			d, err := opencv.New()
			if err != nil {
				t.Error(err)
				return
			}
			defer d.Close()
			for range 3 {
				got, err := positions(d, list)
				if err != nil || !cmp.Equal(got, want) {
					t.Errorf("error %v, looks at %v, want %v", err, got, want)
				}
			}
		})
	}
	wait.Wait()
}

func TestNoFileDescriptorsAreLeft(t *testing.T) {
	list := smallJobs(t, time.Second)
	before := descriptors(t)
	d, err := opencv.New()
	if err != nil {
		t.Fatal(err)
	}
	for range 200 / len(list) {
		if _, err := positions(d, list); err != nil {
			t.Fatal(err)
		}
	}
	if during := descriptors(t); during > before+1 {
		t.Errorf("%d descriptors after 200 jobs, %d before", during, before)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors after Close, %d before", after, before)
	}
}

func TestEmitStopsDecoding(t *testing.T) {
	stop := errors.New("stop")
	for _, interval := range []time.Duration{time.Second, 200 * time.Millisecond} {
		list := smallJobs(t, interval)
		d := newDecoder(t)
		n := 0
		err := d.Decode(context.Background(), list[0], gateFunc(admitAll), func(opencv.Sample) error {
			if n++; n == 2 {
				return stop
			}
			return nil
		})
		if !errors.Is(err, stop) || n != 2 {
			t.Errorf("every %v: error %v after %d samples, want %v after 2", interval, err, n, stop)
		}
		if got, err := positions(d, list); err != nil || len(got) < 4 {
			t.Errorf("every %v: afterwards looks at %v, error %v", interval, got, err)
		}
	}
}

func TestCancelStopsDecoding(t *testing.T) {
	for _, interval := range []time.Duration{time.Second, 200 * time.Millisecond} {
		ctx, cancel := context.WithCancel(context.Background())
		n := 0
		d := newDecoder(t)
		job := smallJobs(t, interval)[0]
		err := d.Decode(ctx, job, gateFunc(admitNone), func(opencv.Sample) error {
			n++
			cancel()
			return nil
		})
		if !errors.Is(err, context.Canceled) || n != 1 {
			t.Errorf("every %v: error %v after %d samples, want cancellation after 1", interval, err, n)
		}
		if err := d.Decode(ctx, job, gateFunc(admitNone), func(opencv.Sample) error { n++; return nil }); !errors.Is(err, context.Canceled) || n != 1 {
			t.Errorf("every %v: begun when cancelled: error %v, %d samples", interval, err, n)
		}
	}
}

func TestEmptyJob(t *testing.T) {
	if got, err := positions(newDecoder(t), []capture.Job{{}}); err != nil || got != nil {
		t.Errorf("looks at %v, error %v", got, err)
	}
}
