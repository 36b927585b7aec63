package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"spotter/store"
	"spotter/timeline"
)

func (c *cli) lookupCommand() *cobra.Command {
	var position, backward, forward string
	cmd := &cobra.Command{
		Use:   "lookup MEDIA",
		Short: "Ask who and what is on screen in a window, as a viewer's device does",
		Long: "Ask the running box over its viewer API who and what is on screen from position-backward to position+forward;\n" +
			"where no box runs, the question is answered from its data folder.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			conf, err := c.config()
			if err != nil {
				return err
			}
			window, err := parseWindow(position, backward, forward)
			if err != nil {
				return err
			}
			query := url.Values{"position": {position}, "backward": {backward}, "forward": {forward}}
			body, err := askBox(cmd.Context(), conf.HTTP.Viewer.Listen, args[0], query)
			if errors.Is(err, syscall.ECONNREFUSED) {
				body, err = askStore(&conf, args[0], window)
			}
			if err != nil {
				return err
			}
			var out bytes.Buffer
			if err := json.Indent(&out, body, "", "  "); err != nil {
				return fmt.Errorf("read answer: %w", err)
			}
			_, err = fmt.Fprintln(c.stdout, out.String())
			return err
		},
	}
	cmd.Flags().StringVar(&position, "position", "", "player position in `SECONDS`")
	cmd.Flags().StringVar(&backward, "backward", "0", "`SECONDS` before the position")
	cmd.Flags().StringVar(&forward, "forward", "0", "`SECONDS` after the position")
	return cmd
}

// parseWindow reads the flags; their faults are wrong usage, whoever answers.
func parseWindow(position, backward, forward string) (w timeline.Span, err error) {
	if position == "" {
		return w, fmt.Errorf("%w: give --position in seconds, such as --position 50", errUsage)
	}
	var at [3]timeline.Position
	for i, flag := range []struct{ name, value string }{{"position", position}, {"backward", backward}, {"forward", forward}} {
		p, err := timeline.ParsePosition(flag.value)
		if err != nil {
			return w, fmt.Errorf("%w: --%s: %w", errUsage, flag.name, err)
		}
		if i > 0 && p < 0 {
			return w, fmt.Errorf("%w: --%s must not be negative", errUsage, flag.name)
		}
		at[i] = p
	}
	return timeline.Span{From: at[0] - at[1], Until: at[0] + at[2]}, nil
}

// askBox asks the box that listens on address.
func askBox(ctx context.Context, address, media string, query url.Values) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	u := url.URL{Scheme: "http", Host: address, RawQuery: query.Encode()}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.JoinPath("v1", "media", media, "context").String(), nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		var problem struct{ Detail, Title string }
		if json.Unmarshal(body, &problem) != nil {
			return nil, fmt.Errorf("the box answered %s", resp.Status)
		}
		return nil, fmt.Errorf("the box answered %s: %s", resp.Status, problem.Detail)
	}
	return body, nil
}

// askStore answers from the data folder of a box that does not run, with the fields of the viewer API.
func askStore(conf *config, media string, w timeline.Span) ([]byte, error) {
	path := filepath.Join(conf.DataDir, databaseFile)
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("no box listens on %s, and its data folder cannot be read: %w", conf.HTTP.Viewer.Listen, err)
	}
	db, err := store.Open(path, store.Options{})
	if err != nil {
		return nil, fmt.Errorf("no box listens on %s, and its data folder cannot be read: %w", conf.HTTP.Viewer.Listen, err)
	}
	defer db.Close()
	t, ok := db.Timeline(media)
	if !ok {
		return nil, fmt.Errorf("no media %q in %s; it has %q", media, conf.DataDir, db.Media())
	}
	var seen timeline.Context
	t.Context(&seen, w)
	until, _ := t.AnalyzedUntil()
	return json.Marshal(struct {
		Media string `json:"media"`
		timeline.Span
		AnalyzedUntil timeline.Position `json:"analyzed_until"`
		Complete      bool              `json:"complete"`
		Celebrities   []timeline.Seen   `json:"celebrities"`
		Objects       []timeline.Seen   `json:"objects"`
	}{media, w, until, t.Complete(w), append([]timeline.Seen{}, seen.Celebrities...), append([]timeline.Seen{}, seen.Objects...)})
}
