package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"image/draw"
	_ "image/jpeg" // what a photo may be
	_ "image/png"
	"io"
	"os"

	scale "golang.org/x/image/draw"
	_ "golang.org/x/image/webp"

	"spotter/vision/local"
	"spotter/vision/local/gallery"
)

const (
	mostPhotoBytes  = 64 << 20
	mostPhotoPixels = 64 << 20
	// leastFace is how many pixels a face must be wide: three quarters of the 112 that the identity networks look at.
	leastFace = 80
	// leastSharpness is the least variance of the Laplacian of a face aligned to 112 pixels. Photos of the kit have 176
	// to 1989. With half their detail they have 29 to 67, and their embeddings are still similar to the sharp ones by
	// 0.90 to 0.96; with a third, 19 to 38 and 0.61 to 0.85.
	leastSharpness = 40
	// rivalFace is the width of a second face, in parts of the first, from which it is not clear who is meant. Smaller
	// ones are bystanders.
	rivalFace = 0.5
	// findSide is the longer side, in pixels, of the picture that faces are looked for in.
	findSide = 1280
	// padding is what a tight crop gets on each side, in parts of its own size: the networks know faces with some room
	// around them.
	padding = 0.5
	// alignedSide is the side of what the identity networks look at.
	alignedSide = 112
)

// photoFile is a file that may be a photo.
type photoFile struct {
	path, hash string
	content    []byte
}

func readPhoto(path string) (photoFile, error) {
	f, err := os.Open(path)
	if err != nil {
		return photoFile{}, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, mostPhotoBytes+1))
	if err != nil {
		return photoFile{}, err
	}
	if len(content) > mostPhotoBytes {
		return photoFile{}, fmt.Errorf("it is larger than %d MiB: shrink it", mostPhotoBytes>>20)
	}
	hash := sha256.Sum256(content)
	return photoFile{path: path, hash: hex.EncodeToString(hash[:]), content: content}, nil
}

// decode returns the photo upright.
func (p *photoFile) decode() (*image.RGBA, error) {
	shape, kind, err := image.DecodeConfig(bytes.NewReader(p.content))
	if errors.Is(err, image.ErrFormat) {
		return nil, errors.New("it is not a JPEG, PNG or WebP picture")
	}
	if err == nil && shape.Width*shape.Height > mostPhotoPixels {
		return nil, fmt.Errorf("%d by %d pixels are more than %d million: shrink it", shape.Width, shape.Height, mostPhotoPixels>>20)
	}
	var img image.Image
	if err == nil {
		img, _, err = image.Decode(bytes.NewReader(p.content))
	}
	if err != nil {
		return nil, fmt.Errorf("the %s picture is damaged: %w", kind, err)
	}
	upright := image.NewRGBA(image.Rectangle{Max: img.Bounds().Size()})
	draw.Draw(upright, upright.Rect, img, img.Bounds().Min, draw.Src)
	if kind == "jpeg" {
		upright = turn(upright, orientation(p.content))
	}
	return upright, nil
}

// enroller judges photos and turns them into what the gallery keeps.
type enroller struct {
	finder   local.FaceFinder
	identity *local.Identity
	model    gallery.Model
}

// portrait is a photo that is fit to recognise a person by.
type portrait struct {
	path  string
	width int // of the face, in pixels
	face  gallery.Face
}

// look judges a photo; an error says why it is unfit.
func (e *enroller) look(ctx context.Context, p photoFile) (portrait, error) {
	img, err := p.decode()
	if err != nil {
		return portrait{}, err
	}
	img, face, err := e.find(ctx, img)
	if err != nil {
		return portrait{}, err
	}
	width := int(pixelWidth(img, face))
	if width < leastFace {
		return portrait{}, fmt.Errorf("the face is %d pixels wide: at least %d are needed: take a larger photo", width, leastFace)
	}
	aligned, err := local.Align(img, face, alignedSide)
	if err != nil {
		return portrait{}, err
	}
	if s := local.Sharpness(aligned); s < leastSharpness {
		return portrait{}, fmt.Errorf("the face is blurred: its sharpness is %.0f, and at least %d is needed: take a sharper photo", s, leastSharpness)
	}
	embedding, err := e.identity.Embed(ctx, aligned)
	if err != nil {
		return portrait{}, err
	}
	return portrait{p.path, width, gallery.Face{Model: e.model.Name, Version: e.model.Version, Photo: p.hash, Embedding: embedding}}, nil
}

// find returns the face that a photo is of, and the photo that its place refers to: one that shows no face is tried
// again with room around it.
func (e *enroller) find(ctx context.Context, img *image.RGBA) (*image.RGBA, local.Face, error) {
	faces, err := e.finder.Find(ctx, shrink(img, findSide))
	if err == nil && len(faces) == 0 {
		img = pad(img)
		faces, err = e.finder.Find(ctx, shrink(img, findSide))
	}
	if err != nil {
		return nil, local.Face{}, err
	}
	if len(faces) == 0 {
		return nil, local.Face{}, errors.New("no face was found: take a photo from the front in which the whole face is to be seen")
	}
	largest := faces[0]
	for _, f := range faces {
		if pixelWidth(img, f) > pixelWidth(img, largest) {
			largest = f
		}
	}
	rivals := 0
	for _, f := range faces {
		if pixelWidth(img, f) >= rivalFace*pixelWidth(img, largest) {
			rivals++
		}
	}
	if rivals > 1 {
		return nil, local.Face{}, fmt.Errorf("there are %d faces, and it is not clear who is meant: crop it to one", rivals)
	}
	return img, largest, nil
}

// pixelWidth returns the width of a face in pixels of its picture, or the height of one that is higher than wide.
func pixelWidth(img *image.RGBA, f local.Face) float64 {
	return min(f.Box.Width*float64(img.Rect.Dx()), f.Box.Height*float64(img.Rect.Dy()))
}

// shrink returns a picture with a longer side of at most the given pixels.
func shrink(img *image.RGBA, side int) *image.RGBA {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	long := max(w, h)
	if long <= side {
		return img
	}
	to := image.NewRGBA(image.Rect(0, 0, max(1, w*side/long), max(1, h*side/long)))
	scale.BiLinear.Scale(to, to.Rect, img, img.Rect, scale.Src, nil)
	return to
}

// pad returns a picture with black room around it.
func pad(img *image.RGBA) *image.RGBA {
	dx, dy := int(padding*float64(img.Rect.Dx())), int(padding*float64(img.Rect.Dy()))
	to := image.NewRGBA(image.Rect(0, 0, img.Rect.Dx()+2*dx, img.Rect.Dy()+2*dy))
	draw.Draw(to, to.Rect, image.Black, image.Point{}, draw.Src)
	draw.Draw(to, img.Rect.Sub(img.Rect.Min).Add(image.Pt(dx, dy)), img, img.Rect.Min, draw.Src)
	return to
}
