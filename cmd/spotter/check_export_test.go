package main

import (
	"bytes"
	"time"
)

// UnitFound returns what check says of a unit of which systemctl show has printed a text.
func UnitFound(text string) string {
	return reported(func(r *report) { r.unitFound(parseUnit(text)) })
}

// DecoderFound returns what check says where jail.FilesError says why a decoder's files are not confined.
func DecoderFound(unconfined error) string {
	return reported(func(r *report) { r.decoder(unconfined) })
}

// ClockFound returns what check says of a clock that is off.
func ClockFound(off time.Duration) string {
	return reported(func(r *report) { r.strays("clock", "origin.example", off) })
}

// DiskFound measures a folder's disk.
func DiskFound(dir string) string { return reported(func(r *report) { r.diskSpeed(dir) }) }

func reported(check func(*report)) string {
	var out bytes.Buffer
	check(&report{to: &out, format: formatText})
	return out.String()
}
