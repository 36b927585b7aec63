package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"spotter/capture"
	"spotter/store"
	"spotter/systemd"
	"spotter/timeline"
	"spotter/vision"
)

// observing is the side of a pipeline behind the gate.
type observing struct {
	*pipeline
	gate     *vision.Gate
	scenes   vision.Scenes
	asking   *asking
	observer *vision.Observer // nil before the first segment
	part     *systemd.Part    // nil where nobody watches
	// resumed is where the last break ended, until the first look behind it.
	resumed *timeline.Position
}

func (o *observing) run(ctx context.Context, steps <-chan step) error {
	defer o.upgrades.off(o.media.ID)
	o.part = o.watchdog.Watch("media "+o.media.ID+": recognising and recording", streamSilence)
	defer o.part.Leave()
	for o.part.Rest(); ; o.part.Rest() {
		x, more := <-steps
		if !more {
			break
		}
		o.part.Progress()
		if err := o.step(ctx, x); err != nil {
			return err
		}
		if x.end != nil {
			o.metrics.queryable(x.end)
		}
	}
	if err := o.events(ctx, o.scenes.Flush()); err != nil || o.observer == nil {
		return err
	}
	// Whoever goes on from here begins another scene.
	return o.record(vision.Seen{Missed: o.observer.Missing()}, store.Batch{})
}

// step takes one step of the decoding side and records what comes of it.
func (o *observing) step(ctx context.Context, x step) error {
	if x.look != nil {
		err := o.events(ctx, o.scenes.Take(x.look.verdict, x.look.picture))
		o.asking.strangers(x.look.verdict)
		return err
	}
	if err := o.events(ctx, o.scenes.Flush()); err != nil {
		return err
	}
	var seen vision.Seen
	batch := store.Batch{Breaks: x.breaks}
	switch {
	case x.begin != nil:
		seen, batch.Clock = o.begin(x.begin)
		batch.Segments = o.published(x.begin)
	case x.over:
		seen = o.over()
	case x.skipped.Len() > 0:
		seen = o.skip(x.skipped)
		batch.Analyzed = append(batch.Analyzed, x.skipped)
	case x.end != nil && x.lost:
		seen = o.cut()
	case x.end != nil:
		seen = o.observer.Through(x.end.Until)
	}
	if x.end != nil {
		batch.Clock = x.end.After
	}
	return o.record(seen, batch)
}

// events carries out what the scenes want done.
func (o *observing) events(ctx context.Context, list []vision.Event) error {
	for _, e := range list {
		o.part.Within(streamSilence + o.asker.Deadline()) // of now: a reload may change it
		seen := o.event(ctx, e)
		batch := store.Batch{Analyzed: o.resume(e.From, len(seen.Observations) > 0), Frames: o.asked(e)}
		err := o.record(seen, batch)
		o.asking.recorded()
		if err != nil {
			return err
		}
	}
	return nil
}

// asked returns the picture of a question for the sinks.
func (o *observing) asked(e vision.Event) []store.Frame {
	if !o.frames || e.Ask == 0 || len(e.Picture.JPEG) == 0 {
		return nil
	}
	return []store.Frame{{Media: o.media.ID, At: e.From, JPEG: e.Picture.JPEG}}
}

// published returns for the sinks what a segment tells of.
func (o *observing) published(s *capture.Segment) (list []store.Segment) {
	if !o.segments {
		return nil
	}
	for _, p := range s.Published {
		list = append(list, store.Segment{Media: o.media.ID, URL: p.URL, From: p.From, Duration: p.Duration})
	}
	return list
}

func (o *observing) event(ctx context.Context, e vision.Event) vision.Seen {
	if e.Scene == 0 {
		o.asking.missing.scene = 0
		return o.observer.Answer(e.From, o.nothing(), time.Now())
	}
	if e.Ask == 0 {
		o.asking.missing.scene = 0
		if answer, ok := o.asking.repeat(e); ok {
			return o.observer.Answer(e.From, answer, time.Now())
		}
		return o.unanswered(e)
	}
	answer, err := o.asking.ask(ctx, e)
	o.keepPicture(e)
	if err != nil {
		if ctx.Err() == nil {
			o.metrics.failed.Inc()
			o.faults.add(faultRecognize, fmt.Errorf("at %s: %w", e.From, err))
		}
		if errors.Is(err, errGoesOn) {
			o.gate.Again(e.Scene)
			return vision.Seen{}
		}
		return o.unanswered(e)
	}
	return o.observer.Answer(e.From, answer, time.Now())
}

// unanswered begins a scene of which nothing is known, and has the next picture of it asked about.
func (o *observing) unanswered(e vision.Event) vision.Seen {
	o.gate.Again(e.Scene)
	seen := o.observer.Unanswered(e.From)
	o.upgrades.wait(place{o.media.ID, e.From})
	return seen
}

// over ends the scene on screen, which may be one of an earlier run.
func (o *observing) over() vision.Seen {
	if o.observer == nil {
		o.observer = vision.NewObserver(o.media.ID, o.newest(timeline.MaxPosition))
	}
	return o.cut()
}

// begin takes up a segment. Of the very first one the clock is kept before any of its observations: a restart must not
// move them.
func (o *observing) begin(s *capture.Segment) (seen vision.Seen, clock []byte) {
	if o.observer == nil {
		o.observer = vision.NewObserver(o.media.ID, o.newest(s.From))
		if o.recorder.Clock(o.media.ID) == nil {
			clock = s.Before
		}
	}
	if s.Jump {
		seen = o.cut()
	}
	return seen, clock
}

// newest returns the newest observation of an earlier run where its scene is over at position at. One that begins there
// or later will be seen again, and ending it here would cut it short.
func (o *observing) newest(at timeline.Position) *timeline.Observation {
	t, ok := o.recorder.Timeline(o.media.ID)
	if !ok {
		return nil
	}
	if newest := t.Last(); newest != nil && newest.From < at {
		return newest
	}
	return nil
}

// cut ends the scene where it was last seen. The gate was told when the cut was met, ahead of what is observed.
func (o *observing) cut() vision.Seen {
	o.resumed = nil
	return o.leave()
}

// leave ends the scene on screen. What follows does not continue it.
func (o *observing) leave() vision.Seen {
	o.scenes.Drop()
	o.asking.missing.scene = 0
	return o.observer.Break()
}

// record records what was seen, with what else there is of its batch.
func (o *observing) record(seen vision.Seen, batch store.Batch) error {
	batch.Media, batch.Observations = o.media.ID, seen.Observations
	if seen.Analyzed.Len() > 0 {
		batch.Analyzed = append(batch.Analyzed, seen.Analyzed)
	}
	if seen.Missed.Len() > 0 {
		batch.Missed = append(batch.Missed, seen.Missed)
	}
	if len(batch.Observations)+len(batch.Analyzed)+len(batch.Missed)+len(batch.Breaks)+len(batch.Segments)+len(batch.Frames) == 0 && batch.Clock == nil {
		return nil
	}
	if err := o.recorder.Record(batch); err != nil {
		return fmt.Errorf("%s: %w", faultStore, err)
	}
	for _, s := range batch.Missed {
		o.upgrades.over(place{o.media.ID, s.From})
	}
	return nil
}
