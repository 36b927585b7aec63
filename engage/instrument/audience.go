package instrument

import "strings"

// meets reports whether the viewer is of the rule's audience.
func (c *Catalog) meets(r *rule, q *Question) bool {
	for i := range r.audience {
		if !r.audience[i].met(c.attribute(r.audience[i].attribute, q)) {
			return false
		}
	}
	return true
}

// attribute returns what the viewer's profile has of attribute n. It is looked up once for a question.
func (c *Catalog) attribute(n uint32, q *Question) any {
	if len(q.attributes) < len(c.attributes) {
		q.attributes = make([]attribute, len(c.attributes))
	}
	a := &q.attributes[n]
	if !a.asked {
		*a = attribute{true, q.Viewer[c.attributes[n]]}
		q.asked = append(q.asked, n)
	}
	return a.value
}

// met reports whether an attribute, nil where it is absent, is as c asks.
func (c *Condition) met(attribute any) bool {
	if attribute == nil {
		return c.Absent != nil && *c.Absent
	}
	if c.Absent != nil && *c.Absent {
		return false
	}
	if c.Min != nil || c.Max != nil {
		f, ok := attribute.(float64)
		if !ok || c.Min != nil && !(f >= *c.Min) || c.Max != nil && !(f <= *c.Max) {
			return false
		}
	}
	return (len(c.In) == 0 || among(attribute, c.In)) && !among(attribute, c.NotIn)
}

// among reports whether an attribute, or one of the elements of it, is one of scalars.
func among(attribute any, scalars []any) bool {
	list, ok := attribute.([]any)
	if !ok {
		return one(attribute, scalars)
	}
	for _, element := range list {
		if one(element, scalars) {
			return true
		}
	}
	return false
}

func one(element any, scalars []any) bool {
	for _, s := range scalars {
		switch s := s.(type) {
		case string:
			if e, ok := element.(string); ok && strings.EqualFold(e, s) {
				return true
			}
		case float64:
			if e, ok := element.(float64); ok && e == s {
				return true
			}
		case bool:
			if e, ok := element.(bool); ok && e == s {
				return true
			}
		}
	}
	return false
}
