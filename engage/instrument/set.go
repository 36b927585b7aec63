package instrument

// set is a set of small numbers, one to a bit.
type set []uint64

// grown returns s with room for the numbers below n. What was in it may be lost.
func (s set) grown(n int) set {
	if words := (n + 63) / 64; words > len(s) {
		return make(set, words)
	}
	return s
}

func (s set) add(n uint32)      { s[n/64] |= 1 << (n % 64) }
func (s set) remove(n uint32)   { s[n/64] &^= 1 << (n % 64) }
func (s set) has(n uint32) bool { return s[n/64]>>(n%64)&1 == 1 }

func (s set) hasAny(numbers []uint32) bool {
	for _, n := range numbers {
		if s.has(n) {
			return true
		}
	}
	return false
}

func (s set) hasAll(numbers []uint32) bool {
	for _, n := range numbers {
		if !s.has(n) {
			return false
		}
	}
	return true
}

// members are the numbers of a set that does not change, held in the way that takes less room.
type members struct {
	few  []uint32
	many set
}

// packed returns list, of numbers below n, as members.
func packed(list []uint32, n int) members {
	if words := (n + 63) / 64; len(list) >= 2*words {
		many := make(set, words)
		for _, m := range list {
			many.add(m)
		}
		return members{many: many}
	}
	return members{few: list}
}

// addTo adds all members to s.
func (m members) addTo(s set) {
	for w, word := range m.many {
		s[w] |= word
	}
	for _, n := range m.few {
		s.add(n)
	}
}
