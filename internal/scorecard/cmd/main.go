// Command cmd runs the measurements and writes the scorecard: `make scorecard`, or `make scorecard ARGS=--quick`.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"spotter/internal/scorecard"
)

// Where the scorecard goes, below the repository's root.
const (
	markdownFile = "docs/scorecard.md"
	jsonFile     = "docs/scorecard/scorecard.json"
	chartFolder  = "docs/scorecard"
	readme       = "README.md"
)

func main() {
	quick := flag.Bool("quick", false, "measure less, in under five minutes")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage, at the root of the repository: make scorecard [ARGS=--quick]")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *quick); err != nil {
		fmt.Fprintln(os.Stderr, "scorecard:", err)
		os.Exit(1)
	}
}

// run measures everything and writes what came of it. Where something failed it writes the rest, and returns that.
func run(ctx context.Context, quick bool) error {
	if _, err := os.Stat("go.mod"); err != nil {
		return errors.New("there is no go.mod here: run make scorecard at the root of the repository")
	}
	work, err := os.MkdirTemp("", "scorecard")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	c := &scorecard.Card{Made: time.Now(), Quick: quick, Machine: scorecard.Describe(ctx, onnxVersion())}
	fmt.Println("machine:", c.Machine)
	var failed []error
	for _, s := range steps(quick) {
		if quick && s.long {
			c.LeaveOut(scorecard.Absence{What: s.name, Why: "left out of a quick run; make scorecard has it"})
			continue
		}
		err := s.run(ctx, c, quick, filepath.Join(work, "measurements"))
		if ctx.Err() != nil {
			return errors.New("ended before all was measured: nothing is written")
		}
		if err != nil {
			failed = append(failed, err)
		}
	}
	c.Took = time.Since(c.Made)
	if err := write(c); err != nil {
		return err
	}
	return errors.Join(failed...)
}

// write writes the card's files, and prints the table of README.md.
func write(c *scorecard.Card) error {
	text, plots, err := c.Markdown()
	if err != nil {
		return err
	}
	if err := clear(chartFolder); err != nil {
		return err
	}
	for _, p := range plots {
		svg, err := p.SVG()
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(chartFolder, p.File), svg, 0o644); err != nil {
			return fmt.Errorf("write chart: %w", err)
		}
	}
	if err := c.WriteJSON(jsonFile); err != nil {
		return err
	}
	if err := os.WriteFile(markdownFile, text, 0o644); err != nil {
		return fmt.Errorf("write scorecard: %w", err)
	}
	document, err := os.ReadFile(readme)
	if err != nil {
		return fmt.Errorf("read README: %w", err)
	}
	fmt.Printf("\n%s\n", c.Table())
	for _, a := range c.Absent {
		fmt.Printf("left out: %s: %s\n", a.What, a.Why)
	}
	fmt.Printf("scorecard: %s and %s, in %v\n", markdownFile, jsonFile, c.Took.Round(time.Second))
	if document, err = scorecard.ReplaceTable(document, c.Table()); err != nil {
		return fmt.Errorf("%s stays as it is: %w", readme, err)
	}
	return os.WriteFile(readme, document, 0o644)
}

// clear removes the charts of the run before, of which this one may have fewer.
func clear(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("make the folder of charts: %w", err)
	}
	old, err := filepath.Glob(filepath.Join(folder, "*.svg"))
	for _, path := range old {
		err = errors.Join(err, os.Remove(path))
	}
	return err
}

// onnxVersion is that of the library that make setup put in place, "" without one.
func onnxVersion() string {
	if _, err := os.Stat(".build/onnxruntime/libonnxruntime.so"); err != nil {
		return ""
	}
	text, err := os.ReadFile("scripts/onnxruntime.txt")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if _, version, ok := strings.Cut(line, "onnxruntime=="); ok {
			return strings.Fields(version)[0]
		}
	}
	return ""
}
