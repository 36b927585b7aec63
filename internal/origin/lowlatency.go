package origin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// writeParts writes those parts of a segment that are out (rfc8216bis section 4.4.4.9).
func (o *Origin) writeParts(b *bytes.Buffer, s *stream, p *published) {
	for i, part := range p.parts[:s.partsOut(p)] {
		fmt.Fprintf(b, "#EXT-X-PART:DURATION=%.5f,URI=%q", part.duration.Seconds(), s.uri(s.partPath(p.sequence, i)))
		if s.style.PartRanges {
			fmt.Fprintf(b, ",BYTERANGE=\"%d@%d\"", part.to-part.from, part.from)
		}
		if part.independent {
			b.WriteString(",INDEPENDENT=YES")
		}
		if s.partGap(p, i) {
			b.WriteString(",GAP=YES")
		}
		b.WriteByte('\n')
	}
}

// writeHints writes the part to come (section 4.4.5.3), and where the other media playlists are (section 4.4.5.4).
func (o *Origin) writeHints(b *bytes.Buffer, s *stream) {
	if s.style.Part == 0 {
		return
	}
	fmt.Fprintf(b, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=%q", s.uri(s.partPath(s.edge(), s.out)))
	if s.style.PartRanges && s.pending != nil {
		fmt.Fprintf(b, ",BYTERANGE-START=%d", s.pending.parts[s.out].from)
	}
	b.WriteByte('\n')
	for _, other := range o.streams {
		if other == s || len(other.list) == 0 {
			continue
		}
		sequence, index := other.edge()-1, len(other.list[len(other.list)-1].parts)-1
		if other.out > 0 {
			sequence, index = other.edge(), other.out-1
		}
		fmt.Fprintf(b, "#EXT-X-RENDITION-REPORT:URI=%q,LAST-MSN=%d,LAST-PART=%d\n", other.uri(Media), sequence, index)
	}
}

func (s *stream) partPath(sequence uint64, index int) string {
	if s.style.PartRanges {
		return SegmentPath(sequence)
	}
	return PartPath(sequence, index)
}

// partsOut is how many parts of a segment are out.
func (s *stream) partsOut(p *published) int {
	if p == s.pending {
		return s.out
	}
	return len(p.parts)
}

func (s *stream) partGap(p *published, index int) bool {
	return p.Gap || s.style.PartGap != nil && s.style.PartGap(p.sequence, index)
}

// await waits until ready, which is called with the lock held, for three target durations at most (section 6.2.5.2).
func (o *Origin) await(ctx context.Context, s *stream, ready func() bool) bool {
	o.mu.Lock()
	limit := 3 * time.Duration(s.target()) * time.Second
	o.mu.Unlock()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		o.mu.Lock()
		ok, changed := ready(), o.changed
		o.mu.Unlock()
		if ok {
			return true
		}
		select {
		case <-changed:
		case <-timer.C:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

var (
	errFar  = errors.New("_HLS_msn or _HLS_part is too far ahead")
	errPair = errors.New("_HLS_part comes without _HLS_msn, or is no number")
)

// block holds the request of a media playlist until it has what the request asks for (section 6.2.5.2). It returns the
// status of a refusal, or 0.
func (o *Origin) block(r *http.Request, s *stream) (status int, err error) {
	asked := r.URL.Query()
	if o.style.Part == 0 || !asked.Has("_HLS_msn") && !asked.Has("_HLS_part") {
		return 0, nil
	}
	sequence, index, err := position(asked)
	if err != nil {
		return http.StatusBadRequest, err
	}
	o.mu.Lock()
	far := s.far(sequence, index)
	o.mu.Unlock()
	if far {
		return http.StatusBadRequest, errFar
	}
	if !o.await(r.Context(), s, func() bool { return o.ended || s.has(sequence, index) }) {
		return http.StatusServiceUnavailable, context.DeadlineExceeded
	}
	return 0, nil
}

// position reads what a blocking reload asks for; index is -1 for a whole segment.
func position(asked url.Values) (sequence uint64, index int, err error) {
	if sequence, err = strconv.ParseUint(asked.Get("_HLS_msn"), 10, 64); err != nil {
		return 0, 0, errPair
	}
	if !asked.Has("_HLS_part") {
		return sequence, -1, nil
	}
	if index, err = strconv.Atoi(asked.Get("_HLS_part")); err != nil || index < 0 {
		return 0, 0, errPair
	}
	return sequence, index, nil
}

// far reports whether a position is further ahead than two segments, or than the advance part limit.
func (s *stream) far(sequence uint64, index int) bool {
	limit := 3
	if target := s.partTarget(); target > 0 && target < time.Second {
		limit = int(math.Ceil(3 / target.Seconds()))
	}
	return sequence > s.edge()+1 || sequence == s.edge() && index > s.out-1+limit
}

// has reports whether a position is published. An index past a segment's last part stands for the next one's first.
func (s *stream) has(sequence uint64, index int) bool {
	edge := s.edge()
	if sequence >= edge {
		return sequence == edge && index >= 0 && s.out > index
	}
	if p := s.find(sequence); p != nil && index >= len(p.parts) {
		return sequence+1 < edge || s.out > 0
	}
	return true
}

// part returns the bytes of a part that has a resource of its own. It waits for the one that is hinted at.
func (o *Origin) part(r *http.Request, s *stream, name string) ([]byte, bool) {
	left, right, _ := strings.Cut(name, ".")
	sequence, err := strconv.ParseUint(left, 10, 64)
	index, err2 := strconv.Atoi(right)
	if err != nil || err2 != nil || index < 0 || o.style.Part == 0 || o.style.PartRanges {
		return nil, false
	}
	o.mu.Lock()
	hinted := sequence == s.edge() && index == s.out
	o.mu.Unlock()
	if hinted && !o.await(r.Context(), s, func() bool { return o.ended || s.has(sequence, index) }) {
		return nil, false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	p := s.find(sequence)
	if s.pending != nil && s.pending.sequence == sequence {
		p = s.pending
	}
	if p == nil || index >= s.partsOut(p) || s.partGap(p, index) {
		return nil, false
	}
	return s.body(p)[p.parts[index].from:p.parts[index].to], true
}

// growing reads a segment whose parts come out while it is read (section 6.2.6 calls for one to be held open).
type growing struct {
	body []byte
	at   int64
	wait func(at int64) (out int64) // for more bytes than at to be out; how many are, or at if none came
}

// grow returns the segment that is not complete yet, once its first part is out.
func (o *Origin) grow(w http.ResponseWriter, r *http.Request, s *stream, path string) (io.ReadSeeker, bool) {
	if o.style.Part == 0 || !o.style.PartRanges {
		return nil, false
	}
	o.mu.Lock()
	sequence := s.edge()
	o.mu.Unlock()
	if path != SegmentPath(sequence) || !o.await(r.Context(), s, func() bool { return o.ended || s.has(sequence, 0) }) {
		return nil, false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	p := s.pending
	if p == nil || p.sequence != sequence {
		return nil, false // it was completed meanwhile
	}
	wait := func(at int64) (out int64) {
		more := func() bool {
			if n := s.partsOut(p); n > 0 {
				out = int64(p.parts[n-1].to)
			}
			return out > at
		}
		o.mu.Lock()
		ok := more()
		o.mu.Unlock()
		if !ok {
			_ = http.NewResponseController(w).Flush()
			o.await(r.Context(), s, more)
		}
		return max(at, out)
	}
	return &growing{body: s.body(p), wait: wait}, true
}

func (g *growing) Read(b []byte) (int, error) {
	if g.at >= int64(len(g.body)) {
		return 0, io.EOF
	}
	out := g.wait(g.at)
	if out == g.at {
		return 0, io.ErrUnexpectedEOF
	}
	n := copy(b, g.body[g.at:out])
	g.at += int64(n)
	return n, nil
}

func (g *growing) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += g.at
	case io.SeekEnd:
		offset += int64(len(g.body))
	}
	g.at = offset
	return offset, nil
}
