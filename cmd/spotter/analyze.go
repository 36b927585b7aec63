package main

import (
	"context"
	"errors"
	"fmt"
	"io"
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
	cmd.Flags().StringVar(&zero, "zero", "", "where position 0 lies: first, pts or an RFC 3339 time (default first for HLS and TS, pts for other recordings)")
	cmd.Flags().StringSliceVar(&allow, "allow-host", nil, "further `HOST` that the stream's addresses may lead to, or *.example.org")
	return cmd
}

func (c *cli) analyze(ctx context.Context, conf config, arg, format, zeroName string, allow []string) error {
	write, err := newFormat(format, c.stdout)
	if err != nil {
		return err
	}
	media := mediaConfig{ID: recordingID, Zero: zeroName}
	media.setDefaults()
	if zeroName == "" && !strings.Contains(arg, "://") && !countsFromFirst(arg) {
		media.Zero = capture.ZeroPTS.String()
	}
	zero, err := capture.ParseZero(media.Zero)
	if err != nil {
		return fmt.Errorf("%w: --zero: %w", errUsage, err)
	}
	log := c.logger()
	recognizers, err := newRecognizers(ctx, &conf, func(err error) { log.Warn("cloud failed, answered locally", "error", err) })
	if err != nil {
		return err
	}
	defer recognizers.Close()
	recognizers.log(log, &conf)
	from, zero, done, err := openSource(ctx, arg, zero, media.SampleInterval, fetch.Options{UserAgent: userAgent(), Allow: allow})
	if err != nil {
		return err
	}
	defer done()
	t := &transcript{media: media.ID, write: write}
	meters := newMeters(prometheus.NewRegistry())
	metrics := meters.stream(media.ID)
	p := &pipeline{
		media: media, zero: zero, maxScene: conf.Vision.MaxScene, recognizer: recognizers, recorder: t,
		metrics: metrics, faults: newFaultLog(log, metrics.fault), log: log,
	}
	return c.transcribe(ctx, p, from, t)
}

// transcribe runs the pipeline over a recording and prints what it finds.
func (c *cli) transcribe(ctx context.Context, p *pipeline, from *source, t *transcript) error {
	follower, err := p.newFollower(from)
	if err != nil {
		return err
	}
	stop := c.progress(follower, t)
	err = p.run(ctx, follower)
	stop()
	if err := errors.Join(err, t.finish(p.metrics)); err != nil {
		return err
	}
	if t.timeline.Len() == 0 && len(p.faults.list()) > 0 {
		return fmt.Errorf("nothing could be analysed: %s", p.faults.list()[0].Message)
	}
	return nil
}

// progress shows how far a recording is analysed, on a terminal.
func (c *cli) progress(f *capture.Follower, t *transcript) (stop func()) {
	file, ok := c.stderr.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return func() {}
	}
	done := make(chan struct{})
	var drawn sync.WaitGroup
	drawn.Go(func() {
		bar := progressbar.NewOptions64(-1, progressbar.OptionSetWriter(c.stderr), progressbar.OptionClearOnFinish(),
			progressbar.OptionSetDescription("analysing"), progressbar.OptionSetPredictTime(true), progressbar.OptionFullWidth())
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				if d := f.Status().Duration; d > 0 {
					bar.ChangeMax64(d.Milliseconds())
				}
				_ = bar.Set64(int64(t.length())) // a terminal that is gone is not our fault
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

	mu       sync.Mutex
	timeline *timeline.Timeline
	printed  timeline.Position // observations before it are printed
	any      bool
}

// Record implements recorder.
func (t *transcript) Record(b store.Batch) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.timeline == nil {
		t.timeline = new(timeline.Timeline)
	}
	t.timeline = t.timeline.With(b.Observations, b.Analyzed)
	for _, o := range b.Observations {
		if o.Revision < 2 || t.any && o.From <= t.printed {
			continue // still on screen, or printed
		}
		t.printed, t.any = o.From, true
		if err := t.write.observation(o); err != nil {
			return err
		}
	}
	return nil
}

// Timeline implements recorder.
func (t *transcript) Timeline(string) (*timeline.Timeline, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.timeline, t.timeline != nil
}

// Clock implements recorder: a recording begins anew each time.
func (t *transcript) Clock(string) []byte { return nil }

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
		if o := all.Last(); o != nil && (!t.any || o.From > t.printed) {
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
