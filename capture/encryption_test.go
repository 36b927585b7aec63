package capture_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"spotter/capture"
	"spotter/capture/fetch"
	"spotter/internal/origin"
)

func key(name, iv string) *origin.Key {
	return &origin.Key{Name: name, Secret: bytes.Repeat([]byte(name[:1]), capture.KeyBytes), IV: iv}
}

const iv = "0x000102030405060708090A0B0C0D0E0F"

func TestEncrypted(t *testing.T) {
	always := func(k *origin.Key) func(uint64) *origin.Key { return func(uint64) *origin.Key { return k } }
	for name, tc := range map[string]struct {
		clip  func() (origin.Clip, error)
		style origin.Style
		keys  int // loads of keys
	}{
		"an explicit IV":    {clipTS, origin.Style{Key: always(key("a", iv))}, 1},
		"an implicit IV":    {clipTS, origin.Style{Key: always(key("a", "")), First: 1 << 40}, 1},
		"rotation":          {clipTS, origin.Style{Key: func(n uint64) *origin.Key { return key(fmt.Sprint(n/2), "") }}, 3},
		"METHOD=NONE":       {clipTS, origin.Style{Key: func(n uint64) *origin.Key { return map[bool]*origin.Key{true: key("a", iv)}[n%3 != 1] }}, 1},
		"fMP4, plain MAP":   {clipFMP4, origin.Style{Key: always(key("a", iv))}, 1},
		"fMP4, MAP as well": {clipFMP4, origin.Style{Key: always(key("a", iv)), EncryptInit: true}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			tc.style.Query, tc.style.Type = "token=s3cret", "EVENT"
			inBubble(t, tc.clip, tc.style, func(r *rig) {
				r.Publish(6)
				r.start()
				equal(t, "segments", numbers(tc.style.First, tc.style.First+5), r.sequences())
				equal(t, "faults", 0, len(r.kinds()))
				r.checkPlaces(tc.style.First)
				loads := 0
				for _, q := range r.Requests() {
					if strings.HasPrefix(q.Path, origin.KeyPath("")) {
						loads++
					}
				}
				equal(t, "loads of keys", tc.keys, loads)
			})
		})
	}
}

func TestKeyFaults(t *testing.T) {
	for name, tc := range map[string]struct {
		path string
		acts []origin.Act
		is   error // nil: it was overcome
	}{
		"no key":                      {origin.KeyPath("a"), origin.Times(99, origin.Status(403)), status(403)},
		"a short key for a moment":    {origin.KeyPath("a"), []origin.Act{origin.Body([]byte("short"))}, nil},
		"a short key":                 {origin.KeyPath("a"), origin.Times(99, origin.Body([]byte("short"))), capture.ErrEncryption},
		"an empty key":                {origin.KeyPath("a"), origin.Times(99, origin.Body(nil)), capture.ErrEncryption},
		"another key for a moment":    {origin.KeyPath("a"), []origin.Act{origin.Body(make([]byte, 16))}, nil},
		"a page":                      {origin.KeyPath("a"), origin.Times(99, origin.Body([]byte(page))), fetch.ErrTooLarge},
		"half a segment for a moment": {origin.SegmentPath(0), []origin.Act{origin.Body(make([]byte, 1001))}, nil},
		"half a segment":              {origin.SegmentPath(0), origin.Times(99, origin.Body(make([]byte, 1001))), capture.ErrEncryption},
		"no segment":                  {origin.SegmentPath(0), origin.Times(99, origin.Body(nil)), capture.ErrEncryption},
		"plain zeros":                 {origin.SegmentPath(0), origin.Times(99, origin.Body(make([]byte, 1024))), capture.ErrEncryption},
	} {
		t.Run(name, func(t *testing.T) {
			style := origin.Style{Type: "EVENT", Query: "token=s3cret", Key: func(uint64) *origin.Key { return key("a", iv) }}
			inBubble(t, clipTS, style, func(r *rig) {
				r.On(tc.path, tc.acts...)
				r.Publish(3)
				r.start()
				r.pass(5 * time.Second)
				want := numbers(0, 2)
				if tc.path == origin.KeyPath("a") && tc.is != nil {
					want = nil
				} else if tc.is != nil {
					want = numbers(1, 2)
				}
				equal(t, "segments", want, r.sequences())
				equal(t, "faults", 3-len(want), len(r.faults))
				for _, f := range r.faults {
					if !is(f.Err, tc.is) || f.Kind != capture.FaultSegment {
						t.Errorf("%+v", f)
					}
				}
				if len(want) > 0 {
					r.checkPlaces(want[0])
				}
			})
		})
	}
}

func TestRefusesOtherEncryption(t *testing.T) {
	inBubble(t, clipTS, origin.Style{}, func(r *rig) {
		r.On(origin.Media, origin.Body([]byte("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://k?s3cret\"\n#EXTINF:2,\n/segment/0\n")))
		r.Publish(1)
		r.start()
		if len(r.faults) != 1 || !errors.Is(r.faults[0].Err, capture.ErrEncryption) {
			t.Errorf("%+v", r.faults)
		}
		r.checkPlaces(0)
	})
}

func TestDecryptRefuses(t *testing.T) {
	for name, iv := range map[string]string{"too long": "0x" + strings.Repeat("0", 33), "not hexadecimal": "0xGG"} {
		if _, err := capture.Decrypt(make([]byte, 16), make([]byte, 16), iv, 0); !errors.Is(err, capture.ErrEncryption) {
			t.Errorf("an IV that is %s: %v", name, err)
		}
	}
}

func TestByteRanges(t *testing.T) {
	for name, acts := range map[string][]origin.Act{"honoured": nil, "ignored": origin.Times(9, origin.IgnoreRange())} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, clipTS, origin.Style{Type: "VOD", ByteRanges: true, First: 3}, func(r *rig) {
				r.On("/whole", acts...)
				r.Publish(6)
				r.start()
				equal(t, "segments", numbers(3, 8), r.sequences())
				equal(t, "faults", 0, len(r.kinds()))
				r.checkPlaces(3)
			})
		})
	}
}
