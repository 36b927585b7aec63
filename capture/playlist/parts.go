package playlist

import (
	"errors"
	"fmt"
	"strings"
)

// lowLatency reads the tags that are about the playlist's delivery (rfc8216bis sections 4.4.3.7, 4.4.3.8, 4.4.5.2 and
// 4.4.5.3).
func (r *mediaReader) lowLatency(t tag) error {
	a, err := r.attributes(t.value)
	if err != nil {
		return err
	}
	m := r.out
	switch t.name {
	case "EXT-X-PART-INF":
		m.PartTarget = max(m.PartTarget, a.seconds("PART-TARGET"))
	case "EXT-X-SERVER-CONTROL":
		m.Control = Control{
			BlockReload: a.yes("CAN-BLOCK-RELOAD"), HoldBack: a.seconds("HOLD-BACK"), PartHoldBack: a.seconds("PART-HOLD-BACK"),
			SkipUntil: a.seconds("CAN-SKIP-UNTIL"), SkipDateRanges: a.yes("CAN-SKIP-DATERANGES"),
		}
	case "EXT-X-SKIP":
		return r.skip(a)
	case "EXT-X-PRELOAD-HINT":
		return r.hint(a)
	}
	return nil
}

// part reads an EXT-X-PART (section 4.4.4.9).
func (r *mediaReader) part(value string) error {
	a, err := r.attributes(value)
	if err != nil {
		return err
	}
	if r.parts++; r.parts > MaxSegments {
		return fmt.Errorf("there are more than %d", MaxSegments)
	}
	p := Part{Independent: a.yes("INDEPENDENT"), Gap: a.yes("GAP")}
	if d := a.seconds("DURATION"); d <= maxSegment {
		p.Duration = d
	}
	if p.URL, err = r.resolve(a.get("URI")); err != nil {
		return err
	}
	if b, ok := a.lookup("BYTERANGE"); ok {
		if p.Bytes, _, err = r.partEnds.place(b, a.get("URI")); err != nil {
			return err
		}
	}
	r.out.PartTarget = max(r.out.PartTarget, p.Duration)
	r.next.Parts = append(r.next.Parts, p)
	return nil
}

// hint reads an EXT-X-PRELOAD-HINT. Types to come are passed over.
func (r *mediaReader) hint(a attributes) (err error) {
	kind := a.get("TYPE")
	if kind != "PART" && kind != "MAP" {
		return nil
	}
	h := Hint{Map: kind == "MAP"}
	if h.URL, err = r.resolve(a.get("URI")); err != nil {
		return err
	}
	h.Bytes = Range{Offset: int64(number(a.get("BYTERANGE-START"))), Length: int64(number(a.get("BYTERANGE-LENGTH")))}
	if h.Bytes.Offset+h.Bytes.Length < 0 {
		return errBeyond
	}
	r.out.Hints = append(r.out.Hints, h)
	return nil
}

// skip reads an EXT-X-SKIP, which stands for the first segments.
func (r *mediaReader) skip(a attributes) error {
	m := r.out
	if len(m.Segments) > 0 || m.Skipped > 0 {
		return errors.New("it does not stand before the segments")
	}
	n := number(a.get("SKIPPED-SEGMENTS"))
	if n == 0 || n > MaxSegments {
		return fmt.Errorf("it skips no number of segments up to %d", MaxSegments)
	}
	m.Skipped = n
	if ids, ok := a.lookup("RECENTLY-REMOVED-DATERANGES"); ok {
		m.RemovedRanges = strings.FieldsFunc(ids, func(c rune) bool { return c == '\t' })
		if m.RemovedRanges == nil {
			m.RemovedRanges = []string{}
		}
	}
	return nil
}
