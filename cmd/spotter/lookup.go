package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/valyala/fasthttp"

	"spotter/httpapi"
	"spotter/store"
	"spotter/timeline"
)

func (c *cli) lookupCommand() *cobra.Command {
	var position, backward, forward string
	cmd := &cobra.Command{
		Use:   "lookup MEDIA",
		Short: "Ask who and what is on screen in a window, as a viewer's device does",
		Long: "Ask the running box over its viewer API who and what is on screen from position-backward to position+forward;\n" +
			"where no box runs, the question is answered from its data folder. A box that wants a key or token gets that of " + keyVariable + ".",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			conf, err := c.config()
			if err != nil {
				return err
			}
			if err := checkWindow(position, backward, forward); err != nil {
				return err
			}
			query := url.Values{"position": {position}, "backward": {backward}, "forward": {forward}}
			path := "/v1/media/" + url.PathEscape(args[0]) + "/context?" + query.Encode()
			body, err := askBox(cmd.Context(), &conf, path)
			if errors.Is(err, syscall.ECONNREFUSED) {
				body, err = askStore(&conf, path)
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

// checkWindow checks the flags; their faults are wrong usage, whoever answers.
func checkWindow(position, backward, forward string) error {
	if position == "" {
		return fmt.Errorf("%w: give --position in seconds, such as --position 50", errUsage)
	}
	for i, flag := range []struct{ name, value string }{{"position", position}, {"backward", backward}, {"forward", forward}} {
		p, err := timeline.ParsePosition(flag.value)
		if err != nil {
			return fmt.Errorf("%w: --%s: %w", errUsage, flag.name, err)
		}
		if i > 0 && p < 0 {
			return fmt.Errorf("%w: --%s must not be negative", errUsage, flag.name)
		}
	}
	return nil
}

// keyVariable holds the key or token that lookup shows a box that wants one.
const keyVariable = "SPOTTER_KEY"

// askBox asks the box of a configuration, whose own certificate it trusts.
func askBox(ctx context.Context, conf *config, path string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	client, scheme, err := conf.clientOf(conf.HTTP.Viewer.TLS)
	if err != nil {
		return nil, fmt.Errorf("http.viewer.%w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+conf.HTTP.Viewer.Listen+path, nil)
	if err != nil {
		return nil, err
	}
	if key := os.Getenv(keyVariable); key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	if err != nil {
		return nil, err
	}
	return answered(resp.StatusCode, body)
}

// clientOf returns what asks a listener of this machine, whose own certificate it trusts: by no proxy, for keys and tokens are for it
// alone.
func (c *config) clientOf(t *tlsConfig) (client *http.Client, scheme string, err error) {
	if t == nil {
		return &http.Client{Transport: new(http.Transport)}, "http", nil
	}
	if client, err = trusting(c.secretPath(t.CertFile)); err != nil {
		return nil, "", fmt.Errorf("tls.cert_file: %w", err)
	}
	return client, "https", nil
}

// trusting returns a client that trusts the certificate of a file and no other, whatever names it is for.
func trusting(certFile string) (*http.Client, error) {
	text, err := os.ReadFile(certFile)
	if err != nil {
		return nil, err
	}
	block, rest := pem.Decode(text)
	for block != nil && block.Type != "CERTIFICATE" {
		block, rest = pem.Decode(rest)
	}
	if block == nil {
		return nil, fmt.Errorf("%s has no certificate", certFile)
	}
	same := func(raw [][]byte, _ [][]*x509.Certificate) error {
		if len(raw) == 0 || !bytes.Equal(raw[0], block.Bytes) {
			return errors.New("who answers there has another certificate")
		}
		return nil
	}
	// The names are not looked at, for the certificate itself is.
	t := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: true, VerifyPeerCertificate: same}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: t}}, nil
}

// answered turns the viewer API's problems into errors.
func answered(status int, body []byte) ([]byte, error) {
	if status == http.StatusOK {
		return body, nil
	}
	var problem struct{ Detail string }
	if err := json.Unmarshal(body, &problem); err != nil {
		return nil, &answeredError{status, ""}
	}
	return nil, &answeredError{status, problem.Detail}
}

// answeredError is a box's answer that is none to what was asked.
type answeredError struct {
	status int
	detail string
}

func (e *answeredError) Error() string {
	text := fmt.Sprintf("the answer is %d %s", e.status, http.StatusText(e.status))
	if e.detail != "" {
		text += ": " + e.detail
	}
	return text
}

// askStore answers as the box would, from the data folder of one that does not run.
func askStore(conf *config, path string) ([]byte, error) {
	file := filepath.Join(conf.DataDir, databaseFile)
	_, err := os.Stat(file) // opening would make one
	var db *store.Store
	if err == nil {
		db, err = store.Open(file, store.Options{})
	}
	if err != nil {
		return nil, fmt.Errorf("no box listens on %s, and its data folder cannot be read: %w", conf.HTTP.Viewer.Listen, err)
	}
	defer db.Close()
	var ctx fasthttp.RequestCtx
	ctx.Request.SetRequestURI(path)
	httpapi.NewViewer(httpapi.ViewerConfig{Media: atRest{db}, Log: slog.New(slog.DiscardHandler)}).Handle(&ctx)
	return answered(ctx.Response.StatusCode(), ctx.Response.Body())
}

// atRest shows a store to the viewer API without a box around it.
type atRest struct{ store *store.Store }

// IDs implements httpapi.Media.
func (a atRest) IDs() ([]string, error) { return a.store.Media(), nil }

// Status implements httpapi.Media.
func (a atRest) Status(id string) (httpapi.Status, error) {
	_, err := a.Timeline(id, timeline.Span{})
	return httpapi.Status{Media: id, State: httpapi.StateStopped}, err
}

// Timeline implements httpapi.Media.
func (a atRest) Timeline(id string, _ timeline.Span) (*timeline.Timeline, error) {
	t, ok := a.store.Timeline(id)
	if !ok {
		return nil, unknownMedia(id)
	}
	return t, nil
}

// Settled implements httpapi.Media: a look-up is not kept.
func (atRest) Settled(string) (timeline.Position, bool, error) { return 0, false, nil }

// PositionAt implements httpapi.Media.
func (atRest) PositionAt(string, time.Time) (timeline.Position, bool, error) { return 0, false, nil }
