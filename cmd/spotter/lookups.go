package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"

	"spotter/httpapi"
	"spotter/sync/dynamodb"
)

// lookups serve the viewer API from the table that boxes write, without a stream or a store of their own: any number of them
// may stand behind a balancer.
type lookups struct {
	log           *slog.Logger
	table         string
	view          *dynamodb.View
	viewer, admin *httpapi.Server

	viewerListener, adminPort net.Listener
}

// openLookups opens what serves look-ups alone, or nothing. Errors say the mend.
func openLookups(ctx context.Context, c config, log *slog.Logger) (l *lookups, err error) {
	t := c.Timeline.DynamoDB
	table, err := openTable(ctx, t.Table, t.Region, "timeline.dynamodb.region")
	if err != nil {
		return nil, err
	}
	registry := newRegistry()
	meters := newMeters(registry)
	faults := newFaultLog(log, func(kind string) { meters.faults.WithLabelValues("", kind).Inc() })
	l = &lookups{log: log, table: t.Table, view: dynamodb.NewView(table, dynamodb.ViewOptions{OnFault: func(err error) { faults.add(faultTable, err) }})}
	l.viewer = httpapi.NewViewer(l.view, registry, log)
	l.admin = httpapi.NewAdmin(httpapi.AdminConfig{Registerer: registry, Gatherer: registry, Ready: l.ready, Log: log})
	if l.viewerListener, err = listen("http.viewer.listen", c.HTTP.Viewer.Listen); err != nil {
		return nil, err
	}
	if l.adminPort, err = listen("http.admin.listen", c.HTTP.Admin.Listen); err != nil {
		return nil, errors.Join(err, l.viewerListener.Close())
	}
	return l, nil
}

// Run answers until ctx is done, and then what is being asked.
func (l *lookups) Run(ctx context.Context) error {
	failed := make(chan error, 2)
	var servers sync.WaitGroup
	for s, at := range map[*httpapi.Server]net.Listener{l.viewer: l.viewerListener, l.admin: l.adminPort} {
		servers.Go(func() {
			if err := s.Serve(at); err != nil {
				failed <- err
			}
		})
	}
	l.log.Info("spotter runs", "version", version(), "table", l.table,
		"viewer", "http://"+l.viewerListener.Addr().String(), "admin", "http://"+l.adminPort.Addr().String())
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	down, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTime)
	defer cancel()
	err = errors.Join(err, l.viewer.Shutdown(down), l.admin.Shutdown(down))
	servers.Wait()
	return err
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
