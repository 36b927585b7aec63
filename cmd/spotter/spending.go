package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"spotter/internal/durable"
	"spotter/vision"
)

// ledgerName is the file in data_dir with what the cloud was paid in the last hour.
const ledgerName = "spending.json"

// spending keeps a budget's spending in a file. It is vision.Ledger.
type spending struct {
	path string
	log  *slog.Logger
}

func newSpending(dataDir string, log *slog.Logger) *spending {
	return &spending{path: filepath.Join(dataDir, ledgerName), log: log}
}

// Load reads the file. One that is not there has nothing in it; one that cannot be understood is moved aside and fails
// with vision.ErrLedger, upon which the hour counts as spent.
func (l *spending) Load() ([]vision.Spending, error) {
	text, err := os.ReadFile(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var spent []vision.Spending
	if err = json.Unmarshal(text, &spent); err == nil {
		err = plausible(spent)
	}
	if err == nil {
		return spent, nil
	}
	aside := l.path + ".damaged"
	l.log.Warn("the record of what the cloud was paid is damaged: it is left alone for an hour, as if all were spent",
		"error", err, "moved_to", aside, "to_end_that", "stop, remove "+l.path+" and start")
	if err := os.Rename(l.path, aside); err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("%s: %w: %w", l.path, vision.ErrLedger, err)
}

// plausible refuses what Save never writes.
func plausible(spent []vision.Spending) error {
	for _, s := range spent {
		if s.Calls <= 0 || s.Minute.IsZero() {
			return fmt.Errorf("%d calls at %v", s.Calls, s.Minute)
		}
	}
	return nil
}

// Save replaces the file so that a crash at any moment leaves the old one or the new one.
func (l *spending) Save(spent []vision.Spending) error {
	text, err := json.Marshal(spent)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(l.path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), l.path); err != nil {
		return err
	}
	return durable.SyncFolder(filepath.Dir(l.path))
}
