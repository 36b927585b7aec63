// Package policy chooses among the instruments that a viewer may be shown: by what was learned from earlier choices
// (LinUCB, linear Thompson sampling), by a model trained elsewhere, by priority or by chance. It knows nothing of video, of
// disks or of HTTP: a case comes in, the probability of each arm goes out.
package policy

import "strings"

// Feature is one named number that a case is described by. A category is a feature of its own with Value 1, such as
// "country=GB"; a number keeps its name and is scaled to about [-1, 1].
type Feature struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
}

// Arm is one instrument that may be chosen. In the literature on bandits an arm is a possible action.
type Arm struct {
	// Instrument is its id.
	Instrument string `json:"id"`
	// Features tell of it beyond its id: its type, which of its targets are on screen.
	Features []Feature `json:"features"`
}

// Case is what one choice is made on. It is not changed once made, and may be shared.
type Case struct {
	// Context tells of the viewer and of what is on screen; it is the same for all arms.
	Context []Feature `json:"context"`
	// Arms are those that may be chosen, those of higher priority first, never none.
	Arms []Arm `json:"arms"`
}

// Policy turns a case into probabilities. It is immutable and safe for use by many goroutines.
type Policy interface {
	// Version names the policy and all that it has learned: two policies of one version choose alike.
	Version() string
	// Weigh sets p[i] to the probability, 0 to 1, with which c.Arms[i] is to be chosen; they add up to 1. p is as long as
	// c.Arms. After an error p means nothing.
	Weigh(c *Case, p []float64) error
}

// Lesson is something that a Learner learns from.
type Lesson struct {
	// Number tells choices apart: it is the higher the later the choice was made, and that of a Late lesson is its choice's. 0 is
	// a choice that nothing late will be said of.
	Number uint64
	Case   *Case
	// Choice is the index in Case.Arms of the arm that was chosen.
	Choice int
	// Reward of that choice, 0 to 1.
	Reward float64
	// Open says that more reward may come, in a Late lesson. Learn sets Expected to the reward that it expected.
	Open bool
	// Guess, of one that is Open, has Learn set Reward to what it expected as well, and learn that until it knows better: so the
	// choices of a crowd that had no time to do anything are not so many failures.
	Guess bool
	// Late says that this choice was learned from before: Reward, -1 to 1, is by how much it was off.
	Late bool
	// Settled, of a Late lesson, says that no more will come: Earned, 0 to 1, is all that the choice has earned, where Expected was
	// expected when it was made. By these a Learner tells whether viewers still like what they liked.
	Settled          bool
	Earned, Expected float64
}

// Learner is a policy in the making. It belongs to one goroutine at a time.
type Learner interface {
	// Learn takes lessons in, in the order in which they came about. It writes what it expected into those that are Open.
	Learn(lessons []Lesson)
	// Policy returns what was learned until now; later lessons do not change it.
	Policy() Policy
	// MarshalBinary and UnmarshalBinary keep what was learned over a restart. UnmarshalBinary refuses what another kind of
	// learner, or one of other settings, has written.
	MarshalBinary() ([]byte, error)
	UnmarshalBinary(data []byte) error
}

// Family returns what the versions of one kind of policy have in common: what comes before the first slash.
func Family(version string) string {
	name, _, _ := strings.Cut(version, "/")
	return name
}
