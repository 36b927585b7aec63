package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/valyala/fasthttp"

	"spotter/timeline"
)

const (
	pathGallery = "/v1/gallery"
	pathUnknown = "/v1/unknown"
	// Of what a person is called, in bytes: the gallery's own limits.
	maxPersonName = 200
	maxPersonID   = 64
)

// People is the gallery of those who are known by face, and the faces that nobody could name. It may be asked from several
// goroutines. Each error wraps ErrPeopleOff where the configuration leaves out what is asked for.
type People interface {
	// Gallery returns everybody, by name, and who is taken for whom, the most similar first.
	Gallery() (Gallery, error)
	// AddPhoto judges a photo and adds the face on it to a person, who may be new. The error is Faults where the photo or the
	// person cannot be taken, and wraps that of ctx once it is done. The photo is not kept.
	AddPhoto(ctx context.Context, who PersonName, photo []byte) (AddedPhoto, error)
	// RemovePerson erases a person with all faces. The error wraps ErrUnknownPerson.
	RemovePerson(id string) error
	// UnknownFaces returns the faces without a name, the one seen most often first.
	UnknownFaces() ([]UnknownFace, error)
	// NameFace adds an unknown face to a person, who may be new; what was observed of it gets the name soon after. The error is
	// Faults where the person cannot be taken, and wraps ErrUnknownFace.
	NameFace(id string, who PersonName) error
	// ForgetFace erases an unknown face. The error wraps ErrUnknownFace.
	ForgetFace(id string) error
}

var (
	// ErrPeopleOff is wrapped by the errors of People where the configuration leaves out what is asked for. The whole error is told
	// to the administrator, and says the mend.
	ErrPeopleOff = errors.New("people are off")
	// ErrUnknownPerson is wrapped by the errors of People when nobody in the gallery has an id.
	ErrUnknownPerson = errors.New("unknown person")
	// ErrUnknownFace is wrapped by the errors of People when there is no unknown face of an id.
	ErrUnknownFace = errors.New("no such unknown face")
)

// PersonName says who is meant: by ID or, where that is empty, by name in any letter case.
type PersonName struct {
	Name string `json:"name"`
	ID   string `json:"id"`
}

// Person is somebody in the gallery.
type Person struct {
	ID   string   `json:"id"`
	Name string   `json:"name"`
	URLs []string `json:"urls"`
	// Faces is by how many faces the box knows the person; 0 where all are of another model than it uses now.
	Faces int `json:"faces"`
}

// Confusion is two people, by their ids, whom the model takes for one another.
type Confusion struct {
	A string `json:"a"`
	B string `json:"b"`
	// Similarity is the highest of a face of the one with a face of the other, up to 1.
	Similarity float64 `json:"similarity"`
}

// Gallery is the answer of GET /admin/v1/gallery.
type Gallery struct {
	People     []Person    `json:"people"`
	Confusions []Confusion `json:"confusions"`
}

// AddedPhoto is the answer of POST /admin/v1/gallery.
type AddedPhoto struct {
	Person Person `json:"person"`
	// Hints is what would make the person easier to recognise, a sentence each.
	Hints []string `json:"hints"`
}

// Seen is where an unknown face was seen, from the first look to the last one.
type Seen struct {
	Media string            `json:"media"`
	From  timeline.Position `json:"from"`
	Until timeline.Position `json:"until"`
}

// UnknownFace is a face without a name.
type UnknownFace struct {
	ID   string `json:"id"`
	Seen []Seen `json:"seen"`
	// First and Last are when it was seen, by the box's clock.
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
}

// peopleRoutes registers /admin/v1/gallery and /admin/v1/unknown; without people they say so.
func (g *guarded) peopleRoutes(p People) {
	g.handle(fasthttp.MethodGet, pathGallery, peopleHandler(p, func(ctx *fasthttp.RequestCtx) error {
		all, err := p.Gallery()
		if err != nil {
			return err
		}
		return writeJSON(ctx, Gallery{append([]Person{}, all.People...), append([]Confusion{}, all.Confusions...)})
	}))
	g.photoRoute(p)
	g.handle(fasthttp.MethodDelete, pathGallery+"/{id}", peopleHandler(p, func(ctx *fasthttp.RequestCtx) error {
		ctx.SetStatusCode(fasthttp.StatusNoContent)
		return p.RemovePerson(personID(ctx))
	}))
	g.handle(fasthttp.MethodGet, pathUnknown, peopleHandler(p, func(ctx *fasthttp.RequestCtx) error {
		faces, err := p.UnknownFaces()
		if err != nil {
			return err
		}
		return writeJSON(ctx, struct {
			Faces []UnknownFace `json:"faces"`
		}{append([]UnknownFace{}, faces...)})
	}))
	g.handle(fasthttp.MethodPost, pathUnknown+"/{id}", peopleHandler(p, func(ctx *fasthttp.RequestCtx) error {
		who, err := readPersonName(ctx)
		if err != nil {
			return err
		}
		ctx.SetStatusCode(fasthttp.StatusNoContent)
		return p.NameFace(personID(ctx), who)
	}))
	g.handle(fasthttp.MethodDelete, pathUnknown+"/{id}", peopleHandler(p, func(ctx *fasthttp.RequestCtx) error {
		ctx.SetStatusCode(fasthttp.StatusNoContent)
		return p.ForgetFace(personID(ctx))
	}))
}

// peopleHandler answers with h where there are people.
func peopleHandler(p People, h handler) handler {
	return func(ctx *fasthttp.RequestCtx) error {
		if p == nil {
			return newProblem(fasthttp.StatusNotFound, "there is no gallery here: ask a box that watches streams")
		}
		ctx.Response.Header.Set(fasthttp.HeaderCacheControl, cacheNever)
		return peopleProblem(h(ctx))
	}
}

// peopleProblem returns err as a problem for the administrator, who can mend it and may read all of it; nil stays nil.
func peopleProblem(err error) error {
	var faults Faults
	switch {
	case errors.As(err, &faults):
		p := newProblem(fasthttp.StatusUnprocessableEntity, "this cannot be taken: "+countFaults(len(faults)))
		p.Faults = faults
		return p
	case errors.Is(err, ErrPeopleOff):
		return newProblem(fasthttp.StatusNotFound, err.Error())
	case errors.Is(err, ErrUnknownPerson):
		return newProblem(fasthttp.StatusNotFound, "nobody in the gallery has this id: they may have been removed meanwhile")
	case errors.Is(err, ErrUnknownFace):
		return newProblem(fasthttp.StatusNotFound, "there is no unknown face of this id: it was named, forgotten, or seen too long ago")
	}
	return operatorProblem(err)
}

// personID returns the id of a person or face from the path that the router matched.
func personID(ctx *fasthttp.RequestCtx) string {
	segment, _ := ctx.UserValue("id").(string)
	return unescape(segment)
}

// readPersonName reads a body of {"name", "id"}.
func readPersonName(ctx *fasthttp.RequestCtx) (who PersonName, err error) {
	body, err := readJSON(ctx)
	if err != nil {
		return who, err
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if d.Decode(&who) != nil || d.More() {
		return who, newProblem(fasthttp.StatusBadRequest, `send a JSON object such as {"name":"Ada Lovelace","id":"ada"}; the id may be left out`)
	}
	return who, who.check()
}

// check returns a 400 for a name that nobody can have.
func (n *PersonName) check() error {
	n.Name, n.ID = strings.TrimSpace(n.Name), strings.TrimSpace(n.ID)
	switch {
	case n.Name == "":
		return badParameter("name", "give the person's name")
	case len(n.Name) > maxPersonName || !utf8.ValidString(n.Name):
		return badParameter("name", "a name has at most %d bytes of text", maxPersonName)
	case len(n.ID) > maxPersonID || !utf8.ValidString(n.ID):
		return badParameter("id", "an id has at most %d bytes of text", maxPersonID)
	}
	return nil
}
