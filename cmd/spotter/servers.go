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

// servers are both HTTP listeners, open, of a box or of a copy of its viewer API.
type servers struct {
	viewer, admin *httpapi.Server
	doors         doors
	running       sync.WaitGroup
}

// openServers opens both listeners on what a media and the admin's configuration show, or nothing. Errors say the mend.
func openServers(c *config, media httpapi.Media, admin httpapi.AdminConfig, registry *prometheus.Registry) (*servers, error) {
	access, err := c.viewerAccess(admin.Log)
	if err != nil {
		return nil, err
	}
	admin.Registerer, admin.Gatherer = registry, registry
	s := &servers{
		viewer: httpapi.NewViewer(httpapi.ViewerConfig{Media: media, Access: access, Registerer: registry, Log: admin.Log}),
		admin:  httpapi.NewAdmin(admin),
	}
	if err := c.guardAdmin(s.admin, admin.Log); err != nil {
		return nil, err
	}
	if s.doors, err = c.openDoors(admin.Log); err != nil {
		return nil, err
	}
	return s, nil
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
}

// shutdown answers what is being asked, within flushTime, and ends.
func (s *servers) shutdown(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTime)
	defer cancel()
	err := errors.Join(s.viewer.Shutdown(ctx), s.admin.Shutdown(ctx))
	s.running.Wait()
	return err
}

// close closes the listeners of servers that may never have run.
func (s *servers) close() error {
	var failed []error
	for _, d := range []door{s.doors.viewer, s.doors.admin} {
		if err := d.Close(); !errors.Is(err, net.ErrClosed) {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

// say logs that the program runs, and where.
func (s *servers) say(log *slog.Logger, more ...any) {
	log.Info("spotter runs", append(append([]any{"version", version()}, more...), "viewer", s.doors.viewer.url(), "admin", s.doors.admin.url())...)
}
