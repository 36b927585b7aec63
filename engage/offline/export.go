package offline

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"

	"github.com/cespare/xxhash/v2"

	"spotter/engage/ledger"
	"spotter/engage/policy"
	"spotter/timeline"
)

// Line is a decision as WriteNDJSON writes it. Names stay; new ones may come.
type Line struct {
	Decision uint64            `json:"decision"` // number in the ledger
	At       time.Time         `json:"at"`       // UTC
	Media    string            `json:"media"`
	Position timeline.Position `json:"position"` // seconds
	Viewer   string            `json:"viewer"`   // the ledger's hash of the id, 32 hex digits; empty for nobody
	Context  []policy.Feature  `json:"context"`
	Arms     []policy.Arm      `json:"arms"` // the eligible set
	Choice   int               `json:"choice"`
	// Propensity is the probability with which the choice was made.
	Propensity  float64 `json:"propensity"`
	Policy      string  `json:"policy"`
	ContextHash string  `json:"context_hash"` // 16 hex digits, as ContextHash gives it
	Reward      float64 `json:"reward"`
	Events      []Event `json:"events"`
}

// Event is an event as WriteNDJSON writes it.
type Event struct {
	Type  string  `json:"type"`
	Value float64 `json:"value"`
	After float64 `json:"after_s"` // seconds since the decision
}

// LineOf returns a sample as WriteNDJSON writes it.
func LineOf(s *Sample) *Line {
	l := &Line{
		Decision: s.Number, At: s.At.UTC(), Media: s.Media, Position: s.Position,
		Context: finite(s.Case.Context), Arms: make([]policy.Arm, len(s.Case.Arms)),
		Choice: s.Choice, Propensity: s.Propensity, Policy: s.Policy,
		ContextHash: fmt.Sprintf("%016x", ContextHash(s.Case)),
		Reward:      s.Reward, Events: make([]Event, len(s.Events)),
	}
	if s.Viewer != (ledger.Viewer{}) {
		l.Viewer = hex.EncodeToString(s.Viewer[:])
	}
	for i, a := range s.Case.Arms {
		l.Arms[i] = policy.Arm{Instrument: a.Instrument, Features: finite(a.Features)}
	}
	for i, e := range s.Events {
		l.Events[i] = Event{Type: e.Type, Value: number(e.Value), After: e.At.Sub(s.At).Seconds()}
	}
	return l
}

// WriteNDJSON writes one Line of JSON for each sample.
func WriteNDJSON(w io.Writer, samples Samples) error {
	b := bufio.NewWriter(w)
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	for s, err := range samples {
		if err != nil {
			return err
		}
		if err := e.Encode(LineOf(s)); err != nil {
			return fmt.Errorf("write decision %d: %w", s.Number, err)
		}
	}
	return b.Flush()
}

// ContextHash is the xxHash64 of a case's context: of each feature the name's length (4 bytes, little-endian), the name and
// the value's IEEE 754 bits (8 bytes, little-endian), in the case's order.
func ContextHash(c *policy.Case) uint64 {
	b := make([]byte, 0, 1024)
	for _, f := range c.Context {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(f.Name)))
		b = append(b, f.Name...)
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(f.Value))
	}
	return xxhash.Sum64(b)
}

// finite copies features, with 0 for what is no number: JSON has no other way to write it, and policies take it for 0 too.
func finite(features []policy.Feature) []policy.Feature {
	out := make([]policy.Feature, len(features))
	for i, f := range features {
		out[i] = policy.Feature{Name: f.Name, Value: number(f.Value)}
	}
	return out
}

func number(x float64) float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return 0
	}
	return x
}

// WriteVW writes each sample in Vowpal Wabbit's text for --cb_adf and --cb_explore_adf: a shared line with the context in
// namespace c, a line for each arm with its id and features in namespace a, the chosen one labelled 0:cost:probability with
// cost = -reward, and an empty line. What the format cannot hold in a name is written as % and two hex digits.
func WriteVW(w io.Writer, samples Samples) error {
	b := bufio.NewWriter(w)
	var line []byte
	for s, err := range samples {
		if err != nil {
			return err
		}
		line = append(appendFeatures(append(line[:0], "shared |c"...), s.Case.Context), '\n')
		for i, a := range s.Case.Arms {
			if i == s.Choice {
				line = append(line, "0:"...)
				line = strconv.AppendFloat(line, 0-s.Reward, 'g', -1, 64)
				line = append(line, ':')
				line = strconv.AppendFloat(line, s.Propensity, 'g', -1, 64)
				line = append(line, ' ')
			}
			line = appendName(append(line, "|a id="...), a.Instrument)
			line = append(appendFeatures(line, a.Features), '\n')
		}
		line = append(line, '\n')
		if _, err := b.Write(line); err != nil {
			return err
		}
	}
	return b.Flush()
}

func appendFeatures(b []byte, features []policy.Feature) []byte {
	for _, f := range features {
		b = appendName(append(b, ' '), f.Name)
		if f.Value != 1 {
			b = strconv.AppendFloat(append(b, ':'), number(f.Value), 'g', -1, 64)
		}
	}
	return b
}

// appendName appends a name without what ends one in Vowpal Wabbit's text. An empty name becomes a lone %.
func appendName(b []byte, name string) []byte {
	if name == "" {
		return append(b, '%')
	}
	const digits = "0123456789ABCDEF"
	for i := range len(name) {
		switch c := name[i]; {
		case c <= ' ' || c == 0x7f || c == ':' || c == '|' || c == '%':
			b = append(b, '%', digits[c>>4], digits[c&15])
		default:
			b = append(b, c)
		}
	}
	return b
}
