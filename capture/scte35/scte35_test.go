package scte35_test

import (
	"encoding/base64"
	"errors"
	"testing"
	"time"

	lib "github.com/Comcast/scte35-go/pkg/scte35"
	"github.com/google/go-cmp/cmp"

	"spotter/capture/scte35"
)

// Published sections: the samples of ANSI/SCTE 35 section 14 and some from the field.
var samples = map[string]struct {
	text string
	want scte35.Splice
}{
	"14.1 time_signal, placement opportunity start": {
		"/DA0AAAAAAAA///wBQb+cr0AUAAeAhxDVUVJSAAAjn/PAAGlmbAICAAAAAAsoKGKNAIAmsnRfg==",
		splice(0x072bd0050, scte35.Event{Kind: scte35.Out, ID: 0x4800008e, Rank: scte35.RankBlock, Duration: 307 * time.Second}),
	},
	"14.2 splice_insert": {
		"/DAvAAAAAAAA///wFAVIAACPf+/+c2nALv4AUsz1AAAAAAAKAAhDVUVJAAABNWLbowo=",
		splice(0x07369c02e, scte35.Event{Kind: scte35.Out, ID: 0x4800008f, Duration: 60_293_566_666, AutoReturn: true}),
	},
	"14.3 time_signal, placement opportunity end": {
		"/DAvAAAAAAAA///wBQb+dGKQoAAZAhdDVUVJSAAAjn+fCAgAAAAALKChijUCAKnMZ1g=",
		splice(0x0746290a0, scte35.Event{Kind: scte35.In, ID: 0x4800008e, Rank: scte35.RankBlock}),
	},
	"14.5 time_signal, programme overlap start": {
		"/DAvAAAAAAAA///wBQb+rr//ZAAZAhdDVUVJSAAACH+fCAgAAAAALKVs9RcAAJUdsKg=", splice(0x0aebfff64),
	},
	"two ends at once": {
		"/DBIAAAAAAAAAP/wBQb/tB67hgAyAhdDVUVJQAABEn+fCAgAAAAALzE8BTUAAAIXQ1VFSUAAAEV/nwgIAAAAAC8xPN4jAAAfiOPE",
		splice(
			7316880262,
			scte35.Event{Kind: scte35.In, ID: 1073742098, Rank: scte35.RankBlock},
			scte35.Event{Kind: scte35.In, ID: 1073741893, Rank: scte35.RankBreak},
		),
	},
	"splice_insert with DTMF": {
		"/DAxAAAAAAAAAP/wFAVAAIeuf+/+0AWRK/4AUmXAAC0AfwAMAQpDVUVJUJ81MTkqo5/+gA==",
		splice(3490025771, scte35.Event{Kind: scte35.Out, ID: 1073776558, Duration: time.Minute, AutoReturn: true}),
	},
	"splice_insert without a duration": {
		"/DAqAAAAAAAAAP/wDwUAAHn+f8/+QubGOQAAAAAACgAIQ1VFSQAAAADizteX",
		splice(1122420281, scte35.Event{Kind: scte35.Out, ID: 31230}),
	},
	"pts_adjustment, out": {
		"/DA0AABS2+YAAACgFAUALJGCf+/+MSwPcX4AUmXAAAAAAAAMAQpDVUVJRp8xMjEq3pnIPCi6lw==",
		splice(0x312c0f71+0x52dbe600, scte35.Event{Kind: scte35.Out, ID: 2920834, Duration: time.Minute}),
	},
	"splice_null":  {"/DARAAAAAAAAAP/wAAAAAHpPv/8=", scte35.Splice{}},
	"at once, end": {"/DAeAAAAAAAAAP///wViAA/nf18ACQAAAAAskJv+YPtE", scte35.Splice{Events: []scte35.Event{{Kind: scte35.In, ID: 0x62000fe7}}}},
}

func splice(pts int64, events ...scte35.Event) scte35.Splice {
	return scte35.Splice{PTS: pts, Timed: true, Events: events}
}

func decoded(t testing.TB, text string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestPublishedSections(t *testing.T) {
	for name, tc := range samples {
		t.Run(name, func(t *testing.T) {
			got, err := scte35.Parse(decoded(t, tc.text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// encode makes a section.
func encode(t testing.TB, info lib.SpliceInfoSection) []byte {
	t.Helper()
	info.Tier, info.SAPType = 0xfff, 3
	b, err := info.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func segmentation(id, kind uint32, more ...byte) []byte {
	// program segmentation, no duration, delivery not restricted, no UPID, segment 1 of 1
	b := []byte{'C', 'U', 'E', 'I', byte(id >> 24), byte(id >> 16), byte(id >> 8), byte(id), 0x7f, 0xbf, 0, 0, byte(kind), 1, 1}
	b = append(b, more...)
	return append([]byte{2, byte(len(b))}, b...)
}

// signal makes a time_signal of raw descriptors.
func signal(t testing.TB, descriptors ...[]byte) []byte {
	t.Helper()
	b := encode(t, lib.SpliceInfoSection{SpliceCommand: lib.NewTimeSignal(90_000)})
	b = b[:len(b)-6] // no descriptor_loop_length and CRC_32
	var loop []byte
	for _, d := range descriptors {
		loop = append(loop, d...)
	}
	b = append(b, byte(len(loop)>>8), byte(len(loop)))
	b = append(b, loop...)
	n := len(b) + 4 - 3
	b[1], b[2] = b[1]&0xf0|byte(n>>8), byte(n)
	crc := scte35.Checksum(b)
	return append(b, byte(crc>>24), byte(crc>>16), byte(crc>>8), byte(crc))
}

func TestSegmentationTypes(t *testing.T) {
	ranks := map[uint32]scte35.Rank{
		0x22: scte35.RankBreak, 0x30: scte35.RankAd, 0x32: scte35.RankAd, 0x34: scte35.RankBlock, 0x36: scte35.RankBlock,
		0x44: scte35.RankBlock, 0x46: scte35.RankBlock,
	}
	for typeID := range uint32(256) {
		want := splice(90_000)
		if rank, ok := ranks[typeID&^1]; ok {
			kind := scte35.Out
			if typeID&1 == 1 {
				kind = scte35.In
			}
			want.Events = []scte35.Event{{Kind: kind, ID: 7, Rank: rank}}
		}
		got, err := scte35.Parse(signal(t, segmentation(7, typeID)))
		if err != nil {
			t.Fatalf("%#02x: %v", typeID, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%#02x (-want +got):\n%s", typeID, diff)
		}
	}
}

func TestUncommonSections(t *testing.T) {
	pts := uint64(1<<33 - 10)
	for name, tc := range map[string]struct {
		section []byte
		want    scte35.Splice
	}{
		"the adjustment wraps": {
			encode(t, lib.SpliceInfoSection{PTSAdjustment: 15, SpliceCommand: lib.NewTimeSignal(pts), SpliceDescriptors: lib.SpliceDescriptors{
				&lib.SegmentationDescriptor{SegmentationEventID: 1, SegmentationTypeID: 0x22},
			}}),
			splice(5, scte35.Event{Kind: scte35.Out, ID: 1, Rank: scte35.RankBreak}),
		},
		"sub-segments of later editions": {
			signal(t, segmentation(1, 0x31, 0, 0), segmentation(2, 0x30, 1, 2), segmentation(3, 0x10, 1, 2), segmentation(4, 0x34, 1, 2)),
			splice(
				90_000, scte35.Event{Kind: scte35.In, ID: 1, Rank: scte35.RankAd}, scte35.Event{Kind: scte35.Out, ID: 2, Rank: scte35.RankAd},
				scte35.Event{Kind: scte35.Out, ID: 4, Rank: scte35.RankBlock},
			),
		},
		"a cancelled segmentation": {
			signal(t, []byte{2, 9, 'C', 'U', 'E', 'I', 0, 0, 0, 9, 0xff}), splice(90_000, scte35.Event{Kind: scte35.Cancel, ID: 9}),
		},
		"an unknown descriptor": {
			signal(t, []byte{0xf0, 4, 'A', 'B', 'C', 'D'}, segmentation(1, 0x22)),
			splice(90_000, scte35.Event{Kind: scte35.Out, ID: 1, Rank: scte35.RankBreak}),
		},
		"a cancelled insert": {
			decoded(t, cancelledInsert), scte35.Splice{Events: []scte35.Event{{Kind: scte35.Cancel, ID: 0x4800008f}}},
		},
		"by component": {
			encode(t, lib.SpliceInfoSection{SpliceCommand: &lib.SpliceInsert{
				SpliceEventID: 3, OutOfNetworkIndicator: true,
				Components: []lib.SpliceInsertComponent{{Tag: 1, SpliceTime: &lib.SpliceTime{PTSTime: &pts}}},
			}}),
			splice(int64(pts), scte35.Event{Kind: scte35.Out, ID: 3}),
		},
		"at once with the duration in a descriptor": {
			encode(t, lib.SpliceInfoSection{
				SpliceCommand: &lib.SpliceInsert{SpliceEventID: 3, OutOfNetworkIndicator: true, SpliceImmediateFlag: true, Program: &lib.SpliceInsertProgram{}},
				SpliceDescriptors: lib.SpliceDescriptors{
					&lib.SegmentationDescriptor{SegmentationEventID: 1, SegmentationTypeID: 0x30, SegmentationDuration: new(uint64(90_000 * 15))},
				},
			}),
			scte35.Splice{Events: []scte35.Event{{Kind: scte35.Out, ID: 3, Duration: 15 * time.Second}}},
		},
		"bytes behind it": {
			append(decoded(t, samples["splice_null"].text), 0xff, 0xff), scte35.Splice{},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := scte35.Parse(tc.section)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// cancelledInsert is a splice_insert of five bytes (section 9.7.3, table 10).
const cancelledInsert = "/DAWAAAAAAAAAP/wBQVIAACP/wAAzbrAUg=="

func TestRefused(t *testing.T) {
	good := decoded(t, samples["14.2 splice_insert"].text)
	changed := func(i int, to byte) []byte {
		b := append([]byte(nil), good...)
		b[i] = to
		return b
	}
	encrypted := changed(4, 0x80)
	crc := scte35.Checksum(encrypted[:len(encrypted)-4])
	copy(encrypted[len(encrypted)-4:], []byte{byte(crc >> 24), byte(crc >> 16), byte(crc >> 8), byte(crc)})
	for name, tc := range map[string]struct {
		section []byte
		want    error
	}{
		"nothing":          {nil, scte35.ErrFormat},
		"cut off":          {good[:len(good)-1], scte35.ErrFormat},
		"another table":    {changed(0, 0x42), scte35.ErrFormat},
		"a flipped bit":    {changed(16, 1), scte35.ErrFormat},
		"too short a size": {changed(2, 3), scte35.ErrFormat},
		"encrypted":        {encrypted, scte35.ErrEncrypted},
		"half a segmentation": {
			signal(t, []byte{2, 9, 'C', 'U', 'E', 'I', 0, 0, 0, 9, 0x7f}), scte35.ErrFormat,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := scte35.Parse(tc.section)
			if !errors.Is(err, tc.want) || got.Events != nil {
				t.Errorf("%+v, %v; want %v", got, err, tc.want)
			}
		})
	}
}

// FuzzParse lets hostile bytes past the checksum, which they could compute too.
func FuzzParse(f *testing.F) {
	for _, s := range samples {
		f.Add(decoded(f, s.text))
	}
	f.Add(signal(f, segmentation(1, 0x31, 0, 0), segmentation(2, 0x30, 1, 2)))
	f.Fuzz(func(t *testing.T, b []byte) {
		if n := len(b); n >= 20 && n <= 4096 {
			b[0], b[1], b[2] = 0xfc, b[1]&0xf0|byte((n-3)>>8), byte(n-3)
			crc := scte35.Checksum(b[:n-4])
			copy(b[n-4:], []byte{byte(crc >> 24), byte(crc >> 16), byte(crc >> 8), byte(crc)})
		}
		s, err := scte35.Parse(b)
		if err != nil && len(s.Events) > 0 {
			t.Errorf("%+v with %v", s, err)
		}
		if s.PTS < 0 || s.PTS >= 1<<33 || len(s.Events) > 4096/7 {
			t.Errorf("%+v", s)
		}
		for _, e := range s.Events {
			if e.Duration < 0 || e.Kind < scte35.Out || e.Kind > scte35.Cancel {
				t.Errorf("%+v", e)
			}
		}
	})
}
