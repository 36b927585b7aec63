package offline

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// Verdict is what a report comes to.
type Verdict string

const (
	Better     Verdict = "better"
	Worse      Verdict = "worse"
	CannotTell Verdict = "the data cannot tell"
)

const (
	// minEffective is the effective sample size below which no interval is trusted.
	minEffective = 100
	// minViewers is how many viewers' decisions an interval needs, as resampling fewer tells next to nothing.
	minViewers = 20
	// maxUnsupported is the share of the target's choices that may lie where the log has none.
	maxUnsupported = 0.01
	// maxWeight is how far the mean importance weight may surely be: true propensities give 1 or less.
	maxWeight = 1.05
)

// judge sets the verdict and its reason.
func (r *Report) judge() {
	r.Verdict = CannotTell
	switch percent := 100 * r.Confidence; {
	case r.Unsupported > maxUnsupported:
		r.Reason = fmt.Sprintf("the target gives at least %.1f%% of its choices to instruments that the log never chose there; "+
			"the logged policy must explore more", 100*r.Unsupported)
	case r.Weight.Low > maxWeight:
		r.Reason = fmt.Sprintf("the mean importance weight is at least %.2f, but propensities that are true give no more than 1", r.Weight.Low)
	case r.Effective < minEffective:
		r.Reason = fmt.Sprintf("the effective sample size is %.0f, below %d: too few of the logged choices are the target's",
			r.Effective, minEffective)
	case r.Viewers < minViewers:
		r.Reason = fmt.Sprintf("the decisions are worth those of %.0f viewers, below %d: what a few do says little of others", r.Viewers, minViewers)
	case r.Gain.Low > 0 && r.SNIPS.High < r.Logged.Value || r.Gain.High < 0 && r.SNIPS.Low > r.Logged.Value:
		r.Reason = "the doubly robust and the self-normalised estimate contradict each other: some propensities may be wrong"
	case r.Gain.Low > 0:
		r.Verdict = Better
		r.Reason = fmt.Sprintf("the target earns %.4f to %.4f more for each decision, with %g%% confidence", r.Gain.Low, r.Gain.High, percent)
	case r.Gain.High < 0:
		r.Verdict = Worse
		r.Reason = fmt.Sprintf("the target earns %.4f to %.4f less for each decision, with %g%% confidence", -r.Gain.High, -r.Gain.Low, percent)
	default:
		r.Reason = fmt.Sprintf("the gain's interval, %.4f to %.4f, spans 0: the target may be as good as what was logged", r.Gain.Low, r.Gain.High)
	}
}

// WriteReports writes reports on the same log as a table, with a line of reason for each.
func WriteReports(w io.Writer, reports []*Report) error {
	if len(reports) == 0 {
		return nil
	}
	first := reports[0]
	if _, err := fmt.Fprintf(w, "%d decisions, mean reward %s, intervals of %g%%\n\n", first.Decisions, first.Logged, 100*first.Confidence); err != nil {
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "target\tIPS\tSNIPS\tdoubly robust\teffective\tunsupported\tverdict")
	for _, r := range reports {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%.0f\t%.1f%%\t%s\n", r.Target, r.IPS, r.SNIPS, r.DR, r.Effective, 100*r.Unsupported, r.Verdict)
	}
	fmt.Fprintln(t)
	if err := t.Flush(); err != nil {
		return err
	}
	for _, r := range reports {
		if _, err := fmt.Fprintf(w, "%s: %s.\n", r.Target, r.Reason); err != nil {
			return err
		}
	}
	return nil
}

// String returns the estimate as "0.1234 [0.1200, 0.1270]".
func (e Estimate) String() string { return fmt.Sprintf("%.4f [%.4f, %.4f]", e.Value, e.Low, e.High) }
