package instrument

import (
	"fmt"
	"slices"
	"strings"
)

// Fault is one thing that is wrong with an instrument, said so that its author can mend it.
type Fault struct {
	// Line of the file, from 1; 0 where there are no lines to speak of.
	Line int
	// Path leads to the fault, such as "instruments[3].caps.total"; it is empty where all of the text is meant.
	Path string
	Text string
}

// String returns the fault in one line, such as "line 12: instruments[3].caps.total: want a whole number, not 1.5".
func (f Fault) String() string {
	s := f.Text
	if f.Path != "" {
		s = f.Path + ": " + s
	}
	if f.Line > 0 {
		s = fmt.Sprintf("line %d: %s", f.Line, s)
	}
	return s
}

// Faults are all that is wrong with a text, in the order of its lines. ParseFile and Parse return no other error.
type Faults []Fault

// Error returns the faults, one to a line.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i := range f {
		lines[i] = f[i].String()
	}
	return strings.Join(lines, "\n")
}

// err returns the faults in order, or nil when there are none.
func (f Faults) err() error {
	if len(f) == 0 {
		return nil
	}
	slices.SortStableFunc(f, func(a, b Fault) int { return a.Line - b.Line })
	return f
}
