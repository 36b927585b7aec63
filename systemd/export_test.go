package systemd

import (
	"io"
	"log/slog"

	"github.com/coreos/go-systemd/v22/journal"
)

// NewTestWatchdog returns a watchdog that tells beat instead of the service manager.
func NewTestWatchdog(log *slog.Logger, beat func() error) *Watchdog {
	w := NewWatchdog(log)
	w.beat = beat
	return w
}

// NewTestJournal returns a handler that writes to send instead of the journal.
func NewTestJournal(level slog.Leveler, spare io.Writer, send func(string, journal.Priority, map[string]string) error) *Journal {
	j := NewJournal(level, spare)
	j.send = send
	return j
}
