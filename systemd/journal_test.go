package systemd_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/coreos/go-systemd/v22/journal"
	"github.com/google/go-cmp/cmp"

	"spotter/systemd"
)

type entry struct {
	Message  string
	Priority journal.Priority
	Fields   map[string]string
}

func TestJournal(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		say  func(log *slog.Logger)
		want []entry
	}{
		{"plain", func(log *slog.Logger) { log.Info("spotter runs") }, []entry{{"spotter runs", journal.PriInfo, map[string]string{}}}},
		{"levels", func(log *slog.Logger) {
			log.Debug("unheard")
			log.Warn("w")
			log.Error("e")
		}, []entry{{"w", journal.PriWarning, map[string]string{}}, {"e", journal.PriErr, map[string]string{}}}},
		{"attributes", func(log *slog.Logger) {
			log.With("media", "cup").Warn("fault", "kind", "playlist", "error", errors.New("404 Not Found"), "times", 12)
		}, []entry{{
			`fault media=cup kind=playlist error="404 Not Found" times=12`, journal.PriWarning,
			map[string]string{"SPOTTER_MEDIA": "cup", "SPOTTER_KIND": "playlist", "SPOTTER_ERROR": "404 Not Found", "SPOTTER_TIMES": "12"},
		}}},
		{"groups", func(log *slog.Logger) {
			log.WithGroup("sink").With("name", "dynamodb").Info("m", slog.Group("wait", "n", 3))
		}, []entry{{
			`m sink.name=dynamodb sink.wait.n=3`, journal.PriInfo,
			map[string]string{"SPOTTER_SINK_NAME": "dynamodb", "SPOTTER_SINK_WAIT_N": "3"},
		}}},
		{"what would forge a line", func(log *slog.Logger) { log.Info("m", "url", "a\nPRIORITY=0", "none", "") }, []entry{{
			`m url="a\nPRIORITY=0" none=""`, journal.PriInfo, map[string]string{"SPOTTER_URL": "a\nPRIORITY=0", "SPOTTER_NONE": ""},
		}}},
		{"one logger does not change another", func(log *slog.Logger) {
			base := log.With("a", 1)
			base.With("b", 2).Info("m")
			base.Info("m")
		}, []entry{
			{"m a=1 b=2", journal.PriInfo, map[string]string{"SPOTTER_A": "1", "SPOTTER_B": "2"}},
			{"m a=1", journal.PriInfo, map[string]string{"SPOTTER_A": "1"}},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var got []entry
			var spare bytes.Buffer
			tc.say(slog.New(systemd.NewTestJournal(slog.LevelInfo, &spare, func(message string, priority journal.Priority, fields map[string]string) error {
				got = append(got, entry{message, priority, fields})
				return nil
			})))
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			if spare.Len() > 0 {
				t.Errorf("also written: %s", spare.String())
			}
		})
	}
}

func TestJournalAway(t *testing.T) {
	t.Parallel()
	var spare bytes.Buffer
	log := slog.New(systemd.NewTestJournal(slog.LevelInfo, &spare, func(string, journal.Priority, map[string]string) error {
		return errors.New("no journal")
	}))
	log.Error("cannot\nwrite", "media", "cup")
	if want := "<3>cannot write media=cup\n"; spare.String() != want {
		t.Errorf("got %q, want %q", spare.String(), want)
	}
}

// TestJournalKeepsSlogsRules has the rules of [slog.Handler] on empty attributes and groups.
func TestJournalKeepsSlogsRules(t *testing.T) {
	t.Parallel()
	var got map[string]string
	j := systemd.NewTestJournal(slog.LevelInfo, &bytes.Buffer{}, func(_ string, _ journal.Priority, fields map[string]string) error {
		got = fields
		return nil
	})
	for _, tc := range []struct {
		name string
		say  func(log *slog.Logger)
		want map[string]string
	}{
		{"empty attribute", func(log *slog.Logger) { log.Info("m", "a", "b", slog.Attr{}) }, map[string]string{"SPOTTER_A": "b"}},
		{"empty group", func(log *slog.Logger) { log.Info("m", slog.Group("g")) }, map[string]string{}},
		{"inlined group", func(log *slog.Logger) { log.Info("m", slog.Group("", slog.Int("c", 1))) }, map[string]string{"SPOTTER_C": "1"}},
		{"resolved value", func(log *slog.Logger) { log.Info("m", "v", valuer{}) }, map[string]string{"SPOTTER_V": "resolved"}},
		{"group without name", func(log *slog.Logger) { log.WithGroup("").Info("m", "a", 1) }, map[string]string{"SPOTTER_A": "1"}},
	} {
		tc.say(slog.New(j))
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s: %s", tc.name, diff)
		}
	}
	if j.Enabled(context.Background(), slog.LevelDebug) {
		t.Error("takes debug lines")
	}
}

type valuer struct{}

func (valuer) LogValue() slog.Value { return slog.StringValue("resolved") }
