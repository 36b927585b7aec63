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
)

const (
	mostPhotoBytes  = 64 << 20
	mostPhotoPixels = 64_000_000
	// padSide is the longer side, in pixels, of a picture that gets room around it: larger ones take memory for nothing.
	padSide = 2560
	// findSide is the longer side, in pixels, of the picture that faces are looked for in.
	findSide = 1280
	// padding is what a tight crop gets on each side, in parts of its own size: the networks know faces with some room
	// around them.
	padding = 0.5
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
	return newPhoto(path, content), nil
}

// newPhoto returns what may be a photo, under what it is called in messages.
func newPhoto(path string, content []byte) photoFile {
	hash := sha256.Sum256(content)
	return photoFile{path: path, hash: hex.EncodeToString(hash[:]), content: content}
}

// unfit is why a photo cannot be used, in words for whoever took it.
type unfit string

func (u unfit) Error() string { return string(u) }

// decode returns the photo upright. It has at most so many pixels, and is given up when ctx is done.
func (p *photoFile) decode(ctx context.Context, most int) (*image.RGBA, error) {
	shape, kind, err := image.DecodeConfig(bytes.NewReader(p.content))
	if errors.Is(err, image.ErrFormat) {
		return nil, unfit("it is not a JPEG, PNG or WebP picture")
	}
	if err == nil && shape.Width*shape.Height > most {
		return nil, unfit(fmt.Sprintf("%d by %d pixels are more than %d million: shrink it", shape.Width, shape.Height, most/1_000_000))
	}
	var img image.Image
	if err == nil {
		img, _, err = image.Decode(patient(ctx, p.content))
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, unfit(fmt.Sprintf("the %s picture is damaged: %v", kind, err))
	}
	upright := image.NewRGBA(image.Rectangle{Max: img.Bounds().Size()})
	draw.Draw(upright, upright.Rect, img, img.Bounds().Min, draw.Src)
	if kind == "jpeg" {
		upright = turn(upright, orientation(p.content))
	}
	return upright, nil
}

// readFunc is an io.Reader.
type readFunc func([]byte) (int, error)

func (f readFunc) Read(b []byte) (int, error) { return f(b) }

// patient reads b until ctx is done. A JPEG of a few bytes each for very many scans takes minutes to decode.
func patient(ctx context.Context, b []byte) io.Reader {
	r := bytes.NewReader(b)
	return readFunc(func(to []byte) (int, error) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		return r.Read(to)
	})
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
