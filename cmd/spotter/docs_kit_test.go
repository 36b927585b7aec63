package main_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// repositoryRoot is the checkout's, seen from the tests.
const repositoryRoot = "../.."

// document is one Markdown file, taken apart as far as the tests look into it.
type document struct {
	path   string // from the checkout's root
	blocks []block
	prose  []line // all lines outside blocks
}

type line struct {
	number int
	text   string
}

// block is a fenced block, or an indented one, which has no language.
type block struct {
	language string
	lines    []line
}

func (b block) text() string {
	var text strings.Builder
	for _, l := range b.lines {
		text.WriteString(l.text + "\n")
	}
	return text.String()
}

// documents reads all that people are given to read.
func documents(t *testing.T) (all []*document) {
	t.Helper()
	for _, pattern := range []string{"README.md", "CONTRIBUTING.md", "docs/*.md", "docs/adr/*.md", "docs/alerts/*.md"} {
		paths, err := filepath.Glob(filepath.Join(repositoryRoot, pattern))
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s: no document, %v", pattern, err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			name, err := filepath.Rel(repositoryRoot, path)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, parseDocument(name, string(text)))
		}
	}
	return all
}

// parseDocument knows fences of three backquotes and blocks that are indented by four spaces after an empty line.
func parseDocument(path, text string) *document {
	d := &document{path: path}
	var open *block
	fenced, before := false, ""
	for i, s := range strings.Split(text, "\n") {
		mark := strings.TrimSpace(s)
		indented := strings.HasPrefix(s, "    ") && (before == "" || open != nil)
		switch {
		case strings.HasPrefix(mark, "```") && fenced:
			fenced, open = false, nil
		case strings.HasPrefix(mark, "```"):
			d.blocks = append(d.blocks, block{language: strings.TrimPrefix(mark, "```")})
			fenced, open = true, &d.blocks[len(d.blocks)-1]
		case fenced:
			open.lines = append(open.lines, line{i + 1, s})
		case indented && open == nil:
			d.blocks = append(d.blocks, block{lines: []line{{i + 1, strings.TrimPrefix(s, "    ")}}})
			open = &d.blocks[len(d.blocks)-1]
		case indented:
			open.lines = append(open.lines, line{i + 1, strings.TrimPrefix(s, "    ")})
		default:
			open = nil
			d.prose = append(d.prose, line{i + 1, s})
		}
		before = mark
	}
	return d
}

// codeSpan is what stands between single backquotes on one line.
var codeSpan = regexp.MustCompile("`([^`]+)`")

// code returns the words in backquotes outside blocks.
func (d *document) code() (spans []line) {
	for _, l := range d.prose {
		for _, m := range codeSpan.FindAllStringSubmatch(l.text, -1) {
			spans = append(spans, line{l.number, m[1]})
		}
	}
	return spans
}

var (
	heading     = regexp.MustCompile(`^#{1,6} +(.+)$`)
	notInAnchor = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// anchors are the names by which links reach the document's headings, as GitHub makes them.
func (d *document) anchors() map[string]bool {
	names := map[string]bool{}
	for _, l := range d.prose {
		if m := heading.FindStringSubmatch(l.text); m != nil {
			name := notInAnchor.ReplaceAllString(strings.ToLower(m[1]), "")
			names[strings.ReplaceAll(strings.TrimSpace(name), " ", "-")] = true
		}
	}
	return names
}

// command is one command line of a document, its continuations joined and its comment cut off.
type command struct {
	path string
	line
}

// programs begin the command lines in indented blocks and in backquotes: there anything else may stand too.
var programs = regexp.MustCompile(`^(make|go (test|tool|vet)|(bin/)?spotter|scripts/[a-z-]+|curl)( |$)`)

// commands returns the command lines of a document's blocks, and of its backquotes.
func (d *document) commands() (blocks, spans []command) {
	for _, b := range d.blocks {
		joined := ""
		for _, l := range b.lines {
			text := joined + comment.ReplaceAllString(l.text, "")
			if strings.HasSuffix(text, "\\") {
				joined = strings.TrimSuffix(text, "\\")
				continue
			}
			joined = ""
			text = strings.TrimSpace(text)
			if text != "" && (b.language == "sh" || b.language == "" && programs.MatchString(text)) {
				blocks = append(blocks, command{d.path, line{l.number, text}})
			}
		}
	}
	for _, s := range d.code() {
		if programs.MatchString(s.text) {
			spans = append(spans, command{d.path, s})
		}
	}
	return blocks, spans
}

// comment is one of the shell's: a # that begins a line or a word.
var comment = regexp.MustCompile(`(^|\s)#.*$`)
