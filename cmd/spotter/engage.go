package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"spotter/engage/ledger"
	"spotter/engage/offline"
	"spotter/engage/policy"
	"spotter/httpapi"
)

func (c *cli) engageCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "engage",
		Short: "Take out what was decided for viewers, and judge policies by it",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	var format string
	export := &cobra.Command{
		Use:   "export",
		Short: "Write all decisions and what came of them to standard output",
		Long: "Write each decision with its eligible set, choice, propensity, events and reward, oldest first: as one JSON object a\n" +
			"line, or as Vowpal Wabbit's text for --cb_adf. A running box is asked; where none runs its data folder is read.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.exportDecisions(cmd.Context(), format) },
	}
	export.Flags().StringVar(&format, "format", httpapi.DecisionsNDJSON, "`FORMAT`: ndjson or vw")
	var e evaluation
	evaluate := &cobra.Command{
		Use:   "evaluate [FILE]",
		Short: "Estimate what other policies would have earned on the decisions that were made",
		Long: "Estimate from decisions that were made what other policies would have earned, with inverse propensity weights (IPS), these\n" +
			"self-normalised (SNIPS) and doubly robust, each with its interval and the effective sample size, and say where the data\n" +
			"cannot tell. FILE is what spotter engage export wrote; without one the box is asked. Policies that learn do so on the\n" +
			"first half and are judged, as all others, on the second.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				e.file = args[0]
			}
			return c.evaluate(cmd.Context(), &e)
		},
	}
	evaluate.Flags().StringSliceVar(&e.policies, "policy", nil, "`NAME,NAME...` of uniform, priority, best (instrument), linucb, thompson, or id=INSTRUMENT (default all but id)")
	evaluate.Flags().Float64Var(&e.options.Clip, "clip", 0, "bound importance `WEIGHT`s: less variance, more bias (0: none)")
	evaluate.Flags().Uint64Var(&e.options.Seed, "seed", 0, "`NUMBER` that the intervals' resampling starts from")
	cmd.AddCommand(export, evaluate)
	return cmd
}

func (c *cli) exportDecisions(ctx context.Context, format string) error {
	if format != httpapi.DecisionsNDJSON && format != httpapi.DecisionsVW {
		return fmt.Errorf("%w: --format: %q is neither ndjson nor vw", errUsage, format)
	}
	conf, err := c.config()
	if err != nil {
		return err
	}
	body, err := askAdmin(ctx, &conf, "/v1/decisions?format="+format)
	if err == nil {
		defer body.Close()
		_, err = io.Copy(c.stdout, body)
		return err
	}
	if !errors.Is(err, errNoBox) {
		return err
	}
	l, err := openLedger(&conf)
	if err != nil {
		return err
	}
	return errors.Join(writeDecisions(c.stdout, l, conf.eventWindow(), format), l.Close())
}

// openLedger opens the ledger of a box that does not run.
func openLedger(conf *config) (*ledger.Ledger, error) {
	if found, _ := filepath.Glob(filepath.Join(conf.DataDir, "engagement.*")); len(found) == 0 { // opening would make one
		return nil, fmt.Errorf("no box listens on %s, and %s has no decisions", conf.HTTP.Admin.Listen, conf.DataDir)
	}
	return ledger.Open(conf.DataDir, ledger.Options{})
}

// eventWindow is how long after its decision an event counts.
func (c *config) eventWindow() time.Duration {
	if c.Engage == nil {
		return defaultEngage().Window
	}
	return c.Engage.Window
}

func writeDecisions(w io.Writer, l *ledger.Ledger, window time.Duration, format string) error {
	samples := offline.Join(l.Replay, window)
	if format == httpapi.DecisionsVW {
		return offline.WriteVW(w, samples)
	}
	return offline.WriteNDJSON(w, samples)
}

// WriteDecisions implements httpapi.Decisions.
func (e engaging) WriteDecisions(w io.Writer, format string) error {
	return writeDecisions(w, e.ledger, e.window, format)
}

// evaluation is what evaluate is asked.
type evaluation struct {
	file     string
	policies []string
	options  offline.Options
}

func (c *cli) evaluate(ctx context.Context, e *evaluation) error {
	open := func() (io.ReadCloser, error) { return os.Open(e.file) }
	if e.file == "" {
		// The box is asked once: its log grows, and each look at the decisions has to see the same.
		dir, err := os.MkdirTemp("", "spotter-evaluate-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		e.file = filepath.Join(dir, "decisions.ndjson")
		if err := c.saveDecisions(ctx, e.file); err != nil {
			return err
		}
	}
	first, rest, err := offline.Split(offline.ReadNDJSON(open), 0.5)
	if err != nil {
		return err
	}
	targets, err := e.targets(first)
	if err != nil {
		return err
	}
	reports, err := offline.Compare(rest, targets, e.options)
	if errors.Is(err, offline.ErrNoDecisions) {
		return fmt.Errorf("%w: ask for instruments (profile= or engage=1 in a look-up) and send events first", err)
	}
	if err != nil {
		return err
	}
	return offline.WriteReports(c.stdout, reports)
}

// saveDecisions exports into a file.
func (c *cli) saveDecisions(ctx context.Context, path string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	to := *c
	to.stdout = file
	return errors.Join(to.exportDecisions(ctx, httpapi.DecisionsNDJSON), file.Close())
}

// targets returns the policies to judge, those that learn having learned from first.
func (e *evaluation) targets(first offline.Samples) ([]policy.Policy, error) {
	names := e.policies
	if len(names) == 0 {
		names = []string{policyUniform, policyPriority, "best", policyLinUCB, policyThompson}
	}
	var list []policy.Policy
	for _, name := range names {
		p, err := e.target(name, first)
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, nil
}

func (e *evaluation) target(name string, first offline.Samples) (policy.Policy, error) {
	switch name {
	case policyUniform:
		return policy.Uniform(), nil
	case policyPriority:
		return policy.Priority(), nil
	case policyLinUCB:
		return taught(policy.NewLinUCB(policy.Options{}), first)
	case policyThompson:
		return taught(policy.NewThompson(policy.Options{}), first)
	case "best":
		ids, err := offline.Rank(first)
		if err != nil {
			return nil, err
		}
		if len(ids) == 0 {
			return nil, offline.ErrNoDecisions
		}
		return offline.Fixed(ids[0]), nil
	}
	if id, ok := strings.CutPrefix(name, "id="); ok && id != "" {
		return offline.Fixed(id), nil
	}
	return nil, fmt.Errorf("%w: --policy: %q is none of uniform, priority, best, linucb, thompson, id=INSTRUMENT", errUsage, name)
}

func taught(l policy.Learner, first offline.Samples) (policy.Policy, error) {
	if err := offline.Train(first, l); err != nil {
		return nil, err
	}
	return l.Policy(), nil
}
