package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"spotter/httpapi"
)

func (c *cli) keysCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "Make, list and withdraw the API keys of the viewer API",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	var media []string
	add := &cobra.Command{
		Use:   "add NAME",
		Short: "Make a key, print it once and add its hash to http.viewer.keys_file",
		Long: "Make a key for whom NAME says, print it and add its line to the file that http.viewer.keys_file names. The key is kept\n" +
			"nowhere: who loses it gets a new one. A running box notices within a second.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("media") && len(media) == 0 {
				return fmt.Errorf("%w: --media: name a media, or leave it out for all", errUsage)
			}
			return c.addKey(args[0], media)
		},
	}
	add.Flags().StringSliceVar(&media, "media", nil, "`ID,ID...` of the only media that the key is for (default all)")
	cmd.AddCommand(add, &cobra.Command{
		Use:   "list",
		Short: "List whom keys were given to, and for which media",
		Args:  cobra.NoArgs,
		RunE:  func(*cobra.Command, []string) error { return c.listKeys() },
	}, &cobra.Command{
		Use:   "remove NAME",
		Short: "Withdraw a key",
		Args:  cobra.ExactArgs(1),
		RunE:  func(_ *cobra.Command, args []string) error { return c.removeKey(args[0]) },
	})
	return cmd
}

// keysFile returns the file that the configuration names.
func (c *cli) keysFile() (string, error) {
	conf, err := c.config()
	if err != nil {
		return "", err
	}
	if conf.HTTP.Viewer.KeysFile == "" {
		return "", fmt.Errorf("%w: no http.viewer.keys_file: name one in the file given by --config, with auth: keys", errConfig)
	}
	return conf.secretPath(conf.HTTP.Viewer.KeysFile), nil
}

func (c *cli) addKey(name string, media []string) error {
	if !mediaID.MatchString(name) { // names of keys look the same
		return fmt.Errorf("%w: %q is not a name: 1 to 64 letters, digits, dots, dashes and underscores, a letter or digit first", errUsage, name)
	}
	for _, id := range media {
		if !mediaID.MatchString(id) {
			return fmt.Errorf("%w: --media: %q is not the id of a media", errUsage, id)
		}
	}
	path, err := c.keysFile()
	if err != nil {
		return err
	}
	secret, key := httpapi.NewKey(name)
	key.Media = media
	err = changeKeys(path, true, func(text []byte, keys []httpapi.Key) ([]byte, error) {
		if slices.ContainsFunc(keys, func(k httpapi.Key) bool { return k.Name == name }) {
			return nil, fmt.Errorf("%w: %s has a key: spotter keys remove %s withdraws it", errUsage, name, name)
		}
		if len(text) > 0 && !bytes.HasSuffix(text, []byte("\n")) {
			text = append(text, '\n')
		}
		return fmt.Appendln(text, key), nil
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(c.stdout, secret)
	fmt.Fprintf(c.stderr, "this key of %s is shown once and kept nowhere: give it to them now\n", name)
	return nil
}

func (c *cli) listKeys() error {
	path, err := c.keysFile()
	if err != nil {
		return err
	}
	_, keys, err := readKeys(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(keys) == 0 {
		fmt.Fprintln(c.stderr, "there are no keys: spotter keys add NAME")
		return nil
	}
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tMEDIA")
	for _, k := range keys {
		media := "all"
		if k.Media != nil {
			media = strings.Join(k.Media, ",")
		}
		fmt.Fprintf(w, "%s\t%s\n", k.Name, media)
	}
	return w.Flush()
}

func (c *cli) removeKey(name string) error {
	path, err := c.keysFile()
	if err != nil {
		return err
	}
	err = changeKeys(path, false, func(text []byte, _ []httpapi.Key) ([]byte, error) {
		text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
		var kept []byte
		found := false
		for line := range bytes.Lines(text) {
			if owner, _, ok := bytes.Cut(bytes.TrimSpace(line), []byte(":")); ok && string(owner) == name {
				found = true
				continue
			}
			kept = append(kept, line...)
		}
		if !found {
			return nil, fmt.Errorf("%s has no key: see spotter keys list", name)
		}
		return kept, nil
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(c.stdout, "%s: withdrawn\n", name)
	return nil
}

// readKeys returns a file of keys, as it is and as it reads.
func readKeys(path string) ([]byte, []httpapi.Key, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	keys, err := httpapi.ParseKeys(text)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	return text, keys, nil
}

// changeKeys replaces a file of keys whole, so that a box that reads it sees the old one or the new one. Others who change
// it wait meanwhile.
func changeKeys(path string, create bool, change func([]byte, []httpapi.Key) ([]byte, error)) error {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := unix.Flock(int(dir.Fd()), unix.LOCK_EX); err != nil {
		return fmt.Errorf("lock %s: %w", dir.Name(), err)
	}
	text, keys, err := readKeys(path)
	if err != nil && !(create && errors.Is(err, fs.ErrNotExist)) {
		return err
	}
	if text, err = change(text, keys); err != nil {
		return err
	}
	return replaceFile(path, text)
}

// replaceFile writes a file beside and moves it there. Its owner and rights stay, so that the service's user can still
// read what root changed; a new one is for its owner and group alone.
func replaceFile(path string, text []byte) error {
	mode, uid, gid := fs.FileMode(0o640), -1, -1
	var was unix.Stat_t
	if err := unix.Stat(path, &was); err == nil {
		mode, uid, gid = fs.FileMode(was.Mode&0o777), int(was.Uid), int(was.Gid)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // not there any more when all went well
	_, err = f.Write(text)
	if uid >= 0 {
		err = errors.Join(err, f.Chown(uid, gid))
	}
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return os.Rename(f.Name(), path)
}
