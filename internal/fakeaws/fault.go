package fakeaws

import (
	"context"
	"math/rand/v2"
	"time"
)

// Fault is one way of misbehaving.
type Fault struct {
	// Status and Code make an error answer such as 400 and "ThrottlingException". Status 0 makes none.
	Status int
	Code   string
	// Message goes with Code.
	Message string
	// PerSecond throttles what is more than so many calls of the operation in a second; 0 throttles none.
	PerSecond int
	// Reset drops the connection without an answer.
	Reset bool
	// Truncated drops the connection in the middle of the answer.
	Truncated bool
	// Latency passes before the answer, or the fault, and up to Jitter more.
	Latency, Jitter time.Duration
}

// The usual faults. Wire names are those of the Rekognition API reference.
var (
	Throttled    = Fault{Status: 400, Code: "ThrottlingException", Message: "Rate exceeded"}
	Overrun      = Fault{Status: 400, Code: "ProvisionedThroughputExceededException", Message: "Provisioned rate exceeded"}
	Denied       = Fault{Status: 400, Code: "AccessDeniedException", Message: "not authorized to perform this operation"}
	Broken       = Fault{Status: 500, Code: "InternalServerError", Message: "internal server error"}
	Disconnected = Fault{Reset: true}
)

// wait reports whether the fault's latency passed before the caller went away.
func (f *Fault) wait(ctx context.Context) bool {
	d := f.Latency
	if f.Jitter > 0 {
		d += rand.N(f.Jitter)
	}
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
