// Package scte35 owns reading SCTE 35 splice_info_sections (ANSI/SCTE 35, section 9) for what they say of breaks.
package scte35

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	lib "github.com/Comcast/scte35-go/pkg/scte35"
)

var (
	// ErrFormat is wrapped when what came is not a splice_info_section, or a damaged one.
	ErrFormat = errors.New("not a usable splice_info_section")
	// ErrEncrypted is wrapped when the section's command is encrypted (section 11).
	ErrEncrypted = errors.New("encrypted splice_info_section")
)

// Clock is the number of ticks a second of every PTS of this package.
const Clock = lib.TicksPerSecond

const (
	maxSection = 3 + 4093 // bytes (section 9.6.1)
	ptsMask    = 1<<33 - 1
)

// Kind says what an event does to the picture.
type Kind int

// The kinds of events. What is neither the beginning nor the end of a break is left out of a Splice.
const (
	Out    Kind = iota + 1 // a break begins
	In                     // a break ends
	Cancel                 // what was announced under this id will not take place
)

// Rank orders events that lie in one another: a break of an outer rank holds those of higher, inner ranks.
type Rank int

// The ranks.
const (
	RankNone  Rank = iota // splice_insert, which knows no order
	RankBreak             // segmentation types 0x22
	RankBlock             // 0x34, 0x36 (placement opportunities), 0x44, 0x46 (advertisement blocks)
	RankAd                // 0x30, 0x32 (single advertisements)
)

// Event is one beginning or end.
type Event struct {
	Kind Kind
	ID   uint32 // splice_event_id or segmentation_event_id
	Rank Rank
	// Duration is planned: break_duration or segmentation_duration; 0 where not said.
	Duration time.Duration
	// AutoReturn says that the break ends by itself after Duration.
	AutoReturn bool
}

// Splice is what a section says of breaks. Without events it says nothing of them.
type Splice struct {
	// PTS is when its events take place, pts_adjustment applied, 33 bits. Not Timed means at once.
	PTS    int64
	Timed  bool
	Events []Event
}

// Parse reads a whole section, whose CRC_32 must be right; bytes behind it are ignored. Errors wrap ErrFormat or
// ErrEncrypted.
func Parse(section []byte) (s Splice, err error) {
	b, err := whole(section)
	if err != nil {
		return Splice{}, err
	}
	if id, ok := cancelledInsert(b); ok {
		return Splice{Events: []Event{{Kind: Cancel, ID: id}}}, nil
	}
	info, err := decode(b)
	if err != nil {
		return Splice{}, err
	}
	switch c := info.SpliceCommand.(type) {
	case *lib.SpliceInsert:
		s.Events = []Event{insert(c, info.SpliceDescriptors)}
		s.setTime(insertTime(c), info.PTSAdjustment)
	case *lib.TimeSignal:
		s.Events = segmentations(info.SpliceDescriptors)
		s.setTime(c.SpliceTime.PTSTime, info.PTSAdjustment)
	}
	return s, nil
}

func (s *Splice) setTime(pts *uint64, adjustment uint64) {
	if pts != nil {
		s.PTS, s.Timed = int64((*pts+adjustment)&ptsMask), true
	}
}

// Offsets in a section (section 9.6, table 5).
const (
	atFlags       = 4  // encrypted_packet and the front of pts_adjustment
	atCommandSize = 11 // 12 bits, behind the tier's last 4
	atCommandType = 13
	atCommand     = 14
	leastSection  = atCommand + 2 + 4 // with an empty command, no descriptors and CRC_32
)

// whole returns the section without what follows it, its checksum verified.
func whole(b []byte) ([]byte, error) {
	if len(b) < leastSection {
		return nil, fmt.Errorf("%w: %d bytes are too few", ErrFormat, len(b))
	}
	if b[0] != lib.TableID {
		return nil, fmt.Errorf("%w: table_id %#02x", ErrFormat, b[0])
	}
	n := 3 + int(binary.BigEndian.Uint16(b[1:])&0xfff)
	if n < leastSection || n > min(len(b), maxSection) {
		return nil, fmt.Errorf("%w: section_length says %d bytes of %d", ErrFormat, n, len(b))
	}
	if b = b[:n]; checksum(b) != 0 {
		return nil, fmt.Errorf("%w: wrong CRC_32", ErrFormat)
	}
	if b[atFlags]&0x80 != 0 {
		return nil, ErrEncrypted
	}
	return b, nil
}

// cancelledInsert returns the id of a cancelled splice_insert (section 9.7.3). The library wants fields behind it that
// such a command does not have.
func cancelledInsert(b []byte) (id uint32, ok bool) {
	const cancelled = atCommand + 4
	if b[atCommandType] != lib.SpliceInsertType || len(b) < cancelled+1+2+4 || b[cancelled]&0x80 == 0 {
		return 0, false
	}
	return binary.BigEndian.Uint32(b[atCommand:]), true
}

// decode lets the library read a section.
func decode(b []byte) (info *lib.SpliceInfoSection, err error) {
	defer func() {
		if p := recover(); p != nil { // hostile bytes must not end the program, whatever the library thinks of them
			info, err = nil, fmt.Errorf("%w: %v", ErrFormat, p)
		}
	}()
	for {
		info = new(lib.SpliceInfoSection)
		err = info.Decode(b)
		if err == nil {
			return info, nil
		}
		shorter, ok := withoutSubSegments(b, len(info.SpliceDescriptors))
		if !ok || !errors.Is(err, lib.ErrBufferUnderflow) {
			return nil, fmt.Errorf("%w: %w", ErrFormat, err)
		}
		b = shorter
	}
}

func insertTime(c *lib.SpliceInsert) *uint64 {
	switch {
	case c.SpliceImmediateFlag:
	case c.Program != nil:
		return c.Program.SpliceTime.PTSTime
	case len(c.Components) > 0 && c.Components[0].SpliceTime != nil:
		return c.Components[0].SpliceTime.PTSTime
	}
	return nil
}

// insert returns what a splice_insert says. Descriptors beside it describe the same event, under ids of their own.
func insert(c *lib.SpliceInsert, descriptors lib.SpliceDescriptors) Event {
	e := Event{Kind: In, ID: c.SpliceEventID}
	if !c.OutOfNetworkIndicator {
		return e
	}
	e.Kind = Out
	if d := c.BreakDuration; d != nil {
		e.Duration, e.AutoReturn = duration(d.Duration), d.AutoReturn
		return e
	}
	for _, other := range segmentations(descriptors) {
		e.Duration = max(e.Duration, other.Duration)
	}
	return e
}

// segmentations returns the events of segmentation descriptors (section 10.3.3).
func segmentations(list lib.SpliceDescriptors) []Event {
	var out []Event
	for _, one := range list {
		d, ok := one.(*lib.SegmentationDescriptor)
		if !ok {
			continue
		}
		if d.SegmentationEventCancelIndicator {
			out = append(out, Event{Kind: Cancel, ID: d.SegmentationEventID})
			continue
		}
		rank, kind := classify(d.SegmentationTypeID)
		if rank == RankNone {
			continue
		}
		e := Event{Kind: kind, ID: d.SegmentationEventID, Rank: rank}
		if kind == Out && d.SegmentationDuration != nil {
			e.Duration = duration(*d.SegmentationDuration)
		}
		out = append(out, e)
	}
	return out
}

// duration converts up to 40 bits of ticks.
func duration(ticks uint64) time.Duration {
	return time.Duration(ticks) * (time.Second / 10_000) / (Clock / 10_000)
}

// classify tells segmentation types apart (section 10.3.3.1, table 23); an end's is that of its beginning plus one.
// Programmes, chapters and credits are no breaks, and overlays (0x38 to 0x3b) leave the picture where it is.
func classify(typeID uint32) (Rank, Kind) {
	kind := Out
	if typeID&1 == 1 {
		kind = In
	}
	switch typeID &^ 1 {
	case lib.SegmentationTypeBreakStart:
		return RankBreak, kind
	case lib.SegmentationTypeProviderPOStart, lib.SegmentationTypeDistributorPOStart,
		lib.SegmentationTypeProviderAdBlockStart, lib.SegmentationTypeDistributorAdBlockStart:
		return RankBlock, kind
	case lib.SegmentationTypeProviderAdStart, lib.SegmentationTypeDistributorAdStart:
		return RankAd, kind
	}
	return RankNone, 0
}
