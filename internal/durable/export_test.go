package durable

// Written returns up to where the file was written before the last commit, in bytes.
func (d *DB) Written() int64 {
	d.writing.Lock()
	defer d.writing.Unlock()
	return d.filled
}
