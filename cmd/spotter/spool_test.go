package main

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"spotter/store"
	"spotter/timeline"
	"spotter/vision"
)

// TestMissedPicturesAreUpgraded has the spooler idle when pictures are missed: it must not take their scenes for ones
// that nobody knows, though they are recorded a moment later.
func TestMissedPicturesAreUpgraded(t *testing.T) {
	r := rig(t, vision.CloudFirst, recognizeFunc(broken), tells(timeline.SourceClassic), nil)
	r.spool(tells(timeline.SourceRekognition, "X"))
	r.do(step{begin: segment(0, 10_000)})
	for i := range timeline.Position(5) {
		r.do(asked(i*2000, int(i)+1, true), seen(i*2000+1000, int(i)+1, false))
	}
	r.do(step{end: segment(0, 10_000)})
	for i := range timeline.Position(5) {
		within(t, "the observation is upgraded", 5*time.Second, func() bool { return r.source(i*2000) == timeline.SourceRekognition })
	}
}

// TestUnansweredSceneIsAskedWhenItEnds has one scene that nobody answers; nothing else is ever spooled.
func TestUnansweredSceneIsAskedWhenItEnds(t *testing.T) {
	synctest.Test(t, unansweredSceneIsAskedWhenItEnds)
}

func unansweredSceneIsAskedWhenItEnds(t *testing.T) {
	var up atomic.Bool
	cloud := recognizeFunc(func(ctx context.Context, p vision.Picture) (vision.Answer, error) {
		if !up.Load() {
			return broken(ctx, p)
		}
		return tells(timeline.SourceRekognition, "X")(ctx, p)
	})
	r := rig(t, vision.CloudOnly, cloud, nil, nil)
	r.spool(tells(timeline.SourceRekognition, "Y"))
	r.do(step{begin: segment(0, 4000)}, asked(0, 1, true), step{end: segment(0, 4000)})
	time.Sleep(100 * time.Millisecond) // the spooler has looked
	up.Store(true)
	r.do(step{begin: segment(4000, 8000)}, asked(4000, 2, true), step{end: segment(4000, 8000)})
	within(t, "the stretch is analysed", 5*time.Second, func() bool {
		all, _ := r.store.Timeline("m")
		return all.Complete(timeline.Span{From: 0, Until: 8000})
	})
}

// TestSpooledPicturesAreNotHeld wants no picture in memory that waits in the spool.
func TestSpooledPicturesAreNotHeld(t *testing.T) {
	r := rig(t, vision.CloudFirst, recognizeFunc(broken), tells(timeline.SourceClassic), nil)
	const n = 20
	var freed atomic.Int32
	r.do(step{begin: segment(0, 100_000)})
	for i := range timeline.Position(n) {
		x := asked(i*2000, int(i)+1, true)
		runtime.AddCleanup(&x.look.picture.JPEG[0], func(int) { freed.Add(1) }, 0)
		r.do(x, seen(i*2000+500, int(i)+1, false), seen(i*2000+1000, int(i)+1, false))
	}
	r.do(step{end: segment(0, 100_000)})
	if frames, _ := r.store.SpooledFrames(); frames < n {
		t.Fatalf("%d frames in the spool", frames)
	}
	within(t, "the pictures are freed", 2*time.Second, func() bool { runtime.GC(); return freed.Load() >= n-1 })
	runtime.KeepAlive(r)
}

// TestPictureUnderWayAtTheEnd ends the drain while the cloud is being asked.
func TestPictureUnderWayAtTheEnd(t *testing.T) {
	cloud := recognizeFunc(func(ctx context.Context, p vision.Picture) (vision.Answer, error) {
		<-ctx.Done()
		return vision.Answer{}, ctx.Err()
	})
	r := rig(t, vision.CloudOnly, cloud, nil, nil)
	ctx, cancel := context.WithCancel(t.Context())
	r.do(step{begin: segment(0, 4000)}, asked(0, 1, true))
	time.AfterFunc(50*time.Millisecond, cancel)
	if err := r.step(ctx, step{end: segment(0, 4000)}); err != nil {
		t.Fatal(err)
	}
	if n, _ := r.store.SpooledFrames(); n != 1 {
		t.Errorf("%d frames in the spool, want the one that was asked about", n)
	}
}

// TestStillSceneWhileTheCloudIsAway wants one picture of one still scene in the spool, not one for every look.
func TestStillSceneWhileTheCloudIsAway(t *testing.T) {
	r := rig(t, vision.CloudOnly, recognizeFunc(broken), nil, nil)
	r.do(step{begin: segment(0, 20_000)}, asked(0, 1, true))
	for at := timeline.Position(1000); at < 20_000; at += 1000 { // each due, since nobody answered
		r.do(asked(at, 1, false))
	}
	r.do(step{end: segment(0, 20_000)}, step{over: true})
	if n, _ := r.store.SpooledFrames(); n > 2 {
		t.Errorf("%d pictures of one still scene wait to be paid for", n)
	}
	r.spool(tells(timeline.SourceRekognition, "X"))
	within(t, "all is analysed", 5*time.Second, func() bool {
		all, _ := r.store.Timeline("m")
		return all.Complete(timeline.Span{From: 0, Until: 20_000})
	})
}

// failing is a store that cannot write for a while.
type failing struct {
	*store.Store
	left atomic.Int32
}

func (f *failing) Unspool(media string, from timeline.Position, change func(o *timeline.Observation) bool) (bool, error) {
	if change != nil && f.left.Add(-1) >= 0 {
		return false, errors.New("disk is full")
	}
	return f.Store.Unspool(media, from, change)
}

// TestAnswerIsPaidOnce has the store fail when the answer is there.
func TestAnswerIsPaidOnce(t *testing.T) {
	r := rig(t, vision.CloudFirst, recognizeFunc(broken), tells(timeline.SourceClassic), nil)
	r.do(step{begin: segment(0, 4000)}, asked(0, 1, true), seen(2000, 1, false), step{end: segment(0, 4000)})
	var asks atomic.Int32
	cloud := recognizeFunc(func(ctx context.Context, p vision.Picture) (vision.Answer, error) {
		asks.Add(1)
		return tells(timeline.SourceRekognition, "X")(ctx, p)
	})
	asker, err := vision.NewAsker(vision.CloudOnly, cloud, nil, vision.AskOptions{Deadline: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer asker.Close()
	f := &failing{Store: r.store}
	f.left.Store(3)
	s := &spooler{store: f, asker: asker, upgrades: r.upgrades, metrics: newMeters(prometheus.NewRegistry()), log: r.log}
	for range 4 {
		if x, ok, err := f.NewestSpooled(nil); err != nil || !ok {
			t.Fatal(ok, err)
		} else {
			s.again(t.Context(), x)
		}
	}
	if n := asks.Load(); n != 1 || r.source(0) != timeline.SourceRekognition {
		t.Errorf("asked %d times; the observation is from %s", n, r.source(0))
	}
}

// TestTwoPartsOfAnAnswer has the cloud answer one part of a spooled picture, and the other later: both reach the
// observations that repeat the answer.
func TestTwoPartsOfAnAnswer(t *testing.T) {
	r := rig(t, vision.CloudFirst, recognizeFunc(broken), tells(timeline.SourceClassic), nil)
	r.do(step{begin: segment(0, 8000)}, asked(0, 1, true), seen(2000, 1, false), asked(4000, 2, true), seen(6000, 1, true), step{end: segment(0, 8000)})
	var calls atomic.Int32
	cloud := recognizeFunc(func(ctx context.Context, p vision.Picture) (vision.Answer, error) {
		a, _ := tells(timeline.SourceRekognition, "X")(ctx, p)
		if p.Want == vision.WantAll {
			calls.Add(1)
			return vision.Answer{}, &vision.PartialError{Answer: vision.Answer{Source: a.Source, Celebrities: a.Celebrities}, Missing: vision.WantObjects, Err: errCloud}
		}
		return a, nil
	})
	r.spool(cloud)
	for _, at := range []timeline.Position{0, 6000} {
		within(t, "upgraded at "+at.String(), 8*time.Second, func() bool {
			o := r.at(at)
			return o != nil && whoHas(o, "X") && len(o.Objects) == 1 && o.Objects[0].Name == timeline.SourceRekognition
		})
	}
}

// TestOnePictureDoesNotHoldUpTheRest has the cloud fail at the newest picture again and again.
func TestOnePictureDoesNotHoldUpTheRest(t *testing.T) {
	r := rig(t, vision.CloudFirst, recognizeFunc(broken), tells(timeline.SourceClassic), nil)
	last := asked(2000, 2, true)
	last.look.picture.JPEG = []byte("poison")
	r.do(step{begin: segment(0, 4000)}, asked(0, 1, true), last, step{end: segment(0, 4000)})
	r.spool(recognizeFunc(func(ctx context.Context, p vision.Picture) (vision.Answer, error) {
		if string(p.JPEG) == "poison" {
			return broken(ctx, p)
		}
		return tells(timeline.SourceRekognition, "X")(ctx, p)
	}))
	within(t, "the other is upgraded", 5*time.Second, func() bool { return r.source(0) == timeline.SourceRekognition })
}

// TestUnansweredSceneAtTheEnd stops a stream while nobody has answered for what is on screen.
func TestUnansweredSceneAtTheEnd(t *testing.T) {
	r := rig(t, vision.CloudOnly, recognizeFunc(broken), nil, nil)
	steps := make(chan step, 8)
	for _, x := range []step{{begin: segment(0, 4000)}, asked(0, 1, true), {end: segment(0, 4000)}} {
		steps <- x
	}
	close(steps)
	if err := r.run(r.ctx, steps); err != nil {
		t.Fatal(err)
	}
	if f, ok, err := r.store.NewestSpooled(r.upgrades.onScreen); err != nil || !ok || f.Until != 4000 {
		t.Errorf("spooled %v until %v, %v; want until 4.0", ok, f.Until, err)
	}
}
