package playlist_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"spotter/capture/playlist"
)

// bad is an address that cannot be read and must not be quoted.
const bad = "http://user:" + token + "@h:po" + token + "/%zz?token=" + token

// refusedCases are playlists that are not usable, with words of the error.
var refusedCases = map[string]struct{ text, want string }{
	"nothing":                       {"\n", "empty"},
	"an HTML page":                  {"\n<!DOCTYPE html>\n#EXTM3U", "HTML"},
	"no header":                     {"#EXTINF:2,\na\n", "#EXTM3U"},
	"text before the header":        {"x\n#EXTM3U\n", "#EXTM3U"},
	"a header alone":                {"#EXTM3U\n", "EXT-X-TARGETDURATION"},
	"no target duration":            {"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:1\n", "EXT-X-TARGETDURATION"},
	"segments and variants":         {head + "#EXTINF:2,\na.ts\n#EXT-X-STREAM-INF:BANDWIDTH=1\nb.m3u8\n", "both segments and variants"},
	"a variant without URI":         {"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n", "no variant"},
	"a sequence number too large":   {head + "#EXT-X-MEDIA-SEQUENCE:18446744073709551615\n#EXTINF:2,\na\n", "2^63"},
	"an unreadable URI":             {head + "#EXTINF:2,\n" + bad + "\n", "segment 0: its URI"},
	"an unreadable key":             {head + "#EXT-X-KEY:METHOD=AES-128,URI=\"" + bad + "\"\n#EXTINF:2,\na\n", "segment 0: EXT-X-KEY: its URI"},
	"a key without URI":             {head + "#EXT-X-KEY:METHOD=AES-128\n#EXTINF:2,\na\n", "EXT-X-KEY: it has no URI"},
	"an unreadable map":             {head + "#EXT-X-MAP:URI=\"" + bad + "\"\n#EXTINF:2,\na\n", "EXT-X-MAP: its URI"},
	"a map without URI":             {head + "#EXT-X-MAP:BYTERANGE=\"1@2\"\n#EXTINF:2,\na\n", "EXT-X-MAP: it has no URI"},
	"a map without length":          {head + "#EXT-X-MAP:URI=\"i\",BYTERANGE=\"x\"\n#EXTINF:2,\na\n", "EXT-X-MAP: the byte range has no length"},
	"an unreadable part":            {head + "#EXT-X-PART:DURATION=1,URI=\"" + bad + "\"\n", "EXT-X-PART: its URI"},
	"a part's range":                {head + "#EXT-X-PART:DURATION=1,URI=\"p\",BYTERANGE=\"@1\"\n", "EXT-X-PART: the byte range"},
	"an unreadable hint":            {head + "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"" + bad + "\"\n", "EXT-X-PRELOAD-HINT: its URI"},
	"an unreadable variant":         {"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n" + bad + "\n", "variant 1: its URI"},
	"an unreadable I-frame variant": {"#EXTM3U\n#EXT-X-STREAM-INF:\na\n#EXT-X-I-FRAME-STREAM-INF:URI=\"" + bad + "\"\n", "EXT-X-I-FRAME-STREAM-INF: its URI"},
	"an unreadable steering server": {"#EXTM3U\n#EXT-X-STREAM-INF:\na\n#EXT-X-CONTENT-STEERING:SERVER-URI=\"" + bad + "\"\n", "EXT-X-CONTENT-STEERING: its URI"},
	"a range without length":        {head + "#EXT-X-BYTERANGE:@4\n#EXTINF:2,\na\n", "EXT-X-BYTERANGE: the byte range has no length"},
	"a range of nothing":            {head + "#EXT-X-BYTERANGE:0@4\n#EXTINF:2,\na\n", "no length"},
	"a range before 0":              {head + "#EXT-X-BYTERANGE:5@-4\n#EXTINF:2,\na\n", "no offset"},
	"a range without end":           {head + "#EXT-X-BYTERANGE:9223372036854775807@9\n#EXTINF:2,\na\n", "beyond any file"},
	"ranges without end":            {head + "#EXT-X-BYTERANGE:9223372036854775807@0\n#EXTINF:2,\na\n#EXT-X-BYTERANGE:1\n#EXTINF:2,\na\n", "beyond any file"},
	"a hint without end":            {head + "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"p\",BYTERANGE-START=9223372036854775807,BYTERANGE-LENGTH=1\n", "beyond any file"},
	"a skip of nothing":             {head + "#EXT-X-SKIP:SKIPPED-SEGMENTS=0\n", "EXT-X-SKIP"},
	"a skip of too many":            {head + "#EXT-X-SKIP:SKIPPED-SEGMENTS=100001\n", "EXT-X-SKIP"},
	"a skip behind a segment":       {head + "#EXTINF:2,\na\n#EXT-X-SKIP:SKIPPED-SEGMENTS=1\n", "EXT-X-SKIP"},
	"a variable in an attribute":    {head + "#EXT-X-DATERANGE:ID=\"{$v}\"\n", `"v" is not defined`},
}

// TestRefused also checks that the error says nothing of a query or a password.
func TestRefused(t *testing.T) {
	for name, tc := range refusedCases {
		t.Run(name, func(t *testing.T) { refuse(t, tc.text, tc.want) })
	}
}

func refuse(t *testing.T, text, want string) {
	t.Helper()
	m, v, err := playlist.Parse([]byte(text), parseURL(t, base+"?token="+token), nil)
	if !errors.Is(err, playlist.ErrFormat) || m != nil || v != nil {
		t.Fatalf("%v does not wrap ErrFormat", err)
	}
	if s := err.Error(); !strings.Contains(s, want) || strings.Contains(s, token) || len(s) > 200 {
		t.Errorf("%.300s; want %s", s, want)
	}
}

// TestHostile has playlists that would cost time or memory by the square of their size. The bound is for a busy machine:
// what is not linear takes minutes.
func TestHostile(t *testing.T) {
	numbered := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	many := strings.Repeat
	const variants = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\na\n"
	for name, tc := range map[string]struct{ text, want string }{
		"too many segments":         {head + many("#EXTINF:2,\na\n", playlist.MaxSegments+1), "more than 100000 segments"},
		"too many variants":         {many(variants, playlist.MaxVariants+1), "more than 1000 variants"},
		"too many I-frame ones":     {variants + many("#EXT-X-I-FRAME-STREAM-INF:URI=\"i\"\n", playlist.MaxVariants+1), "more than 1000"},
		"too many session keys":     {variants + many("#EXT-X-SESSION-KEY:METHOD=AES-128,URI=\"k\"\n", playlist.MaxVariants+1), "more than 1000"},
		"too many variables":        {head + numbered(playlist.MaxVariables+1, "#EXT-X-DEFINE:NAME=\"v%d\",VALUE=\"\"\n"), "more than 1000 variables"},
		"too many date ranges":      {head + numbered(playlist.MaxRanges+1, "#EXT-X-DATERANGE:ID=\"%d\"\n"), "more than 10000"},
		"too many parts":            {head + many("#EXT-X-PART:DURATION=1,URI=\"p\"\n", playlist.MaxSegments+1), "more than 100000"},
		"too many key formats":      {head + numbered(20, "#EXT-X-KEY:METHOD=X,KEYFORMAT=\"%d\"\n"), "key formats"},
		"variables that multiply":   {head + "#EXT-X-DEFINE:NAME=\"v0\",VALUE=\"" + many("x", 64) + "\"\n" + numbered(60, "#EXT-X-DEFINE:NAME=\"v1%[1]d\",VALUE=\"{$v0}"+many("{$v0}", 50_000)+"\"\n"), "MiB"},
		"long variables":            {head + "#EXT-X-DEFINE:NAME=\"v\",VALUE=\"" + many("x", 100_000) + "\"\n" + many("#EXTINF:2,\n{$v}{$v}\n", 2000), "MiB"},
		"a very long range":         {head + "#EXT-X-BYTERANGE:" + many("9", 1_000_000) + "\n#EXTINF:2,\na\n", "no length"},
		"thousands of renditions":   {variants + numbered(30_000, "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"%d\",URI=\"a\"\n") + many("#EXT-X-STREAM-INF:AUDIO=\"a\"\nv\n", 900), ""},
		"a million attributes":      {variants + "#EXT-X-STREAM-INF:" + many("A=B,", 200_000) + "\nv\n", ""},
		"a million attributes each": {variants + many("#EXT-X-STREAM-INF:"+many("A=B,", 2000)+"\nv\n", 200), ""},
		"open references":           {head + "#EXTINF:2,\n" + many("{$a", 300_000) + "\n", ""},
		"open quotes":               {head + many("#EXT-X-KEY:METHOD=AES-128,URI=\"k\",X=\""+many("\"", 50)+"\n", 10_000), ""},
		"many cues":                 {head + many("#EXT-X-CUE-OUT\n#EXT-X-CUE-IN\n", 20_000), ""},
		"many sequence numbers":     {head + many("#EXT-X-MEDIA-SEQUENCE:1\n", 50_000), ""},
		"long sequence numbers":     {head + many("#EXT-X-MEDIA-SEQUENCE:"+many("9", 100_000)+"\n", 80), ""},
		"a long number":             {head + "#EXTINF:" + many("9", 4_000_000) + ",\na\n", ""},
		"many comments":             {"#EXTM3U\n" + many("#\n", 1_000_000) + head, ""},
		"keys without segments":     {head + many(key1, 30_000), ""},
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			if tc.want != "" {
				refuse(t, tc.text, tc.want)
			} else if _, _, err := playlist.Parse([]byte(tc.text), parseURL(t, base), nil); err != nil {
				t.Error(err)
			}
			if took := time.Since(began); took > time.Minute {
				t.Errorf("it took %v for %d bytes", took, len(tc.text))
			}
		})
	}
	t.Run("a long address of the playlist", func(t *testing.T) {
		_, _, err := playlist.Parse([]byte(head+many("#EXTINF:2,\na\n", 10_000)), parseURL(t, "http://h/"+many("x", 10_000)+"/"), nil)
		if !errors.Is(err, playlist.ErrFormat) {
			t.Errorf("%v does not wrap ErrFormat", err)
		}
	})
}
