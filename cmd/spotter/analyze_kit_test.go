package main_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/internal/testmedia"
	"spotter/timeline"
)

// TestAnalyzeKit analyses streams that other packagers made.
func TestAnalyzeKit(t *testing.T) {
	t.Parallel()
	needPictures(t)
	kit := testmedia.Kit(t, "segments")
	dir := t.TempDir()
	for _, name := range []string{"bipbop0.ts", "bipbop1.ts"} {
		b, err := os.ReadFile(filepath.Join(kit, "http-streaming", name))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name), string(b))
	}
	write(t, filepath.Join(dir, "bipbop.m3u8"), "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:9.97667,\nbipbop0.ts\n#EXTINF:9.97667,\nbipbop1.ts\n#EXT-X-ENDLIST\n")
	for name, tc := range map[string]struct {
		path        string
		from, until timeline.Position
	}{
		"CMAF":            {filepath.Join(kit, "cmaf", "multi-segment", "playlist.m3u8"), 0, 3_000},
		"bipbop":          {filepath.Join(dir, "bipbop.m3u8"), 0, 20_020},
		"bipbop's first":  {filepath.Join(dir, "bipbop0.ts"), 0, 10_010},
		"bipbop's second": {filepath.Join(dir, "bipbop1.ts"), 0, 10_010},
		"fragmented MP4":  {filepath.Join(kit, "mp4ff", "v300_multiple_segments.mp4"), 66, 8_066},
		"progressive MP4": {filepath.Join(kit, "mp4ff", "prog_8s.mp4"), 66, 8_066},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := analyze(t, "spotter", "--config", cascades(t), tc.path)
			if len(a.observations) == 0 {
				t.Fatalf("got %+v, want scenes", a)
			}
			first, last := a.observations[0], a.observations[len(a.observations)-1]
			got := []timeline.Position{first.From, last.Until, a.summary.Duration}
			if diff := cmp.Diff([]timeline.Position{tc.from, tc.until, tc.until - tc.from}, got); diff != "" {
				t.Errorf("from, until and duration (-want +got):\n%s", diff)
			}
		})
	}
}
