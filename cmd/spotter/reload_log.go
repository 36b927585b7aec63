package main

import (
	"log/slog"
)

// logConfig says what is logged. --verbose logs all, whatever it says.
type logConfig struct {
	Level string `yaml:"level"`
}

// The levels of the log, from the least to the most urgent.
const (
	logDebug = "debug"
	logInfo  = "info"
	logWarn  = "warn"
	logError = "error"
)

func (l *logConfig) check(f *faults) {
	oneOf(f, l.Level, []string{logDebug, logInfo, logWarn, logError}, "log", "level")
}

// level returns the least urgent level that is logged.
func (l *logConfig) level() slog.Level {
	switch l.Level {
	case logDebug:
		return slog.LevelDebug
	case logWarn:
		return slog.LevelWarn
	case logError:
		return slog.LevelError
	}
	return slog.LevelInfo
}
