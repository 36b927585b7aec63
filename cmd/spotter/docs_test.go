package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	spotter "spotter/cmd/spotter"
)

func TestDocs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := spotter.WriteDocs(dir, time.Unix(0, 0).UTC()); err != nil {
		t.Fatal(err)
	}
	for name, says := range map[string]string{
		"man/spotter.1":             "SYNOPSIS",
		"man/spotter-run.1":         "Run the appliance",
		"man/spotter-lookup.1":      "--position",
		"man/spotter-models-pull.1": "--mirror",
		"spotter.bash":              "complete -o default",
		"_spotter":                  "#compdef spotter",
		"spotter.fish":              "complete -c spotter",
	} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
		} else if !strings.Contains(strings.ReplaceAll(string(text), `\-`, "-"), says) {
			t.Errorf("%s does not say %q", name, says)
		}
	}
	if hidden, _ := filepath.Glob(filepath.Join(dir, "man", "spotter-docs*")); hidden != nil {
		t.Errorf("a hidden command has the page %v", hidden)
	}
	for shell, name := range map[string]string{"bash": "spotter.bash", "zsh": "_spotter", "fish": "spotter.fish"} {
		if _, err := exec.LookPath(shell); err != nil {
			t.Logf("no %s here to read %s", shell, name)
		} else if out, err := exec.Command(shell, "-n", filepath.Join(dir, name)).CombinedOutput(); err != nil {
			t.Errorf("%s -n %s: %v: %s", shell, name, err, out)
		}
	}
}

// TestDocsAreTheSame has pages of one date be the same bytes, for a package that can be built again.
func TestDocsAreTheSame(t *testing.T) {
	t.Parallel()
	read := func() map[string]string {
		dir, all := t.TempDir(), map[string]string{}
		if err := spotter.WriteDocs(dir, time.Unix(1, 0).UTC()); err != nil {
			t.Fatal(err)
		}
		for _, pattern := range []string{"*", "man/*"} {
			paths, _ := filepath.Glob(filepath.Join(dir, pattern))
			for _, path := range paths {
				text, _ := os.ReadFile(path)
				all[filepath.Base(path)] = string(text)
			}
		}
		return all
	}
	if diff := cmp.Diff(read(), read()); diff != "" {
		t.Error(diff)
	}
}

func TestShippedConfiguration(t *testing.T) {
	t.Parallel()
	if err := spotter.CheckConfig("../../packaging/spotter.yaml"); err != nil {
		t.Error(err)
	}
}
