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
	seen os.FileInfo // as it was when it was read last
	next os.FileInfo // as it was when it was looked at last
}

// read takes the file up. A file that cannot be taken changes nothing.
func (f *instrumentsFile) read() error {
	info, err := os.Stat(f.path)
	if err != nil {
		return fmt.Errorf("%w: let this user read it, or correct its name", err)
	}
	file, err := os.Open(f.path)
	if err != nil {
		return fmt.Errorf("%w: let this user read it", err)
	}
	defer file.Close()
	f.seen = info
	text, err := io.ReadAll(io.LimitReader(file, mostInstrumentBytes+1))
	switch {
	case err != nil:
		return err
	case len(text) > mostInstrumentBytes:
		return fmt.Errorf("%s has more than %d bytes: leave out instruments whose flight is over", f.path, mostInstrumentBytes)
	}
	list, err := instrument.ParseFile(text)
	if err != nil {
		return fmt.Errorf("%s:\n%w", f.path, err)
	}
	f.use(list)
	return nil
}

// look takes the file up if it has changed, and not since the last look: what is half written may well be YAML, with a list cut off
// or a cap of 10 for 1000.
func (f *instrumentsFile) look() (taken bool, err error) {
	info, err := os.Stat(f.path)
	if err != nil {
		return false, fmt.Errorf("%w: let this user read it, or correct its name", err)
	}
	last := f.next
	f.next = info
	if alike(f.seen, info) || !alike(last, info) {
		return false, nil
	}
	err = f.read()
	return err == nil, err
}

func alike(a, b os.FileInfo) bool {
	return a != nil && os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// watch takes up changes until ctx is done. What is refused is said once.
func (f *instrumentsFile) watch(ctx context.Context, log *slog.Logger) {
	tick := time.NewTicker(lookTime)
	defer tick.Stop()
	said := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		taken, err := f.look()
		switch {
		case err == nil:
			said = ""
		case err.Error() != said:
			said = err.Error()
			log.Error("the instruments' file is not taken: those from before stay", "error", err)
		}
		if taken {
			log.Info("instruments read again", "file", f.path)
		}
	}
}
