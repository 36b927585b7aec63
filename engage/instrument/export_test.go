package instrument

// Folded is appendFolded, for a test of its own.
func Folded(s string) string { return string(appendFolded(nil, s)) }

// MaxKnown is how many entities a catalog remembers.
const MaxKnown = maxKnown
