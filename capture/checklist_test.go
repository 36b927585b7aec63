package capture_test

import "testing"

// TestChecklist is what a client of live HLS must get right, row by row, with the section of RFC 8216 or of its second
// edition. The text of playlists is tested tag by tag in package playlist, HTTP answer by answer in package fetch.
func TestChecklist(t *testing.T) {
	for _, row := range []struct {
		name string
		test func(*testing.T)
	}{
		{"reload timing, changed and unchanged (6.3.4)", TestReloadTiming},
		{"begins three target durations from the live edge (6.3.3)", TestStartsThreeTargetDurationsFromTheEdge},
		{"HOLD-BACK and EXT-X-START (4.4.3.8, 4.4.2.2)", TestStart},
		{"media sequence goes back: the origin restarts (4.4.3.2)", TestOriginRestarts},
		{"media sequence jumps (4.4.3.2)", TestRenumbered},
		{"stale copies of a playlist (6.2.1)", TestStaleCopies},
		{"discontinuity with another codec, size and PTS (4.4.4.3, 4.4.3.3)", TestDiscontinuityChangesEverything},
		{"PTS wrap at 2^33, fMP4 and HEVC", TestContainersAndCodecs},
		{"PROGRAM-DATE-TIME missing, jumping, drifting (4.4.4.6)", TestWallClock},
		{"AES-128: explicit and implicit IV, rotation, METHOD=NONE, encrypted MAP (4.4.4.4)", TestEncrypted},
		{"keys that fail", TestKeyFaults},
		{"SAMPLE-AES and DRM refused by name (4.4.4.4)", TestRefusesByName},
		{"MAP changing, as byte range (4.4.4.5)", TestMapChanges},
		{"byte ranges with omitted offset (4.4.4.2)", TestByteRanges},
		{"GAP: not fetched, the hole recorded (4.4.4.7)", TestGapsAndDiscontinuities},
		{"LL-HLS: parts, blocking reload, delta updates (4.4.4.9, 6.2.5)", TestLowLatency},
		{"LL-HLS: preload hints (4.4.5.3)", TestPreloadHint},
		{"LL-HLS: parts with GAP", TestPartGap},
		{"LL-HLS: the same pictures as without", TestPlansParts},
		{"DATERANGE, SCTE-35 and CUE tags (4.4.5.1)", TestBreaks},
		{"ENDLIST, and a stream that goes on after it (4.4.3.4)", TestEndsAndGoesOn},
		{"EVENT and VOD (4.4.3.5)", TestStartsAtTheFirstSegment},
		{"I-frame playlists (4.4.3.6)", TestIFrames},
		{"redundant variants: failover and fail-back (6.2.4)", TestRedundantVariant},
		{"backup origins: failover and fail-back", TestBackup},
		{"content steering (4.4.6.6, 7)", TestContentSteering},
		{"DEFINE (4.4.2.3)", TestVariables},
		{"cookies, tokens, headers, basic authentication", TestCredentials},
		{"304", TestNotModified},
		{"redirects, status codes, truncated, slow and oversized bodies", TestOneFault},
		{"nothing published yet", TestNotYetPublished},
		{"sound alone", TestSoundAlone},
		{"falls behind: on at the live edge", TestFallsBehind},
		{"a restart moves nothing", TestRestartGoesOn},
		{"begins in the middle of a group of pictures", TestPlannerStartsAtTheFirstKeyframe},
	} {
		t.Run(row.name, row.test)
	}
}
