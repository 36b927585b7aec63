package gatebench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"os/exec"
)

// decode gives fn the pictures of a video that come out of ffmpeg's filter, all of the given size. The picture is fn's
// only during the call.
func decode(ctx context.Context, path, filter string, size image.Point, fn func(n int, m *image.RGBA) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := exec.CommandContext(ctx, "ffmpeg", "-nostdin", "-v", "error", "-i", path, "-an", "-vf", filter,
		"-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgba", "-")
	var said bytes.Buffer
	cmd.Stderr = &said
	from, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("decode %s: %w", path, err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("decode %s: %w", path, err)
	}
	m := image.NewRGBA(image.Rectangle{Max: size})
	readErr := each(from, m, fn)
	if readErr != nil {
		cancel() // ffmpeg has more to say, but nobody listens
	}
	if err := cmd.Wait(); err != nil && readErr == nil {
		return fmt.Errorf("decode %s: %w: %s", path, err, said.String())
	}
	return readErr
}

// each reads picture after picture into m and gives it to fn.
func each(from io.Reader, m *image.RGBA, fn func(n int, m *image.RGBA) error) error {
	for n := 0; ; n++ {
		if _, err := io.ReadFull(from, m.Pix); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read picture %d: %w", n, err)
		}
		if err := fn(n, m); err != nil {
			return err
		}
	}
}

// output runs a command and returns what it prints; its error has what it complains of.
func output(cmd *exec.Cmd) ([]byte, error) {
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return nil, fmt.Errorf("%s: %w: %s", cmd.Path, err, bytes.TrimSpace(exit.Stderr))
	}
	return out, err
}
