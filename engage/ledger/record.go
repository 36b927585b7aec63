// Package ledger keeps what was decided for viewers and what they did then, so that no cap is exceeded and no choice is
// forgotten however the process ends. A record is written to a log before the viewer gets the answer, which takes
// microseconds, and moved to bbolt a moment later, many at once.
package ledger

import (
	"time"

	"spotter/engage/policy"
	"spotter/timeline"
)

// Viewer is a viewer's id as the ledger keeps it: the first 16 bytes of the HMAC-SHA256 (RFC 2104) of the id under the
// ledger's secret. The zero Viewer is nobody: a viewer who did not say who they are.
type Viewer [16]byte

// Decision is one choice of an instrument for a viewer.
type Decision struct {
	At       time.Time
	Media    string
	Position timeline.Position // of the player
	Viewer   Viewer
	// Case is what the choice was made on; Case.Arms is the eligible set.
	Case *policy.Case
	// Choice is the index in Case.Arms, Propensity the probability, above 0 and up to 1, with which it was chosen.
	Choice     int
	Propensity float64
	// Policy is the version of the policy that chose.
	Policy string
	// Cost is what the choice itself took from the instrument's budget.
	Cost float64
}

// Event is what a viewer did with a decision.
type Event struct {
	At       time.Time
	Decision uint64 // the decision's number
	Type     string // view, click, answer, convert or dismiss
	Value    float64
	// Reward is what it adds to the decision's reward, and Cost what it took from the instrument's budget.
	Reward float64
	Cost   float64
}

// Record is a decision or an event: exactly one of both is not nil.
type Record struct {
	// Number counts records from 1, in the order in which they were appended. A decision is known by its number.
	Number   uint64
	Decision *Decision
	Event    *Event
}
