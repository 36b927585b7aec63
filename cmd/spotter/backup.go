package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"spotter/engage/ledger"
	"spotter/internal/durable"
	"spotter/store"
)

// What a backup has beside the store.
const (
	engagementFile = "engagement.db"
	galleryFolder  = "gallery"
)

func isEngagementLog(name string) bool {
	return strings.HasPrefix(name, "engagement-") && strings.HasSuffix(name, ".log") && filepath.Base(name) == name
}

// isGalleryFile reports whether a file of the gallery's folder is a person's: hidden ones are locks and half-written.
func isGalleryFile(name string) bool {
	return strings.HasSuffix(name, ".json") && !strings.HasPrefix(name, ".") && filepath.Base(name) == name
}

func (c *cli) backupCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "backup FILE|-",
		Short: "Back up what the box knows, while it runs",
		Long: "Back up the observations, the engagement's account and the gallery to a file, or to standard output as -. A running box is asked\n" +
			"over its admin listener and goes on meanwhile; where none runs, its data folder is read. The file has personal data of whoever is in\n" +
			"the gallery. The configuration, its secrets and the faces that nobody has named are not in it.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			conf, err := c.config()
			if err != nil {
				return err
			}
			if args[0] == "-" {
				_, err := fetchBackup(cmd.Context(), &conf, c.stdout)
				return err
			}
			m, size, err := backupTo(cmd.Context(), &conf, args[0])
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.stdout, "%s: %d files, %s\n", args[0], len(m.Files), humanize.IBytes(uint64(size)))
			return err
		},
	}
}

// backupTo makes a backup that is under its name only when it is whole and on disk.
func backupTo(ctx context.Context, conf *config, name string) (m manifest, size int64, err error) {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".new-*") // mode 0600
	if err != nil {
		return m, 0, fmt.Errorf("make backup: %w: name a file in a folder in which this user may write", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close(), os.Remove(f.Name()))
		}
	}()
	if m, err = fetchBackup(ctx, conf, f); err != nil {
		return m, 0, err
	}
	if size, err = f.Seek(0, io.SeekEnd); err != nil {
		return m, 0, err
	}
	if err := f.Sync(); err != nil {
		return m, 0, fmt.Errorf("write backup: %w", err)
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return m, 0, err
	}
	return m, size, errors.Join(f.Close(), durable.SyncFolder(filepath.Dir(name)))
}

// fetchBackup writes a backup to w, of the running box or of the data folder, and checks it on the way.
func fetchBackup(ctx context.Context, conf *config, w io.Writer) (manifest, error) {
	body, err := askAdmin(ctx, conf, "/v1/backup")
	if errors.Is(err, errNoBox) {
		reader, writer := io.Pipe()
		go func() { writer.CloseWithError(backupAtRest(conf.DataDir, writer)) }()
		body, err = reader, nil
	}
	if err != nil {
		return manifest{}, fmt.Errorf("back up: %w", err)
	}
	defer body.Close()
	m, err := readArchive(io.TeeReader(body, w), func(string, io.Reader) error { return nil })
	if err != nil {
		return m, fmt.Errorf("back up: %w", err)
	}
	return m, nil
}

// backupLive writes a backup of a box that runs: l may be nil.
func backupLive(dir string, s *store.Store, l *ledger.Ledger, w io.Writer) error {
	a := newArchiver(w)
	if err := a.snapshot(databaseFile, s.Snapshot); err != nil {
		return err
	}
	if l != nil {
		if err := a.snapshot(engagementFile, l.Snapshot); err != nil {
			return err
		}
	}
	if err := a.gallery(dir); err != nil {
		return err
	}
	return a.close()
}

// backupAtRest writes a backup of a data folder that no box has in use.
func backupAtRest(dir string, w io.Writer) error {
	a := newArchiver(w)
	if _, err := os.Stat(filepath.Join(dir, databaseFile)); err != nil {
		return fmt.Errorf("no box runs, and there is nothing to back up: %w: name the configuration of the box by --config", err)
	}
	names, err := filepath.Glob(filepath.Join(dir, "engagement*"))
	if err != nil {
		return err
	}
	for _, name := range append([]string{filepath.Join(dir, databaseFile)}, names...) {
		base := filepath.Base(name)
		if base != databaseFile && base != engagementFile && !isEngagementLog(base) {
			continue
		}
		f, err := a.locked(name)
		if err != nil {
			return err
		}
		defer f.Close() // keeps a box that starts away until all is copied
	}
	if err := a.gallery(dir); err != nil {
		return err
	}
	return a.close()
}

// locked adds a file that no process writes; the caller closes it.
func (a *archiver) locked(name string) (*os.File, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("%s is in use, but its box does not answer on http.admin.listen: %w: name its configuration by --config", name, err), f.Close())
	}
	fi, err := f.Stat()
	if err == nil {
		err = a.copy(filepath.Base(name), f, fi.Size())
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// gallery adds the people of the gallery. A file of theirs is replaced whole, so what is open is consistent.
func (a *archiver) gallery(dir string) error {
	entries, err := os.ReadDir(filepath.Join(dir, galleryFolder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return !e.Type().IsRegular() || !isGalleryFile(e.Name()) })
	for _, e := range entries {
		text, rerr := os.ReadFile(filepath.Join(dir, galleryFolder, e.Name()))
		if errors.Is(rerr, fs.ErrNotExist) { // removed in the meantime
			continue
		}
		if rerr != nil {
			return rerr
		}
		if err := a.copy(galleryFolder+"/"+e.Name(), strings.NewReader(string(text)), int64(len(text))); err != nil {
			return err
		}
	}
	return err
}
