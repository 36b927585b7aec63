package instrument

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// maxNumber bounds caps, costs and budgets: up to here a float64 counts without a gap.
const maxNumber = 1e15

// value is a node and the way to it.
type value struct {
	*node
	path string
}

// at returns the item that a key leads to.
func (v value) at(key string, item *node) value {
	if strings.ContainsFunc(key, func(c rune) bool { return c == '.' || !unicode.IsPrint(c) }) || key == "" {
		key = strconv.Quote(clip(key))
	}
	return value{item, strings.TrimPrefix(v.path+"."+clip(key), ".")}
}

// index returns an item of a list.
func (v value) index(i int) value { return value{v.items[i], fmt.Sprintf("%s[%d]", v.path, i)} }

// reader reads values and notes what is wrong with them. After a fault it goes on with a zero value.
type reader struct {
	faults Faults
}

func (r *reader) fault(v value, format string, args ...any) {
	r.faults = append(r.faults, Fault{v.line, v.path, fmt.Sprintf(format, args...)})
}

// want notes that v is not of the kind that is wanted.
func (r *reader) want(v value, what string) {
	if v.kind == kindInvalid {
		r.fault(v, "%s", v.text)
		return
	}
	r.fault(v, "want %s, not %s", what, v.node)
}

// field is a key of an object and what reads its value.
type field struct {
	key  string
	read func(value)
}

// fields reads an object of known keys, each of which may be left out or null.
func (r *reader) fields(v value, known []field) {
	r.entries(v, func(key string, v value) {
		for _, f := range known {
			if f.key == key {
				if v.kind != kindNull {
					f.read(v)
				}
				return
			}
		}
		keys := make([]string, len(known))
		for i, f := range known {
			keys[i] = f.key
		}
		r.fault(v, "unknown key %q: remove it or correct its spelling; here can be %s", clip(key), strings.Join(keys, ", "))
	})
}

// entries calls each with the keys of an object and their values.
func (r *reader) entries(v value, each func(key string, v value)) {
	if v.kind != kindObject {
		r.want(v, "keys with values")
		return
	}
	first := make(map[string]bool, len(v.keys))
	for i, k := range v.keys {
		item := v.at(k.text, v.items[i])
		switch {
		case k.kind == kindInvalid:
			r.fault(value{k, v.path}, "%s", k.text)
		case k.kind != kindText:
			r.fault(value{k, v.path}, "want text for a key, not %s: put it in quotes", k)
		case first[k.text]:
			r.fault(value{k, item.path}, "is there twice: keep one of both")
		default:
			each(k.text, item)
		}
		first[k.text] = true
	}
}

// list calls each with the items of a list, which are at most most.
func (r *reader) list(v value, most int, each func(value)) {
	if v.kind != kindList {
		r.want(v, "a list")
		return
	}
	if len(v.items) > most {
		r.fault(v, "has %d items: at most %d can be", len(v.items), most)
		return
	}
	for i := range v.items {
		each(v.index(i))
	}
}

// word returns a text of 1 to most characters that can be seen.
func (r *reader) word(v value, most int) string {
	if v.kind == kindNumber || v.kind == kindBoolean {
		r.fault(v, "want text, not %s: put it in quotes", v.node)
		return ""
	}
	if v.kind != kindText {
		r.want(v, "text")
		return ""
	}
	if why := unfit(v.text, most); why != "" {
		r.fault(v, "%s", why)
		return ""
	}
	return v.text
}

// unfit says why a text is not one of 1 to most characters that can be seen; nothing where it is one.
func unfit(s string, most int) string {
	switch n := utf8.RuneCountInString(s); {
	case !utf8.ValidString(s):
		return "is not UTF-8: save it as UTF-8"
	case n == 0:
		return "is empty: write 1 or more characters"
	case n > most:
		return fmt.Sprintf("has %d characters: shorten it to %d", n, most)
	case strings.ContainsFunc(s, unicode.IsControl):
		return "holds a control character: remove it"
	case strings.TrimSpace(s) != s:
		return "begins or ends with a space: remove it"
	}
	return ""
}

// number returns a finite number.
func (r *reader) number(v value) (float64, bool) {
	if v.kind != kindNumber {
		r.want(v, "a number")
		return 0, false
	}
	f, err := strconv.ParseFloat(v.text, 64)
	if err != nil {
		r.fault(v, "%s is beyond what a 64-bit number holds: write a smaller one", clip(v.text))
		return 0, false
	}
	return f + 0, true // -0 becomes 0
}

// amount returns a number from 0 to maxNumber.
func (r *reader) amount(v value) float64 {
	f, ok := r.number(v)
	if ok && (f < 0 || f > maxNumber) {
		r.fault(v, "want a number from 0 to %.0f, not %s", maxNumber, clip(v.text))
		return 0
	}
	return f
}

// whole returns a whole number from least to most.
func (r *reader) whole(v value, least, most int64) int {
	if v.kind != kindNumber {
		r.want(v, "a whole number")
		return 0
	}
	n, err := strconv.ParseInt(v.text, 10, 64)
	if err != nil || n < least || n > most {
		r.fault(v, "want a whole number from %d to %d, not %s", least, most, clip(v.text))
		return 0
	}
	return int(n)
}

// count returns a whole number that is not negative.
func (r *reader) count(v value) int { return r.whole(v, 0, maxNumber) }

// priority returns a number of 32 bits.
func (r *reader) priority(v value) int { return r.whole(v, math.MinInt32, math.MaxInt32) }

// time returns an instant.
func (r *reader) time(v value) (t time.Time) {
	if v.kind != kindText || t.UnmarshalText([]byte(v.text)) != nil {
		r.want(v, "a time as RFC 3339 writes it, such as 2026-11-23T14:00:00Z")
		return time.Time{}
	}
	return t
}

// json returns any value as JSON: the text that stood there without its spaces, or what a YAML file holds.
func (r *reader) json(v value) json.RawMessage {
	if v.raw != nil {
		return compact(v.raw)
	}
	return r.appendJSON(nil, v)
}

func (r *reader) appendJSON(b []byte, v value) []byte {
	switch v.kind {
	case kindNull:
		return append(b, "null"...)
	case kindBoolean, kindNumber:
		return append(b, v.text...)
	case kindText:
		return append(b, quote(v.text)...)
	case kindList:
		b = append(b, '[')
		for i := range v.items {
			if i > 0 {
				b = append(b, ',')
			}
			b = r.appendJSON(b, v.index(i))
		}
		return append(b, ']')
	case kindObject:
		return r.appendObject(b, v)
	}
	r.want(v, "")
	return b
}

func (r *reader) appendObject(b []byte, v value) []byte {
	before := len(b) + 1
	b = append(b, '{')
	add := func(key string, v value) {
		if len(b) > before {
			b = append(b, ',')
		}
		b = append(append(b, quote(key)...), ':')
		b = r.appendJSON(b, v)
	}
	r.entries(v, add)
	return append(b, '}')
}
