package container

// Transfer is how a video codes brightness (ITU-T H.273, table 3).
type Transfer int

// The transfers that are told apart.
const (
	TransferSDR Transfer = iota
	TransferPQ           // SMPTE ST 2084
	TransferHLG          // ARIB STD-B67
)

// Shape is what decoded pictures still need to be shown as they are meant.
type Shape struct {
	// AspectWidth and AspectHeight are a sample's width to its height; both 1 where samples are square or nobody says.
	AspectWidth, AspectHeight int
	// Rotation is by how many degrees clockwise pictures are turned to be shown: 0, 90, 180 or 270.
	Rotation  int
	Transfer  Transfer
	WideGamut bool // BT.2020 primaries
	FullRange bool
	// Interlaced says that pictures are woven of two fields, taken one after the other.
	Interlaced bool
}

// Cue is an SCTE-35 splice_info_section found in a transport stream or an event message (ANSI/SCTE 35, section 9).
type Cue struct {
	// PTS counts ticks of Clock as Unit's does: in a transport stream that of the newest picture before the section, or
	// of the first where none came before; in fMP4 the event's presentation time.
	PTS     int64
	Section []byte // whole, checksum verified; a copy
}
