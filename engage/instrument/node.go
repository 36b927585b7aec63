package instrument

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// maxDepth bounds how deep lists and objects are nested.
const maxDepth = 64

// kind is what a node holds.
type kind uint8

const (
	kindNull kind = iota
	kindBoolean
	kindNumber
	kindText
	kindList
	kindObject
	kindInvalid // text says why
)

// node is a value of a YAML file or a JSON text. Both are read in the same way from here on.
type node struct {
	kind kind
	line int // 0 for JSON
	// text is a text itself, a number as JSON writes it, or true or false.
	text string
	// keys lead to the items of an object: keys[i] to items[i]. A list has items alone.
	keys, items []*node
	// raw is the value as it stood in a JSON text; nil when it comes from YAML.
	raw []byte
}

// child returns what a key of an object leads to, nil where there is no such key or it leads to null.
func (n *node) child(key string) *node {
	if n == nil {
		return nil
	}
	for i, k := range n.keys {
		if k.kind == kindText && k.text == key && n.items[i].kind != kindNull {
			return n.items[i]
		}
	}
	return nil
}

// String returns the value in short, as a message shows it.
func (n *node) String() string {
	switch n.kind {
	case kindNull:
		return "null"
	case kindText:
		return fmt.Sprintf("%q", clip(n.text))
	case kindList:
		return "a list"
	case kindObject:
		return "keys with values"
	}
	return clip(n.text)
}

// clip keeps a message about long text short.
func clip(s string) string {
	if len(s) <= 40 {
		return s
	}
	n := 40
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "..."
}

// fromJSON returns the value that a JSON text holds, which must be all of it.
func fromJSON(b []byte) (*node, error) {
	if !utf8.Valid(b) {
		return nil, errors.New("the text is not UTF-8: save it as UTF-8")
	}
	var whole json.RawMessage
	if err := json.Unmarshal(b, &whole); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return nil, fmt.Errorf("not JSON at byte %d: %w", syntax.Offset, err)
		}
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	t := jsonTree{whole, json.NewDecoder(bytes.NewReader(whole))}
	t.d.UseNumber()
	return t.value(0)
}

type jsonTree struct {
	all []byte
	d   *json.Decoder
}

// value reads the next value. The text is known to be JSON.
func (t *jsonTree) value(depth int) (*node, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("nested more than %d deep: nest it less", maxDepth)
	}
	from := t.d.InputOffset()
	token, err := t.d.Token()
	if err != nil {
		return nil, err
	}
	n := new(node)
	switch token := token.(type) {
	case bool:
		n.kind, n.text = kindBoolean, fmt.Sprint(token)
	case json.Number:
		n.kind, n.text = kindNumber, token.String()
	case string:
		n.kind, n.text = kindText, token
	case json.Delim:
		if n.kind = kindList; token == '{' {
			n.kind = kindObject
		}
		if err := t.items(n, depth+1); err != nil {
			return nil, err
		}
	}
	n.raw = bytes.TrimLeft(t.all[from:t.d.InputOffset()], " \t\r\n:,")
	return n, nil
}

// items reads what a list or an object holds, and its end.
func (t *jsonTree) items(n *node, depth int) error {
	for t.d.More() {
		if n.kind == kindObject {
			key, err := t.value(depth)
			if err != nil {
				return err
			}
			n.keys = append(n.keys, key)
		}
		item, err := t.value(depth)
		if err != nil {
			return err
		}
		n.items = append(n.items, item)
	}
	_, err := t.d.Token()
	return err
}
