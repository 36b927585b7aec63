package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"spotter/capture"
	"spotter/capture/fetch"
)

// shift is added to a recording's time stamps when it is packaged into MPEG-TS, which knows none below zero: the decoding
// times of B-frames are. The clock takes it off again.
const shift = 10 * time.Second

// packaged is the playlist that ffmpeg writes.
const packaged = "index.m3u8"

// opened is what analyze reads.
type opened struct {
	*source
	zero  capture.Zero  // where position 0 lies, where nobody says
	shift time.Duration // what its time stamps were put later by
	close func()        // ends reading, and removes what was made for it
}

// openSource opens the argument of analyze: the address of a playlist, a playlist file, or any recording that ffmpeg
// reads, which is packaged into HLS first so that there is one way through the program.
func openSource(ctx context.Context, arg string, interval time.Duration, options fetch.Options, log *slog.Logger) (*opened, error) {
	if scheme, _, ok := strings.Cut(arg, "://"); ok {
		u, err := url.Parse(arg)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return nil, fmt.Errorf("%w: %q is no address of a playlist: give one that begins with http:// or https://, or a file", errUsage, scheme+"://...")
		}
		options.Hosts = []string{u.Hostname()}
		getter := fetch.NewHTTP(options)
		return &opened{source: &source{urls: []*url.URL{u}, getter: getter, recording: true}, zero: capture.ZeroFirst, close: getter.Close}, nil
	}
	info, err := os.Stat(arg)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUsage, err)
	}
	switch {
	case info.IsDir():
		return nil, fmt.Errorf("%s is a folder: give a recording or a playlist in it", arg)
	case info.Size() == 0:
		return nil, fmt.Errorf("%s is empty: give a recording or a playlist", arg)
	}
	if isPlaylist(arg) {
		return openFolder(filepath.Dir(arg), filepath.Base(arg))
	}
	return openRecording(ctx, arg, interval, log)
}

func openFolder(dir, name string) (*opened, error) {
	folder, err := fetch.NewFolder(dir)
	if err != nil {
		return nil, err
	}
	from := &source{urls: []*url.URL{folder.URL(name)}, getter: folder, recording: true}
	return &opened{source: from, zero: capture.ZeroFirst, close: func() { folder.Close() }}, nil
}

// isPlaylist reports whether a file begins as RFC 8216 section 4.1 has it.
func isPlaylist(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 10)
	n, _ := f.Read(head)
	return bytes.HasPrefix(bytes.TrimPrefix(head[:n], []byte("\xef\xbb\xbf")), []byte("#EXTM3U"))
}

// openRecording packages a recording into a folder of its own.
func openRecording(ctx context.Context, path string, interval time.Duration, log *slog.Logger) (_ *opened, err error) {
	found, err := examine(ctx, path)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "spotter-recording-")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			os.RemoveAll(dir)
		}
	}()
	way := found.way()
	if way == encode {
		log.Info("encoding the recording first, which takes a while", "codec", found.codec, "container", found.container)
	}
	if _, err := tool(ctx, "ffmpeg", way.arguments(path, dir, interval)...); err != nil {
		return nil, fmt.Errorf("package %s: %w", path, err)
	}
	o, err := openFolder(dir, packaged)
	if err != nil {
		return nil, err
	}
	closeFolder := o.close
	o.close = func() { closeFolder(); os.RemoveAll(dir) }
	if !found.has("mpegts", "mpeg") { // whose time stamps begin anywhere
		o.zero = capture.ZeroPTS
	}
	if way != copyMP4 {
		o.shift = shift
	}
	return o, nil
}

// tool runs ffmpeg or ffprobe and returns what it printed. Its error has the last line of its complaint.
func tool(ctx context.Context, name string, args ...string) ([]byte, error) {
	var out, complaint bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = &out, &complaint
	err := cmd.Run()
	if ctx.Err() != nil {
		return nil, fmt.Errorf("%s: %w", name, ctx.Err())
	}
	if errors.Is(err, exec.ErrNotFound) {
		return nil, fmt.Errorf("%s is not installed: apt install ffmpeg, or run make setup", name)
	}
	if err != nil {
		lines := strings.Split(strings.TrimSpace(complaint.String()), "\n")
		return nil, fmt.Errorf("%s: %s", name, lines[len(lines)-1])
	}
	return out.Bytes(), nil
}
