package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// version returns the version of this build: a tag, or the commit it was built from.
func version() string {
	b, ok := debug.ReadBuildInfo()
	if !ok || b.Main.Version == "" {
		return "unknown"
	}
	return b.Main.Version
}

// commitBeside returns the commit of a build, short and behind a space, where its version is a tag and does not have it.
func commitBeside(b *debug.BuildInfo) string {
	for _, s := range b.Settings {
		if s.Key != "vcs.revision" {
			continue
		}
		if commit := s.Value[:min(len(s.Value), 12)]; !strings.Contains(b.Main.Version, commit) {
			return " " + commit
		}
	}
	return ""
}

func (c *cli) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version and commit of this build",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			commit := ""
			if b, ok := debug.ReadBuildInfo(); ok {
				commit = commitBeside(b)
			}
			_, err := fmt.Fprintf(c.stdout, "spotter %s%s %s %s/%s\n", version(), commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}
