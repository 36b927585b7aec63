package main_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	spotter "spotter/cmd/spotter"
)

// A command of a document is run by TestDocumentsRun where it asks the box or is one of spotter's. All others change the machine, need
// root, Amazon or minutes; what is true of them is checked by kind.
var checkedOnly = map[string]func(words []string) error{
	"make":    checkMake,
	"go":      checkGo,
	"scripts": checkScript,
	"cd":      checkFolder,

	// Of the machine's own programs only the shell's syntax is checked.
	"sudo": nil, "apt": nil, "systemctl": nil, "journalctl": nil, "aws": nil, "npx": nil, "promtool": nil, "git": nil, "rsync": nil,
	"sha256sum": nil, "openssl": nil, "top": nil, "timedatectl": nil, "chronyc": nil, "dmesg": nil, "ps": nil, "df": nil, "du": nil, "ls": nil,
	"curl": nil, // run, or of another host
}

// TestDocumentCommands: every command line of every document can be read by the shell, and names targets, packages, tests, scripts,
// commands and flags that are there.
func TestDocumentCommands(t *testing.T) {
	t.Parallel()
	for _, d := range documents(t) {
		blocks, spans := d.commands()
		for _, c := range blocks {
			if out, err := exec.CommandContext(t.Context(), "bash", "-n", "-c", c.text).CombinedOutput(); err != nil {
				t.Errorf("%s:%d: %s: %s", c.path, c.number, c.text, out)
			}
		}
		for _, c := range slices.Concat(blocks, spans) {
			for _, one := range strings.Split(c.text, " && ") {
				if err := checkCommand(one); err != nil {
					t.Errorf("%s:%d: %s: %v", c.path, c.number, one, err)
				}
			}
		}
	}
}

var (
	assignment = regexp.MustCompile(`^[A-Z]+=`)
	asService  = regexp.MustCompile(`^sudo (-u spotter )?(spotter .*)$`)
)

func checkCommand(text string) error {
	if m := asService.FindStringSubmatch(text); m != nil {
		text = m[2]
	}
	if assignment.MatchString(text) {
		return nil
	}
	words := strings.Fields(strings.ReplaceAll(text, "...", ""))
	first := strings.TrimPrefix(words[0], "bin/")
	if first == "spotter" {
		return checkSpotter(words[1:])
	}
	if folder, _, ok := strings.Cut(first, "/"); ok {
		return checkedOnlyBy(folder, words)
	}
	return checkedOnlyBy(first, words)
}

func checkedOnlyBy(kind string, words []string) error {
	check, known := checkedOnly[kind]
	if !known {
		return fmt.Errorf("nothing says how %q is tested: run it, or add it to checkedOnly", kind)
	}
	if check == nil {
		return nil
	}
	return check(words)
}

var placeholder = regexp.MustCompile(`^[A-Z][A-Z_-]+$`)

// checkSpotter takes spotter's words; a|b stands for a and for b.
func checkSpotter(words []string) error {
	if i := slices.IndexFunc(words, func(w string) bool { return w == ">" || w == "<" }); i >= 0 {
		words = words[:i]
	}
	if len(words) == 0 || placeholder.MatchString(words[0]) || words[0] == "decoder" { // which the box starts itself
		return nil
	}
	for i, w := range words {
		if !strings.Contains(w, "|") {
			continue
		}
		for one := range strings.SplitSeq(w, "|") {
			if err := checkSpotter(slices.Concat(words[:i], []string{one}, words[i+1:])); err != nil {
				return err
			}
		}
		return nil
	}
	if i := slices.IndexFunc(words, placeholder.MatchString); i >= 0 {
		words = words[:i] // what follows is a way to say it, such as --for DURATION
		if i > 0 && strings.HasPrefix(words[i-1], "--") {
			words[i-1] += "=" + "1"
			words = words[:i-1]
		}
	}
	return spotter.CheckCommandLine(words)
}

var makeTarget = regexp.MustCompile(`(?m)^([a-z-]+):`)

func checkMake(words []string) error {
	file, err := os.ReadFile(filepath.Join(repositoryRoot, "Makefile"))
	if err != nil {
		return err
	}
	for _, w := range words[1:] {
		name, _, set := strings.Cut(w, "=")
		if set && !strings.Contains(string(file), "$("+name+")") {
			return fmt.Errorf("the Makefile has no variable %s", name)
		}
		if set {
			return nil // the rest may be the variable's value
		}
		if !slices.ContainsFunc(makeTarget.FindAllStringSubmatch(string(file), -1), func(m []string) bool { return m[1] == name }) {
			return fmt.Errorf("the Makefile has no target %s", name)
		}
	}
	return nil
}

func checkScript(words []string) error {
	info, err := os.Stat(filepath.Join(repositoryRoot, words[0]))
	if err == nil && !strings.Contains(filepath.Base(words[0]), ".") && info.Mode()&0o111 == 0 {
		err = errors.New("it cannot be executed")
	}
	return err
}

func checkFolder(words []string) error {
	if len(words) != 2 {
		return errors.New("want one folder")
	}
	_, err := os.Stat(filepath.Join(repositoryRoot, words[1]))
	return err
}

var testFunction = regexp.MustCompile(`(?m)^func ((?:Test|Benchmark|Fuzz)\w+)\(`)

// checkGo holds the packages and the test names of go test against the source.
func checkGo(words []string) error {
	if len(words) < 2 || words[1] != "test" {
		return nil
	}
	var folders, patterns []string
	for i := 2; i < len(words); i++ {
		w := strings.Trim(words[i], "'")
		switch {
		case w == "-run" || w == "-bench" || w == "-fuzz":
			if i+1 >= len(words) {
				return fmt.Errorf("%s of what?", w)
			}
			i++
			patterns = append(patterns, strings.Trim(words[i], "'"))
		case strings.HasPrefix(w, "./"):
			folders = append(folders, strings.TrimSuffix(w, "/"))
		}
	}
	var names []string
	for _, folder := range folders {
		if _, err := os.Stat(filepath.Join(repositoryRoot, folder)); err != nil {
			return err
		}
		files, err := filepath.Glob(filepath.Join(repositoryRoot, folder, "*_test.go"))
		if err != nil {
			return err
		}
		for _, path := range files {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, m := range testFunction.FindAllStringSubmatch(string(text), -1) {
				names = append(names, m[1])
			}
		}
	}
	return checkPatterns(patterns, names)
}

func checkPatterns(patterns, names []string) error {
	for _, p := range patterns {
		for one := range strings.SplitSeq(p, "|") {
			if one == "^$" || one == "xxx" || one == "." {
				continue
			}
			re, err := regexp.Compile(one)
			if err != nil {
				return err
			}
			if len(names) > 0 && !slices.ContainsFunc(names, re.MatchString) {
				return fmt.Errorf("no test there is called %s", one)
			}
		}
	}
	return nil
}
