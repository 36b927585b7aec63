package gallery

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	mostID        = 64 // bytes; an id is a file's name
	mostName      = 200
	mostURL       = 2048
	mostEmbedding = 4096 // numbers
)

// check reports what is wrong with a person who is to be enrolled, and tidies the name.
func check(p *Person) error {
	p.Name = strings.Join(strings.Fields(p.Name), " ")
	refuse := func(format string, args ...any) error {
		return fmt.Errorf("%q %w: %s", p.Name, ErrPerson, fmt.Sprintf(format, args...))
	}
	switch {
	case p.Name == "":
		return refuse("give a name")
	case len(p.Name) > mostName || !utf8.ValidString(p.Name) || strings.ContainsFunc(p.Name, unicode.IsControl):
		return refuse("a name has at most %d bytes of text", mostName)
	case p.ID != "" && !validID(p.ID):
		return refuse("the id %q is not made of letters, digits, dots, dashes and underscores, at most %d bytes, a letter or digit first", p.ID, mostID)
	case len(p.Faces) == 0:
		return refuse("there is no face")
	}
	for _, u := range p.URLs {
		if u == "" || len(u) > mostURL || strings.ContainsFunc(u, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
			return refuse("%q is not an address", u)
		}
	}
	for _, f := range p.Faces {
		if f.Model == "" || f.Version == "" {
			return refuse("a face names no model")
		}
		if err := checkEmbedding(f.Embedding); err != nil {
			return refuse("%v", err)
		}
	}
	return nil
}

func checkEmbedding(e []float32) error {
	if len(e) == 0 || len(e) > mostEmbedding {
		return fmt.Errorf("an embedding has %d numbers, not 1 to %d", len(e), mostEmbedding)
	}
	if n := norm(e); n == 0 || math.IsNaN(n) || math.IsInf(n, 0) {
		return fmt.Errorf("an embedding has no direction: its length is %v", n)
	}
	return nil
}

func validID(id string) bool {
	if id == "" || len(id) > mostID || !utf8.ValidString(id) {
		return false
	}
	first, _ := utf8.DecodeRuneInString(id)
	return (unicode.IsLetter(first) || unicode.IsDigit(first)) && !strings.ContainsFunc(id, func(r rune) bool { return !inID(r) })
}

func inID(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) || strings.ContainsRune("._-", r)
}

// newID makes an id of a name, such as lin-manuel-miranda, that nobody has.
func newID(people []Person, name string) (string, error) {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return r == '.' || r == '_' || r == '-' || !inID(r) })
	base := strings.Join(words, "-")
	for len(base) > mostID-len("-999") {
		_, n := utf8.DecodeLastRuneInString(base)
		base = base[:len(base)-n]
	}
	if !validID(base) {
		return "", fmt.Errorf("%q %w: no id can be made of the name: give one", name, ErrPerson)
	}
	id := base
	for n := 2; slices.ContainsFunc(people, func(p Person) bool { return p.ID == id }); n++ {
		id = fmt.Sprintf("%s-%d", base, n)
	}
	return id, nil
}
