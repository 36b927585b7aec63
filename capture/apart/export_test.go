package apart

import (
	"context"
	"net"
	"time"

	"spotter/capture/apart/wire"
	"spotter/vision"
)

// Child is a child for tests that have none.
type Child interface {
	Conn() net.Conn
	Served()
	Kill(why error)
	Done() <-chan struct{}
	Err() error
}

// NewClientOf returns a client of the children that get gives.
func NewClientOf(o ClientOptions, get func(context.Context) (Child, error), closing func() error) *Client {
	return newClient(o, func(ctx context.Context) (child, error) { return get(ctx) }, closing)
}

// Kinds of messages, for children that talk nonsense.
const (
	KindBeat  = uint8(kindBeat)
	KindLook  = uint8(kindLook)
	KindFrame = uint8(kindFrame)
	KindDone  = uint8(kindDone)
)

// ReadLook, ReadFrame and ReadSight read a payload as the parent does.
func ReadLook(b []byte) (*vision.Picture, error) {
	x, err := readLook(message{payload: b})
	if err != nil {
		return nil, err
	}
	return &vision.Picture{Small: x.small, At: x.at, Sight: x.sight}, nil
}

func ReadFrame(b []byte) error {
	_, err := readFrame(message{payload: b}, 0, nil)
	return err
}

func ReadSight(b []byte) (vision.Sight, error) {
	r := wire.NewReader(b)
	s := readSight(r)
	return s, r.End()
}

func AppendSight(b []byte, s *vision.Sight) []byte { return appendSight(b, s) }

// PauseAfter is how long a Keeper waits after so many children in a row that were of no use.
func PauseAfter(useless int) time.Duration { return pauseAfter(useless) }
