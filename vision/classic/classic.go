//go:build !nocv

package classic

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"path/filepath"
	"slices"

	"gocv.io/x/gocv"

	"spotter/timeline"
	"spotter/vision"
)

// detector is one cascade file and the parameters for it, which were measured on the small picture: 80 frames of
// OpenCV's vtest.avi with people in each, and 33 of its example stills with nobody in them. Equalising the histogram
// first found less and accused more; pictures of 768 pixels found no more and took 1.4 times as long.
type detector struct {
	label string
	file  string
	// scale is the step from one size looked at to the next. 1.05 takes twice as long as 1.1 and, at equal recall,
	// accuses as many stills.
	scale float64
	// least is the smallest thing looked for, in pixels.
	least image.Point
	// hits is how many raw hits have to agree that a thing is there.
	hits int
}

// frontalface_alt2 at 7 hits: no still accused (frontalface_default: 4), the faces of press photos make 12 to 83 hits.
// fullbody at 6 hits: people in 94 % of the frames, one still accused (a number plate), and 0 of 40 frames of
// bottles on a table; at 5 hits 97 %, one, and 5 of 40.
func detectors() []detector {
	return []detector{
		{label: "Face", file: "haarcascade_frontalface_alt2.xml", scale: 1.1, least: image.Pt(24, 24), hits: 7},
		{label: "Person", file: "haarcascade_fullbody.xml", scale: 1.1, least: image.Pt(18, 36), hits: 6},
	}
}

// A cascade gives no probability. The confidence says how far the number of agreeing hits is above the least: 50 at
// the least, one more for each further hit, up to 80. It stays below what a cloud or a neural model says when sure.
const (
	leastConfidence = 50
	mostConfidence  = 80
)

// minSide is the smallest side of a picture worth a look, in pixels: a cascade's window does not fit below.
const minSide = 28

var errClosed = errors.New("recogniser is closed")

type loaded struct {
	detector
	cascade gocv.CascadeClassifier
}

// Recognizer finds faces and people. It implements vision.Recognizer. A cascade serves one goroutine at a time; others
// wait for it, or for their context.
type Recognizer struct {
	// turn holds the cascades while nobody uses them; nil after Close.
	turn chan []*loaded
}

// New loads the cascades of a folder such as DefaultFolder. Close frees them. Missing or unreadable files fail with
// vision.ErrPermanent.
func New(folder string) (*Recognizer, error) {
	var cascades []*loaded
	for _, d := range detectors() {
		path := filepath.Join(folder, d.file)
		c := &loaded{detector: d, cascade: gocv.NewCascadeClassifier()}
		cascades = append(cascades, c)
		if err := load(&c.cascade, path); err != nil {
			free(cascades)
			return nil, fmt.Errorf("load cascade: %w: %w: install opencv-data", vision.ErrPermanent, err)
		}
	}
	r := &Recognizer{turn: make(chan []*loaded, 1)}
	r.turn <- cascades
	return r, nil
}

func free(cascades []*loaded) {
	for _, c := range cascades {
		_ = c.cascade.Close() // always nil
	}
}

// Close waits for the call in progress and frees the cascades. Later calls fail with vision.ErrPermanent.
func (r *Recognizer) Close() error {
	free(<-r.turn)
	r.turn <- nil
	return nil
}

// Recognize looks for faces and people in the small picture. A face is a person too. An empty picture fails with
// vision.ErrPicture; one too small to show anything is an empty answer.
func (r *Recognizer) Recognize(ctx context.Context, p vision.Picture) (vision.Answer, error) {
	if err := ctx.Err(); err != nil {
		return vision.Answer{}, fmt.Errorf("find faces: %w", err)
	}
	answer := vision.Answer{Source: timeline.SourceClassic}
	if p.Small == nil || p.Small.Rect.Empty() {
		return vision.Answer{}, fmt.Errorf("find faces: %w: it is empty", vision.ErrPicture)
	}
	size := p.Small.Rect.Size()
	if size.X < minSide || size.Y < minSide {
		return answer, nil
	}
	pixels := gray(p.Small)

	select {
	case cascades := <-r.turn:
		defer func() { r.turn <- cascades }()
		if cascades == nil {
			return vision.Answer{}, fmt.Errorf("find faces: %w: %w", vision.ErrPermanent, errClosed)
		}
		found, err := detect(ctx, cascades, pixels, size)
		if err != nil {
			return vision.Answer{}, fmt.Errorf("find faces: %w", err)
		}
		answer.Objects = found
		return answer, nil
	case <-ctx.Done():
		return vision.Answer{}, fmt.Errorf("find faces: %w", ctx.Err())
	}
}

func detect(ctx context.Context, cascades []*loaded, pixels []byte, size image.Point) ([]timeline.Entity, error) {
	m, err := gocv.NewMatFromBytes(size.Y, size.X, gocv.MatTypeCV8U, pixels) // borrows pixels until Close
	if err != nil {
		return nil, err
	}
	defer func() { _ = m.Close() }() // always nil; keeps m, and with it pixels, alive
	confidence := make(map[string]float64)
	for _, c := range cascades {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		// With no neighbours wanted OpenCV gives the raw hits, which tell more than the groups it makes of them.
		hits := agreement(c.cascade.DetectMultiScaleWithParams(m, c.scale, 0, 0, c.least, image.Point{}))
		if hits >= c.hits {
			confidence[c.label] = min(leastConfidence+float64(hits-c.hits), mostConfidence)
		}
	}
	if face, ok := confidence["Face"]; ok {
		confidence["Person"] = max(confidence["Person"], face)
	}
	var found []timeline.Entity
	for label, c := range confidence {
		found = append(found, vision.Object(label, c))
	}
	slices.SortFunc(found, func(a, b timeline.Entity) int {
		return cmp.Or(cmp.Compare(b.Confidence, a.Confidence), cmp.Compare(a.Name, b.Name))
	})
	return found, nil
}

// gray returns the picture's brightness row by row, with the weights of ITU-R BT.601, section 2.5.1, as OpenCV takes it.
func gray(p *image.RGBA) []byte {
	size := p.Rect.Size()
	out := make([]byte, 0, size.X*size.Y)
	for y := p.Rect.Min.Y; y < p.Rect.Max.Y; y++ {
		row := p.Pix[p.PixOffset(p.Rect.Min.X, y):][:4*size.X]
		for ; len(row) >= 4; row = row[4:] {
			out = append(out, byte((299*uint32(row[0])+587*uint32(row[1])+114*uint32(row[2])+500)/1000))
		}
	}
	return out
}
