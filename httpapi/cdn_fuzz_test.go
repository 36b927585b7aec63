package httpapi_test

import (
	"net/url"
	"testing"
)

func FuzzCrowd(f *testing.F) {
	f.Add("45-60", "0", "0", "gzip, br;q=0.5")
	f.Add("41-56", "900000", "-12.5", "*;q=0")
	f.Add("-15--5", "8589934592", "1e9", ",;=")
	f.Add("-", "", "-31536000000", "identity;q=NaN")
	s := long()
	f.Fuzz(func(t *testing.T, segment, timestamp, from, accept string) {
		for _, path := range []string{
			"windows/" + url.PathEscape(segment), "metadata/" + url.PathEscape(segment), "metadata/" + url.PathEscape(segment) + ".vtt",
			"metadata/1.vtt?mpegts=" + url.QueryEscape(timestamp), "metadata.m3u8?from=" + url.QueryEscape(from),
			"dateranges.m3u8?from=" + url.QueryEscape(from), "timeline.vtt?until=" + url.QueryEscape(from),
		} {
			ctx := request("/v1/media/cup-final/" + path)
			ctx.Request.Header.Set("Accept-Encoding", accept)
			s.Handle(ctx)
			if code := ctx.Response.StatusCode(); code != 200 && code != 400 && code != 404 {
				t.Errorf("%s: %d: %s", path, code, ctx.Response.Body())
			}
		}
	})
}
