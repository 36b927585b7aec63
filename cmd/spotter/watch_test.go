package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"spotter/systemd"
	"spotter/vision"
)

// TestKnockNeedsNoSecrets: files of the admin listener that are changed or lost do not make the HTTP side late, which would end a box
// that serves viewers, and start one that cannot.
func TestKnockNeedsNoSecrets(t *testing.T) {
	t.Parallel()
	answers := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "late", http.StatusServiceUnavailable) })
	plain, secure := httptest.NewServer(answers), httptest.NewTLSServer(answers)
	defer plain.Close()
	defer secure.Close()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "cert.pem"), "somebody writes this file just now")
	for name, a := range map[string]adminConfig{
		"token lost":         {Listen: strings.TrimPrefix(plain.URL, "http://"), TokenFile: filepath.Join(dir, "token")},
		"certificate lost":   {Listen: strings.TrimPrefix(secure.URL, "https://"), TLS: &tlsConfig{CertFile: filepath.Join(dir, "lost.pem")}},
		"certificate broken": {Listen: strings.TrimPrefix(secure.URL, "https://"), TLS: &tlsConfig{CertFile: filepath.Join(dir, "cert.pem")}},
	} {
		conf := &config{HTTP: httpConfig{Admin: a}}
		if err := asks(t.Context(), conf); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	plain.Close()
	if asks(t.Context(), &config{HTTP: httpConfig{Admin: adminConfig{Listen: strings.TrimPrefix(plain.URL, "http://")}}}) == nil {
		t.Error("a listener that is closed answers")
	}
}

// TestPatienceIsNotLate has a cloud that hangs, with nobody beside it and the longest deadline that the configuration takes: to wait
// that long is lawful, on both sides of the pipeline, and anything longer is not.
func TestPatienceIsNotLate(t *testing.T) {
	hangs := recognizeFunc(func(ctx context.Context, _ vision.Picture) (vision.Answer, error) {
		<-ctx.Done()
		return vision.Answer{}, ctx.Err()
	})
	synctest.Test(t, func(t *testing.T) {
		asker, err := vision.NewAsker(vision.CloudOnly, hangs, nil, live(vision.CloudOnly, vision.AskOptions{Deadline: time.Minute}))
		if err != nil {
			t.Fatal(err)
		}
		r := rig(t, vision.CloudOnly, hangs, nil, nil)
		r.asker = asker
		log := slog.New(slog.NewTextHandler(io.Discard, nil))
		r.watchdog = systemd.NewWatchdog(log)
		d := &decoding{pipeline: r.pipeline, steps: make(chan step), part: r.watchdog.Watch("decoding", streamSilence)}
		ended := make(chan error)
		go func() { ended <- r.run(r.ctx, d.steps) }()
		go func() {
			defer close(d.steps)
			for _, x := range []step{{begin: segment(0, 1000)}, asked(0, 1, true), asked(500, 2, true), {end: segment(0, 1000)}, {begin: segment(1000, 2000)}} {
				if err := d.send(r.ctx, x); err != nil {
					t.Error(err)
				}
			}
			d.part.Rest()
		}()
		began := time.Now()
		for time.Since(began) < 20*time.Minute {
			if late := r.watchdog.Late(); late != nil {
				t.Errorf("after %s: %v", time.Since(began), late)
				break
			}
			time.Sleep(10 * time.Second)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
		asker.Close()
	})
}
