package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"spotter/engage/instrument"
)

const (
	// mostInstrumentBytes bounds the instruments' file: 10,000 instruments of 3 KiB.
	mostInstrumentBytes = 32 << 20
	// lookTime is how often a file that may change is looked at.
	lookTime = time.Second
)

// instrumentsFile is the file of instruments, read again when it changes.
type instrumentsFile struct {
	path string
	use  func([]instrument.Instrument)
	seen os.FileInfo
}

// read takes the file up if it is not as it was when read last. A file that cannot be taken changes nothing, and is not
// read again until it changes.
func (f *instrumentsFile) read() (changed bool, err error) {
	info, err := os.Stat(f.path)
	if err != nil {
		if changed = f.seen != nil; changed {
			f.seen = nil
		}
		return changed, fmt.Errorf("%w: let this user read it, or correct its name", err)
	}
	if f.seen != nil && os.SameFile(f.seen, info) && f.seen.Size() == info.Size() && f.seen.ModTime().Equal(info.ModTime()) {
		return false, nil
	}
	f.seen = info
	file, err := os.Open(f.path)
	if err != nil {
		return true, fmt.Errorf("%w: let this user read it", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, mostInstrumentBytes+1))
	switch {
	case err != nil:
		return true, err
	case len(text) > mostInstrumentBytes:
		return true, fmt.Errorf("%s has more than %d bytes: leave out instruments whose flight is over", f.path, mostInstrumentBytes)
	}
	list, err := instrument.ParseFile(text)
	if err != nil {
		return true, fmt.Errorf("%s:\n%w", f.path, err)
	}
	f.use(list)
	return true, nil
}

// watch takes up changes until ctx is done. What is refused is said once.
func (f *instrumentsFile) watch(ctx context.Context, log *slog.Logger) {
	tick := time.NewTicker(lookTime)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		changed, err := f.read()
		switch {
		case err != nil && changed:
			log.Error("the instruments' file is not taken: those from before stay", "error", err)
		case err == nil && changed:
			log.Info("instruments read again", "file", f.path)
		}
	}
}
