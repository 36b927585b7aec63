package httpapi_test

import (
	"testing"

	"spotter/httpapi"
)

// BenchmarkCrowd asks what a CDN asks for a crowd of 12 hours of scenes of two seconds.
func BenchmarkCrowd(b *testing.B) {
	m := cup()
	m.Timelines["cup-final"] = event(21_600, 2_000)
	m.Before["cup-final"] = 43_100_000
	s := newViewer(m)
	for _, bm := range []struct{ name, path, accept string }{
		{"window of 15 s", "windows/30000-30015", ""},
		{"window of 60 s", "windows/30000-30060", ""},
		{"window of 60 s, gzip", "windows/30000-30060", "gzip"},
		{"window of 60 s, br", "windows/30000-30060", "br"},
		{"segment", "metadata/3000.vtt", ""},
		{"segment, br", "metadata/3000.vtt", "br"},
		{"playlist of an hour", "metadata.m3u8", ""},
		{"playlist of an hour, br", "metadata.m3u8", "br"},
		{"playlist of 12 hours, br", "metadata.m3u8?from=0", "br"},
		{"date ranges of five minutes, br", "dateranges.m3u8", "br"},
	} {
		b.Run(bm.name, func(b *testing.B) { askAgain(b, s, "/v1/media/cup-final/"+bm.path, bm.accept) })
	}
}

func askAgain(b *testing.B, s *httpapi.Server, path, accept string) {
	ctx := request(path)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		ctx.Request.SetRequestURI(path)
		ctx.Request.Header.Set("Accept-Encoding", accept)
		ctx.Response.Reset()
		ctx.ResetUserValues()
		s.Handle(ctx)
		if ctx.Response.StatusCode() != 200 {
			b.Fatal(ctx.Response.String())
		}
		n = len(ctx.Response.Body())
	}
	b.ReportMetric(float64(n), "bytes")
}
