package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// docsCommand writes what a package has of the command tree: a man page for each command, and completion for each shell.
func (c *cli) docsCommand() *cobra.Command {
	var date int64
	cmd := &cobra.Command{
		Use:    "docs DIR",
		Short:  "Write man pages and shell completion into DIR",
		Args:   cobra.ExactArgs(1),
		Hidden: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			return writeDocs(cmd.Root(), args[0], time.Unix(date, 0).UTC())
		},
	}
	cmd.Flags().Int64Var(&date, "date", 0, "date of the pages, in `SECONDS` since 1970")
	return cmd
}

func writeDocs(root *cobra.Command, dir string, date time.Time) error {
	pages := filepath.Join(dir, "man")
	if err := os.MkdirAll(pages, 0o755); err != nil {
		return fmt.Errorf("make folder of man pages: %w", err)
	}
	root.DisableAutoGenTag = true // it has the day on which it was made
	header := &doc.GenManHeader{Title: "SPOTTER", Section: "1", Source: "spotter", Manual: "Spotter", Date: &date}
	if err := doc.GenManTree(root, header, pages); err != nil {
		return fmt.Errorf("write man pages: %w", err)
	}
	for name, write := range map[string]func(string) error{
		"spotter.bash": func(path string) error { return root.GenBashCompletionFileV2(path, true) },
		"_spotter":     root.GenZshCompletionFile,
		"spotter.fish": func(path string) error { return root.GenFishCompletionFile(path, true) },
	} {
		if err := write(filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("write completion %s: %w", name, err)
		}
	}
	return nil
}
