package main

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"spotter/timeline"
	"spotter/vision"
)

// TestSameSceneAfterASkippedBreak has the scene that was on screen before a break come back after it.
func TestSameSceneAfterASkippedBreak(t *testing.T) {
	r := rig(t, vision.LocalOnly, nil, tells(timeline.SourceClassic), nil)
	r.do(step{begin: segment(0, 4000)}, asked(0, 1, true), step{end: segment(0, 4000)},
		step{begin: segment(4000, 8000)}, step{skipped: timeline.Span{From: 4000, Until: 6000}}, seen(6000, 1, true), step{end: segment(4000, 8000)})
	if all, _ := r.store.Timeline("m"); !all.Complete(timeline.Span{From: 0, Until: 8000}) || r.at(6000) == nil {
		t.Errorf("analysed %v, at the break's end %v", all.Analyzed(), r.at(6000))
	}
}

// TestFrequentSceneIsRemembered has a scene that comes back again and again between many others.
func TestFrequentSceneIsRemembered(t *testing.T) {
	r := rig(t, vision.LocalOnly, nil, tells(timeline.SourceClassic), nil)
	r.do(step{begin: segment(0, 1_000_000)}, asked(0, 1, true))
	at := timeline.Position(0)
	for scene := 2; scene < mostAnswers+20; scene++ {
		at += 2000
		r.do(asked(at, scene, true), seen(at+1000, 1, true))
	}
	r.do(step{end: segment(0, 1_000_000)})
	if all, _ := r.store.Timeline("m"); !all.Complete(timeline.Span{From: 0, Until: at}) {
		t.Errorf("analysed %v", all.Analyzed())
	}
}

// TestLateCloudAlone has nobody else to ask than a cloud that is later than the deadline: what it says, and was paid
// for, must be kept.
func TestLateCloudAlone(t *testing.T) {
	synctest.Test(t, lateCloudAlone)
}

func lateCloudAlone(t *testing.T) {
	cloud := recognizeFunc(func(ctx context.Context, p vision.Picture) (vision.Answer, error) {
		time.Sleep(200 * time.Millisecond)
		return tells(timeline.SourceRekognition, "X")(ctx, p)
	})
	r := rig(t, vision.CloudOnly, cloud, nil, nil)
	r.do(step{begin: segment(0, 4000)}, asked(0, 1, true), step{end: segment(0, 4000)},
		step{begin: segment(4000, 8000)}, asked(4000, 2, true), step{end: segment(4000, 8000)})
	within(t, "both scenes are answered", 2*time.Second, func() bool { return r.source(0) != "" && r.source(4000) != "" })
}

// TestHangingCloudAlone is the same with a cloud that never answers: the picture must wait in the spool until its
// scene has ended.
func TestHangingCloudAlone(t *testing.T) {
	synctest.Test(t, hangingCloudAlone)
}

func hangingCloudAlone(t *testing.T) {
	cloud := recognizeFunc(func(ctx context.Context, p vision.Picture) (vision.Answer, error) {
		<-ctx.Done()
		return vision.Answer{}, ctx.Err()
	})
	r := rig(t, vision.CloudOnly, cloud, nil, nil)
	r.do(step{begin: segment(0, 4000)}, asked(0, 1, true), step{end: segment(0, 4000)}, step{over: true})
	time.Sleep(700 * time.Millisecond) // the patience
	f, ok, err := r.store.NewestSpooled(nil)
	if err != nil || !ok || f.Until != 4000 {
		t.Errorf("spooled %v until %v, %v; want until 4.0", ok, f.Until, err)
	}
}
