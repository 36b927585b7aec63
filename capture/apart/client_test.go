package apart_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"image"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/capture"
	"spotter/capture/apart"
	"spotter/capture/apart/wire"
	"spotter/timeline"
	"spotter/vision"
)

// fake is a child in this process. It ends when it is killed or closes its socket.
type fake struct {
	ours net.Conn
	done chan struct{}

	mu  sync.Mutex
	why error
}

// newFake starts a child that answers the setup, and then every request as answer does.
func newFake(answer func(w io.Writer, id uint32)) *fake {
	ours, theirs := net.Pipe()
	f := &fake{ours: ours, done: make(chan struct{})}
	go func() {
		defer close(f.done)
		defer theirs.Close()
		id, err := request(theirs)
		if err != nil || say(theirs, apart.KindDone, id, nil) != nil {
			return
		}
		for {
			id, err := request(theirs)
			if err != nil {
				return
			}
			answer(theirs, id)
		}
	}()
	return f
}

// request reads one message of the parent.
func request(r io.Reader) (id uint32, err error) {
	var h [9]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return 0, err
	}
	_, err = io.CopyN(io.Discard, r, int64(binary.BigEndian.Uint32(h[:])))
	return binary.BigEndian.Uint32(h[5:]), err
}

// say writes a message as a child does.
func say(w io.Writer, kind uint8, id uint32, payload []byte) error {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(payload)))
	b = binary.BigEndian.AppendUint32(append(b, kind), id)
	_, err := w.Write(append(b, payload...))
	return err
}

func (f *fake) Conn() net.Conn        { return f.ours }
func (f *fake) Served()               {}
func (f *fake) Done() <-chan struct{} { return f.done }

func (f *fake) Kill(why error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.why == nil {
		f.why = why
	}
	_ = f.ours.Close()
}

func (f *fake) Err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.why == nil {
		return errors.New("ended by itself")
	}
	return f.why
}

var oneJob = capture.Job{Runs: []capture.Run{{Pictures: []capture.Picture{{PTS: 1, At: 1000}, {PTS: 2, At: 2000}}}}}

type yes struct{}

func (yes) Admit(context.Context, timeline.Position, *image.RGBA) bool { return true }

// look is a child's picture of 2x1 pixels, without a sight.
func look(at int64, pixels int) []byte {
	meta := append(wire.AppendInt(nil, at), 2, 1, 0)
	b := binary.BigEndian.AppendUint32(nil, uint32(len(meta)))
	return append(append(b, meta...), make([]byte, 4*pixels)...)
}

func TestNonsenseEndsTheChild(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer func(w io.Writer, id uint32)
	}{
		{"no such kind", func(w io.Writer, id uint32) { _ = say(w, 99, id, []byte{1}) }},
		{"an answer that nobody asked for", func(w io.Writer, _ uint32) { _ = say(w, apart.KindDone, 77, nil) }},
		{"a length beyond any", func(w io.Writer, id uint32) {
			b := binary.BigEndian.AppendUint32(nil, 1<<31)
			_, _ = w.Write(binary.BigEndian.AppendUint32(append(b, apart.KindLook), id))
		}},
		{"a frame that nobody wants", func(w io.Writer, id uint32) {
			_ = say(w, apart.KindFrame, id, []byte{0, 0, 0, 2, 1, 1, 0xff, 0xd8, 0, 0})
		}},
		{"a picture that nobody wants", func(w io.Writer, id uint32) { _ = say(w, apart.KindLook, id, look(5, 2)) }},
		{"a picture of another size", func(w io.Writer, id uint32) { _ = say(w, apart.KindLook, id, look(1000, 3)) }},
		{"a picture of nothing", func(w io.Writer, id uint32) { _ = say(w, apart.KindLook, id, nil) }},
		{"looks without end", func(w io.Writer, id uint32) {
			for say(w, apart.KindLook, id, look(1000, 2)) == nil {
			}
		}},
		{"beats without end", func(w io.Writer, id uint32) {
			for say(w, apart.KindBeat, id, nil) == nil {
			}
		}},
		{"half a message", func(w io.Writer, id uint32) {
			_ = say(w, apart.KindLook, id, look(1000, 2)[:3])
			_ = w.(io.Closer).Close()
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			started := 0
			c := apart.NewClientOf(apart.ClientOptions{}, func(context.Context) (apart.Child, error) {
				started++
				return newFake(tt.answer), nil
			}, func() error { return nil })
			err := c.Decode(t.Context(), oneJob, yes{}, func(apart.Sample) error { return nil })
			if !errors.Is(err, capture.ErrDecoder) || started != 2 {
				t.Errorf("%d children, %v", started, err)
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestNewChildThatOpensOtherThingsIsRefused(t *testing.T) {
	greetings := [][]byte{[]byte("onnx"), []byte("classic")}
	c := apart.NewClientOf(apart.ClientOptions{}, func(context.Context) (apart.Child, error) {
		ours, theirs := net.Pipe()
		f := &fake{ours: ours, done: make(chan struct{})}
		go func() {
			defer close(f.done)
			defer theirs.Close()
			if id, err := request(theirs); err == nil {
				_ = say(theirs, apart.KindDone, id, greetings[0])
			}
			greetings = greetings[1:]
			_, _ = request(theirs)
		}()
		return f, nil
	}, func() error { return nil })
	if b, err := c.Greeting(t.Context()); err != nil || string(b) != "onnx" {
		t.Fatal(string(b), err)
	}
	err := c.Decode(t.Context(), oneJob, yes{}, func(apart.Sample) error { return nil })
	if !errors.Is(err, apart.ErrChanged) || !errors.Is(err, capture.ErrDecoder) {
		t.Error(err)
	}
}

// TestChildThatEndsAtItsStartCostsNoSegment: of a child that was killed while it opened its models, the segment that waited for it
// was lost, without another try.
func TestChildThatEndsAtItsStartCostsNoSegment(t *testing.T) {
	for _, tt := range []struct{ dead, started int }{{0, 1}, {1, 2}, {9, 2}} {
		started := 0
		var last *fake
		c := apart.NewClientOf(apart.ClientOptions{}, func(context.Context) (apart.Child, error) {
			last = newFake(func(w io.Writer, id uint32) { _ = say(w, apart.KindDone, id, nil) })
			if started++; started <= tt.dead {
				last.Kill(errors.New("killed at its start"))
			}
			return last, nil
		}, func() error { last.Kill(apart.ErrClosed); return nil })
		err := c.Decode(t.Context(), oneJob, yes{}, func(apart.Sample) error { return nil })
		if lost := tt.dead > 1; lost != errors.Is(err, capture.ErrDecoder) || !lost && err != nil || started != tt.started {
			t.Errorf("%d die at their start: %d children, %v", tt.dead, started, err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestSightGoesOverTheWire(t *testing.T) {
	want := vision.Sight{
		Objects: []timeline.Entity{vision.Object("Car", 90), vision.Object("Person", 50)},
		Faces: []vision.Face{
			{Box: vision.Box{Left: -0.1, Top: 0.2, Width: 0.3, Height: 0.4}, Confidence: 99, Sharpness: 120, Embedding: []float32{0.5, -0.5}},
			{Confidence: 60},
		},
		Places: []vision.Place{{Name: "Car", Confidence: 90, Box: vision.Box{Left: 0.5, Top: -0.1, Width: 0.25, Height: 0.5}}},
	}
	b := apart.AppendSight(nil, &want)
	got, err := apart.ReadSight(b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for n := range len(b) {
		if _, err := apart.ReadSight(b[:n]); err == nil {
			t.Errorf("%d of %d bytes were believed", n, len(b))
		}
	}
	hostile := vision.Sight{Objects: []timeline.Entity{{Name: "\x1b[2J", Confidence: 1}}}
	if _, err := apart.ReadSight(apart.AppendSight(nil, &hostile)); !errors.Is(err, wire.ErrMalformed) {
		t.Error(err)
	}
}

// FuzzFromChild has what a child says read by its parent.
func FuzzFromChild(f *testing.F) {
	f.Add(look(1000, 2))
	f.Add([]byte{0, 0, 0, 2, 1, 1, 0xff, 0xd8, 0, 0})
	f.Add(apart.AppendSight(nil, &vision.Sight{Objects: []timeline.Entity{vision.Object("Car", 90)}, Faces: []vision.Face{{Embedding: []float32{1}}}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := apart.ReadLook(b); err == nil && len(p.Small.Pix) != 4*p.Small.Rect.Dx()*p.Small.Rect.Dy() {
			t.Error("a picture that is none")
		}
		_ = apart.ReadFrame(b)
		if s, err := apart.ReadSight(b); err == nil {
			if again, err := apart.ReadSight(apart.AppendSight(nil, &s)); err != nil || !cmp.Equal(s, again) {
				t.Error("what was read cannot be written", err)
			}
		}
		// All that a child says after its greeting, as it comes.
		c := apart.NewClientOf(apart.ClientOptions{}, func(context.Context) (apart.Child, error) {
			return newFake(func(w io.Writer, _ uint32) {
				_, _ = io.Copy(w, bytes.NewReader(b))
				_ = w.(io.Closer).Close()
			}), nil
		}, func() error { return nil })
		_ = c.Decode(t.Context(), oneJob, yes{}, func(apart.Sample) error { return nil })
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
}
