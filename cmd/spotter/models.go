package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"text/tabwriter"

	"github.com/dustin/go-humanize"
	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"spotter/models"
)

// mirrorVariable names a folder or address with model files, where --mirror does not.
const mirrorVariable = "SPOTTER_MODELS_MIRROR"

func (c *cli) modelsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "models",
		Short: "List, fetch and verify the local models",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	pull := &cobra.Command{
		Use:   "pull [NAME...]",
		Short: "Fetch the models that the configuration names, or those given",
		RunE: func(cmd *cobra.Command, args []string) error {
			mirror, err := cmd.Flags().GetString("mirror")
			if err != nil {
				return err
			}
			return c.pullModels(cmd.Context(), args, mirror)
		},
	}
	pull.Flags().String("mirror", os.Getenv(mirrorVariable), "`DIR|URL` with the files, for sites with no internet (or "+mirrorVariable+")")
	cmd.AddCommand(
		&cobra.Command{
			Use:   "list",
			Short: "List the known models, their licences and whether they are in place",
			Args:  cobra.NoArgs,
			RunE:  func(*cobra.Command, []string) error { return c.listModels() },
		},
		pull,
		&cobra.Command{
			Use:   "verify [NAME...]",
			Short: "Say which models are missing or altered",
			RunE:  func(_ *cobra.Command, args []string) error { return c.verifyModels(args) },
		},
	)
	return cmd
}

// namedModels returns the models of the given names, or those that the configuration names.
func namedModels(conf *config, names []string) ([]models.Model, error) {
	if len(names) == 0 {
		names = []string{conf.Vision.Local.Objects}
	}
	var list []models.Model
	for _, name := range names {
		m, err := models.Find(name)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errUsage, err)
		}
		list = append(list, m)
	}
	return list, nil
}

func (c *cli) listModels() error {
	conf, err := c.config()
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tSIZE\tLICENCE\tSTATE\tNOTE")
	for _, m := range models.All() {
		state := "in place"
		switch err := models.Verify(conf.modelsDir(), m); {
		case errors.Is(err, models.ErrMissing):
			state = "missing"
		case err != nil:
			state = "altered"
		}
		note := m.Note
		if !m.Cleared {
			note = "not cleared for commercial use: " + note
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", m.Name, humanize.IBytes(uint64(m.Bytes)), m.Licence, state, note)
	}
	return w.Flush()
}

func (c *cli) pullModels(ctx context.Context, names []string, mirror string) error {
	conf, err := c.config()
	if err != nil {
		return err
	}
	list, err := namedModels(&conf, names)
	if err != nil {
		return err
	}
	for _, m := range list {
		puller := &models.Puller{Dir: conf.modelsDir(), Mirror: mirror, Progress: c.pullProgress(m)}
		if err := puller.Pull(ctx, m); err != nil {
			return err
		}
		fmt.Fprintf(c.stdout, "%s: in place (%s, %s)\n", m.Name, humanize.IBytes(uint64(m.Bytes)), m.Licence)
		if !m.Cleared {
			fmt.Fprintf(c.stderr, "%s is not cleared for commercial use: %s\n", m.Name, m.Note)
		}
	}
	return nil
}

// pullProgress returns what draws a download's progress, on a terminal.
func (c *cli) pullProgress(m models.Model) func(string, int64, int64) {
	file, ok := c.stderr.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return nil
	}
	bar := progressbar.NewOptions64(m.Bytes, progressbar.OptionSetWriter(c.stderr), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetDescription(m.Name), progressbar.OptionShowBytes(true), progressbar.OptionFullWidth())
	return func(_ string, done, _ int64) { _ = bar.Set64(done) } // a terminal that is gone is not our fault
}

func (c *cli) verifyModels(names []string) error {
	conf, err := c.config()
	if err != nil {
		return err
	}
	list, err := namedModels(&conf, names)
	if err != nil {
		return err
	}
	wrong := 0
	for _, m := range list {
		if err := models.Verify(conf.modelsDir(), m); err != nil {
			wrong++
			fmt.Fprintln(c.stdout, err)
			continue
		}
		fmt.Fprintf(c.stdout, "%s: in place\n", m.Name)
	}
	if wrong > 0 {
		return errSaid
	}
	return nil
}
