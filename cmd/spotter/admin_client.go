package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
)

// errNoBox is returned where no box answers.
var errNoBox = errors.New("no box answers")

// askAdmin asks the admin listener of a configuration's box, whose token it shows and whose own certificate it trusts. The
// caller closes the body. The error wraps errNoBox where nobody listens.
func askAdmin(ctx context.Context, conf *config, path string) (io.ReadCloser, error) {
	a := &conf.HTTP.Admin
	client, scheme, err := conf.clientOf(a.TLS)
	if err != nil {
		return nil, fmt.Errorf("http.admin.%w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+reachable(a.Listen)+path, nil)
	if err != nil {
		return nil, err
	}
	if a.TokenFile != "" {
		token, err := os.ReadFile(conf.secretPath(a.TokenFile))
		if err != nil {
			return nil, fmt.Errorf("http.admin.token_file: %w", err)
		}
		req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	}
	resp, err := client.Do(req)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return nil, fmt.Errorf("%w on %s", errNoBox, a.Listen)
	}
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusOK {
		return resp.Body, nil
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	_, err = answered(resp.StatusCode, body)
	return nil, err
}

// reachable returns where a listener is asked from this machine: one on all addresses is on loopback too.
func reachable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	switch ip := net.ParseIP(host); {
	case host == "" || ip.Equal(net.IPv4zero):
		host = "127.0.0.1"
	case ip.Equal(net.IPv6unspecified):
		host = "::1"
	}
	return net.JoinHostPort(host, port)
}
