package container

import (
	"cmp"
	"fmt"
	"slices"
)

// Bounds of a time that can be scaled safely: wide enough for nanoseconds since 1970.
const (
	maxTime    = 1 << 61 // in its track's ticks
	maxSeconds = 1 << 34
)

// rescale converts ticks of one timescale to ticks of another, rounded to the nearest.
func rescale(ticks int64, from, to uint32) int64 {
	f, t := int64(from), int64(to)
	whole, part := ticks/f, ticks%f
	if part < 0 {
		whole, part = whole-1, part+f
	}
	return whole*t + (part*t+f/2)/f
}

// demuxMP4 demultiplexes a fragmented MP4 segment (RFC 8216, 3.3; ISO/IEC 14496-12, 8.8).
func demuxMP4(init *Init, b []byte) (*Video, error) {
	if (init == nil || init.track == nil) && child(b, "moov") != nil {
		own, err := parseMoov(b)
		if err != nil {
			return nil, err
		}
		init = own
	}
	if init == nil || init.track == nil {
		return nil, fmt.Errorf("fMP4 segment without its initialisation section (EXT-X-MAP): %w", ErrFormat)
	}
	r := mp4Reader{b: b, track: init.track, entry: -1}
	r.units.turn = init.track.turn
	for kind, x := range boxes(b) {
		switch kind {
		case "emsg":
			r.emsg(x.body)
		case "moof":
			if err := r.moof(x); err != nil {
				return nil, err
			}
		}
	}
	v := r.units.video()
	switch {
	case len(v.Units) > 0:
		retime(v.Units)
		v.Cues = r.cues(v.Units)
		return v, nil
	case v.Damaged > 0:
		return nil, fmt.Errorf("fMP4 segment with damaged pictures alone: %w", ErrFormat)
	case r.others:
		return nil, fmt.Errorf("fMP4 segment without a fragment of the video track: %w", ErrNoVideo)
	}
	return nil, fmt.Errorf("fMP4 segment without a picture: %w", ErrEmpty)
}

// mp4Reader collects the samples of one track.
type mp4Reader struct {
	b      []byte
	track  *track
	units  collector
	pic    picture
	data   box   // the mdat behind the moof at hand
	entry  int   // index of the last fragment's sample entry, or -1
	fresh  bool  // the sample entry changed and no key unit has told so
	time   int64 // decode time of the next sample, in the track's ticks
	timed  bool
	used   int  // bytes of the samples so far
	others bool // there are fragments of tracks that the initialisation section does not know
	before int  // place of the last unit's sample
	behind int  // and of what follows it

	events []event
	ahead  []int // how many units came before each event
}

// fragment is what a traf box says of its samples.
type fragment struct {
	sampleDefaults
	own  bool // of the track that is read
	base int  // what data offsets count from
	next int  // where the next run's data is, if it does not say
}

const (
	tfhdBaseOffset = 0x1
	tfhdEntry      = 0x2
	tfhdDuration   = 0x8
	tfhdSize       = 0x10
	tfhdFromMoof   = 0x20000

	trunOffset      = 0x1
	trunFirstFlags  = 0x4
	trunDuration    = 0x100
	trunSize        = 0x200
	trunFlags       = 0x400
	trunComposition = 0x800
	trunPerSample   = trunDuration | trunSize | trunFlags | trunComposition
)

func (r *mp4Reader) moof(moof box) error {
	r.data = box{start: moof.end, end: moof.end}
	for kind, x := range boxes(r.b[moof.end:]) {
		if kind == "mdat" {
			r.data.start, r.data.end = moof.end+x.start, moof.end+x.end
		}
		if kind == "mdat" || kind == "moof" {
			break
		}
	}
	follow := moof.at // where an earlier track fragment's data ends
	for kind, x := range boxes(moof.body) {
		if kind != "traf" {
			continue
		}
		end, err := r.traf(x.body, moof, follow)
		if err != nil {
			return err
		}
		follow = end
	}
	return nil
}

func (r *mp4Reader) emsg(b []byte) {
	if e, ok := parseEvent(b); ok && len(r.events) < maxCues {
		r.events, r.ahead = append(r.events, e), append(r.ahead, len(r.units.list))
	}
}

// cues gives the events their times, now that the pictures behind them are known.
func (r *mp4Reader) cues(units []Unit) []Cue {
	var cues []Cue
	for i, e := range r.events {
		if e.after {
			behind := units[min(r.ahead[i], len(units)-1):]
			e.time += slices.MinFunc(behind, func(a, b Unit) int { return cmp.Compare(a.PTS, b.PTS) }).PTS
		}
		cues = append(cues, Cue{PTS: e.time, Section: e.section})
	}
	return cues
}
