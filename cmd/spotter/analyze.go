package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"spotter/capture"
	"spotter/capture/fetch"
	"spotter/store"
	"spotter/timeline"
)

// recordingID is the media id of what analyze reads.
const recordingID = "recording"

func (c *cli) analyzeCommand() *cobra.Command {
	var format, zero string
	var allow []string
	cmd := &cobra.Command{
		Use:   "analyze URL|FILE",
		Short: "Analyse one stream or recording, once",
		Long: "Analyse one stream or recording, once, and print an observation for every scene: where it begins and ends, and who\n" +
			"and what is in it. A live stream is analysed until it ends or the command is interrupted.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			conf, err := c.config()
			if err != nil {
				return err
			}
			return c.analyze(cmd.Context(), conf, args[0], format, zero, allow)
		},
	}
	cmd.Flags().StringVar(&format, "format", "table", "`FORMAT` of the output: table, json, csv or vtt")
	cmd.Flags().StringVar(&zero, "zero", "", "where position 0 lies: first, pts or an RFC 3339 time (default first for HLS, MPEG-TS and MPEG-PS, pts for other recordings)")
	cmd.Flags().StringSliceVar(&allow, "allow-host", nil, "further `HOST` that the stream's addresses may lead to, or *.example.org; may be repeated")
	return cmd
}

func (c *cli) analyze(ctx context.Context, conf config, arg, format, zeroName string, allow []string) error {
	write, err := newFormat(format, c.stdout)
	if err != nil {
		return err
	}
	media := mediaConfig{ID: recordingID, Zero: zeroName}
	media.setDefaults()
	zero, err := capture.ParseZero(media.Zero)
	if err != nil {
		return fmt.Errorf("%w: --zero: %w", errUsage, err)
	}
	for _, host := range allow {
		if err := fetch.CheckHost(host); err != nil {
			return fmt.Errorf("%w: --allow-host: %w", errUsage, err)
		}
	}
	log := c.logger()
	recognizers, err := newRecognizers(ctx, &conf, nil, nil, log, func(err error) { log.Warn("cloud failed, answered locally", "error", err) })
	if err != nil {
		return err
	}
	defer recognizers.Close()
	recognizers.log(log, &conf)
	from, err := openSource(ctx, arg, media.SampleInterval, fetch.Options{UserAgent: userAgent(), Allow: allow}, log)
	if err != nil {
		return unlessDone(ctx, err)
	}
	defer from.close()
	if zeroName == "" {
		zero = from.zero
	}
	t := &transcript{media: media.ID, write: write}
	meters := newMeters(prometheus.NewRegistry())
	metrics := meters.stream(media.ID)
	p := &pipeline{
		media: media, zero: zero.Shifted(from.shift), maxScene: conf.Vision.MaxScene, recognizers: recognizers, recorder: t, upgrades: new(upgrades),
		metrics: metrics, faults: newFaultLog(log, metrics.fault), log: log,
	}
	if err := c.transcribe(ctx, p, from.source, t); err != nil {
		return fmt.Errorf("%s: %w", shown(arg), err)
	}
	return nil
}

// shown returns the argument of analyze as it may be printed.
func shown(arg string) string {
	if strings.Contains(arg, "://") {
		return fetch.Redact(arg)
	}
	return arg
}

// unlessDone returns err, which has no more to say when the user has interrupted the command.
func unlessDone(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errors.New("interrupted before anything was analysed")
	}
	return err
}

// transcribe runs the pipeline over a recording and prints what it finds.
func (c *cli) transcribe(ctx context.Context, p *pipeline, from *source, t *transcript) error {
	follower, err := p.newFollower(from)
	if err != nil {
		return err
	}
	report, own := follower.OnFault, from.urls[0].Hostname()
	follower.OnFault = func(f capture.Fault) {
		f.Err = withMend(f.Err, f.URL, own)
		report(f)
	}
	stop := c.progress(follower, t)
	err = p.run(ctx, follower)
	stop()
	p.asker.Close() // waits for late answers, which change what is known
	faults := p.faults.list()
	switch {
	case t.timeline != nil:
	case err != nil:
		return withMend(err, "", own)
	case len(faults) > 0:
		return fmt.Errorf("nothing could be analysed: %s", faults[0].Message)
	case ctx.Err() == nil:
		return errors.New("it has no video")
	}
	if err := errors.Join(withMend(err, "", own), t.finish(p.metrics)); err != nil {
		return err
	}
	for _, f := range faults { // of which only the first of each kind need have been logged
		p.log.Warn("not all could be analysed", "kind", f.Kind, "times", f.Count, "last", f.Message)
	}
	if t.timeline.Len() == 0 && len(faults) > 0 {
		return fmt.Errorf("nothing could be analysed: %s", faults[0].Message)
	}
	return nil
}

// withMend adds to an error about an address that is not asked, which was met at address, what can be done about it.
func withMend(err error, address, own string) error {
	if !errors.Is(err, fetch.ErrAddress) {
		return err
	}
	if own == "" {
		return fmt.Errorf("%w: give the playlist's http address instead of the file", err)
	}
	if u, parseErr := url.Parse(address); parseErr == nil && u.Hostname() != "" && u.Hostname() != own {
		return fmt.Errorf("%w: if it may be asked, give --allow-host %s", err, u.Hostname())
	}
	return fmt.Errorf("%w: if it may be asked, give --allow-host HOST", err)
}

// progress shows how far a recording is analysed, on a terminal.
func (c *cli) progress(f *capture.Follower, t *transcript) (stop func()) {
	file, ok := c.stderr.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return func() {}
	}
	bar := progressbar.NewOptions64(1, progressbar.OptionSetWriter(c.stderr), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetDescription("analysing"), progressbar.OptionSetPredictTime(true), progressbar.OptionFullWidth())
	t.clear = func() { _ = bar.Clear() } // a terminal that is gone is not our fault
	done := make(chan struct{})
	var drawn sync.WaitGroup
	drawn.Go(func() {
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				at, all := int64(t.length()), f.Status().Duration.Milliseconds()
				if all == 0 {
					continue // it is not known yet
				}
				t.quietly(func() {
					bar.ChangeMax64(max(all, at+1)) // the bar ends when it is full
					_ = bar.Set64(at)
				})
			case <-done:
				_ = bar.Finish()
				return
			}
		}
	})
	return func() { close(done); drawn.Wait() }
}

// transcript is the recorder of analyze: it prints each observation when its scene has ended.
type transcript struct {
	media string
	write format
	clear func() // takes the progress bar away before something is printed; may be nil

	mu       sync.Mutex
	timeline *timeline.Timeline
}

// Record implements recorder.
func (t *transcript) Record(b store.Batch) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.timeline == nil {
		t.timeline = new(timeline.Timeline)
	}
	t.timeline = t.timeline.With(nil, b.Analyzed)
	for _, o := range b.Observations {
		now, _ := timeline.Settle(t.timeline.At(o.From), o)
		if now == nil {
			continue
		}
		t.timeline = t.timeline.With([]*timeline.Observation{now}, nil)
		if now.Open {
			continue // still on screen
		}
		if t.clear != nil {
			t.clear()
		}
		if err := t.write.observation(now); err != nil {
			return err
		}
	}
	return nil
}

// Revise implements recorder. What is printed stays.
func (t *transcript) Revise(_ string, from timeline.Position, change func(*timeline.Observation) bool) (found bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.timeline == nil {
		return false, nil
	}
	old := t.timeline.At(from)
	if old == nil {
		return false, nil
	}
	if now := timeline.Revise(old, change); now != nil {
		t.timeline = t.timeline.With([]*timeline.Observation{now}, nil)
	}
	return true, nil
}

// Spool implements recorder: nobody will ask again.
func (t *transcript) Spool(store.SpooledFrame) (dropped int, err error) { return 0, nil }

// Timeline implements recorder.
func (t *transcript) Timeline(string) (*timeline.Timeline, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.timeline, t.timeline != nil
}

// Clock implements recorder: a recording begins anew each time.
func (t *transcript) Clock(string) []byte { return nil }

// quietly runs fn while nothing is printed.
func (t *transcript) quietly(fn func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fn()
}

// length returns how much of the recording was analysed.
func (t *transcript) length() (d timeline.Position) {
	if all, ok := t.Timeline(t.media); ok {
		for _, s := range all.Analyzed() {
			d += s.Len()
		}
	}
	return d
}

// finish prints the scene on screen at the end, and the summary.
func (t *transcript) finish(m *streamMetrics) error {
	if all, ok := t.Timeline(t.media); ok {
		if o := all.Last(); o != nil && o.Open {
			if err := t.write.observation(o); err != nil {
				return err
			}
		}
	} else {
		t.timeline = new(timeline.Timeline)
	}
	return t.write.summary(summary{
		Duration: t.length(), Sampled: count(m.sampled), Admitted: count(m.admitted),
		Recognized: m.answered(), Observations: t.timeline.Len(),
	})
}

// summary is the last line of analyze.
type summary struct {
	Duration     timeline.Position `json:"duration"`
	Sampled      int               `json:"sampled"`
	Admitted     int               `json:"admitted"`
	Recognized   int               `json:"recognized"`
	Observations int               `json:"observations"`
}

// format prints observations as they become known, and at last the summary.
type format interface {
	observation(o *timeline.Observation) error
	summary(s summary) error
}

func newFormat(name string, w io.Writer) (format, error) {
	switch name {
	case "table":
		return &tableFormat{w: w}, nil
	case "json":
		return jsonFormat{w}, nil
	case "csv":
		return newCSVFormat(w), nil
	case "vtt":
		return &vttFormat{w: w}, nil
	}
	return nil, fmt.Errorf("%w: --format %q is none of table, json, csv, vtt", errUsage, name)
}
