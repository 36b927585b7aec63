package scte35

// Checksum is the CRC_32 of a section.
func Checksum(b []byte) uint32 { return checksum(b) }
