package main

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"spotter/store"
	"spotter/timeline"
)

// fill records scenes of ten seconds, each with some four kilobytes of names.
func fill(t *testing.T, db *store.Store, scenes int) {
	t.Helper()
	b := store.Batch{Media: "m"}
	for i := range scenes {
		o := &timeline.Observation{Media: "m", Source: timeline.SourceClassic}
		o.From, o.Until = timeline.Position(i)*10_000, timeline.Position(i+1)*10_000
		for n := range 50 {
			o.Objects = append(o.Objects, timeline.Entity{Name: fmt.Sprintf("a thing with quite a long name, number %06d", i*50+n), Confidence: 50})
		}
		b.Observations = append(b.Observations, o)
	}
	b.Analyzed = []timeline.Span{{Until: timeline.Position(scenes) * 10_000}}
	if err := db.Record(b); err != nil {
		t.Fatal(err)
	}
}

// TestRetention has one store that is tidied by one rule after another, the one that leaves most first.
func TestRetention(t *testing.T) {
	t.Parallel()
	const day = timeline.Position(24 * 3600 * 1000)
	db, err := store.Open(filepath.Join(t.TempDir(), databaseFile), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	fill(t, db, int(day/10_000))
	for _, c := range []struct {
		name  string
		keep  retentionConfig
		first func(timeline.Position) bool // where the oldest kept scene may begin
	}{
		{"all of it fits", retentionConfig{Age: 72 * time.Hour, MaxBytes: "20GiB"}, func(p timeline.Position) bool { return p == 0 }},
		{"more than 16 MiB", retentionConfig{Age: 72 * time.Hour, MaxBytes: "16MiB"}, func(p timeline.Position) bool { return p > day/4 && p < day*9/10 }},
		{"older than an hour", retentionConfig{Age: time.Hour, MaxBytes: "20GiB"}, func(p timeline.Position) bool { return p == day-3600_000 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := &app{config: config{Retention: c.keep}, log: slog.New(slog.DiscardHandler), store: db}
			if err := a.tidy(); err != nil {
				t.Fatal(err)
			}
			kept, _ := db.Timeline("m")
			from := kept.Within(timeline.Span{Until: day})[0].From
			if !c.first(from) {
				t.Errorf("kept from %v on", from)
			}
			if used, err := db.InUse(); err != nil || used > c.keep.bytes() {
				t.Errorf("%d bytes in use, %v", used, err)
			}
			if begin := kept.Analyzed()[0].From; begin < from || begin >= from+10_000 { // within the oldest kept scene
				t.Errorf("analysed from %v on, kept from %v", begin, from)
			}
		})
	}
}

// TestRetentionOfWhatWaits has the table away: what waits for it cannot be dropped, so nothing is taken from viewers for it.
func TestRetentionOfWhatWaits(t *testing.T) {
	t.Parallel()
	const hours = timeline.Position(24 * 3600 * 1000)
	db := newCloudCopy(t, slog.New(slog.DiscardHandler), store.Sink{Name: dynamoDBSink}).store
	fill(t, db, int(hours/10_000))
	c := config{Retention: retentionConfig{Age: 72 * time.Hour, MaxBytes: "16MiB"}}
	c.Sync.DynamoDB = &dynamoDBConfig{}
	a := &app{config: c, log: slog.New(slog.DiscardHandler), store: db}
	if err := a.tidy(); err != nil {
		t.Fatal(err)
	}
	if kept, _ := db.Timeline("m"); kept.Len() != int(hours/10_000) || !kept.Complete(timeline.Span{Until: hours}) {
		t.Errorf("%d observations are left, analysed %v", kept.Len(), kept.Analyzed())
	}
}
