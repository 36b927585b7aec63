package main

import (
	"bytes"
	"encoding/binary"
	"image"
)

// orientation returns how a JPEG is to be turned to stand upright, 1 to 8 by the tag Orientation of its EXIF (CIPA
// DC-008 section 4.6.4 A); 1, as it is, where it does not say.
func orientation(jpeg []byte) int {
	for at := 2; at+4 <= len(jpeg) && jpeg[at] == 0xff; {
		kind, size := jpeg[at+1], int(binary.BigEndian.Uint16(jpeg[at+2:]))
		if kind == 0xda || at+2+size > len(jpeg) { // the picture itself begins
			break
		}
		if segment := jpeg[min(at+4, at+2+size) : at+2+size]; kind == 0xe1 && bytes.HasPrefix(segment, []byte("Exif\x00\x00")) {
			return exifOrientation(segment[6:])
		}
		at += 2 + size
	}
	return 1
}

// exifOrientation reads the tag from the TIFF file that EXIF is.
func exifOrientation(tiff []byte) int {
	var order binary.ByteOrder = binary.BigEndian
	if bytes.HasPrefix(tiff, []byte("II")) {
		order = binary.LittleEndian
	}
	if len(tiff) < 8 {
		return 1
	}
	first := int64(order.Uint32(tiff[4:]))
	if first+2 > int64(len(tiff)) {
		return 1
	}
	entries := tiff[first+2:]
	for range order.Uint16(tiff[first:]) {
		if len(entries) < 12 {
			break
		}
		const tag, short = 0x0112, 3
		if order.Uint16(entries) == tag && order.Uint16(entries[2:]) == short {
			if o := int(order.Uint16(entries[8:])); o >= 1 && o <= 8 {
				return o
			}
			break
		}
		entries = entries[12:]
	}
	return 1
}

// turn returns a picture as its orientation says it is to be seen.
func turn(img *image.RGBA, orientation int) *image.RGBA {
	if orientation < 2 || orientation > 8 {
		return img
	}
	w, h := img.Rect.Dx(), img.Rect.Dy()
	to := image.NewRGBA(image.Rect(0, 0, w, h))
	if orientation >= 5 {
		to = image.NewRGBA(image.Rect(0, 0, h, w))
	}
	for y := range to.Rect.Dy() {
		for x := range to.Rect.Dx() {
			u, v := x, y
			if orientation >= 5 { // rows and columns change places
				u, v = y, x
			}
			if orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8 {
				u = w - 1 - u
			}
			if orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7 {
				v = h - 1 - v
			}
			copy(to.Pix[to.PixOffset(x, y):][:4], img.Pix[img.PixOffset(img.Rect.Min.X+u, img.Rect.Min.Y+v):][:4])
		}
	}
	return to
}
