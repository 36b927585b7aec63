package ledger

import (
	"errors"
	"fmt"
	"os"
)

// recoverLogs takes in the logs that a process which was killed has left. A record that was committed before is known by
// its number, so each is taken in exactly once, wherever the process ended.
func (l *Ledger) recoverLogs() error {
	numbers, err := l.logs()
	if err != nil {
		return fmt.Errorf("open ledger: %w", mend(l.dir, err))
	}
	for _, n := range numbers {
		l.nextLog = n + 1
		if err := l.recoverLog(l.logPath(n)); err != nil {
			return fmt.Errorf("open ledger: take in the log %s: %w", l.logPath(n), mend(l.dir, err))
		}
	}
	l.unreturned = nil // the learner gets them by Replay
	return nil
}

func (l *Ledger) recoverLog(path string) error {
	b := &batch{}
	taken := 0
	commit := func() error {
		err := l.commitBatch(b)
		if err == nil {
			taken += len(b.records)
			l.committed = max(l.committed, b.last())
		}
		b = &batch{}
		return err
	}
	unread, err := readLog(path, func(r *Record) error {
		if r.Number < l.next {
			return nil // committed already
		}
		l.next = r.Number + 1
		b.records = append(b.records, r)
		if len(b.records) < batchRecords {
			return nil
		}
		return commit()
	})
	if err != nil && !errors.Is(err, ErrCorrupt) {
		return err
	}
	if err := commit(); err != nil {
		return err
	}
	switch {
	case err != nil:
		return l.setAside(path, unread, err)
	case unread > 0:
		l.log.Warn("ledger: cut off the torn end of a log", "log", path, "bytes", unread, "records", taken)
	case taken > 0:
		l.log.Info("ledger: took in a log that was left", "log", path, "records", taken)
	}
	l.step("recovered")
	return os.Remove(path)
}

// setAside renames a damaged log. What may have been in it keeps its numbers, so that no later decision gets the id of
// one that was lost.
func (l *Ledger) setAside(path string, unread int, damage error) error {
	l.log.Error("ledger: a log is damaged: what comes before the damage was taken in, what comes after is lost; "+
		"the file is set aside", "log", path+asideSuffix, "bytes", unread, "error", damage)
	l.next += uint64(unread / (frameHead + frameTail))
	return os.Rename(path, path+asideSuffix)
}
