package ledger

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A log is a magic and frames. A frame is the length of its payload and the CRC-32C (RFC 3720) of payload and number, both
// 4 bytes little-endian, the payload, and the record's number in 8 bytes little-endian.
const (
	logMagic   = "spotlog1"
	frameHead  = 8
	frameTail  = 8
	maxPayload = 1 << 20
	logPrefix  = "engagement-"
	logSuffix  = ".log"
	// asideSuffix is added to the name of a log that was set aside because it is damaged.
	asideSuffix = ".damaged"
)

// castagnoli returns the table of CRC-32C, which the standard library makes only once.
func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// file is what a log needs of an *os.File.
type file interface {
	WriteAt(p []byte, off int64) (int, error)
	Truncate(size int64) error
	Close() error
}

// logFile is a log that is written.
type logFile struct {
	f       file
	path    string
	size    int64 // up to the end of the last whole record
	records int
}

// createLog makes a log; what a process that was killed may have left under its name is replaced.
func createLog(path string) (*logFile, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	if _, err := f.WriteAt([]byte(logMagic), 0); err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(path))
	}
	return &logFile{f: f, path: path, size: int64(len(logMagic))}, nil
}

// write appends a frame with one write(2). After a fault nothing of it is left; broken says that this could not be
// achieved, so that the log must not be written any more.
func (g *logFile) write(frame []byte) (broken bool, err error) {
	n, err := g.f.WriteAt(frame, g.size)
	if err == nil {
		g.size += int64(len(frame))
		g.records++
		return false, nil
	}
	if n > 0 {
		broken = g.f.Truncate(g.size) != nil
	}
	return broken, err
}

// beginFrame leaves room for the head of a frame, whose payload is appended next.
func beginFrame(buf []byte) []byte { return append(buf, make([]byte, frameHead)...) }

// sealFrame fills in the head of a frame that consists of head and payload.
func sealFrame(buf []byte) {
	payload := buf[frameHead:]
	binary.LittleEndian.PutUint32(buf, uint32(len(payload)))
	binary.LittleEndian.PutUint32(buf[4:], crc32.Checksum(payload, castagnoli()))
}

// numberFrame appends the number to a sealed frame: all that must be done in the order of the records.
func numberFrame(buf []byte, number uint64) []byte {
	buf = binary.LittleEndian.AppendUint64(buf, number)
	sum := binary.LittleEndian.Uint32(buf[4:])
	binary.LittleEndian.PutUint32(buf[4:], crc32.Update(sum, castagnoli(), buf[len(buf)-frameTail:]))
	return buf
}

// parseFrame returns the first frame's payload and number and what follows it; false if there is no whole frame.
func parseFrame(buf []byte) (payload []byte, number uint64, rest []byte, ok bool) {
	if len(buf) < frameHead+frameTail {
		return nil, 0, nil, false
	}
	n := int(binary.LittleEndian.Uint32(buf))
	if n == 0 || n > maxPayload || n > len(buf)-frameHead-frameTail {
		return nil, 0, nil, false
	}
	body := buf[frameHead : frameHead+n+frameTail]
	if crc32.Checksum(body, castagnoli()) != binary.LittleEndian.Uint32(buf[4:]) {
		return nil, 0, nil, false
	}
	return body[:n], binary.LittleEndian.Uint64(body[n:]), buf[frameHead+n+frameTail:], true
}

// hasFrame tells whether a whole frame begins anywhere in buf: then what is before it was damaged, not torn.
func hasFrame(buf []byte) bool {
	for ; len(buf) >= frameHead+frameTail; buf = buf[1:] {
		if _, _, _, ok := parseFrame(buf); ok {
			return true
		}
	}
	return false
}

// readLog calls f with each record of a log, in order, and returns how many bytes at its end cannot be read. Its error
// wraps ErrCorrupt when these are more than the torn end of a write that was cut short.
func readLog(path string, f func(*Record) error) (unread int, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	buf, ok := bytes.CutPrefix(data, []byte(logMagic))
	if !ok {
		if hasFrame(data) {
			err = fmt.Errorf("%w at its beginning", ErrCorrupt)
		}
		return len(data), err // torn before its first record, if not damaged
	}
	last := uint64(0)
	for len(buf) > 0 {
		payload, number, next, ok := parseFrame(buf)
		if !ok {
			if hasFrame(buf) {
				err = fmt.Errorf("%w at byte %d", ErrCorrupt, len(data)-len(buf))
			}
			return len(buf), err
		}
		r, err := readLogged(payload, number)
		if err != nil || number <= last {
			return len(buf), fmt.Errorf("%w at byte %d: record %d", ErrCorrupt, len(data)-len(buf), number)
		}
		if err := f(r); err != nil {
			return len(buf), err
		}
		last, buf = number, next
	}
	return 0, nil
}

func (l *Ledger) logPath(n uint64) string {
	return filepath.Join(l.dir, fmt.Sprintf("%s%016x%s", logPrefix, n, logSuffix))
}

// logs lists the numbers of the logs in the folder, in order.
func (l *Ledger) logs() ([]uint64, error) {
	entries, err := os.ReadDir(l.dir)
	if err != nil {
		return nil, err
	}
	var numbers []uint64
	for _, e := range entries {
		hex, ok := strings.CutPrefix(e.Name(), logPrefix)
		if !ok {
			continue
		}
		if hex, ok = strings.CutSuffix(hex, logSuffix); !ok || len(hex) != 16 {
			continue
		}
		if n, err := strconv.ParseUint(hex, 16, 64); err == nil {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}
