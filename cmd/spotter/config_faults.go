package main

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// faults collects what is wrong with a configuration.
type faults struct {
	root *yaml.Node
	list []fault
}

type fault struct {
	line int
	text string
}

func (f *faults) decode(text []byte, c *config) {
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	err := d.Decode(c)
	var typed *yaml.TypeError
	switch {
	case err == nil:
	case errors.As(err, &typed):
		for _, text := range typed.Errors {
			f.list = append(f.list, readable(text))
		}
	default:
		f.list = append(f.list, fault{text: strings.TrimPrefix(err.Error(), "yaml: ")})
	}
}

// readable turns the library's "line 3: field urls not found in type main.plain" into words for who writes the file.
func readable(text string) fault {
	var x fault
	if rest, ok := strings.CutPrefix(text, "line "); ok {
		if n, _ := fmt.Sscanf(rest, "%d:", &x.line); n == 1 {
			_, text, _ = strings.Cut(rest, ": ")
		}
	}
	if key, ok := strings.CutPrefix(text, "field "); ok {
		key, _, _ = strings.Cut(key, " not found")
		text = fmt.Sprintf("unknown key %q: remove it or correct its spelling", key)
	}
	if value, kind, ok := strings.Cut(strings.TrimPrefix(text, "cannot unmarshal "), " into "); ok {
		_, value, _ = strings.Cut(value, " ") // without its tag, such as !!str
		text = "want " + wanted(kind) + given(value)
	}
	x.text = text
	return x
}

// wanted says in words what a Go type is in the file.
func wanted(kind string) string {
	switch {
	case kind == "time.Duration":
		return "a duration such as 10s or 1m30s"
	case kind == "int":
		return "a whole number"
	case kind == "float64":
		return "a number"
	case kind == "string":
		return "text"
	case strings.HasPrefix(kind, "[]"):
		return "a list"
	}
	return "keys with values"
}

func given(value string) string {
	if value == "" {
		return ""
	}
	return ", not " + strings.Trim(value, "`")
}

// add notes a fault at the key that path leads to, such as "media", 0, "url".
func (f *faults) add(text string, path ...any) {
	line, name := find(f.root, path)
	f.list = append(f.list, fault{line, name + ": " + text})
}

// find returns the line of the deepest node on a path that exists, and the path in words.
func find(n *yaml.Node, path []any) (line int, name string) {
	if n.Kind == yaml.DocumentNode && len(n.Content) > 0 {
		n = n.Content[0]
	}
	line = n.Line
	for _, step := range path {
		switch step := step.(type) {
		case string:
			name = strings.TrimPrefix(name+"."+step, ".")
		case int:
			name = fmt.Sprintf("%s[%d]", name, step)
		}
		if n = child(n, step); n != nil {
			line = n.Line
		}
	}
	return line, name
}

// child returns what a key or an index leads to, or nil.
func child(n *yaml.Node, step any) *yaml.Node {
	if n == nil {
		return nil
	}
	switch step := step.(type) {
	case string:
		for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == step {
				return n.Content[i+1]
			}
		}
	case int:
		if n.Kind == yaml.SequenceNode && step < len(n.Content) {
			return n.Content[step]
		}
	}
	return nil
}

// has reports whether a path of keys is there.
func has(root *yaml.Node, path ...any) bool {
	n := root
	if n.Kind == yaml.DocumentNode && len(n.Content) > 0 {
		n = n.Content[0]
	}
	for _, step := range path {
		if n = child(n, step); n == nil {
			return false
		}
	}
	return true
}

func (f *faults) err() error {
	if len(f.list) == 0 {
		return nil
	}
	slices.SortStableFunc(f.list, func(a, b fault) int { return a.line - b.line })
	var b strings.Builder
	for _, x := range f.list {
		if x.line > 0 {
			fmt.Fprintf(&b, "  line %d: %s\n", x.line, x.text)
		} else {
			fmt.Fprintf(&b, "  %s\n", x.text)
		}
	}
	return errors.New(strings.TrimRight(b.String(), "\n"))
}
