package dynamodb

import "container/list"

// cache holds values by key until they weigh too much together; those that were asked for longest ago go first. The one just
// put always stays.
type cache[K comparable, V any] struct {
	most, weight int
	order        *list.List // of *cached[K, V], the newest in front
	byKey        map[K]*list.Element
}

type cached[K comparable, V any] struct {
	key    K
	value  V
	weight int
}

func newCache[K comparable, V any](most int) cache[K, V] {
	return cache[K, V]{most: most, order: list.New(), byKey: make(map[K]*list.Element)}
}

func (c *cache[K, V]) get(key K) (value V, ok bool) {
	e, ok := c.byKey[key]
	if !ok {
		return value, false
	}
	c.order.MoveToFront(e)
	return e.Value.(*cached[K, V]).value, true
}

func (c *cache[K, V]) put(key K, value V, weight int) {
	if e, ok := c.byKey[key]; ok {
		c.drop(e)
	}
	c.byKey[key] = c.order.PushFront(&cached[K, V]{key, value, weight})
	for c.weight += weight; c.weight > c.most && c.order.Len() > 1; {
		c.drop(c.order.Back())
	}
}

func (c *cache[K, V]) drop(e *list.Element) {
	gone := c.order.Remove(e).(*cached[K, V])
	delete(c.byKey, gone.key)
	c.weight -= gone.weight
}
