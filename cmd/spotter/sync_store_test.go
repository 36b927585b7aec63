package main

import (
	"bytes"
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"spotter/store"
	"spotter/sync/outbox"
	"spotter/timeline"
)

// fullDisk is an outbox on a disk that is full until some moment.
type fullDisk struct {
	outbox.Store
	until time.Time
}

func (s *fullDisk) Done(sink string, seqs ...uint64) error {
	if time.Now().Before(s.until) {
		return syscall.ENOSPC
	}
	return s.Store.Done(sink, seqs...)
}

// newCloudCopy returns one of some sinks on a new store.
func newCloudCopy(t *testing.T, log *slog.Logger, sinks ...store.Sink) *cloudCopy {
	t.Helper()
	s, err := store.Open(filepath.Join(t.TempDir(), databaseFile), store.Options{Sinks: sinks})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return &cloudCopy{store: s, log: log, meters: newMeters(prometheus.NewRegistry())}
}

// TestFullDisk fills the disk for a minute. The sink goes on afterwards, the log says it once, and nothing ends meanwhile.
func TestFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged bytes.Buffer
		cc := newCloudCopy(t, slog.New(slog.NewTextHandler(&logged, nil)), store.Sink{Name: dynamoDBSink})
		puts := 0
		d := cc.drain(dynamoDBSink, 1, nil, func(context.Context, store.Entry) error { puts++; return nil })
		d.Store = &fullDisk{cc.store, time.Now().Add(time.Minute)}
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- cc.run(ctx) }()
		observed := func(at timeline.Position) {
			o := &timeline.Observation{Media: "m", Span: timeline.Span{From: at, Until: at + 1}}
			if err := cc.store.Record(store.Batch{Media: "m", Observations: []*timeline.Observation{o}}); err != nil {
				t.Fatal(err)
			}
		}
		observed(0)
		<-time.After(2 * time.Minute)
		observed(1)
		<-time.After(time.Second)
		if n := cc.store.Backlog(dynamoDBSink).Entries; n != 0 || puts != 2 {
			t.Errorf("%d entries wait after %d puts, want none after 2", n, puts)
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if n := strings.Count(logged.String(), "no space left"); n != 1 {
			t.Errorf("the log says it %d times: %s", n, &logged)
		}
	})
}
