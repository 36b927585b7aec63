package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"spotter/vision"
)

// adopt takes up another configuration while the box runs, or nothing of it: then its error says why. Streams that did not
// change do not notice. It is called by one goroutine at a time.
func (a *app) adopt(ctx context.Context, next *config) error {
	taken, live, restart := a.config.taking(next)
	if err := taken.conflicts(); err != nil {
		return fmt.Errorf("it needs a restart, because of keys that cannot change before (%s):\n%w", strings.Join(restart, ", "), err)
	}
	// New streams are opened by what holds then; nothing of it is in use before all could be.
	plan, err := a.fleet.plan(taken.Media, func(m mediaConfig) (*berth, error) { return a.openBerth(&taken, m) })
	if err != nil {
		return err
	}
	if err := a.recognizers.adopt(taken.Vision.Rekognition); err != nil {
		for _, b := range plan.opened {
			b.wait()
		}
		return err
	}
	a.house.rest() // it reads the configuration
	a.config = taken
	a.house.run(ctx, a.keepHouse)
	if a.level != nil {
		a.level.Set(taken.Log.level())
	}
	sayChanges(a.log, live, restart)
	saySteps(a.log, &plan)
	a.fleet.turn(ctx, plan)
	return nil
}

// sayChanges logs which keys count now, and which do not yet.
func sayChanges(log *slog.Logger, live, restart []string) {
	if len(live) > 0 {
		log.Info("configuration changed", "keys", strings.Join(live, ", "))
	}
	for _, key := range restart {
		log.Warn(key + " changed: restart to apply")
	}
}

// saySteps logs what becomes of the streams.
func saySteps(log *slog.Logger, c *changes) {
	left := map[string]bool{}
	for _, b := range c.left {
		left[b.pipeline.media.ID] = true
	}
	for _, b := range c.opened {
		id := b.pipeline.media.ID
		if left[id] {
			log.Info("media changed: it goes on where it was", "media", id)
		} else {
			log.Info("media added", "media", id)
		}
		delete(left, id)
	}
	for _, b := range c.left {
		if id := b.pipeline.media.ID; left[id] {
			log.Info("media removed: what it has recorded is answered as before", "media", id)
		}
	}
}

// adopt takes up other budgets, of a section that is the same otherwise. Without the cloud there is nothing to take up.
func (r *recognizers) adopt(k *rekognitionConfig) error {
	if r.purse == nil || k == nil {
		return nil
	}
	if err := r.cloud.SetLimits(k.MaxLabels, k.MinConfidence); err != nil {
		return fmt.Errorf("vision.rekognition: %w", err)
	}
	o := live(r.mode, vision.AskOptions{Deadline: k.Deadline})
	if err := r.asker.SetTimes(o.Deadline, o.Patience); err != nil {
		return fmt.Errorf("vision.rekognition.deadline: %w", err)
	}
	if err := r.again.SetTimes(k.Deadline, 0); err != nil {
		return fmt.Errorf("vision.rekognition.deadline: %w", err)
	}
	r.purse.SetLimits(k.CallsPerSecond, k.USDPerHour)
	return nil
}

// watched are the files, beside that of the configuration, whose change is a change of it.
func (c *config) watched() []string {
	var paths []string
	for i := range c.Media {
		paths = append(paths, c.Media[i].secretFiles()...)
	}
	return paths
}

// housekeeping is a part of the box that can be made to rest for a while.
type housekeeping struct {
	stop  context.CancelFunc // nil while it rests
	ended chan struct{}
}

// run keeps house until ctx is done or rest.
func (h *housekeeping) run(ctx context.Context, keep func(context.Context)) {
	ctx, h.stop = context.WithCancel(ctx)
	h.ended = make(chan struct{})
	go func() {
		defer close(h.ended)
		keep(ctx)
	}()
}

// rest ends it and waits for that.
func (h *housekeeping) rest() {
	if h.stop == nil {
		return
	}
	h.stop()
	<-h.ended
	h.stop = nil
}
