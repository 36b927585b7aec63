package capture_test

import (
	"encoding/binary"
	"time"

	"spotter/capture"
	"spotter/capture/playlist"
	"spotter/timeline"
)

// Cues as playlists have them.
var cueIn = playlist.Cue{Kind: playlist.CueIn}

func cueOut(planned time.Duration) playlist.Cue {
	return playlist.Cue{Kind: playlist.CueOut, Duration: planned}
}

func cueOn(elapsed, planned time.Duration) playlist.Cue {
	return playlist.Cue{Kind: playlist.CueContinue, Elapsed: elapsed, Duration: planned}
}

// section makes a splice_info_section of a command and raw descriptors.
func section(command byte, body []byte, descriptors ...byte) []byte {
	b := []byte{0xfc, 0x30, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xf0, byte(len(body)), command}
	b = append(b, body...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(descriptors)))
	b = append(b, descriptors...)
	b[2] = byte(len(b) + 4 - 3)
	crc := ^uint32(0)
	for _, c := range b {
		crc ^= uint32(c) << 24
		for range 8 {
			crc = crc<<1 ^ crc>>31*0x04c11db7
		}
	}
	return binary.BigEndian.AppendUint32(b, crc)
}

func spliceTime(at timeline.Position) []byte {
	if at < 0 {
		return nil
	}
	return append([]byte{0xfe}, binary.BigEndian.AppendUint32(nil, uint32(at*90))...)
}

// insert makes a splice_insert; at -1 it is one that takes effect at once, and planned 0 says nothing.
func insert(id uint32, out bool, at, planned timeline.Position) []byte {
	flags := byte(0x4f)
	if out {
		flags |= 0x80
	}
	if planned > 0 {
		flags |= 0x20
	}
	if at < 0 {
		flags |= 0x10
	}
	body := append(binary.BigEndian.AppendUint32(nil, id), 0x7f, flags)
	body = append(body, spliceTime(at)...)
	if planned > 0 {
		body = append(append(body, 0xfe), binary.BigEndian.AppendUint32(nil, uint32(planned*90))...)
	}
	return section(5, append(body, 0, 1, 1, 1))
}

func cancelInsert(id uint32) []byte {
	return section(5, append(binary.BigEndian.AppendUint32(nil, id), 0xff))
}

// signal makes a time_signal of segmentations, each an id and a type.
func signal(at timeline.Position, segmentations ...uint32) []byte {
	var d []byte
	for i := 0; i < len(segmentations); i += 2 {
		d = append(d, 2, 15, 'C', 'U', 'E', 'I')
		d = binary.BigEndian.AppendUint32(d, segmentations[i])
		d = append(d, 0x7f, 0xbf, 0, 0, byte(segmentations[i+1]), 1, 1)
	}
	return section(6, spliceTime(at), d...)
}

// dateRange makes an EXT-X-DATERANGE with SCTE35-OUT; lengths below 0 are not said.
func dateRange(id string, from, length, planned timeline.Position) playlist.DateRange {
	return playlist.DateRange{
		ID: id, Start: capture.Epoch.Add(from.Duration()), Duration: length.Duration(), Planned: planned.Duration(), Out: []byte{0xfc},
	}
}
