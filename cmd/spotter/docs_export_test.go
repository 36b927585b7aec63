package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"
)

// WriteDocs writes what a package has of the command tree into dir.
func WriteDocs(dir string, date time.Time) error {
	return writeDocs(newRoot(io.Discard, io.Discard), dir, date)
}

// CheckConfig returns what is wrong with a configuration file.
func CheckConfig(path string) error {
	_, err := loadConfig(path)
	return err
}

// CheckCommandLine returns what is wrong with the words after "spotter", without running them: a command or a flag that is not there.
func CheckCommandLine(words []string) error {
	cmd, rest, err := newRoot(io.Discard, io.Discard).Find(words)
	if err != nil {
		return err
	}
	if cmd.HasSubCommands() && len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
		return fmt.Errorf("%q is no command of %s", rest[0], cmd.CommandPath())
	}
	cmd.FParseErrWhitelist = cobra.FParseErrWhitelist{}
	return cmd.ParseFlags(rest)
}

// CheckConfigText decodes text as a configuration file, or as one entry of media, and returns what is not there to be configured.
// What values mean, and whether files are there, is not looked at.
func CheckConfigText(text string, media bool) error {
	var into any = new(config)
	if media {
		into = new(mediaConfig)
	}
	d := yaml.NewDecoder(bytes.NewReader([]byte(text)))
	d.KnownFields(true)
	if err := d.Decode(into); !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// ConfigKeys returns the path of each key of the configuration, such as sync.s3.bucket; those of lists as of their elements.
func ConfigKeys() map[string]bool {
	keys := map[string]bool{}
	addKeys(keys, "", reflect.TypeFor[config]())
	return keys
}

func addKeys(keys map[string]bool, prefix string, t reflect.Type) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return
	}
	for field := range t.Fields() {
		if name, _, _ := strings.Cut(field.Tag.Get("yaml"), ","); name != "" && name != "-" {
			keys[prefix+name] = true
			addKeys(keys, prefix+name+".", field.Type)
		}
	}
}
