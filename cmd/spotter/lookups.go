package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"spotter/httpapi"
	"spotter/sync/dynamodb"
	"spotter/systemd"
)

// lookups serve the viewer API from the table that boxes write, without a stream or a store of their own: any number of them
// may stand behind a balancer.
type lookups struct {
	log     *slog.Logger
	table   string
	view    *dynamodb.View
	servers *servers
	reloads *reloadMetrics

	config   config
	watchdog *systemd.Watchdog
}

// openLookups opens what serves look-ups alone, or nothing. Errors say the mend.
func openLookups(ctx context.Context, c config, log *slog.Logger) (*lookups, error) {
	t := c.Timeline.DynamoDB
	table, err := openTable(ctx, t.Table, t.Region, "timeline.dynamodb.region")
	if err != nil {
		return nil, err
	}
	registry := newRegistry()
	meters := newMeters(registry)
	faults := newFaultLog(log, func(kind string) { meters.faults.WithLabelValues("", kind).Inc() })
	l := &lookups{
		log: log, table: t.Table, reloads: meters.reloads, config: c, watchdog: systemd.NewWatchdog(log),
		view: dynamodb.NewView(table, dynamodb.ViewOptions{OnFault: func(err error) { faults.add(faultTable, err) }}),
	}
	l.servers, err = openServers(&c, httpapi.ViewerConfig{Media: l.view, Overview: copyOverview(&c)}, httpapi.AdminConfig{Ready: l.ready, Alive: func() []httpapi.Check { return watchdogChecks(l.watchdog) }, Log: log}, registry)
	return l, err
}

// Run answers until ctx is done, and then what is being asked.
func (l *lookups) Run(ctx context.Context) error {
	failed := make(chan error, 2)
	l.servers.run(failed)
	l.servers.say(l.log, "table", l.table)
	l.config.HTTP.Admin.Listen = l.servers.doors.admin.Addr().String()
	watching, stop := context.WithCancel(context.WithoutCancel(ctx))
	var watched sync.WaitGroup
	watched.Go(func() { tellManager(watching, l.watchdog, l.log) })
	watched.Go(func() { knock(watching, l.watchdog, &l.config) })
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	sayStopping(l.log)
	stop()
	watched.Wait()
	return errors.Join(err, l.servers.shutdown(ctx), l.servers.close())
}

// ready is not while the table cannot be read: the balancer asks another, or none is well.
func (l *lookups) ready() []httpapi.Check {
	ids, err := l.view.IDs()
	c := httpapi.Check{Name: "table", OK: err == nil, Detail: fmt.Sprintf("%d media", len(ids))}
	if cause := l.view.Fault(); cause != nil {
		c.Detail = cause.Error()
	} else if err != nil {
		c.Detail = err.Error()
	}
	return []httpapi.Check{c}
}
