package main

import (
	"io"
	"time"
)

// WriteDocs writes what a package has of the command tree into dir.
func WriteDocs(dir string, date time.Time) error {
	return writeDocs(newRoot(io.Discard, io.Discard), dir, date)
}

// CheckConfig returns what is wrong with a configuration file.
func CheckConfig(path string) error {
	_, err := loadConfig(path)
	return err
}
