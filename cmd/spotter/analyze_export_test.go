package main

import (
	"context"
	"time"
)

// Package packages a recording into dir, as analyze does before it reads one.
func Package(ctx context.Context, recording, dir string) error {
	found, err := examine(ctx, recording)
	if err != nil {
		return err
	}
	_, err = tool(ctx, "ffmpeg", found.way().arguments(recording, dir, time.Second)...)
	return err
}
