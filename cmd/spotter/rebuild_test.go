package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/httpapi"
	"spotter/store"
	"spotter/sync/dynamodb"
	"spotter/timeline"
)

// told is a table that was told of one media, and is away at first.
type toldTable struct {
	state dynamodb.State
	list  []*timeline.Observation
	away  int // calls that it does not answer yet
}

var errTableAway = errors.New("the table is away")

func (x *toldTable) answers() error {
	if x.away--; x.away >= 0 {
		return errTableAway
	}
	return nil
}

func (x *toldTable) States(context.Context) ([]dynamodb.State, error) {
	return []dynamodb.State{x.state, {Status: httpapi.Status{Media: "of another box"}, Clock: []byte("x")}}, x.answers()
}

func (x *toldTable) Query(_ context.Context, media string, w timeline.Span, _ bool) (list []*timeline.Observation, err error) {
	for _, o := range x.list {
		if o.Media == media && o.From >= w.From && o.From <= w.Until {
			list = append(list, o)
		}
	}
	return list, x.answers()
}

// TestRebuild loses a store's file and gets back from the table what that was told.
func TestRebuild(t *testing.T) {
	for name, c := range map[string]struct {
		away  int
		age   time.Duration
		clock string
		first timeline.Position
	}{
		"all of it":            {0, 0, "clock", 0},
		"the retention's hour": {0, time.Hour, "clock", 3 * 3600_000},
		"away for a while":     {3, 0, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), databaseFile)
			if err := os.WriteFile(path, []byte("damaged"), 0o600); err != nil {
				t.Fatal(err)
			}
			db, aside, err := store.Recover(path, store.Options{Sinks: []store.Sink{{Name: dynamoDBSink}}})
			if err != nil || aside == "" {
				t.Fatal(aside, err)
			}
			defer db.Close()
			table := lost(c.away)
			conf := &config{Media: []mediaConfig{{ID: "m"}}, Retention: retentionConfig{Age: c.age}}
			conf.Sync.DynamoDB = &dynamoDBConfig{Table: "t"}
			r := newRebuild(conf, db, table, slog.New(slog.DiscardHandler))
			synctest.Test(t, func(t *testing.T) {
				if err := r.begin(t.Context()); err != nil {
					t.Fatal(err)
				}
				if got := string(db.Clock("m")); got != c.clock {
					t.Errorf("clock %q, want %q", got, c.clock)
				}
				r.run(t.Context())
			})
			tl, _ := db.Timeline("m")
			all := tl.Within(timeline.Span{From: 0, Until: timeline.MaxPosition})
			var want []*timeline.Observation
			for _, o := range table.list {
				if o.Until > c.first || len(table.list) == len(all) {
					want = append(want, o)
				}
			}
			if n := len(all) - len(want); n < 0 || n > 60 { // a chunk's worth from before the retention may come with it
				t.Errorf("%d observations, want %d", len(all), len(want))
			}
			if diff := cmp.Diff([]timeline.Span{{From: c.first, Until: 4 * 3600_000}}, tl.Analyzed()); diff != "" {
				t.Errorf("analysed (-want +got):\n%s", diff)
			}
			if n := db.Backlog(dynamoDBSink).Entries; n > 0 {
				t.Errorf("%d entries wait for the table that has them", n)
			}
			if newRebuild(conf, db, table, r.log) != nil {
				t.Error("it is to be rebuilt again")
			}
			if _, ok := db.Timeline("of another box"); ok {
				t.Error("a media was put back that is not configured")
			}
		})
	}
}

// lost is what a table was told of four hours.
func lost(away int) *toldTable {
	x := &toldTable{away: away}
	for p := timeline.Position(0); p < 4*3600_000; p += 10_000 {
		o := &timeline.Observation{Media: "m", Span: timeline.Span{From: p, Until: p + 10_000}, Source: timeline.SourceRekognition, Revision: 2}
		x.list = append(x.list, o)
	}
	x.state = dynamodb.State{
		Status: httpapi.Status{Media: "m"}, Analyzed: []timeline.Span{{Until: 4 * 3600_000}}, Clock: []byte("clock"), MaxScene: 30 * time.Second,
	}
	return x
}

// TestNothingToRebuild has a store that was never damaged, and no table.
func TestNothingToRebuild(t *testing.T) {
	db, err := store.Open(filepath.Join(t.TempDir(), databaseFile), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	r := newRebuild(&config{}, db, lost(0), slog.New(slog.DiscardHandler))
	if r != nil || r.begin(t.Context()) != nil {
		t.Error("there is something to rebuild")
	}
	r.run(t.Context())
}
