package gatebench

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

// CutFinder finds where shots change.
type CutFinder interface {
	Name() string
	// Cuts returns the first picture of each shot of a video but the first, in order.
	Cuts(ctx context.Context, video string) ([]int, error)
}

// CutScore counts the transitions that were found, missed, and found where there are none.
type CutScore struct{ Found, Missed, False int }

// Match compares cuts with the truth. A cut matches a transition when it is no more than slack pictures outside; each
// is matched once, so that a second cut in one dissolve is false.
func Match(truth []Transition, cuts []int, slack int) CutScore {
	s := CutScore{}
	free := slices.Sorted(slices.Values(cuts))
	for _, t := range truth {
		i := slices.IndexFunc(free, func(n int) bool { return n >= t.From-slack && n <= t.Until+slack })
		if i < 0 {
			s.Missed++
			continue
		}
		s.Found++
		free = slices.Delete(free, i, i+1)
	}
	s.False = len(free)
	return s
}

// Plus returns the sum of two scores.
func (s CutScore) Plus(o CutScore) CutScore {
	return CutScore{s.Found + o.Found, s.Missed + o.Missed, s.False + o.False}
}

// F1 is the harmonic mean of precision and recall, 0 to 1; 1 where there was nothing to find and nothing was found.
func (s CutScore) F1() float64 { return share(2*s.Found, 2*s.Found+s.Missed+s.False) }

// Scdet is ffmpeg's filter of that name at the given threshold; its own default is 10.
type Scdet struct {
	Threshold float64
	Cache     *Cache
}

// Name implements CutFinder.
func (d Scdet) Name() string { return fmt.Sprintf("ffmpeg scdet %g", d.Threshold) }

// Cuts implements CutFinder.
func (d Scdet) Cuts(ctx context.Context, video string) ([]int, error) {
	key, err := Key([]string{video}, d.Name())
	if err != nil {
		return nil, err
	}
	out, err := d.Cache.Bytes("scdet-"+key+".txt", func() ([]byte, error) {
		return output(exec.CommandContext(ctx, "ffmpeg", "-nostdin", "-v", "error", "-i", video, "-an",
			"-vf", fmt.Sprintf("scdet=t=%g,metadata=print:file=-", d.Threshold), "-f", "null", "-"))
	})
	if err != nil {
		return nil, err
	}
	return parseScdet(out)
}

// parseScdet reads what the metadata filter prints: a line "frame:N pts:..." and lines of what is known of that picture,
// lavfi.scd.time among them where it is a cut.
func parseScdet(out []byte) (cuts []int, err error) {
	n := 0
	for line := range bytes.Lines(out) {
		if rest, ok := strings.CutPrefix(string(line), "frame:"); ok {
			number, _, _ := strings.Cut(rest, " ")
			if n, err = strconv.Atoi(number); err != nil {
				return nil, fmt.Errorf("read scdet's cuts: %w", err)
			}
		} else if bytes.HasPrefix(line, []byte("lavfi.scd.time=")) {
			cuts = append(cuts, n)
		}
	}
	return cuts, nil
}
