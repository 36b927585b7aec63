package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/dustin/go-humanize"

	"spotter/capture"
	"spotter/capture/fetch"
	"spotter/httpapi"
	"spotter/store"
	"spotter/store/thumbnail"
	"spotter/systemd"
)

const databaseFile = "spotter.db"

// app is the appliance: every part of a configuration, opened.
type app struct {
	config      config // as the box runs by it; adopt changes it while house rests
	log         *slog.Logger
	level       *slog.LevelVar // of log; nil where it does not change
	read        string         // print of the configuration's files as they were read; empty where nobody took it
	told        reloadNotices
	watchdog    *systemd.Watchdog
	space       *space
	rebuild     *rebuild // nil where nothing was lost
	store       *store.Store
	recognizers *recognizers
	meters      *meters
	streams     *streams
	fleet       fleet
	house       housekeeping
	upgrades    upgrades
	binding     *lateBinding     // nil where unknown faces are not kept
	spooler     *spooler         // nil without the cloud
	thumbnails  *thumbnail.Store // nil where none are kept
	people      *people
	cloud       *cloudCopy
	cloudFaults *faultLog // of asking the cloud

	servers *servers
}

// openApp opens everything that run needs, or nothing. Errors say the mend.
func openApp(ctx context.Context, c config, log *slog.Logger) (a *app, err error) {
	a = &app{config: c, log: log, watchdog: systemd.NewWatchdog(log)}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
			a = nil
		}
	}()
	if err := os.MkdirAll(c.DataDir, 0o750); err != nil {
		return a, fmt.Errorf("make data folder: %w: give this user the right to write there, or set data_dir", err)
	}
	if a.store, err = openStore(&c, log); err != nil {
		return a, err
	}
	a.space = newSpace(c.DataDir, a.store, a.tidyEarly, log)
	registry := newRegistry()
	a.space.register(registry)
	a.thumbnails = openThumbnails(&c, func() bool { return !a.space.paused() }, registry, log)
	a.meters = newMeters(registry)
	if a.cloud, err = openCloudCopy(ctx, &c, a.store, a.space, a.meters, log); err != nil {
		return a, err
	}
	a.space.wake = a.cloud.wake
	if err := a.beginRebuild(ctx); err != nil {
		return a, err
	}
	if err := a.openStreams(ctx); err != nil {
		return a, err
	}
	a.openStates()
	a.meters.box(a.streams)
	a.people = newPeople(&c, a.recognizers, a.binding, log)
	a.servers, err = openServers(&c, a.shown(&c), httpapi.AdminConfig{Ready: a.ready, Alive: a.alive, Control: a.streams, Log: log}, registry)
	if err == nil {
		a.servers.admin.ServeBackup(func(w io.Writer) error { return backupLive(c.DataDir, a.store, a.servers.engaged.account(), w) })
	}
	return a, err
}

// openStore opens the store, after making its file smaller where that is worth it. One that is damaged is set aside.
func openStore(c *config, log *slog.Logger) (*store.Store, error) {
	path := filepath.Join(c.DataDir, databaseFile)
	free, total, err := statfs(c.DataDir)
	if err != nil {
		return nil, err
	}
	if freed, err := store.Compact(path, free-reserveOf(total)); err != nil {
		log.Warn("the store's file keeps its size", "error", err)
	} else if freed > 0 {
		log.Info("the store's file is smaller", "freed", humanize.IBytes(uint64(freed)))
	}
	s, _, err := store.Recover(path, store.Options{
		Sinks: c.sinks(), OutboxBytes: parseBytes(c.Sync.Outbox), SpoolBytes: c.spoolBytes(), Logger: log,
	})
	return s, err
}

// beginRebuild puts back what a damaged store has lost, as far as streams need it to go on.
func (a *app) beginRebuild(ctx context.Context) error {
	if a.cloud.table == nil {
		return nil
	}
	a.rebuild = newRebuild(&a.config, a.store, a.cloud.table, a.log)
	return a.rebuild.begin(ctx)
}

func listen(key, address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w: end the program that uses the address, or set %s", address, err, key)
	}
	return l, nil
}

func (a *app) openStreams(ctx context.Context) (err error) {
	a.streams = &streams{store: a.store, boxFaults: a.space.faults}
	a.fleet.streams = a.streams
	meters := a.meters
	cloud := newFaultLog(a.log, func(kind string) { meters.faults.WithLabelValues("", kind).Inc() })
	a.recognizers, err = newRecognizers(ctx, &a.config, a.cloud, newSpending(a.config.DataDir, a.log), a.log, func(err error) { cloud.add(cloudFault(err), err) })
	if err != nil {
		return err
	}
	a.cloudFaults = cloud
	if a.recognizers.purse != nil {
		meters.spending(a.recognizers.purse)
	}
	if a.binding, err = newLateBinding(&a.config, a.recognizers.gallery, a.store, a.log); err != nil {
		return err
	}
	if a.binding != nil {
		a.streams.keptUnknown = a.binding.keptSince
	}
	if a.recognizers.again != nil {
		a.spooler = &spooler{store: a.store, asker: a.recognizers.again, upgrades: &a.upgrades, metrics: meters, log: a.log}
		meters.spool(a.store)
	}
	plan, err := a.fleet.plan(a.config.Media, func(m mediaConfig) (*berth, error) { return a.openBerth(&a.config, m) })
	if err != nil {
		return err
	}
	a.fleet.berths = plan.next
	a.fleet.publish()
	return nil
}

// openBerth opens one media's stream, which does not run yet.
func (a *app) openBerth(c *config, m mediaConfig) (*berth, error) {
	digest := m.digest() // before the files are read: what changes meanwhile is read again
	zero, err := capture.ParseZero(m.Zero)
	if err != nil {
		return nil, err
	}
	urls, err := m.urls()
	if err != nil {
		return nil, fmt.Errorf("media %s: %w", m.ID, err)
	}
	options, err := m.fetchOptions(userAgent())
	if err != nil {
		return nil, fmt.Errorf("media %s: %w", m.ID, err)
	}
	log := a.log.With("media", m.ID)
	metrics := a.meters.stream(m.ID)
	faults := newFaultLog(log, metrics.fault)
	times, err := m.newTimetable(c.DataDir, func(err error) { faults.add(faultSchedule, err) })
	if err != nil {
		return nil, fmt.Errorf("media %s: %w", m.ID, err)
	}
	getter := fetch.NewHTTP(options)
	s := newStream(&pipeline{
		media: m, zero: zero, maxScene: c.Vision.MaxScene, recognizers: a.recognizers,
		recorder: a.store, frames: c.Sync.S3.Bucket != "", segments: c.Sync.SNS.TopicARN != "", upgrades: &a.upgrades, binding: a.binding, thumbnails: a.thumbnails, watchdog: a.watchdog, metrics: metrics, faults: faults, log: log,
	}, &source{urls: urls, getter: getter}, times)
	s.gate = a.space.gate
	return &berth{stream: s, getter: getter, digest: digest}, nil
}

// openStates has the table told how the media are doing.
func (a *app) openStates() {
	if a.cloud.table == nil {
		return
	}
	a.cloud.states = &states{table: a.cloud.table, streams: a.streams, store: a.store, maxScene: a.config.Vision.MaxScene, log: a.log}
	if p := a.cloud.pair; p != nil {
		a.cloud.states.writes = p.lease.Held
	}
}

// Run runs the appliance until ctx is done, then drains: the pictures under way are recognised and recorded, the
// outbox gets a last chance, look-ups go on until then. At each signal, and when the file at path changes, the configuration is
// read again; path is empty where there is no file.
func (a *app) Run(ctx context.Context, path string, signals <-chan os.Signal) error {
	a.recognizers.log(a.log, &a.config)
	conf := a.config // as it is before a reload changes it
	conf.HTTP.Admin.Listen = a.servers.doors.admin.Addr().String()
	failed := make(chan error, 4)
	var work, sinks sync.WaitGroup
	a.servers.run(failed)
	workCtx, stopWork := context.WithCancel(ctx)
	defer stopWork()
	a.fleet.run(workCtx)
	a.house.run(workCtx, a.keepHouse)
	a.sayRunning() // of the fleet, which a reload changes
	reload := &reloader{
		path: path, apply: a.adopt, files: func() []string { return a.config.watched() }, told: a.told, count: a.meters.reloads, log: a.log, taken: a.read,
	}
	work.Go(func() {
		reload.run(workCtx, signals)
		a.fleet.close()
		a.house.rest()
	})
	work.Go(func() { a.binding.run(workCtx) })
	if a.thumbnails != nil {
		retention := &thumbnailRetention{pictures: a.thumbnails, store: a.store, age: conf.Retention.Age, log: a.log}
		work.Go(func() { retention.run(workCtx) })
	}
	if a.spooler != nil {
		work.Go(func() { a.space.whileRoom(workCtx, a.spooler.run) })
	}
	work.Go(func() { a.rebuild.run(workCtx) })
	work.Go(func() {
		if err := a.space.run(workCtx, a.watchdog.Watch("disk", diskSilence)); err != nil {
			failed <- err
		}
	})
	sinkCtx, stopSinks := context.WithCancel(context.WithoutCancel(ctx))
	defer stopSinks()
	sinks.Go(func() {
		if err := a.cloud.run(sinkCtx); err != nil {
			failed <- err
		}
	})
	sinks.Go(func() { knock(sinkCtx, a.watchdog, &conf) })
	sinks.Go(func() { tellManager(sinkCtx, a.watchdog, a.log) })

	var err error
	select {
	case <-ctx.Done():
		a.log.Info("stopping: a second signal ends the program at once")
	case err = <-failed:
	}
	sayStopping(a.log)
	stopWork()
	work.Wait()
	stopSinks()
	sinks.Wait()
	return errors.Join(err, a.servers.shutdown(ctx))
}

// noMedia and its mend are what there is to say of a box that watches nothing.
const (
	noMedia     = "no media is configured: look-ups of what is stored are answered, and nothing is watched"
	noMediaMend = "name a stream under media: in the configuration file, which is read again when it changes"
)

func (a *app) sayRunning() {
	n := len(a.fleet.berths)
	if n == 0 {
		a.log.Warn(noMedia, "mend", noMediaMend)
	}
	a.servers.say(a.log, "media", n)
}

// ready are the checks of /readyz.
func (a *app) ready() []httpapi.Check {
	var out []httpapi.Check
	set := a.streams.configured()
	for _, id := range set.order {
		out = append(out, set.byID[id].ready())
	}
	if len(out) == 0 {
		out = append(out, httpapi.Check{Name: "media", OK: true, Detail: noMedia, Mend: noMediaMend})
	}
	return append(append(out, a.space.ready()), a.cloud.ready()...)
}

// ready is a stream's check.
func (s *stream) ready() httpapi.Check {
	now := s.status()
	c := httpapi.Check{Name: "media " + now.Media, OK: now.State != httpapi.StateStalled, Detail: now.State}
	if len(now.Faults) > 0 && now.State != httpapi.StateLive {
		f := now.Faults[0]
		c.Detail += fmt.Sprintf("; last fault, %s, at %s: %s", f.Kind, f.At.Format(time.RFC3339), f.Message)
	}
	if !c.OK {
		c.Mend = mends()[capture.FaultStalled]
	}
	return c
}

// alive are the parts of /healthz: the program answers, and what it stands on does.
func (a *app) alive() []httpapi.Check {
	out := []httpapi.Check{{Name: "http", OK: true, Detail: "answers"}}
	return append(out, watchdogChecks(a.watchdog)...)
}

// Close closes what openApp opened. Run must have returned.
func (a *app) Close() error {
	var failed []error
	if a.servers != nil {
		failed = append(failed, a.servers.close())
	}
	a.fleet.close()
	failed = append(failed, a.thumbnails.Close(), a.people.Close())
	if a.recognizers != nil {
		failed = append(failed, a.recognizers.Close())
	}
	if a.store != nil {
		failed = append(failed, a.store.Close())
	}
	return errors.Join(failed...)
}
