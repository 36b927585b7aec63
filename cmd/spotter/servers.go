package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"spotter/httpapi"
)

// servers are both HTTP listeners, open, of a box or of a copy of its viewer API, and what engages those who ask there.
type servers struct {
	viewer, admin *httpapi.Server
	doors         doors
	running       sync.WaitGroup

	engaged   *engagement // nil where viewers are not engaged
	accounts  sync.WaitGroup
	settle    context.CancelFunc // ends accounts
	settleErr error              // of accounts
}

// openServers opens both listeners on what the configurations show, or nothing; it adds to them who may ask, and what engages
// viewers. Errors say the mend.
func openServers(c *config, viewer httpapi.ViewerConfig, admin httpapi.AdminConfig, registry *prometheus.Registry) (s *servers, err error) {
	if viewer.Access, err = c.viewerAccess(admin.Log); err != nil {
		return nil, err
	}
	s = &servers{settle: func() {}}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
			s = nil
		}
	}()
	if s.engaged, err = openEngagement(c, registry, admin.Log); err != nil {
		return s, err
	}
	admin.Registerer, admin.Gatherer = registry, registry
	s.engaged.administer(&admin)
	page, err := c.pageAdmin(&admin)
	if err != nil {
		return s, err
	}
	if viewer.Admin != nil {
		page.Editor, page.People = viewer.Admin.Editor, viewer.Admin.People
	}
	viewer.Admin = page
	viewer.Engagement, viewer.Registerer, viewer.Log = s.engaged.viewers(), registry, admin.Log
	s.viewer = httpapi.NewViewer(viewer)
	s.admin = httpapi.NewAdmin(admin)
	if err = c.guardAdmin(s.admin, admin.Log); err != nil {
		return s, err
	}
	s.doors, err = c.openDoors(admin.Log)
	return s, err
}

// run serves until shutdown, and tells failed of what ends a listener before.
func (s *servers) run(failed chan<- error) {
	for server, door := range map[*httpapi.Server]door{s.viewer: s.doors.viewer, s.admin: s.doors.admin} {
		s.running.Go(func() {
			if err := server.Serve(door); err != nil {
				failed <- err
			}
		})
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.settle = cancel
	s.accounts.Go(func() { s.settleErr = s.engaged.Run(ctx) })
}

// shutdown answers what is being asked, within flushTime, and ends.
func (s *servers) shutdown(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTime)
	defer cancel()
	err := errors.Join(s.viewer.Shutdown(ctx), s.admin.Shutdown(ctx))
	s.running.Wait()
	s.settle() // viewers were answered until now
	s.accounts.Wait()
	return errors.Join(err, s.settleErr)
}

// close closes what openServers opened, of servers that may never have run.
func (s *servers) close() error {
	var failed []error
	for _, d := range []door{s.doors.viewer, s.doors.admin} {
		if d.Listener == nil {
			continue
		}
		if err := d.Close(); !errors.Is(err, net.ErrClosed) {
			failed = append(failed, err)
		}
	}
	return errors.Join(append(failed, s.engaged.Close())...)
}

// say logs that the program runs, and where.
func (s *servers) say(log *slog.Logger, more ...any) {
	log.Info("spotter runs", append(append([]any{"version", version()}, more...), "viewer", s.doors.viewer.url(), "admin", s.doors.admin.url())...)
}
