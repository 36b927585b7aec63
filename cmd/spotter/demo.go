package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"spotter/timeline"
)

// demoMedia is the id of the demo's stream.
const demoMedia = "demo"

func (c *cli) demoCommand() *cobra.Command {
	var length time.Duration
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Build a live stream from real clips and run the appliance on it",
		Long: "Build a live HLS stream in real time from the clips and photographs of Debian's opencv-doc, run the whole\n" +
			"appliance on it in a temporary folder, and print a line for each new observation. Needs ffmpeg and opencv-doc.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.demo(cmd.Context(), length) },
	}
	cmd.Flags().DurationVar(&length, "for", 0, "end after `DURATION` with a table of what was seen, and fail if look-ups did not answer with it (0: until interrupted)")
	return cmd
}

func (c *cli) demo(ctx context.Context, length time.Duration) (err error) {
	dir, err := os.MkdirTemp("", "spotter-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	conf := defaultConfig()
	conf.DataDir = filepath.Join(dir, "data")
	if err := writeDemoInstruments(&conf, dir); err != nil {
		return err
	}
	token, err := writeDemoToken(&conf, dir)
	if err != nil {
		return err
	}
	conf.HTTP.Viewer.Listen, conf.HTTP.Admin.Listen = free(conf.HTTP.Viewer.Listen), free(conf.HTTP.Admin.Listen)
	c.say("fetching the local model where it can be had")
	c.demoModel(ctx, &conf, demoMirrors())

	c.say("making the programme from opencv-doc's clips")
	show, err := makeProgramme(ctx, dir)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	origin, err := startOrigin(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, origin.Close()) }()
	m := mediaConfig{ID: demoMedia, URL: origin.url, Zero: "pts"}
	m.setDefaults()
	conf.Media = []mediaConfig{m}

	a, err := openApp(ctx, conf, c.logger())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	conf.HTTP.Viewer.Listen = a.servers.doors.viewer.Addr().String()
	viewers, err := newAudience(a.servers.doors.viewer.url())
	if err != nil {
		return err
	}
	d := &demonstration{cli: c, programme: show, conf: &conf, viewers: viewers, printed: map[timeline.Position]bool{}}
	c.say("stream       " + origin.url)
	c.say("page         http://" + conf.HTTP.Viewer.Listen + "/")
	c.say("viewer API   http://" + conf.HTTP.Viewer.Listen + "/v1/media/" + demoMedia + "/context?position=10&backward=10&forward=5")
	c.say("instruments  http://" + conf.HTTP.Viewer.Listen + "/v1/media/" + demoMedia + "/context?position=10&profile=you")
	c.say("admin token  " + token)
	c.say("metrics      " + a.servers.doors.admin.url() + "/metrics (asks for the admin token)")
	c.say("recogniser   " + a.recognizers.local + ": " + a.recognizers.why)
	fmt.Fprintf(c.stdout, "\n"+tableLine, "from", "", "source", "seen")

	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() error { defer cancel(); return a.Run(groupCtx, "", nil) })
	group.Go(func() error { defer cancel(); return d.watch(groupCtx, length) })
	group.Go(func() error { return origin.wait(groupCtx) })
	if err := group.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// writeDemoToken has the admin listener, and what the page steers, ask for a token of this run.
func writeDemoToken(conf *config, dir string) (token string, err error) {
	token = rand.Text()
	conf.HTTP.Admin.TokenFile = filepath.Join(dir, "admin-token")
	return token, os.WriteFile(conf.HTTP.Admin.TokenFile, []byte(token+"\n"), 0o600)
}

func (c *cli) say(line string) { fmt.Fprintln(c.stdout, line) }

// demonstration follows the appliance over its viewer API, as an app would.
type demonstration struct {
	*cli
	programme *programme
	conf      *config
	viewers   *audience
	printed   map[timeline.Position]bool
}

// viewersATick is how many viewers ask for an instrument twice a second.
const viewersATick = 10

// watch prints each new observation, and after length, unless it is 0, the table of what was seen.
func (d *demonstration) watch(ctx context.Context, length time.Duration) error {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	var end <-chan time.Time
	if length > 0 {
		end = time.After(length)
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := d.news(ctx); err != nil {
				return err
			}
			if err := d.viewers.watch(ctx, viewersATick); err != nil && ctx.Err() == nil {
				return fmt.Errorf("ask for an instrument: %w", err)
			}
		case <-end:
			err := d.table(ctx)
			line, unsuited := d.viewers.verdict(length)
			d.say("\n" + line)
			return errors.Join(err, unsuited)
		}
	}
}

// news prints the observations that are new since it was last called.
func (d *demonstration) news(ctx context.Context) error {
	var got struct{ Observations []timeline.Observation }
	if err := d.ask(ctx, "/v1/media/"+demoMedia+"/timeline", &got); err != nil {
		return err
	}
	for _, o := range got.Observations {
		if d.printed[o.From] {
			continue
		}
		d.printed[o.From] = true
		fmt.Fprintf(d.stdout, tableLine, o.From, "", o.Source, names(&o))
	}
	return nil
}

// table asks for each scene of the programme that was analysed what was seen in it, prints that, and fails where it is
// not what the scene shows.
func (d *demonstration) table(ctx context.Context) error {
	var status struct {
		AnalyzedUntil timeline.Position `json:"analyzed_until"`
	}
	if err := d.ask(ctx, "/v1/media/"+demoMedia, &status); err != nil {
		return fmt.Errorf("ask for the stream's status: %w", err)
	}
	fmt.Fprintf(d.stdout, "\nlook-ups over HTTP, one for each scene:\n"+tableLine, "from", "until", "", "clip: seen")
	asked, wrong := 0, 0
	for _, s := range d.programme.scenes(status.AnalyzedUntil) {
		answer, err := d.lookUp(ctx, s.Span)
		if err != nil {
			return err
		}
		if !answer.Complete {
			continue // before the box was there, or not analysed yet
		}
		asked++
		verdict := "ok"
		if !answer.has(s.shows) {
			wrong++
			verdict = "MISSING " + s.shows
		}
		fmt.Fprintf(d.stdout, tableLine, s.From, s.Until, verdict, s.name+": "+answer.String())
	}
	switch {
	case asked == 0:
		return fmt.Errorf("no scene was analysed from its begin to its end: let it run longer than %s", 2*d.programme.longest())
	case wrong > 0:
		return fmt.Errorf("%d of %d look-ups did not name what the scene shows", wrong, asked)
	}
	return nil
}
