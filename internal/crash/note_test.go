//go:build crash && linux

package crash_test

import (
	"encoding/json"
	"os"

	"spotter/timeline"
)

// A worker says what it does in notes, one JSON object a line on its standard output. What it said before it was killed can
// still be read from the pipe; so whatever a note acknowledges must be found afterwards.
type note struct {
	// What happened: begin and done of a store's operation, put of an outbox entry into the cloud, append to the ledger, flush
	// of it, opened.
	What string `json:"w"`
	// Op is what began.
	Op *operation `json:"op,omitempty"`
	// Put is what the cloud got.
	Put *put `json:"put,omitempty"`
	// Record is what the ledger acknowledged.
	Record *appended `json:"rec,omitempty"`
	// Number is the last record that the ledger flushed.
	Number uint64 `json:"n,omitempty"`
}

const (
	begin      = "begin"
	done       = "done"
	cloud      = "put"
	appendDone = "append"
	flush      = "flush"
	opened     = "opened"
)

// scene is what is known of one scene.
type scene struct {
	Until    timeline.Position `json:"u"`
	Revision int               `json:"r"`
	Name     string            `json:"c"`
	Open     bool              `json:"o,omitempty"`
}

// place is the key of a scene.
type place struct {
	Media string            `json:"m"`
	From  timeline.Position `json:"f"`
}

// operation is one writing transaction of the store. What is not nil or empty is to be there afterwards, all of it or
// nothing.
type operation struct {
	place
	Scene   *scene            `json:"s,omitempty"`
	Clock   string            `json:"k,omitempty"` // with a segment and a frame of the same place
	Spool   bool              `json:"sp,omitempty"`
	Unspool bool              `json:"un,omitempty"`
	Prune   timeline.Position `json:"pr,omitempty"` // what ends before it may go
}

// put is an entry of an outbox.
type put struct {
	Sink string `json:"k"`
	place
	Scene *scene `json:"s,omitempty"`
}

// appended is a decision or an event of the ledger.
type appended struct {
	Number     uint64 `json:"n"`
	Viewer     int    `json:"v"`
	Instrument string `json:"i,omitempty"`
	Of         uint64 `json:"of,omitempty"` // the decision of an event
}

// say writes a note with one write(2), which a pipe takes whole (POSIX, PIPE_BUF).
func say(n note) {
	line, err := json.Marshal(n)
	if err != nil {
		panic(err)
	}
	if _, err := os.Stdout.Write(append(line, '\n')); err != nil {
		os.Exit(0) // the parent is gone
	}
}
