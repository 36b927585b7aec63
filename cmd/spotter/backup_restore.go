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
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"spotter/internal/durable"
	"spotter/store"
)

func (c *cli) restoreCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "restore FILE|-",
		Short: "Put a backup in the place of what a stopped box knows",
		Long: "Put a backup in the place of what a stopped box knows. The backup is checked whole before anything is changed, and what was there\n" +
			"stays beside it, under names that end in .before-restore-TIME, until somebody deletes it.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			conf, err := c.config()
			if err != nil {
				return err
			}
			in := cmd.InOrStdin()
			if args[0] != "-" {
				f, err := os.Open(args[0])
				if err != nil {
					return fmt.Errorf("restore: %w", err)
				}
				defer f.Close()
				in = f
			}
			m, aside, err := restore(cmd.Context(), &conf, in)
			if err != nil {
				return fmt.Errorf("restore: %w", err)
			}
			fmt.Fprintf(c.stdout, "restored %d files of %s, made by spotter %s\n", len(m.Files), m.Made.Format(time.RFC3339), m.Version)
			for _, name := range aside {
				fmt.Fprintf(c.stdout, "what was there before is %s\n", name)
			}
			return nil
		},
	}
}

// restore puts a backup in the place of a data folder's content and returns where that is now.
func restore(ctx context.Context, conf *config, backup io.Reader) (m manifest, aside []string, err error) {
	body, err := askAdmin(ctx, conf, "/healthz")
	if err == nil {
		err = fmt.Errorf("a box runs on %s: stop it first, as with systemctl stop spotter", conf.HTTP.Admin.Listen)
		return m, nil, errors.Join(err, body.Close())
	}
	if !errors.Is(err, errNoBox) {
		return m, nil, fmt.Errorf("whether a box runs cannot be told: %w", err)
	}
	if err := os.MkdirAll(conf.DataDir, 0o750); err != nil {
		return m, nil, err
	}
	for _, name := range []string{databaseFile, engagementFile} {
		f, err := lockFile(filepath.Join(conf.DataDir, name))
		if err != nil {
			return m, nil, err
		}
		defer f.Close() // nil is closed too; until then no box opens the old one
	}
	dir, err := os.MkdirTemp(conf.DataDir, ".restore-*")
	if err != nil {
		return m, nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if m, err = unpack(dir, backup); err != nil {
		return m, nil, err
	}
	if err := checkUnpacked(dir); err != nil {
		return m, nil, err
	}
	if err := own(conf.DataDir, dir); err != nil {
		return m, nil, err
	}
	aside, err = swap(conf.DataDir, dir, time.Now())
	return m, aside, err
}

// lockFile takes bbolt's lock of a database; without one it returns nil.
func lockFile(name string) (*os.File, error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("%s is in use: stop the box first, as with systemctl stop spotter", name), f.Close())
	}
	return f, nil
}

// unpack writes a backup's files to a folder, on disk when it returns.
func unpack(dir string, backup io.Reader) (manifest, error) {
	m, err := readArchive(backup, func(name string, content io.Reader) error {
		to := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return err
		}
		f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		_, err = io.Copy(f, content)
		return errors.Join(err, f.Sync(), f.Close())
	})
	if err != nil {
		return m, err
	}
	if _, err := os.Stat(filepath.Join(dir, galleryFolder)); err == nil {
		if err := durable.SyncFolder(filepath.Join(dir, galleryFolder)); err != nil {
			return m, err
		}
	}
	return m, durable.SyncFolder(dir)
}

// checkUnpacked reads the databases of a backup.
func checkUnpacked(dir string) error {
	if err := store.Check(filepath.Join(dir, databaseFile)); err != nil {
		return fmt.Errorf("the backup's store: %w", err)
	}
	name := filepath.Join(dir, engagementFile)
	if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := store.CheckPages(name); err != nil {
		return fmt.Errorf("the backup's engagement: %w", err)
	}
	return nil
}

// own gives what root unpacked to the owner of the data folder.
func own(dataDir, dir string) error {
	var stat unix.Stat_t
	if os.Geteuid() != 0 {
		return nil
	}
	if err := unix.Stat(dataDir, &stat); err != nil {
		return err
	}
	return filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Lchown(name, int(stat.Uid), int(stat.Gid)))
	})
}

// swap puts what is in dir in its place, the store last, and what was there aside. A database is exchanged in one step: at every
// moment there is the old one or the new one.
func swap(dataDir, dir string, now time.Time) (aside []string, err error) {
	suffix := ".before-restore-" + now.UTC().Format("20060102T150405Z")
	old, err := filepath.Glob(filepath.Join(dataDir, "engagement-*.log"))
	if err != nil {
		return nil, err
	}
	_, missing := os.Stat(filepath.Join(dir, engagementFile))
	for _, name := range old {
		if missing == nil && isEngagementLog(filepath.Base(name)) { // it belongs to the old database
			if err := os.Rename(name, name+suffix); err != nil {
				return aside, err
			}
			aside = append(aside, name+suffix)
		}
	}
	names, err := readNames(dir)
	if err != nil {
		return aside, err
	}
	for _, name := range names {
		from, to := filepath.Join(dir, name), filepath.Join(dataDir, name)
		if _, err := os.Lstat(to); errors.Is(err, fs.ErrNotExist) {
			if err := os.Rename(from, to); err != nil {
				return aside, err
			}
			continue
		}
		if err := unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_EXCHANGE); err != nil {
			return aside, fmt.Errorf("exchange %s: %w", to, err)
		}
		if err := os.Rename(from, to+suffix); err != nil {
			return aside, err
		}
		aside = append(aside, to+suffix)
	}
	return aside, durable.SyncFolder(dataDir)
}

// readNames are what a folder has, the store last.
func readNames(dir string) (names []string, err error) {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if e.Name() != databaseFile {
			names = append(names, e.Name())
		}
	}
	return slices.Concat(names, []string{databaseFile}), err
}
