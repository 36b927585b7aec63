package instrument

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxShared bounds how many values a file may have by reference (YAML aliases), which else grow without end.
const maxShared = 100_000

// fromYAML returns the value that a YAML file of one document holds. A value that JSON cannot hold becomes an invalid node.
func fromYAML(b []byte) (*node, Faults) {
	d := yaml.NewDecoder(bytes.NewReader(b))
	var root yaml.Node
	if err := d.Decode(&root); errors.Is(err, io.EOF) {
		return nil, Faults{{Text: "the file is empty: write \"instruments: []\" where there are to be none"}}
	} else if err != nil {
		return nil, Faults{syntaxFault(err)}
	}
	var more yaml.Node
	if err := d.Decode(&more); err == nil {
		return nil, Faults{{Line: more.Line, Text: "a second document: keep all instruments in one list"}}
	} else if !errors.Is(err, io.EOF) {
		return nil, Faults{syntaxFault(err)}
	}
	var t yamlTree
	return t.value(root.Content[0], 0), nil
}

// syntaxFault takes the line out of the library's "yaml: line 3: did not find expected key".
func syntaxFault(err error) Fault {
	f := Fault{Text: strings.TrimPrefix(err.Error(), "yaml: ")}
	if rest, ok := strings.CutPrefix(f.Text, "line "); ok {
		if digits, why, ok := strings.Cut(rest, ": "); ok {
			f.Line, _ = strconv.Atoi(digits)
			f.Text = why
		}
	}
	f.Text = "not YAML: " + f.Text
	return f
}

type yamlTree struct {
	shared  int // values had by reference so far
	aliases int // that the present value is within
}

// value returns y, and what it holds, as a node.
func (t *yamlTree) value(y *yaml.Node, depth int) *node {
	if y.Kind == yaml.AliasNode {
		t.aliases++
		n := t.value(y.Alias, depth)
		t.aliases--
		n.line = y.Line
		return n
	}
	n := &node{line: y.Line}
	if t.aliases > 0 {
		t.shared++
	}
	switch {
	case depth > maxDepth:
		n.refuse("nested more than %d deep: nest it less", maxDepth)
	case t.shared > maxShared:
		n.refuse("more than %d values by reference (*name): write fewer", maxShared)
	case y.Kind == yaml.SequenceNode:
		n.kind = kindList
		for _, c := range y.Content {
			n.items = append(n.items, t.value(c, depth+1))
		}
	case y.Kind == yaml.MappingNode:
		n.kind = kindObject
		for i := 0; i+1 < len(y.Content); i += 2 {
			n.keys = append(n.keys, t.value(y.Content[i], depth+1))
			n.items = append(n.items, t.value(y.Content[i+1], depth+1))
		}
	default:
		n.scalar(y)
	}
	return n
}

func (n *node) refuse(format string, args ...any) {
	n.kind, n.text = kindInvalid, fmt.Sprintf(format, args...)
}

// scalar sets n to a YAML scalar, as JSON would have it.
func (n *node) scalar(y *yaml.Node) {
	switch tag := y.ShortTag(); tag {
	case "!!null":
		n.kind = kindNull
	case "!!str", "!!timestamp":
		n.kind, n.text = kindText, y.Value
	case "!!bool":
		var b bool
		if y.Decode(&b) != nil {
			n.refuse("%q is not true or false: put it in quotes where text is meant", clip(y.Value))
			return
		}
		n.kind, n.text = kindBoolean, strconv.FormatBool(b)
	case "!!int", "!!float":
		n.number(y)
	case "!!merge":
		n.refuse("keys cannot be merged with <<: write them out")
	default:
		n.refuse("tag %s has no place here: remove it", tag)
	}
}

// number keeps the text of a number that JSON would write in the same way, and writes others anew, such as 0x10 or 1_000.
func (n *node) number(y *yaml.Node) {
	n.kind, n.text = kindNumber, y.Value
	if json.Valid([]byte(n.text)) && strings.Contains("-0123456789", n.text[:1]) {
		return
	}
	var v any
	if err := y.Decode(&v); err != nil {
		n.refuse("%q is not a number: put it in quotes where text is meant", clip(y.Value))
		return
	}
	if f, ok := v.(float64); ok && (math.IsInf(f, 0) || math.IsNaN(f)) {
		n.refuse("%s is not a number that JSON can hold: remove it", clip(y.Value))
		return
	}
	b, err := json.Marshal(v)
	if err != nil {
		n.refuse("%q is not a number: put it in quotes where text is meant", clip(y.Value))
		return
	}
	n.text = string(b)
}
