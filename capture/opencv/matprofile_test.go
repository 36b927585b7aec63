//go:build !nocv && matprofile

package opencv_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"gocv.io/x/gocv"

	"spotter/capture"
	"spotter/capture/container"
	"spotter/capture/opencv"
)

// TestNoMatIsLeft counts C++ matrices; run it with -tags matprofile.
func TestNoMatIsLeft(t *testing.T) {
	before := gocv.MatProfile.Count()
	d, err := opencv.New()
	if err != nil {
		t.Fatal(err)
	}
	d.Hold(3 * 256 * 144)
	stop := errors.New("stop")
	for _, interval := range []time.Duration{time.Second, 200 * time.Millisecond} {
		list := smallJobs(t, interval)
		for i := range list {
			for r := range list[i].Runs {
				list[i].Runs[r].Shape = container.Shape{AspectWidth: 4, AspectHeight: 3, Rotation: 90 * (r % 2), Transfer: container.TransferPQ, Interlaced: true}
			}
		}
		if _, err := positions(d, list); err != nil {
			t.Fatal(err)
		}
		held := gocv.MatProfile.Count()
		for _, emit := range []func(opencv.Sample) error{
			func(opencv.Sample) error { return nil },
			func(opencv.Sample) error { return stop },
		} {
			for i := range list {
				damaged := list[i]
				for _, job := range []capture.Job{list[i], withoutParams(damaged)} {
					err := d.Decode(context.Background(), job, admitEvery(2), emit)
					if err != nil && !errors.Is(err, stop) && !errors.Is(err, opencv.ErrDecode) {
						t.Fatal(err)
					}
				}
			}
		}
		if now := gocv.MatProfile.Count(); now != held {
			t.Errorf("every %v: %d matrices, %d before", interval, now, held)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if after := gocv.MatProfile.Count(); after != before {
		t.Errorf("%d matrices after Close, %d before", after, before)
	}
}

func withoutParams(job capture.Job) capture.Job {
	runs := make([]capture.Run, len(job.Runs))
	for i, r := range job.Runs {
		runs[i] = capture.Run{Params: r.Params[:1], Units: r.Units, Pictures: r.Pictures}
	}
	job.Runs = runs
	return job
}
