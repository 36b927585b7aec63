package apart

import (
	"errors"

	"spotter/capture/apart/wire"
	"spotter/capture/container"
	"spotter/vision"
)

// maxWords bounds an error's text, in bytes.
const maxWords = 1 << 10

// kept returns the errors that stay what they are on the way between the processes, the narrower first. Their places are
// part of the protocol, which only one version of the program speaks with itself.
func kept() []error {
	return []error{
		container.ErrNoVideo, container.ErrCodec, container.ErrEncrypted, container.ErrFormat, container.ErrEmpty,
		ErrDecode, vision.ErrPicture, vision.ErrPermanent,
	}
}

// failure is an error that was met in the other process.
type failure struct {
	words string
	is    error
}

func (f *failure) Error() string { return f.words }

// Unwrap returns the error of ours that it was there; nil for none.
func (f *failure) Unwrap() error { return f.is }

func appendFailure(b []byte, err error) []byte {
	is := 0
	for i, k := range kept() {
		if errors.Is(err, k) {
			is = i + 1
			break
		}
	}
	words := err.Error()
	return wire.AppendBytes(wire.AppendUint(b, is), words[:min(len(words), maxWords)])
}

// readFailure reads an error. What it says is made fit for a log and for the API.
func readFailure(r *wire.Reader) error {
	list := kept()
	f := &failure{}
	if i := r.Size(len(list)); i > 0 {
		f.is = list[i-1]
	}
	f.words = clean(string(r.Bytes(maxWords)))
	return f
}
