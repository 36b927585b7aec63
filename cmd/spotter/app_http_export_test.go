package main

import (
	"context"
	"errors"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"spotter/httpapi"
)

// OpenDoors serves both listeners of a configuration file, and returns their addresses and what ends them.
func OpenDoors(file string, media httpapi.Media, log *slog.Logger) (viewer, admin string, stop func(context.Context) error, err error) {
	c, err := loadConfig(file)
	if err != nil {
		return "", "", nil, err
	}
	all, err := openServers(&c, httpapi.ViewerConfig{Media: media}, httpapi.AdminConfig{Log: log}, prometheus.NewRegistry())
	if err != nil {
		return "", "", nil, err
	}
	failed := make(chan error, 2)
	all.run(failed)
	return all.doors.viewer.url(), all.doors.admin.url(), func(ctx context.Context) error {
		err := all.shutdown(ctx)
		close(failed)
		return errors.Join(err, <-failed)
	}, nil
}
