package main_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"spotter/store"
	"spotter/timeline"
)

// TestStopWhileBackedUp stops a box while a client reads a backup slowly: the box does not wait for it, which the service manager would
// end by killing it.
func TestStopWhileBackedUp(t *testing.T) {
	t.Parallel()
	data := newData(t)
	if err := os.MkdirAll(data, 0o750); err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(filepath.Join(data, "spotter.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	batch := store.Batch{Media: "cup"}
	for i := range 1000 { // more than sockets hold
		o := &timeline.Observation{Media: "cup", Source: timeline.SourceClassic, Objects: []timeline.Entity{{Name: strings.Repeat("x", 30_000), Confidence: 90}}}
		o.From, o.Until = timeline.Position(i)*second, timeline.Position(i+1)*second
		batch.Observations, batch.Analyzed = append(batch.Observations, o), append(batch.Analyzed, o.Span)
	}
	if err := db.Record(batch); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	b := start(t, config(data, classic))
	resp, err := http.Get(b.admin + "/v1/backup")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := resp.Body.Read(make([]byte, 512)); err != nil {
		t.Fatal(err)
	}
	b.signal(syscall.SIGTERM)
	began := time.Now()
	if code := b.end(25 * time.Second); code != 0 && code != 1 {
		t.Errorf("exit code %d", code)
	}
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("it took %s", took.Round(time.Second))
	}
}
