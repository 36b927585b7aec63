package timeline

import (
	"fmt"
	"slices"
	"strings"
)

// mostShown bounds the names that an error lists.
const mostShown = 20

// Shows reports whether o shows an entity, whose kind plays no part.
func (o *Observation) Shows(n Name) bool {
	_, _, err := o.find(n)
	return err == nil
}

// find returns how o shows an entity, and whether among its objects.
func (o *Observation) find(n Name) (shown *Entity, object bool, err error) {
	e := Edit{Entity: n}
	for i, list := range [][]Entity{o.Celebrities, o.Objects} {
		switch taken, _, _, ids := e.take(list); {
		case ids > 1:
			return nil, false, fmt.Errorf("%w %q: give the id of the one that is meant", ErrAmbiguousName, n.Name)
		case taken != nil:
			return taken, i == 1, nil
		}
	}
	return nil, false, fmt.Errorf("%w: %q; %s", ErrNotShown, n.Name, o.shown())
}

// shown lists what o shows, for people.
func (o *Observation) shown() string {
	var names []string
	for _, e := range slices.Concat(o.Celebrities, o.Objects) {
		names = append(names, fmt.Sprintf("%q", e.Name))
	}
	switch n := len(names); {
	case n == 0:
		return "it shows nobody and nothing"
	case n > mostShown:
		return fmt.Sprintf("it shows %s and %d more", strings.Join(names[:mostShown], ", "), n-mostShown)
	}
	return "it shows " + strings.Join(names, ", ")
}

// take returns the entity of a list that e is of, or nil, the others, and where among these it stood. Several entries are one of the
// highest confidence; ids is how many ids these have.
//
// The id decides where the list has it. Where it has not, the name does: the gallery and the cloud have ids of their own, and what a
// person said of one's answer must hold for that of the other.
func (e *Edit) take(list []Entity) (taken *Entity, at int, rest []Entity, ids int) {
	exact := e.Entity.ID != "" && slices.ContainsFunc(list, func(x Entity) bool { return x.ID == e.Entity.ID })
	rest = make([]Entity, 0, len(list)+1)
	for i := range list {
		x := list[i]
		meant := exact && x.ID == e.Entity.ID || strings.EqualFold(x.Name, e.Entity.Name) && (!exact || x.ID == "")
		switch {
		case !meant:
			rest = append(rest, x)
			continue
		case taken == nil:
			taken, at = &x, len(rest)
			if x.ID != "" {
				ids++
			}
			continue
		case x.ID != "" && x.ID != taken.ID:
			ids++
		}
		taken.Confidence = max(taken.Confidence, x.Confidence)
		if taken.ID == "" {
			taken.ID, taken.URLs = x.ID, x.URLs
		}
	}
	return taken, at, rest, ids
}

// apply returns what becomes of a list, which is not changed.
func (e *Edit) apply(list []Entity) []Entity {
	taken, at, rest, _ := e.take(list)
	if taken == nil && e.Told != nil {
		told := *e.Told
		taken, at = &told, len(rest)
	}
	switch {
	case taken == nil || e.Do == EditReject:
		return rest
	case e.Do == EditAccept:
		taken.Confidence = 100
		return slices.Insert(rest, at, *taken)
	}
	e.turn(taken)
	i := slices.IndexFunc(rest, func(x Entity) bool { return same(&x, taken) })
	if i < 0 {
		return slices.Insert(rest, at, *taken)
	}
	there := &rest[i]
	there.Confidence = max(there.Confidence, taken.Confidence)
	if there.ID == "" {
		there.ID, there.URLs = taken.ID, taken.URLs
	}
	return rest
}

// turn makes of x what e says that it is. What was known of what it was goes with the name.
func (e *Edit) turn(x *Entity) {
	x.Name, x.ID, x.URLs, x.Parents, x.Aliases = e.To.Name, e.To.ID, nil, nil, nil
	if e.Known != nil {
		x.ID, x.URLs = e.Known.ID, e.Known.URLs
	}
}

// same reports whether x and y are one entity: by id where both have one, else by name.
func same(x, y *Entity) bool {
	if x.ID != "" && y.ID != "" {
		return x.ID == y.ID
	}
	return strings.EqualFold(x.Name, y.Name)
}
