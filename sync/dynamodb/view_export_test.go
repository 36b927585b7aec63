package dynamodb

// Held returns how much the view holds: the weight of its chunks and of its snapshots.
func (v *View) Held() (chunks, snapshots int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.slots.weight, v.joined.weight
}
