package main_test

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	spotter "spotter/cmd/spotter"
	"spotter/vision"
)

func TestLedgerKeeps(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	ledger := spotter.NewSpending(folder, slog.New(slog.DiscardHandler))
	if got, err := ledger.Load(); err != nil || len(got) > 0 {
		t.Errorf("before the first: %v, %v", got, err)
	}
	at := time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)
	for _, want := range [][]vision.Spending{
		{{Minute: at, Calls: 5}},
		{{Minute: at, Calls: 300}, {Minute: at.Add(time.Minute), Calls: 5}},
		nil,
	} {
		if err := ledger.Save(want); err != nil {
			t.Fatal(err)
		}
		got, err := spotter.NewSpending(folder, nil).Load()
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Errorf("after a restart: %v (-want +got):\n%s", err, d)
		}
	}
	list, err := os.ReadDir(folder)
	if err != nil || len(list) != 1 {
		t.Errorf("left in the folder: %v, %v", list, err)
	}
}

func TestLedgerDamaged(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, text string }{
		{"empty", ""},
		{"cut off", `[{"minute":"2026-11-23T14:00:00Z","calls":3`},
		{"not JSON", "\x00\x00\x00\x00"},
		{"another kind", `{"calls":3}`},
		{"no time", `[{"calls":3}]`},
		{"calls given back", `[{"minute":"2026-11-23T14:00:00Z","calls":-1000}]`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			path := filepath.Join(folder, "spending.json")
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			var log bytes.Buffer
			ledger := spotter.NewSpending(folder, slog.New(slog.NewTextHandler(&log, nil)))
			budget := vision.Budget{CallsPerSecond: 5, USDPerHour: 2, USDPerCall: 0.001}
			for _, start := range []string{"first", "second"} { // the second start finds the hour spent as well
				purse, err := vision.NewPurse(budget, ledger)
				if err != nil {
					t.Fatal(err)
				}
				if err := purse.Spend("A"); !errors.Is(err, vision.ErrThrottled) || !strings.Contains(err.Error(), "usd_per_hour") {
					t.Errorf("%s start: error %v, want the hour spent", start, err)
				}
			}
			if kept, err := os.ReadFile(path + ".damaged"); err != nil || string(kept) != c.text {
				t.Errorf("moved aside: %q, %v", kept, err)
			}
			if strings.Count(log.String(), "level=WARN") != 1 || !strings.Contains(log.String(), path) {
				t.Errorf("the log says %s", log.String())
			}
		})
	}
}

func TestLedgerCannotBeRead(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, "spending.json"), 0o700); err != nil {
		t.Fatal(err)
	}
	var failed *fs.PathError
	if _, err := spotter.NewSpending(folder, slog.New(slog.DiscardHandler)).Load(); !errors.As(err, &failed) || errors.Is(err, vision.ErrLedger) {
		t.Errorf("error %v, want what the system says", err)
	}
}
