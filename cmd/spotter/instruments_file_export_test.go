package main

import "spotter/engage/instrument"

// LookAtInstruments reads a file of instruments, and returns what looks at it again.
func LookAtInstruments(path string, use func([]instrument.Instrument)) (look func() (taken bool, err error), err error) {
	f := &instrumentsFile{path: path, use: use}
	return f.look, f.read()
}

// Translated returns an error of the engine as the listeners know it.
func Translated(err error) error { return translated(err, nil) }
