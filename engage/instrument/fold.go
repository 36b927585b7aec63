package instrument

import (
	"unicode"
	"unicode/utf8"
)

// appendFolded appends s so that two strings come out alike exactly when strings.EqualFold holds them for equal: each
// character as the first of those that it is folded with (Unicode's simple case folding).
func appendFolded(b []byte, s string) []byte {
	for _, c := range s {
		switch {
		case 'a' <= c && c <= 'z':
			b = append(b, byte(c)-'a'+'A')
		case c < utf8.RuneSelf:
			b = append(b, byte(c))
		default:
			b = utf8.AppendRune(b, first(c))
		}
	}
	return b
}

// first returns the lowest of the characters that c is folded with: SimpleFold goes upwards and then starts again.
func first(c rune) rune {
	for {
		next := unicode.SimpleFold(c)
		if next <= c {
			return next
		}
		c = next
	}
}
