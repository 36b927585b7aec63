package main

import (
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net/http"
	"time"

	"spotter/httpapi"
	"spotter/systemd"
)

// How long a part may be silent while it has something to do, before the service manager ends the box.
const (
	streamSilence = 2 * time.Minute // a decoder is replaced and a store's fault noted long before; what a cloud may take is added
	httpSilence   = time.Minute
	diskSilence   = 3 * time.Minute // to make room takes long
)

// knockEvery is how often the box asks itself.
const knockEvery = 10 * time.Second

// knock has the HTTP side watched: it asks the admin listener over its socket, as whoever watches the box from outside does,
// until ctx is done.
func knock(ctx context.Context, w *systemd.Watchdog, conf *config) {
	part := w.Watch("http", httpSilence)
	defer part.Leave()
	tick := time.NewTicker(knockEvery)
	defer tick.Stop()
	for {
		if asks(ctx, conf) == nil {
			part.Progress()
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// asks reports whether the box answers, whatever it says. Neither its certificate nor its token is looked at, nor the files that
// hold them: that they are changed, or lost, is no reason to end a box that serves viewers.
func asks(ctx context.Context, conf *config) error {
	ctx, cancel := context.WithTimeout(ctx, knockEvery)
	defer cancel()
	a, scheme := &conf.HTTP.Admin, "http"
	if a.TLS != nil {
		scheme = "https"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+reachable(a.Listen)+"/healthz", nil)
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: true},
	}}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// watchdogChecks are the late parts, for /healthz.
func watchdogChecks(w *systemd.Watchdog) []httpapi.Check {
	late := w.Late()
	out := make([]httpapi.Check, len(late))
	for i, part := range late {
		out[i] = httpapi.Check{Name: "progress", Detail: part + " makes none", Mend: "the service manager restarts the box; where none does, restart it and keep its log"}
	}
	return out
}

// tellManager says that the box runs, and until ctx is done that all of its parts do. What it could not say it logs: the box runs on.
func tellManager(ctx context.Context, w *systemd.Watchdog, log *slog.Logger) {
	if err := systemd.Ready("runs"); err != nil {
		log.Warn("the service manager is not told that the box runs", "error", err)
	}
	interval, err := systemd.WatchdogInterval()
	if err != nil {
		log.Warn("the service manager's watchdog is not fed", "error", err)
	}
	w.Run(ctx, interval)
}

// sayStopping says that the box is on its way to its end.
func sayStopping(log *slog.Logger) {
	if err := systemd.Stopping(); err != nil {
		log.Warn("the service manager is not told that the box stops", "error", err)
	}
}

// managerNotices tell the service manager of a reload.
func managerNotices(log *slog.Logger) reloadNotices {
	told := func(err error) {
		if err != nil {
			log.Warn("the service manager is not told of the reload", "error", err)
		}
	}
	return reloadNotices{
		reloading: func() { told(systemd.Reloading()) },
		ready:     func() { told(systemd.Ready("runs")) },
	}
}
