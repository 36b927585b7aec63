package gatebench

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Row is how one approach did on each stream.
type Row struct {
	Name   string
	Scores []Score // one a stream
}

// Total is the sum over the streams.
func (r *Row) Total() (s Score) {
	for _, t := range r.Scores {
		s = s.Plus(t)
	}
	return s
}

// WriteTable prints a line for each row: totals, then the calls and the recall on each stream.
func WriteTable(w io.Writer, title string, streams []string, rows []Row) error {
	fmt.Fprintf(w, "%s\n\n", title)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "\tcalls\tsaved, 1 fps\tsaved, 1/4 fps\trecall\tprecision\t%s\t\n", strings.Join(streams, "\t"))
	for _, r := range rows {
		s := r.Total()
		fmt.Fprintf(t, "%s\t%d\t%.1f %%\t%.1f %%\t%.3f\t%.3f\t", r.Name, s.Calls, 100*s.Saved(1), 100*s.Saved(4), s.Recall(), s.Precision())
		for _, one := range r.Scores {
			fmt.Fprintf(t, "%d %.3f\t", one.Calls, one.Recall())
		}
		fmt.Fprintln(t)
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	_, err := fmt.Fprintln(w)
	return err
}

// CutRow is how one detector did on each video.
type CutRow struct {
	Name   string
	Scores []CutScore
}

// WriteCuts prints a line for each row: totals, then found/missed/false on each video.
func WriteCuts(w io.Writer, title string, videos []string, rows []CutRow) error {
	fmt.Fprintf(w, "%s\n\n", title)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "\tF1\tfound\tmissed\tfalse\t%s\t\n", strings.Join(videos, "\t"))
	for _, r := range rows {
		var sum CutScore
		for _, s := range r.Scores {
			sum = sum.Plus(s)
		}
		fmt.Fprintf(t, "%s\t%.3f\t%d\t%d\t%d\t", r.Name, sum.F1(), sum.Found, sum.Missed, sum.False)
		for _, s := range r.Scores {
			fmt.Fprintf(t, "%d/%d/%d\t", s.Found, s.Missed, s.False)
		}
		fmt.Fprintln(t)
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	_, err := fmt.Fprintln(w)
	return err
}
