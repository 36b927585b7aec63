package ledger

import "errors"

// SetHook has f called at each step between which a crash must lose nothing.
func (l *Ledger) SetHook(f func(step string)) { l.hook = f }

// Crash closes what would be closed if the process ended, and nothing else.
func (l *Ledger) Crash() error {
	l.commitMu.Lock()
	defer l.commitMu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	var err error
	if l.file != nil {
		err = l.file.f.Close()
	}
	return errors.Join(err, l.db.Close())
}

// Fault is a file whose writes fail, after Left bytes, while On.
type Fault struct {
	file
	On         bool
	Left       int
	NoTruncate bool
}

var errFault = errors.New("no space left on device")

func (f *Fault) WriteAt(p []byte, off int64) (int, error) {
	if !f.On {
		return f.file.WriteAt(p, off)
	}
	n, _ := f.file.WriteAt(p[:min(f.Left, len(p))], off)
	return n, errFault
}

func (f *Fault) Truncate(size int64) error {
	if f.NoTruncate {
		return errFault
	}
	return f.file.Truncate(size)
}

// Break has the writes to the current log go through a Fault.
func (l *Ledger) Break() *Fault {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := &Fault{file: l.file.f}
	l.file.f = f
	return f
}
