package playlist_test

import (
	"fmt"
	"testing"

	"spotter/capture/playlist"
)

// name writes a key as text.
func name(k *playlist.Key) string {
	if k == nil {
		return "-"
	}
	uri := ""
	if k.URL != nil {
		uri = k.URL.String()
	}
	return fmt.Sprintf("%s %s %s %s", k.Method, k.Format, uri, k.IV)
}

var (
	keys    = each(func(s playlist.Segment) string { return name(s.Key) })
	headers = each(func(s playlist.Segment) string {
		if s.Map == nil {
			return "-"
		}
		return fmt.Sprintf("%s %d+%d %s", s.Map.URL, s.Map.Bytes.Offset, s.Map.Bytes.Length, name(s.Map.Key))
	})
)

const (
	fairplay = `#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://k",KEYFORMAT="com.apple.streamingkeydelivery",KEYFORMATVERSIONS="1"` + "\n"
	widevine = `#EXT-X-KEY:METHOD=SAMPLE-AES-CTR,URI="data:text/plain;base64,AAA=",KEYFORMAT="urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed",KEYID=0x80` + "\n"
	key1     = `#EXT-X-KEY:METHOD=AES-128,URI="http://k/1",IV=0xAb` + "\n"
	key2     = `#EXT-X-KEY:URI="http://k/2",KEYFORMAT="identity",METHOD=AES-128` + "\n"
	none     = "#EXT-X-KEY:METHOD=NONE\n"
	segment  = "#EXTINF:6,\nv\n"
)

// keyCases has EXT-X-KEY and EXT-X-MAP (rfc8216bis sections 4.4.4.4 and 4.4.4.5).
var keyCases = map[string]mediaCase{
	"KEY with an IV":             {head + key1 + segment + segment, keys, []string{"AES-128  http://k/1 0xAb", "AES-128  http://k/1 0xAb"}},
	"KEY without an IV":          {head + key2 + segment, keys, []string{"AES-128  http://k/2 "}},
	"KEY rotates":                {head + key1 + segment + key2 + segment, keys, []string{"AES-128  http://k/1 0xAb", "AES-128  http://k/2 "}},
	"KEY of METHOD=NONE":         {head + segment + key1 + segment + none + segment, keys, []string{"-", "AES-128  http://k/1 0xAb", "-"}},
	"KEY that can be used":       {head + fairplay + widevine + key1 + segment + fairplay + segment, keys, []string{"AES-128  http://k/1 0xAb", "AES-128  http://k/1 0xAb"}},
	"KEY of which none can":      {head + fairplay + widevine + segment, keys, []string{"SAMPLE-AES com.apple.streamingkeydelivery skd://k "}},
	"KEY of SAMPLE-AES":          {head + "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"http://k/1\"\n" + segment, keys, []string{"SAMPLE-AES  http://k/1 "}},
	"KEY of DRM without address": {head + "#EXT-X-KEY:METHOD=SAMPLE-AES-CTR,KEYFORMAT=\"com.microsoft.playready\"\n" + segment, keys, []string{"SAMPLE-AES-CTR com.microsoft.playready  "}},
	"KEY without a method":       {head + "#EXT-X-KEY:URI=\"http://k/1\"\n" + segment, keys, []string{"AES-128  http://k/1 "}},
	"KEY without quotes, blanks": {head + "#EXT-X-KEY: METHOD = AES-128 , URI=http://k/1 , IV=0xab\n" + segment, keys, []string{"AES-128  http://k/1 0xab"}},
	"KEY with attributes twice":  {head + "#EXT-X-KEY:METHOD=AES-128,URI=\"http://k/1\",URI=\"http://k/2\",METHOD=NONE\n" + segment, keys, []string{"AES-128  http://k/1 "}},
	"KEY with quoted commas":     {head + "#EXT-X-KEY:METHOD=AES-128,X-NOTE=\"a,URI=b\",URI=\"http://k/1,2\"\n" + segment, keys, []string{"AES-128  http://k/1,2 "}},
	"KEY with an open quote":     {head + "#EXT-X-KEY:METHOD=AES-128,IV=00ff\",URI=\"http://k/1\n" + segment, keys, []string{"AES-128  http://k/1 00ff"}},
	"MAP":                        {head + "#EXT-X-MAP:URI=\"http://m/1\"\n" + segment + segment, headers, []string{"http://m/1 0+0 -", "http://m/1 0+0 -"}},
	"MAP changes":                {head + segment + "#EXT-X-MAP:URI=\"http://m/1\"\n" + segment + "#EXT-X-MAP:URI=\"http://m/2\"\n" + segment, headers, []string{"-", "http://m/1 0+0 -", "http://m/2 0+0 -"}},
	"MAP with a byte range":      {head + "#EXT-X-MAP:URI=\"http://m/1\",BYTERANGE=\"700@9\"\n" + segment, headers, []string{"http://m/1 9+700 -"}},
	"MAP without an offset":      {head + "#EXT-X-BYTERANGE:9@9\n" + segment + "#EXT-X-MAP:URI=\"http://m/1\",BYTERANGE=700\n" + segment, headers, []string{"-", "http://m/1 0+700 -"}},
	"MAP in the clear":           {head + "#EXT-X-MAP:URI=\"http://m/1\"\n" + key1 + segment, headers, []string{"http://m/1 0+0 -"}},
	"MAP encrypted":              {head + key1 + "#EXT-X-MAP:URI=\"http://m/1\"\n" + key2 + segment, headers, []string{"http://m/1 0+0 AES-128  http://k/1 0xAb"}},
}

func TestKeys(t *testing.T) { runMedia(t, keyCases) }
