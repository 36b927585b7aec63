package engage

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"spotter/engage/ledger"
	"spotter/engage/policy"
)

const (
	// lessonBatch bounds the lessons that are in memory at once when much is to be learned after a start.
	lessonBatch = 1024
	// crowd is how many choices may be waiting for what their viewers do and count as failures meanwhile, so that a choice that
	// nobody likes is soon left. Those of a larger audience count as what was expected of them, or every rush of viewers would
	// look like a change of taste.
	crowd = 1024
	// settleAfter is how long a choice waits. What its viewer does later counts all the same.
	settleAfter = 15 * time.Second
	// mostOpen bounds those choices, to some 10 MB; of more, the oldest are settled early.
	mostOpen = 1 << 18
)

// open is a decision whose reward may be still to come.
type open struct {
	number   uint64
	at       time.Time
	expected float64 // its reward, by the learner
	stood    float64 // what the learner took for its reward
	earned   float64
}

// class collects lessons.
type class struct {
	engine  *Engine
	cases   map[uint64]*ledger.Decision // those of the lessons since the last teach
	lessons []policy.Lesson
	made    []open // the decisions that lessons are open for, in their order
	clock   time.Time
	last    uint64
}

func (e *Engine) newClass() *class {
	return &class{engine: e, cases: make(map[uint64]*ledger.Decision)}
}

// learn gives records to the learner, but those that restore has given to it already.
func (e *Engine) learn(records []*ledger.Record) error {
	c := e.newClass()
	var err error
	for _, r := range records {
		if r.Number > e.learned {
			err = errors.Join(err, c.add(r))
		}
	}
	c.teach()
	return errors.Join(err, c.settle())
}

// add makes a lesson of a record.
func (c *class) add(r *ledger.Record) error {
	c.last = r.Number
	if d := r.Decision; d != nil {
		c.tick(d.At)
		c.cases[r.Number] = d
		c.lessons = append(c.lessons, policy.Lesson{
			Number: r.Number, Case: d.Case, Choice: d.Choice, Open: true, Guess: len(c.engine.open)+len(c.made) >= crowd,
		})
		c.made = append(c.made, open{number: r.Number, at: d.At})
		return nil
	}
	c.tick(r.Event.At)
	if r.Event.Reward == 0 {
		return nil
	}
	c.teach() // the decision may be one of these lessons, and its open has to be there
	o := c.engine.find(r.Event.Decision)
	more := r.Event.Reward
	if o != nil && o.earned == 0 {
		more -= o.stood
	}
	if o != nil {
		o.earned += r.Event.Reward
	}
	return c.correct(r.Event.Decision, policy.Lesson{Reward: more, Late: true})
}

func (c *class) tick(at time.Time) {
	if at.After(c.clock) {
		c.clock = at
	}
}

// correct adds a lesson on an earlier decision.
func (c *class) correct(number uint64, t policy.Lesson) error {
	d := c.cases[number]
	if d == nil {
		var err error
		d, err = c.engine.ledger.Decision(number)
		if errors.Is(err, ledger.ErrUnknown) {
			return nil // It was pruned or erased since.
		}
		if err != nil {
			return fmt.Errorf("reading a decision to learn from: %w", err)
		}
	}
	t.Number, t.Case, t.Choice = number, d.Case, d.Choice
	c.lessons = append(c.lessons, t)
	return nil
}

// teach gives the lessons to the learner.
func (c *class) teach() {
	e := c.engine
	if len(c.lessons) > 0 {
		e.learner.Learn(c.lessons)
	}
	next := 0
	for i := range c.lessons {
		if c.lessons[i].Open {
			c.made[next].expected, c.made[next].stood = c.lessons[i].Expected, c.lessons[i].Reward
			next++
		}
	}
	e.open = append(e.open, c.made...)
	e.learned = max(e.learned, c.last)
	c.lessons, c.made = c.lessons[:0], c.made[:0]
}

// settle tells the learner what came of the decisions that have had their time by the records' clock.
func (c *class) settle() error {
	e := c.engine
	n := max(0, len(e.open)-mostOpen)
	// A choice from the future was made before the clock was set back: it has had its time too.
	for n < len(e.open) && !c.clock.IsZero() && c.clock.Sub(e.open[n].at).Abs() > settleAfter {
		n++
	}
	var err error
	for i := range e.open[:n] {
		o := &e.open[i]
		t := policy.Lesson{Late: true, Settled: true, Earned: min(o.earned, 1), Expected: o.expected}
		if o.earned == 0 {
			t.Reward = -o.stood
		}
		err = errors.Join(err, c.correct(o.number, t))
		if len(c.lessons) >= lessonBatch {
			c.teach()
		}
	}
	c.teach()
	e.open = slices.Delete(e.open, 0, n)
	return err
}

// find returns the open decision of a number, or nil.
func (e *Engine) find(number uint64) *open {
	i, found := slices.BinarySearchFunc(e.open, number, func(o open, n uint64) int { return cmp.Compare(o.number, n) })
	if !found {
		return nil
	}
	return &e.open[i]
}

// restore takes up what was learned before the last end of the process.
func (e *Engine) restore() error {
	if e.learner == nil {
		return nil
	}
	state, upto, err := e.ledger.State()
	if err != nil {
		return fmt.Errorf("reading what was learned: %w", err)
	}
	if len(state) > 0 {
		if err := e.unmarshal(state); err != nil {
			e.log.Warn("what was learned is of another learner or of other settings; learning again from the decisions that are kept", "error", err)
			upto = 0
		}
	}
	e.learned, e.saved = upto, upto
	c := e.newClass()
	err = e.ledger.Replay(upto, func(r *ledger.Record) error {
		err := c.add(r)
		if len(c.lessons) >= lessonBatch {
			c.teach()
			clear(c.cases)
			err = errors.Join(err, c.settle())
		}
		return err
	})
	c.teach()
	if err = errors.Join(err, c.settle()); err != nil {
		return fmt.Errorf("learning from the decisions since: %w", err)
	}
	return nil
}

// saveState keeps what was learned, if that is more than is kept.
func (e *Engine) saveState() error {
	if e.learner == nil || e.learned == e.saved {
		return nil
	}
	state, err := e.marshal()
	if err != nil {
		return err
	}
	if err := e.ledger.PutState(state, e.learned); err != nil {
		return err
	}
	e.saved = e.learned
	return nil
}

// openBytes is what an open decision takes in the state: number, Unix milliseconds, expected, stood and earned, 8 bytes each.
const openBytes = 5 * 8

// marshal returns the number of open decisions, these, and the learner's state. Numbers are little-endian.
func (e *Engine) marshal() ([]byte, error) {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(e.open)))
	for _, o := range e.open {
		b = binary.LittleEndian.AppendUint64(b, o.number)
		b = binary.LittleEndian.AppendUint64(b, uint64(o.at.UnixMilli()))
		for _, v := range [3]float64{o.expected, o.stood, o.earned} {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
		}
	}
	learner, err := e.learner.MarshalBinary()
	return append(b, learner...), err
}

var errState = errors.New("the state is cut off")

func (e *Engine) unmarshal(b []byte) error {
	if len(b) < 8 {
		return errState
	}
	n := binary.LittleEndian.Uint64(b)
	b = b[8:]
	if n > uint64(len(b))/openBytes {
		return errState
	}
	list := make([]open, n)
	for i := range list {
		word := func(k int) uint64 { return binary.LittleEndian.Uint64(b[8*k:]) }
		number := func(k int) float64 { return math.Float64frombits(word(k)) }
		list[i] = open{word(0), time.UnixMilli(int64(word(1))), number(2), number(3), number(4)}
		b = b[openBytes:]
	}
	if err := e.learner.UnmarshalBinary(b); err != nil {
		return err
	}
	e.open = list
	return nil
}
