package vision

// NewPurseAt is NewPurse with a clock of the test's own.
var NewPurseAt = newPurse
