package main

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"spotter/httpapi"
	"spotter/vision"
)

const (
	keptFaults = 10               // kinds of faults shown per media
	quietTime  = 10 * time.Second // between two log lines about the same kind
)

// faultLog keeps the latest faults of one stream, by kind, and logs each kind at most once per quietTime.
type faultLog struct {
	log   *slog.Logger
	count func(kind string)

	mu    sync.Mutex
	kinds map[string]*faultKind
}

type faultKind struct {
	httpapi.Fault
	logged   time.Time
	unlogged int
}

func newFaultLog(log *slog.Logger, count func(kind string)) *faultLog {
	return &faultLog{log: log, count: count, kinds: map[string]*faultKind{}}
}

// add notes a fault.
func (l *faultLog) add(kind string, err error) {
	l.count(kind)
	l.mu.Lock()
	defer l.mu.Unlock()
	k := l.kinds[kind]
	if k == nil {
		k = &faultKind{Fault: httpapi.Fault{Kind: kind}}
		l.kinds[kind] = k
	}
	k.At, k.Message = time.Now().UTC().Truncate(time.Millisecond), err.Error()
	k.Count++
	k.unlogged++
	if time.Since(k.logged) < quietTime {
		return
	}
	l.log.Warn("fault", "kind", kind, "error", err, "times", k.unlogged)
	k.logged, k.unlogged = time.Now(), 0
}

// cloudFault returns the kind of an error of the cloud. Each kind is logged by itself, so that none hides another.
func cloudFault(err error) string {
	switch {
	case errors.Is(err, vision.ErrThrottled):
		return faultThrottled
	case errors.Is(err, vision.ErrPermanent):
		return faultRefused
	}
	return faultCloud
}

// list returns the latest fault of each kind, newest first.
func (l *faultLog) list() []httpapi.Fault {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]httpapi.Fault, 0, len(l.kinds))
	for _, k := range l.kinds {
		out = append(out, k.Fault)
	}
	slices.SortFunc(out, func(a, b httpapi.Fault) int { return b.At.Compare(a.At) })
	return out[:min(len(out), keptFaults)]
}

// crash is a panic that was contained.
type crash struct {
	value any
	stack []byte
}

func (c *crash) Error() string { return fmt.Sprintf("crashed: %v", c.value) }
