package main_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	main "spotter/cmd/spotter"
)

// TestChangedKeys: what a reload takes up, and what it only names.
func TestChangedKeys(t *testing.T) {
	const cup = "media: [{id: cup, url: 'http://origin.example/a.m3u8'}]\n"
	for name, tc := range map[string]struct {
		before, after string
		live, restart []string
		conflict      string
	}{
		"nothing":          {cup, "# the same\n" + cup, nil, nil, ""},
		"media":            {cup, strings.Replace(cup, "a.m3u8", "b.m3u8", 1), nil, nil, ""},
		"retention":        {"", "retention: {age: 5h, max_bytes: 1GiB}", []string{"retention.age", "retention.max_bytes"}, nil, ""},
		"level of the log": {"", "log: {level: debug}", []string{"log.level"}, nil, ""},
		"budgets": {
			"vision: {rekognition: }", "vision: {rekognition: {calls_per_second: 9, usd_per_hour: 9, deadline: 3s, min_confidence: 9, max_labels: 9, region: eu-north-1}}",
			[]string{
				"vision.rekognition.max_labels", "vision.rekognition.min_confidence", "vision.rekognition.calls_per_second",
				"vision.rekognition.usd_per_hour", "vision.rekognition.deadline",
			},
			[]string{"vision.rekognition.region"},
			"",
		},
		"a section that comes": {"", "vision: {rekognition: }", nil, []string{"vision.rekognition"}, ""},
		"a section that goes":  {"engage:\n  policy: uniform", "", nil, []string{"engage"}, ""},
		"listeners and models": {
			"", "data_dir: /srv/spotter\nhttp: {viewer: {listen: '127.0.0.1:1'}}\nvision: {local: {objects: yolox-s}}", nil,
			[]string{"data_dir", "http.viewer.listen", "vision.local.objects"},
			"",
		},
		"lists": {"", "http: {viewer: {origins: ['https://app.example']}}", nil, []string{"http.viewer.origins"}, ""},
		"media that need another key first": {
			"sync: {dynamodb: {pair: site}}", cup, nil, []string{"sync.dynamodb"}, "two boxes agree on positions only from an instant",
		},
	} {
		t.Run(name, func(t *testing.T) {
			live, restart, err := main.ChangedKeys(tc.before, tc.after)
			if diff := cmp.Diff([][]string{tc.live, tc.restart}, [][]string{live, restart}); diff != "" {
				t.Errorf("live and restart (-want +got):\n%s", diff)
			}
			if (err == nil) != (tc.conflict == "") || err != nil && !strings.Contains(err.Error(), tc.conflict) {
				t.Errorf("conflict %v, want %q", err, tc.conflict)
			}
		})
	}
}
