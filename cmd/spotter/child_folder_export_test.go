package main

// NewTemporary makes a folder for decoders in parent, and returns it with what removes it.
func NewTemporary(parent string) (path string, remove func() error, err error) {
	t, err := newTemporary(parent)
	if err != nil {
		return "", nil, err
	}
	return t.path, t.Close, nil
}
