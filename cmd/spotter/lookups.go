package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"spotter/httpapi"
	"spotter/sync/dynamodb"
)

// lookups serve the viewer API from the table that boxes write, without a stream or a store of their own: any number of them
// may stand behind a balancer.
type lookups struct {
	log     *slog.Logger
	table   string
	view    *dynamodb.View
	servers *servers
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
		log: log, table: t.Table,
		view: dynamodb.NewView(table, dynamodb.ViewOptions{OnFault: func(err error) { faults.add(faultTable, err) }}),
	}
	l.servers, err = openServers(&c, l.view, httpapi.AdminConfig{Ready: l.ready, Log: log}, registry)
	return l, err
}

// Run answers until ctx is done, and then what is being asked.
func (l *lookups) Run(ctx context.Context) error {
	failed := make(chan error, 2)
	l.servers.run(failed)
	l.servers.say(l.log, "table", l.table)
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
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
