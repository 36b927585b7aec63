package main

import (
	"bytes"
	"context"
	"errors"
)

// CloudTemplate returns what spotter cloud-template prints for a configuration file, "" for none.
func CloudTemplate(ctx context.Context, path string) (string, error) {
	args := []string{"cloud-template"}
	if path != "" {
		args = append(args, "--config", path)
	}
	var out, failed bytes.Buffer
	if code := execute(ctx, args, &out, &failed); code != exitDone {
		return "", errors.New(failed.String())
	}
	return out.String(), nil
}
