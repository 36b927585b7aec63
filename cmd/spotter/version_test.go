package main_test

import (
	"runtime/debug"
	"testing"

	spotter "spotter/cmd/spotter"
)

// TestVersionHasTheCommit: of a build from a tag, `spotter version` once said the tag alone.
func TestVersionHasTheCommit(t *testing.T) {
	t.Parallel()
	const commit = "0e8a82611e31c4e3ddc9a6a2f1c5a0d7b8e9f001"
	for _, tc := range []struct{ name, version, commit, want string }{
		{"a tag", "v0.2.0", commit, " 0e8a82611e31"},
		{"a tag with changes", "v0.2.0+dirty", commit, " 0e8a82611e31"},
		{"between tags", "v0.2.1-0.20261123174603-0e8a82611e31", commit, ""},
		{"without version control", "(devel)", "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := &debug.BuildInfo{Main: debug.Module{Path: "spotter", Version: tc.version}}
			if tc.commit != "" {
				b.Settings = []debug.BuildSetting{{Key: "vcs", Value: "git"}, {Key: "vcs.revision", Value: tc.commit}}
			}
			if got := spotter.CommitBeside(b); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}
