package timeline

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// What an Edit does.
const (
	EditAccept = "accept" // the entity is on screen: its confidence is 100
	EditReject = "reject" // it is not
	EditRename = "rename" // it is another
	EditMerge  = "merge"  // it is the same as another
)

// EditsEverywhere is the Scope of an edit that was made of the observations that follow, too.
const EditsEverywhere = "media"

// MaxEdits is how many edits of one observation may stand.
const MaxEdits = 64

var (
	// ErrNotShown is wrapped where an observation does not show the entity that is to be edited.
	ErrNotShown = errors.New("the observation does not show it")
	// ErrAmbiguousName is wrapped where an observation shows several of a name, and no id says which is meant.
	ErrAmbiguousName = errors.New("the observation shows several of the name")
	// ErrSameName is wrapped where an entity is to become what it is.
	ErrSameName = errors.New("it is called that already")
	// ErrManyEdits is wrapped where MaxEdits stand.
	ErrManyEdits = errors.New("the observation has as many edits as it may have")
	// ErrNoEdit is wrapped where an edit that is to be taken back does not stand.
	ErrNoEdit = errors.New("no such edit stands")
)

// Name names an entity, with its id where it has one.
type Name struct {
	Name string `json:"name"`
	ID   string `json:"id,omitempty"`
}

// Edit is what a person said of an entity in one observation. It holds for what recognisers say there later, too.
type Edit struct {
	// Do is one of accept, reject, rename and merge.
	Do     string `json:"do"`
	Entity Name   `json:"entity"`
	// To is what Entity becomes; for rename and merge.
	To Name `json:"to,omitzero"`
	// Known is what the gallery knows of To; nil where that is nothing. It plays no part for an object.
	Known *Entity `json:"known,omitempty"`
	// Scope is EditsEverywhere or empty.
	Scope string `json:"scope,omitempty"`
	// Undo names the edit, and those of other observations that were made with it.
	Undo string    `json:"undo"`
	At   time.Time `json:"at"`

	// Object and Told are Edited's: that the entity is an object, and what recognisers said of it by then, if they did. A
	// recogniser that says nothing of it later does not take it from the screen.
	Object bool    `json:"object,omitempty"`
	Told   *Entity `json:"told,omitempty"`
}

// Edits are what people said of one observation, in their order, and what recognisers said of it.
type Edits struct {
	// At is when one was last made or taken back. It grows with each, in milliseconds.
	At   time.Time `json:"at"`
	List []Edit    `json:"list,omitempty"`
	// Celebrities and Objects are the recognisers', as long as there is an edit; else the observation's are that.
	Celebrities []Entity `json:"celebrities,omitempty"`
	Objects     []Entity `json:"objects,omitempty"`
}

func (e *Edits) stand() bool { return e != nil && len(e.List) > 0 }

// LastEdit returns when a person last changed the observation, in milliseconds since 1970, and 0 where nobody did.
func (o *Observation) LastEdit() int64 {
	if o.Edits == nil {
		return 0
	}
	return o.Edits.At.UnixMilli()
}

// HasEdit reports whether an edit with that token stands, and which; of several the newest.
func (o *Observation) HasEdit(undo string) (e Edit, ok bool) {
	if o.Edits == nil {
		return e, false
	}
	for _, x := range slices.Backward(o.Edits.List) {
		if x.Undo == undo {
			return x, true
		}
	}
	return e, false
}

// told returns what recognisers said of o.
func (o *Observation) told() (celebrities, objects []Entity) {
	if o.Edits.stand() {
		return o.Edits.Celebrities, o.Edits.Objects
	}
	return o.Celebrities, o.Objects
}

// Edited returns the next revision of o, with e added to its edits. Where the newest of them says the same it returns o: that
// edit's Undo stays. Its errors wrap ErrNotShown, ErrAmbiguousName, ErrSameName or ErrManyEdits. o is not changed.
func Edited(o *Observation, e Edit) (*Observation, error) {
	if newest := o.newest(); newest != nil && newest.says(&e) {
		return o, nil
	}
	shown, object, err := o.find(e.Entity)
	if err != nil {
		return nil, err
	}
	if (e.Do == EditRename || e.Do == EditMerge) && e.To.Name == shown.Name && (e.To.ID == "" || e.To.ID == shown.ID) {
		return nil, fmt.Errorf("%w: %q", ErrSameName, e.To.Name)
	}
	celebrities, objects := o.told()
	list := celebrities
	if e.Object = object; object {
		list, e.Known = objects, nil
	}
	e.At = e.At.UTC().Round(0)
	e.Told, _, _, _ = e.take(list)
	var edits []Edit
	if o.Edits != nil {
		edits = slices.Clone(o.Edits.List)
	}
	if len(edits) >= MaxEdits {
		return nil, fmt.Errorf("%w, %d: take some back", ErrManyEdits, MaxEdits)
	}
	return o.next(append(edits, e), e.At), nil
}

// Undone returns the next revision of o, without the edits of a token. Where none stands the error wraps ErrNoEdit. o is not changed.
func Undone(o *Observation, undo string, at time.Time) (*Observation, error) {
	if _, ok := o.HasEdit(undo); !ok {
		return nil, ErrNoEdit
	}
	left := slices.DeleteFunc(slices.Clone(o.Edits.List), func(e Edit) bool { return e.Undo == undo })
	return o.next(left, at), nil
}

// next returns o's next revision, with other edits.
func (o *Observation) next(edits []Edit, at time.Time) *Observation {
	now := *o
	now.Celebrities, now.Objects = o.told()
	if o.Edits != nil && at.UnixMilli() <= o.Edits.At.UnixMilli() { // the clock was set back
		at = o.Edits.At.Add(time.Millisecond)
	}
	now.edit(edits, at)
	now.Revision++
	now.normalize()
	return &now
}

// edit applies edits to what recognisers said, which o's lists are.
func (o *Observation) edit(edits []Edit, at time.Time) {
	o.Edits = &Edits{At: at.UTC().Round(0)}
	if len(edits) == 0 {
		return
	}
	o.Edits.List = edits
	if len(o.Celebrities) > 0 { // as it will be read back from disk
		o.Edits.Celebrities = o.Celebrities
	}
	if len(o.Objects) > 0 {
		o.Edits.Objects = o.Objects
	}
	for i := range edits {
		if e := &edits[i]; e.Object {
			o.Objects = e.apply(o.Objects)
		} else {
			o.Celebrities = e.apply(o.Celebrities)
		}
	}
}

// newest returns the edit that was made last of those that stand, or nil.
func (o *Observation) newest() *Edit {
	if !o.Edits.stand() {
		return nil
	}
	return &o.Edits.List[len(o.Edits.List)-1]
}

// says reports whether two edits say the same.
func (e *Edit) says(x *Edit) bool {
	return e.Do == x.Do && e.Entity == x.Entity && e.To == x.To && e.Scope == x.Scope
}
