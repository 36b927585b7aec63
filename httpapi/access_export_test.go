package httpapi

// Recent opens the table that forgets.
type Recent struct{ r *recent[string, int] }

// NewRecent returns a table of twice size entries.
func NewRecent(size int) Recent { return Recent{newRecent[string, int](size)} }

// Get returns an entry.
func (r Recent) Get(key string) (int, bool) { return r.r.get(key) }

// Add keeps an entry.
func (r Recent) Add(key string, v int) int { return r.r.add(key, v) }

// Len returns how many there are.
func (r Recent) Len() int { return len(r.r.young) + len(r.r.old) }
