package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"

	"spotter/capture"
	"spotter/capture/fetch"
	"spotter/httpapi"
	"spotter/store"
)

const databaseFile = "spotter.db"

// app is the appliance: every part of a configuration, opened.
type app struct {
	config      config
	log         *slog.Logger
	store       *store.Store
	recognizers *recognizers
	getters     []*fetch.HTTP // one a stream: with its own cookies and credentials
	streams     *streams
	upgrades    upgrades
	binding     *lateBinding // nil where unknown faces are not kept
	spooler     *spooler     // nil without the cloud
	cloud       *cloudCopy

	servers *servers
}

// openApp opens everything that run needs, or nothing. Errors say the mend.
func openApp(ctx context.Context, c config, log *slog.Logger) (a *app, err error) {
	a = &app{config: c, log: log}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
			a = nil
		}
	}()
	if err := os.MkdirAll(c.DataDir, 0o750); err != nil {
		return a, fmt.Errorf("make data folder: %w: give this user the right to write there, or set data_dir", err)
	}
	a.store, err = store.Open(filepath.Join(c.DataDir, databaseFile), store.Options{
		Sinks: c.sinks(), OutboxBytes: parseBytes(c.Sync.Outbox), SpoolBytes: c.spoolBytes(), Logger: log,
	})
	if err != nil {
		return a, err
	}
	registry := newRegistry()
	meters := newMeters(registry)
	if a.cloud, err = openCloudCopy(ctx, &c, a.store, meters, log); err != nil {
		return a, err
	}
	if err := a.openStreams(ctx, meters); err != nil {
		return a, err
	}
	a.openStates()
	a.servers, err = openServers(&c, a.streams, httpapi.AdminConfig{Ready: a.ready, Control: a.streams, Log: log}, registry)
	return a, err
}

func listen(key, address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w: end the program that uses the address, or set %s", address, err, key)
	}
	return l, nil
}

func (a *app) openStreams(ctx context.Context, meters *meters) (err error) {
	a.streams = &streams{byID: map[string]*stream{}, store: a.store}
	cloud := newFaultLog(a.log, func(kind string) { meters.faults.WithLabelValues("", kind).Inc() })
	a.recognizers, err = newRecognizers(ctx, &a.config, a.cloud, newSpending(a.config.DataDir, a.log), func(err error) { cloud.add(cloudFault(err), err) })
	if err != nil {
		return err
	}
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
	for _, m := range a.config.Media {
		if err := a.openStream(m, meters); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) openStream(m mediaConfig, meters *meters) error {
	zero, err := capture.ParseZero(m.Zero)
	if err != nil {
		return err
	}
	log := a.log.With("media", m.ID)
	metrics := meters.stream(m.ID)
	faults := newFaultLog(log, metrics.fault)
	times, err := m.newTimetable(a.config.DataDir, func(err error) { faults.add(faultSchedule, err) })
	if err != nil {
		return fmt.Errorf("media %s: %w", m.ID, err)
	}
	from, err := a.openSource(&m)
	if err != nil {
		return err
	}
	s := newStream(&pipeline{
		media: m, zero: zero, maxScene: a.config.Vision.MaxScene, recognizers: a.recognizers,
		recorder: a.store, frames: a.config.Sync.S3.Bucket != "", segments: a.config.Sync.SNS.TopicARN != "", upgrades: &a.upgrades, binding: a.binding, metrics: metrics, faults: faults, log: log,
	}, from, times)
	a.streams.order = append(a.streams.order, m.ID)
	a.streams.byID[m.ID] = s
	meters.edge(m.ID, s.liveEdge)
	return nil
}

// openSource returns where a media's stream is read.
func (a *app) openSource(m *mediaConfig) (*source, error) {
	urls, err := m.urls()
	if err != nil {
		return nil, err
	}
	options, err := m.fetchOptions(userAgent())
	if err != nil {
		return nil, err
	}
	getter := fetch.NewHTTP(options)
	a.getters = append(a.getters, getter)
	return &source{urls: urls, getter: getter}, nil
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
// outbox gets a last chance, look-ups go on until then.
func (a *app) Run(ctx context.Context) error {
	a.recognizers.log(a.log, &a.config)
	failed := make(chan error, 3)
	var work, sinks sync.WaitGroup
	a.servers.run(failed)
	workCtx, stopWork := context.WithCancel(ctx)
	defer stopWork()
	for _, s := range a.streams.byID {
		work.Go(func() { s.run(workCtx) })
	}
	work.Go(func() { a.keepHouse(workCtx) })
	work.Go(func() { a.binding.run(workCtx) })
	if a.spooler != nil {
		work.Go(func() { a.spooler.run(workCtx) })
	}
	sinkCtx, stopSinks := context.WithCancel(context.WithoutCancel(ctx))
	defer stopSinks()
	sinks.Go(func() {
		if err := a.cloud.run(sinkCtx); err != nil {
			failed <- err
		}
	})
	a.servers.say(a.log, "media", len(a.streams.order))

	var err error
	select {
	case <-ctx.Done():
		a.log.Info("stopping: a second signal ends the program at once")
	case err = <-failed:
	}
	stopWork()
	work.Wait()
	stopSinks()
	sinks.Wait()
	return errors.Join(err, a.servers.shutdown(ctx))
}

// ready are the checks of /readyz.
func (a *app) ready() []httpapi.Check {
	var out []httpapi.Check
	for _, id := range a.streams.order {
		s := a.streams.byID[id].status()
		out = append(out, httpapi.Check{Name: "media " + id, OK: s.State != httpapi.StateStalled, Detail: s.State})
	}
	return append(out, a.cloud.ready()...)
}

// Close closes what openApp opened.
func (a *app) Close() error {
	var failed []error
	if a.servers != nil {
		failed = append(failed, a.servers.close())
	}
	if a.recognizers != nil {
		failed = append(failed, a.recognizers.Close())
	}
	if a.store != nil {
		failed = append(failed, a.store.Close())
	}
	if a.streams != nil {
		for _, s := range a.streams.byID {
			s.close()
		}
	}
	for _, g := range a.getters {
		g.Close()
	}
	return errors.Join(failed...)
}
