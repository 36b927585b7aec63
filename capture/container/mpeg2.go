package container

import "encoding/binary"

// Start codes of MPEG-2 video (ITU-T H.262, table 6-1).
const (
	codePicture   = 0x00
	codeLastSlice = 0xaf
	codeUser      = 0xb2
	codeSequence  = 0xb3
	codeExtension = 0xb5
	codeGroup     = 0xb8
)

// Extensions of MPEG-2 video (table 6-2).
const (
	extensionSequence = 1
	extensionDisplay  = 2
	extensionPicture  = 8
)

// Types of pictures (table 6-12).
const (
	typeI = 1
	typeB = 3
)

// classifyMPEG2 classes what follows a start code prefix. That by which a picture is known is its coding extension, or
// in its absence the first slice.
func classifyMPEG2(b []byte) nalKind {
	switch code := b[0]; {
	case code == codeSequence:
		return nalParams
	case code == codeExtension && len(b) > 1 && b[1]>>4 == extensionPicture, code > codePicture && code <= codeLastSlice:
		return nalSlice
	}
	return nalOther
}

// addMPEG2 takes what stands between two start codes. b need not be whole where it is what a picture is known by.
func (p *picture) addMPEG2(b []byte) {
	if len(b) == 0 {
		return
	}
	switch code := b[0]; {
	case code == codeSequence:
		p.set = append(append(p.set[:0], 0, 0, 1), b...)
	case len(p.set) > 0 && !p.begun && (code == codeExtension || code == codeUser):
		p.set = append(append(p.set, 0, 0, 1), b...)
	case code == codeGroup, code == codePicture:
		if len(p.set) > 0 && len(p.params) == 0 && len(p.set) <= maxParameterSet {
			p.params = append(p.params, p.set)
			p.learn(p.set)
		}
		if code == codePicture && len(b) >= 3 && !p.begun {
			v := binary.BigEndian.Uint16(b[1:])
			p.begun, p.field.number, p.kind = true, uint32(v>>6), v>>3&7
		}
	case p.begun && classifyMPEG2(b) == nalSlice:
		p.found = true
		p.key = p.kind == typeI && len(p.known) > 0
		p.reference = p.kind != typeB
		p.woven = true
		if code == codeExtension && len(b) >= 6 {
			p.field.parity = [...]parity{frame, topField, bottomField, frame}[b[3]&3]
			p.woven = b[5]&0x80 == 0 // progressive_frame
		}
	}
}

// sequenceMPEG2 reads a sequence header with its extensions (H.262 6.2.2.1, 6.2.2.3 and 6.2.2.4).
func sequenceMPEG2(set []byte) sequence {
	var s sequence
	aspect := 0
	var shown [2]int // display_horizontal_size and display_vertical_size
	for _, behind := startCode(set, 0); behind >= 0 && behind < len(set); _, behind = startCode(set, behind) {
		b := set[behind:]
		switch {
		case b[0] == codeSequence && len(b) >= 5:
			s.width, s.height = int(b[1])<<4|int(b[2])>>4, int(b[2]&15)<<8|int(b[3])
			aspect = int(b[4] >> 4)
		case b[0] != codeExtension || len(b) < 4:
		case b[1]>>4 == extensionSequence:
			s.interlaced = b[2]&8 == 0 // progressive_sequence
			s.width |= int(b[2]&1)<<13 | int(b[3]>>7)<<12
			s.height |= int(b[3]>>5&3) << 12
		case b[1]>>4 == extensionDisplay:
			b = b[2:]
			if set[behind+1]&1 != 0 && len(b) >= 3 { // colour_description
				s.primaries, s.transfer = int(b[0]), int(b[1])
				b = b[3:]
			}
			if len(b) >= 4 {
				v := int(binary.BigEndian.Uint32(b))
				shown = [2]int{v >> 18 & 0x3fff, v >> 3 & 0x3fff}
			}
		}
	}
	s.aspectWidth, s.aspectHeight = sampleAspect(aspect, s.width, s.height, shown)
	return s
}

// sampleAspect turns an aspect_ratio_information (table 6-3), whose ratio is as a rule that of the whole picture, into
// that of a sample. By the text it is that of the part to be shown, where one is given; encoders give one that has
// nothing to do with it, so it counts only where the whole picture then comes out at 4:3 or 16:9, as in ffmpeg.
func sampleAspect(code, width, height int, shown [2]int) (int, int) {
	ratio := [...][2]int{1: {1, 1}, {4, 3}, {16, 9}, {221, 100}}
	if code < 2 || code >= len(ratio) {
		return 1, 1
	}
	w, h := ratio[code][0], ratio[code][1]
	if shown[0] > 0 && shown[1] > 0 {
		x, y := w*shown[1]*width, h*shown[0]*height // of the whole picture
		if 3*x == 4*y || 9*x == 16*y {
			width, height = shown[0], shown[1]
		}
	}
	return w * height, h * width
}
