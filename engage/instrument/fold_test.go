package instrument_test

import (
	"strings"
	"testing"
	"unicode"

	"spotter/engage/instrument"
)

func TestFolded(t *testing.T) {
	words := []string{"", "Person", "pERSON", "Persons", "ſ", "s", "S", "K", "k", "K", "ß", "ẞ", "ss", "Σίσυφος", "ΣΊΣΥΦΟΣ", "Й", "й", "İ", "i", "ı", "I", "王", "a\xff", "A\uFFFD", "ǅ", "Ǆ", "ǆ", "θ", "ϴ", "ϑ", "@", "`", "[", "{"}
	for _, a := range words {
		for _, b := range words {
			if got, want := instrument.Folded(a) == instrument.Folded(b), strings.EqualFold(a, b); got != want {
				t.Errorf("%q and %q: alike %t, want %t", a, b, got, want)
			}
		}
	}
}

func TestFoldedOfEveryCharacter(t *testing.T) {
	for c := rune(1); c <= unicode.MaxRune; c++ {
		next := unicode.SimpleFold(c)
		if next != c && instrument.Folded(string(c)) != instrument.Folded(string(next)) {
			t.Fatalf("%q and %q are not alike", c, next)
		}
	}
}
