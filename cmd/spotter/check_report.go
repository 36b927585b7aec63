package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// What a check found.
const (
	foundOK   = "ok"
	foundNote = "note" // not wrong, but worth knowing
	foundMend = "mend" // wrong
)

// Formats of what check prints.
const (
	formatText = "text"
	formatJSON = "json"
)

// finding is one line of a report.
type finding struct {
	Name   string `json:"name"`
	State  string `json:"state"`
	Detail string `json:"detail"`
	Mend   string `json:"mend,omitempty"` // where Detail does not say it
}

// report is what check has found.
type report struct {
	to     io.Writer
	format string
	busy   bool // a box runs on the data folder
	found  []finding
}

// mending is an error with what to do about it.
type mending struct {
	err  error
	mend string
}

func (m *mending) Error() string { return m.err.Error() + ": " + m.mend }

func (m *mending) Unwrap() error { return m.err }

// mend adds to an error what to do about it; nil stays nil.
func mend(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return &mending{err, fmt.Sprintf(format, args...)}
}

// line adds what is well, or what is wrong with its mend.
func (r *report) line(name, detail string, err error) {
	f := finding{Name: name, State: foundOK, Detail: detail}
	if err != nil {
		f.State, f.Detail = foundMend, err.Error()
		var m *mending
		if errors.As(err, &m) && m == err {
			f.Detail, f.Mend = m.err.Error(), m.mend
		}
	}
	r.add(f)
}

// note adds what is not wrong but worth knowing.
func (r *report) note(name, detail string) {
	r.add(finding{Name: name, State: foundNote, Detail: detail})
}

// advise is note with what to do about it.
func (r *report) advise(name, detail, mend string) {
	r.add(finding{Name: name, State: foundNote, Detail: detail, Mend: mend})
}

func (r *report) add(f finding) {
	r.found = append(r.found, f)
	if r.format == formatJSON { // in one piece, at the end
		return
	}
	text, label := f.Detail, f.State
	if f.Mend != "" {
		text += ": " + f.Mend
	}
	if f.State == foundMend {
		label = "MEND"
	}
	fmt.Fprintf(r.to, "%-5s %-16s %s\n", label, f.Name, text)
}

// failed returns how much there is to mend.
func (r *report) failed() (n int) {
	for _, f := range r.found {
		if f.State == foundMend {
			n++
		}
	}
	return n
}

// end prints what there is to say after all checks.
func (r *report) end() error {
	n := r.failed()
	switch {
	case r.format == formatJSON:
		e := json.NewEncoder(r.to)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(struct {
			Checks []finding `json:"checks"`
			ToMend int       `json:"to_mend"`
		}{r.found, n})
	case n > 0:
		fmt.Fprintf(r.to, "\n%d to mend\n", n)
	default:
		fmt.Fprintln(r.to, "\nall well")
	}
	return nil
}
