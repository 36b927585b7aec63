package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

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
	pull.Flags().String("mirror", os.Getenv(mirrorVariable), "`DIR|URL` with the files, tried before upstream, for sites with no internet (or "+mirrorVariable+")")
	cmd.AddCommand(
		&cobra.Command{
			Use:   "list",
			Short: "List the known models, their licences, what they may be used for and whether they are in place",
			Args:  cobra.NoArgs,
			RunE:  func(*cobra.Command, []string) error { return c.listModels() },
		},
		pull,
		&cobra.Command{
			Use:   "verify [NAME...]",
			Short: "Say of each model that the configuration names, or those given, whether it is ok, missing or altered",
			RunE:  func(_ *cobra.Command, args []string) error { return c.verifyModels(args) },
		},
	)
	return cmd
}

// namedModels returns the models of the given names, or those that the configuration names.
func namedModels(conf *config, names []string) ([]models.Model, error) {
	if len(names) == 0 {
		l := conf.Vision.Local
		names = []string{l.Objects, l.Faces, l.Identities}
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
	fmt.Fprintln(w, "NAME\tVERSION\tSIZE\tLICENCE\tSTATE\tUSE\tWHAT FOR")
	for _, m := range models.All() {
		use := "cleared"
		if !m.Cleared {
			use = "test only: naming it is the consent"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s: %s; trained on %s\n", m.Name, m.Version, megabytes(m), m.Licence,
			modelState(models.Verify(conf.modelsDir(), m)), use, m.Purpose, m.Gives, m.Training)
	}
	return w.Flush()
}

// modelState is a word for what models.Verify returned.
func modelState(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, models.ErrMissing):
		return "missing"
	case errors.Is(err, models.ErrAltered):
		return "altered"
	}
	return "unreadable"
}

func megabytes(m models.Model) string { return humanize.IBytes(uint64(m.Bytes)) }

// pullModels fetches every model that it can; one that cannot be had keeps none of the others away.
func (c *cli) pullModels(ctx context.Context, names []string, mirror string) error {
	conf, err := c.config()
	if err != nil {
		return err
	}
	list, err := namedModels(&conf, names)
	if err != nil {
		return err
	}
	var failed []error
	for _, m := range list {
		if err := c.pullModel(ctx, conf.modelsDir(), mirror, m); err != nil {
			failed = append(failed, err)
			if ctx.Err() != nil {
				break
			}
			continue
		}
		fmt.Fprintf(c.stdout, "%s: in place (%s, %s)\n", m.Name, megabytes(m), m.Licence)
		if !m.Cleared {
			fmt.Fprintf(c.stderr, "%s is not cleared for commercial use: it was trained on %s\n", m.Name, m.Training)
		}
	}
	return errors.Join(failed...)
}

// pullModel fetches one model, with a progress bar on a terminal and words about what goes wrong on the way.
func (c *cli) pullModel(ctx context.Context, dir, mirror string, m models.Model) error {
	puller := &models.Puller{Dir: dir, Mirror: mirror}
	clearBar := func() {}
	if file, ok := c.stderr.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		bar := progressbar.NewOptions64(m.Bytes, progressbar.OptionSetWriter(c.stderr), progressbar.OptionClearOnFinish(),
			progressbar.OptionSetDescription(m.Name), progressbar.OptionShowBytes(true), progressbar.OptionFullWidth(),
			progressbar.OptionThrottle(100*time.Millisecond))
		// A terminal that is gone is not our fault.
		puller.Progress = func(_ string, done, _ int64) { _ = bar.Set64(done) }
		clearBar = func() { _ = bar.Clear() }
	}
	puller.Retrying = func(name string, err error, wait time.Duration) {
		clearBar()
		fmt.Fprintf(c.stderr, "%s: %v: trying again in %s\n", name, err, wait.Round(100*time.Millisecond))
	}
	defer clearBar()
	return puller.Pull(ctx, m)
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
	var wrong error
	for _, m := range list {
		err := models.Verify(conf.modelsDir(), m)
		if err != nil {
			wrong = errSaid
			fmt.Fprintf(c.stdout, "%-10s  %s: %v\n", modelState(err), m.Name, err)
			continue
		}
		fmt.Fprintf(c.stdout, "%-10s  %s\n", modelState(nil), m.Name)
	}
	return wrong
}
