package apart

import (
	"image"
	"math"
	"slices"
	"unicode"
	"unicode/utf8"

	"spotter/capture"
	"spotter/capture/apart/wire"
	"spotter/timeline"
	"spotter/vision"
)

// What a child may see in one picture.
const (
	maxObjects   = 1 << 10
	maxFaces     = 1 << 10
	maxName      = 128  // bytes of an object's name
	maxEmbedding = 1024 // numbers
	maxFullSide  = 1 << 16
)

// appendSight appends what models see. Names are not given to faces there.
func appendSight(b []byte, s *vision.Sight) []byte {
	b = wire.AppendUint(b, len(s.Objects))
	for _, o := range s.Objects {
		b = wire.AppendFloat(wire.AppendBytes(b, o.Name), o.Confidence)
	}
	b = wire.AppendUint(b, len(s.Faces))
	for _, f := range s.Faces {
		for _, v := range []float64{f.Box.Left, f.Box.Top, f.Box.Width, f.Box.Height, f.Confidence, f.Sharpness} {
			b = wire.AppendFloat(b, v)
		}
		b = wire.AppendUint(b, len(f.Embedding))
		for _, v := range f.Embedding {
			b = wire.AppendFloat32(b, v)
		}
	}
	b = wire.AppendUint(b, len(s.Places))
	for _, p := range s.Places {
		b = wire.AppendBytes(b, p.Name)
		for _, v := range []float64{p.Confidence, p.Box.Left, p.Box.Top, p.Box.Width, p.Box.Height} {
			b = wire.AppendFloat(b, v)
		}
	}
	return b
}

// readSight reads what appendSight wrote.
func readSight(r *wire.Reader) (s vision.Sight) {
	for range r.Count(maxObjects, 9) {
		s.Objects = append(s.Objects, vision.Object(readName(r), r.Float(0, 100)))
	}
	for range r.Count(maxFaces, 49) {
		f := vision.Face{
			Box:        readBox(r),
			Confidence: r.Float(0, 100), Sharpness: r.Float(0, math.MaxFloat32),
		}
		if n := r.Count(maxEmbedding, 4); n > 0 {
			f.Embedding = make([]float32, n)
			for i := range f.Embedding {
				f.Embedding[i] = r.Float32(-2, 2)
			}
		}
		s.Faces = append(s.Faces, f)
	}
	for range r.Count(maxObjects, 41) {
		s.Places = append(s.Places, vision.Place{Name: readName(r), Confidence: r.Float(0, 100), Box: readBox(r)})
	}
	return s
}

func readName(r *wire.Reader) string {
	name := string(r.Bytes(maxName))
	if r.Err() == nil && !printable(name) {
		r.Fail("a name that cannot be printed")
	}
	return name
}

// readBox reads where something is. It may lie partly outside the picture.
func readBox(r *wire.Reader) vision.Box {
	const far = 16
	return vision.Box{Left: r.Float(-far, far), Top: r.Float(-far, far), Width: r.Float(0, far), Height: r.Float(0, far)}
}

func printable(name string) bool {
	for _, c := range name {
		if !unicode.IsPrint(c) {
			return false
		}
	}
	return name != "" && utf8.ValidString(name)
}

// sighted is what models see in a picture, or why they see nothing; neither where none look at every picture.
type sighted struct {
	sight *vision.Sight
	err   error
}

const (
	sightNone = iota
	sightSeen
	sightFailed
)

func appendSighted(b []byte, s sighted) []byte {
	switch {
	case s.err != nil:
		return appendFailure(wire.AppendUint(b, sightFailed), s.err)
	case s.sight != nil:
		return appendSight(wire.AppendUint(b, sightSeen), s.sight)
	}
	return wire.AppendUint(b, sightNone)
}

func readSighted(r *wire.Reader) (s sighted) {
	switch r.Uint(sightFailed) {
	case sightSeen:
		x := readSight(r)
		s.sight = &x
	case sightFailed:
		s.err = readFailure(r)
	}
	return s
}

// shown is a small picture that waits for its verdict.
type shown struct {
	at    timeline.Position
	small *image.RGBA // in the message's memory
	sighted
}

func appendLook(b []byte, at timeline.Position, small *image.RGBA, s sighted) []byte {
	b = wire.AppendInt(b, int64(at))
	b = wire.AppendUint(b, small.Rect.Dx())
	b = wire.AppendUint(b, small.Rect.Dy())
	return appendSighted(b, s)
}

func readLook(m message) (*shown, error) {
	r, pix := m.open()
	x := &shown{at: timeline.Position(r.Int(math.MaxInt64))}
	w, h := r.Size(maxSmallSide), r.Size(maxSmallSide)
	x.sighted = readSighted(r)
	if w*h == 0 || len(pix) != 4*w*h {
		r.Fail("a picture of another size than it says")
	}
	x.small = &image.RGBA{Pix: pix, Stride: 4 * w, Rect: image.Rect(0, 0, w, h)}
	return x, r.End()
}

func appendFrame(b []byte, f *capture.Frame) []byte {
	return wire.AppendUint(wire.AppendUint(b, f.Width), f.Height)
}

// readFrame reads the full picture that small was made of. The JPEG stays in the message's memory.
func readFrame(m message, at timeline.Position, small *image.RGBA) (*capture.Frame, error) {
	r, jpeg := m.open()
	f := &capture.Frame{Position: at, Width: r.Size(maxFullSide), Height: r.Size(maxFullSide), Small: small, JPEG: jpeg}
	if f.Width*f.Height == 0 || len(jpeg) < 4 || jpeg[0] != 0xff || jpeg[1] != 0xd8 {
		r.Fail("a frame that is no JPEG")
	}
	return f, r.End()
}

// tight returns the picture's pixels without gaps.
func tight(m *image.RGBA) []byte {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	if m.Stride == 4*w && len(m.Pix) >= 4*w*h {
		return m.Pix[:4*w*h]
	}
	out := make([]byte, 0, 4*w*h)
	for y := m.Rect.Min.Y; y < m.Rect.Max.Y; y++ {
		out = append(out, m.Pix[m.PixOffset(m.Rect.Min.X, y):][:4*w]...)
	}
	return out
}

func keep(m *image.RGBA) *image.RGBA {
	out := *m
	out.Pix = slices.Clone(m.Pix)
	return &out
}

// appendPicture appends what is said of a picture whose pixels and JPEG follow.
func appendPicture(b []byte, p *vision.Picture, pix []byte) []byte {
	var size image.Point
	if p.Small != nil {
		size = p.Small.Rect.Size()
	}
	for _, v := range []int{size.X, size.Y, p.Width, p.Height, len(pix)} {
		b = wire.AppendUint(b, v)
	}
	return wire.AppendInt(b, int64(p.At))
}

// readPicture reads a picture; it stays in the message's memory.
func readPicture(m message) (p vision.Picture, err error) {
	r, parts := m.open()
	w, h := r.Size(maxFullSide), r.Size(maxFullSide)
	p.Width, p.Height = r.Size(1<<30), r.Size(1<<30)
	n := r.Size(len(parts))
	p.At = timeline.Position(r.Int(math.MaxInt64))
	if n != 4*w*h {
		r.Fail("a picture of another size than it says")
	}
	if err := r.End(); err != nil {
		return p, err
	}
	if n > 0 {
		p.Small = &image.RGBA{Pix: parts[:n:n], Stride: 4 * w, Rect: image.Rect(0, 0, w, h)}
	}
	if len(parts) > n {
		p.JPEG = parts[n:]
	}
	return p, nil
}
