package playlist_test

import (
	"testing"
	"time"

	"spotter/capture/playlist"
)

// splice is a splice_info_section (of one byte, as far as a playlist cares) in base64: "/A==".
var splice = []byte{0xFC}

func cuesBefore(m *playlist.Media) any { return m.Segments[0].Cues }

func cueCase(tags string, want ...playlist.Cue) mediaCase {
	return mediaCase{head + tags + "\n" + segment + segment, cuesBefore, want}
}

// cueCases has the dialects of packagers.
var cueCases = map[string]mediaCase{
	"no cue":                             cueCase("#EXT-X-ASSET:CAID=0x01"),
	"CUE-OUT with a duration":            cueCase("#EXT-X-CUE-OUT:30.000", playlist.Cue{Kind: playlist.CueOut, Duration: 30e9}),
	"CUE-OUT with an attribute":          cueCase("#EXT-X-CUE-OUT:DURATION=30", playlist.Cue{Kind: playlist.CueOut, Duration: 30e9}),
	"CUE-OUT with both":                  cueCase("#EXT-X-CUE-OUT:177.1,SignalID=x", playlist.Cue{Kind: playlist.CueOut, Duration: 177100 * time.Millisecond}),
	"CUE-OUT alone":                      cueCase("#EXT-X-CUE-OUT", playlist.Cue{Kind: playlist.CueOut}),
	"CUE-OUT-CONT as a fraction":         cueCase("#EXT-X-CUE-OUT-CONT: 8.308/30", playlist.Cue{Kind: playlist.CueContinue, Elapsed: 8308e6, Duration: 30e9}),
	"CUE-OUT-CONT with attributes":       cueCase("#EXT-X-CUE-OUT-CONT:ElapsedTime=8.308,Duration=30,SCTE35=/A==", playlist.Cue{Kind: playlist.CueContinue, Elapsed: 8308e6, Duration: 30e9, Splice: splice}),
	"CUE-IN":                             cueCase("#EXT-X-CUE-IN", playlist.Cue{Kind: playlist.CueIn}),
	"CUE-IN with a duration":             cueCase("#EXT-X-CUE-IN:177.100,SignalID=", playlist.Cue{Kind: playlist.CueIn}),
	"CUE-IN and CUE-OUT":                 cueCase("#EXT-X-CUE-IN\n#EXT-OATCLS-SCTE35:/A==\n#EXT-X-CUE-OUT:1", playlist.Cue{Kind: playlist.CueIn}, playlist.Cue{Kind: playlist.CueOut, Duration: 1e9, Splice: splice}),
	"OATCLS-SCTE35 before CUE-OUT":       cueCase("#EXT-OATCLS-SCTE35:/A==\n#EXT-X-ASSET:CAID=0x1\n#EXT-X-CUE-OUT:30", playlist.Cue{Kind: playlist.CueOut, Duration: 30e9, Splice: splice}),
	"OATCLS-SCTE35 behind CUE-OUT":       cueCase("#EXT-X-CUE-OUT:30\n#EXT-OATCLS-SCTE35:/A==", playlist.Cue{Kind: playlist.CueOut, Duration: 30e9, Splice: splice}),
	"OATCLS-SCTE35 with CUE-IN":          cueCase("#EXT-OATCLS-SCTE35:/A\n#EXT-X-CUE-IN", playlist.Cue{Kind: playlist.CueIn, Splice: splice}),
	"OATCLS-SCTE35 alone":                cueCase("#EXT-OATCLS-SCTE35:/A=="),
	"SPLICEPOINT-SCTE35":                 cueCase("#EXT-X-SPLICEPOINT-SCTE35:/A==\n#EXT-X-CUE-OUT:30", playlist.Cue{Kind: playlist.CueOut, Duration: 30e9, Splice: splice}),
	"SPLICEPOINT-SCTE35 alone":           cueCase("#EXT-X-SPLICEPOINT-SCTE35:/A=="),
	"CUE of TYPE SpliceOut":              cueCase(`#EXT-X-CUE:TYPE="SpliceOut",ID="1",TIME="414.171",DURATION="201.467"`, playlist.Cue{Kind: playlist.CueOut, ID: "1", Duration: 201467e6}),
	"CUE of TYPE SpliceOut, going on":    cueCase(`#EXT-X-CUE:TYPE=SpliceOut,ID=1,DURATION=60,ELAPSED=20.5`, playlist.Cue{Kind: playlist.CueContinue, ID: "1", Duration: 60e9, Elapsed: 20500e6}),
	"CUE of TYPE SpliceIn":               cueCase(`#EXT-X-CUE:ID="1",TYPE="SpliceIn",TIME="615.6"`, playlist.Cue{Kind: playlist.CueIn, ID: "1"}),
	"CUE of another TYPE":                cueCase(`#EXT-X-CUE:ID="1",TYPE="SpliceInsert",TIME="615.6"`),
	"CUE-CONT":                           cueCase("#EXT-X-CUE-CONT:ID=1,AVAIL-DUR-ELAPSED=5.8", playlist.Cue{Kind: playlist.CueContinue, ID: "1", Elapsed: 5800e6}),
	"SCTE35 of CUE-OUT=YES":              cueCase(`#EXT-X-SCTE35:CUE="/A==",ID="7",TIME=1.5,DURATION=15,CUE-OUT=YES`, playlist.Cue{Kind: playlist.CueOut, ID: "7", Duration: 15e9, Splice: splice}),
	"SCTE35 of CUE-OUT=CONT":             cueCase(`#EXT-X-SCTE35:CUE="/A==",ID="7",ELAPSED=3,CUE-OUT=CONT`, playlist.Cue{Kind: playlist.CueContinue, ID: "7", Elapsed: 3e9, Splice: splice}),
	"SCTE35 of CUE-IN=YES":               cueCase(`#EXT-X-SCTE35:CUE="/A==",ID="7",CUE-IN=YES`, playlist.Cue{Kind: playlist.CueIn, ID: "7", Splice: splice}),
	"SCTE35 of CUE-OUT=NO":               cueCase(`#EXT-X-SCTE35:CUE="/A==",CUE-OUT=NO`),
	"SCTE35 of which only CUE is said":   cueCase(`#EXT-SCTE35: CUE="/A==", ID="123", TIME=123.12`),
	"SCTE35 beside CUE-OUT: one cue":     cueCase("#EXT-X-SCTE35:CUE=\"/A==\",ID=\"7\",CUE-OUT=YES\n#EXT-X-CUE-OUT:15", playlist.Cue{Kind: playlist.CueOut, ID: "7", Duration: 15e9, Splice: splice}),
	"SCTE35 of two breaks":               cueCase("#EXT-X-SCTE35:ID=7,CUE-IN=YES\n#EXT-X-SCTE35:ID=8,CUE-IN=YES", playlist.Cue{Kind: playlist.CueIn, ID: "7"}, playlist.Cue{Kind: playlist.CueIn, ID: "8"}),
	"a section that cannot be read":      cueCase("#EXT-OATCLS-SCTE35:?\n#EXT-X-CUE-OUT:x", playlist.Cue{Kind: playlist.CueOut}),
	"a cue is of one segment, not after": {head + segment + "#EXT-X-CUE-IN\n" + segment, cuesBefore, []playlist.Cue(nil)},
	"a cue behind EXTINF": {
		head + "#EXTINF:6,\n#EXT-X-CUE-IN\na\n", cuesBefore, []playlist.Cue{{Kind: playlist.CueIn}},
	},
}

func TestCues(t *testing.T) { runMedia(t, cueCases) }

func dateRanges(m *playlist.Media) any { return m.Ranges }

const began = `START-DATE="2026-11-23T14:00:00.5Z"`

// dateRangeCases has EXT-X-DATERANGE (rfc8216bis section 4.4.5.1).
var dateRangeCases = map[string]mediaCase{
	"DATERANGE": {
		head + `#EXT-X-DATERANGE:ID="a",CLASS="c",` + began + `,END-DATE="2026-11-23T15:00:00.5+01:00",DURATION=59.5,PLANNED-DURATION=60,X-COM="x,y",END-ON-NEXT=YES` + "\n",
		dateRanges,
		[]playlist.DateRange{{ID: "a", Class: "c", Start: wall, End: wall, Duration: 59500e6, Planned: 60e9, EndOnNext: true}},
	},
	"DATERANGE with SCTE-35": {
		head + `#EXT-X-DATERANGE:ID="a",` + began + ",SCTE35-OUT=0xFC00,SCTE35-IN=0xfc01,SCTE35-CMD=0XFc02\n", dateRanges,
		[]playlist.DateRange{{ID: "a", Start: wall, Duration: -1, Planned: -1, Out: []byte{0xFC, 0}, In: []byte{0xFC, 1}, Command: []byte{0xFC, 2}}},
	},
	"DATERANGE with damage": {
		head + `#EXT-X-DATERANGE:ID="a",` + began + ",END-DATE=soon,DURATION=-5,SCTE35-OUT=0xFCX,SCTE35-IN=FC01,SCTE35-CMD=0x0\n", dateRanges,
		[]playlist.DateRange{{ID: "a", Start: wall, Duration: -1, Planned: -1}},
	},
	"DATERANGE in two tags": {
		head + `#EXT-X-DATERANGE:ID="a",` + began + ",PLANNED-DURATION=60,SCTE35-OUT=0xFC\n" + `#EXT-X-DATERANGE:ID="b",` + began + "\n#EXTINF:6,\nx\n" +
			`#EXT-X-DATERANGE:ID="a",DURATION=59.993,SCTE35-IN=0xFC` + "\n",
		dateRanges,
		[]playlist.DateRange{
			{ID: "a", Start: wall, Duration: 59993e6, Planned: 60e9, Out: splice, In: splice}, {ID: "b", Start: wall, Duration: -1, Planned: -1},
		},
	},
	"DATERANGE without ID or start": {head + "#EXT-X-DATERANGE:" + began + "\n#EXT-X-DATERANGE:ID=\"x\"\n", dateRanges, []playlist.DateRange{}},
}

func TestDateRanges(t *testing.T) { runMedia(t, dateRangeCases) }
