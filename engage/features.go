package engage

import (
	"hash/maphash"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"spotter/engage/policy"
	"spotter/timeline"
)

// Bounds of what one decision is described by.
const (
	maxSeen       = 32  // names of entities on screen, and of their parents
	maxAttributes = 128 // features of a viewer
	maxNames      = 1 << 16
	tenMinutes    = timeline.Position(10 * 60 * 1000)
)

// names makes features, and keeps those that come up again and again so that a look-up need not build them anew.
type names struct {
	hours     [24]policy.Feature
	days      [7]policy.Feature
	positions [6*24 + 2]policy.Feature // before zero, each ten minutes of a day, later
	anonymous policy.Feature
	known     policy.Feature

	mu    sync.RWMutex
	seen  map[string]string // the name of an entity -> of its feature
	media map[string]string

	hash   maphash.Seed
	scenes [slots]atomic.Pointer[scene]
}

func newNames() *names {
	n := &names{
		anonymous: category("viewer", "anonymous"), known: category("viewer", "known"),
		seen: make(map[string]string), media: make(map[string]string), hash: maphash.MakeSeed(),
	}
	for i := range n.hours {
		n.hours[i] = category("hour", strconv.Itoa(i))
	}
	for i := range n.days {
		n.days[i] = category("day", time.Weekday(i).String())
	}
	for i := range n.positions {
		n.positions[i] = category("position", strconv.Itoa(i-1))
	}
	return n
}

// category returns the feature of a name that has a value of no order.
func category(name, value string) policy.Feature {
	return policy.Feature{Name: fold(name) + "=" + fold(value), Value: 1}
}

// fold makes one of a name's spellings in small and capital letters.
func fold(s string) string { return strings.ToLower(s) }

// squash brings a number of any size to about [-1, 1]: 22,000 becomes 1.
func squash(x float64) float64 { return math.Copysign(math.Log1p(math.Abs(x)), x) / 10 }

// attributes returns the features of a viewer's attributes, in an order of their own: a text and a truth are a category each,
// a list one for each element; a number is a number, and the category of others of about its size (within a quarter).
func (n *names) attributes(a map[string]any) []policy.Feature {
	var list []policy.Feature
	for _, name := range slices.Sorted(maps.Keys(a)) {
		switch v := a[name].(type) {
		case float64:
			if math.IsNaN(v) || math.IsInf(v, 0) {
				continue
			}
			step := strconv.FormatFloat(math.Round(squash(v)*40), 'f', 0, 64)
			list = append(list, policy.Feature{Name: fold(name), Value: squash(v)}, policy.Feature{Name: fold(name) + "~" + step, Value: 1})
		case []any:
			for _, one := range v {
				if text, ok := scalar(one); ok {
					list = append(list, category(name, text))
				}
			}
		default:
			if text, ok := scalar(v); ok {
				list = append(list, category(name, text))
			}
		}
	}
	slices.SortStableFunc(list, func(a, b policy.Feature) int { return strings.Compare(a.Name, b.Name) })
	list = slices.CompactFunc(list, func(a, b policy.Feature) bool { return a.Name == b.Name })
	return slices.Clip(list[:min(len(list), maxAttributes)])
}

// scalar returns an attribute's scalar as text.
func scalar(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), true
	}
	return "", false
}

// context returns what describes a question: the viewer, the media, the time and the position, what is on screen.
func (n *names) context(r *room, q *Question, viewer []policy.Feature) []policy.Feature {
	seen := n.sees(r, q.Look)
	list := make([]policy.Feature, 0, len(viewer)+len(seen)+5)
	list = append(list, viewer...)
	who := n.known
	if q.Viewer == "" {
		who = n.anonymous
	}
	now := q.Now.UTC()
	at := int(max(-1, min(q.Position/tenMinutes, timeline.Position(len(n.positions)-2)))) + 1
	if q.Position < 0 {
		at = 0
	}
	list = append(list, who, policy.Feature{Name: n.film(q.Media), Value: 1}, n.hours[now.Hour()], n.days[now.Weekday()], n.positions[at])
	return append(list, seen...)
}

// learn remembers the name of a category. The caller holds n.mu for reading, and holds it again afterwards.
func (n *names) learn(in map[string]string, kind, name string) string {
	feature := kind + "=" + fold(name)
	n.mu.RUnlock()
	n.mu.Lock()
	if len(in) >= maxNames {
		clear(in)
	}
	in[name] = feature
	n.mu.Unlock()
	n.mu.RLock()
	return feature
}

// film returns the feature name of a media.
func (n *names) film(media string) string {
	n.mu.RLock()
	defer n.mu.RUnlock()
	if name, ok := n.media[media]; ok {
		return name
	}
	return n.learn(n.media, "media", media)
}

// priority is the feature of an instrument's priority.
func priority(p int) policy.Feature {
	return policy.Feature{Name: "priority", Value: squash(float64(p))}
}
