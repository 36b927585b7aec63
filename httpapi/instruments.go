package httpapi

import (
	"encoding/json"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/valyala/fasthttp"
)

// Instruments keeps the instruments that viewers are engaged with: those of the configured file, which only the file changes,
// and those that the admin API made.
type Instruments interface {
	// Instruments returns all, each as a JSON object with its "id", in the order in which they are shown.
	Instruments() ([]json.RawMessage, error)
	// Instrument returns one. The error wraps ErrUnknownInstrument where there is none.
	Instrument(id string) (json.RawMessage, error)
	// PutInstrument makes or replaces one, and says whether it is new. The error is Faults where the JSON cannot be taken, and wraps
	// ErrInstrumentInFile where the file has that id.
	PutInstrument(id string, body []byte) (created bool, err error)
	// DeleteInstrument removes one. The error wraps ErrUnknownInstrument or ErrInstrumentInFile.
	DeleteInstrument(id string) error
	// Statistics tells what came of all decisions so far.
	Statistics() EngagementStatistics
}

var (
	// ErrUnknownInstrument is wrapped by the errors of Instruments when there is no instrument of an id.
	ErrUnknownInstrument = errors.New("unknown instrument")
	// ErrInstrumentInFile is wrapped by the errors of Instruments when the instrument stands in the file.
	ErrInstrumentInFile = errors.New("instrument of the file")
)

// EngagementStatistics is the answer of GET /v1/engagement.
type EngagementStatistics struct {
	// Policy names the policy that chooses now, with its version.
	Policy      string                 `json:"policy"`
	Decisions   int64                  `json:"decisions"`
	Instruments []InstrumentStatistics `json:"instruments"`
	// Policies are the families of policies that chose until now, by name.
	Policies []PolicyStatistics `json:"policies"`
}

// PolicyStatistics is what came of the choices of the policies of one family, such as linucb.
type PolicyStatistics struct {
	Policy    string `json:"policy"`
	Decisions int64  `json:"decisions"`
	// Events counts those of each type that came; a decision has at most one of a type.
	Events map[string]int64 `json:"events"`
	// Reward is the sum of all decisions' rewards, each 0 to 1.
	Reward float64 `json:"reward"`
}

// InstrumentStatistics is what came of one instrument.
type InstrumentStatistics struct {
	ID   string `json:"id"`
	Type string `json:"type"`
	// InFile says that it stands in the configured file, which alone changes it.
	InFile    bool  `json:"in_file"`
	Decisions int64 `json:"decisions"`
	// Events counts those of each type that came.
	Events map[string]int64 `json:"events"`
	// Reward is the sum of all decisions' rewards, each 0 to 1.
	Reward float64 `json:"reward"`
	// Spent is what it took from its budget, in the budget's unit of money.
	Spent float64 `json:"spent"`
	// Left of the total cap, in decisions, and of the budget, in its unit; nil where there is none.
	Left       *int64   `json:"left,omitempty"`
	BudgetLeft *float64 `json:"budget_left,omitempty"`
}

// maxInstrument is the most characters of an instrument's id.
const maxInstrument = 256

// instrumentRoutes registers the instruments' routes, and the statistics'.
func instrumentRoutes(r routes, i Instruments) {
	const all, one = "/v1/instruments", "/v1/instruments/{id}"
	r.handle(fasthttp.MethodGet, all, instrumentHandler(i, func(ctx *fasthttp.RequestCtx) error {
		list, err := i.Instruments()
		if err != nil {
			return err
		}
		return writeJSON(ctx, struct {
			Instruments []json.RawMessage `json:"instruments"`
		}{append([]json.RawMessage{}, list...)})
	}))
	r.handle(fasthttp.MethodGet, one, instrumentHandler(i, func(ctx *fasthttp.RequestCtx) error {
		id, err := instrumentID(ctx)
		if err != nil {
			return err
		}
		body, err := i.Instrument(id)
		if err != nil {
			return err
		}
		ctx.SetContentType(contentTypeJSON)
		ctx.SetBody(body)
		return nil
	}))
	r.handle(fasthttp.MethodPut, one, instrumentHandler(i, putInstrument(i)))
	r.handle(fasthttp.MethodDelete, one, instrumentHandler(i, func(ctx *fasthttp.RequestCtx) error {
		id, err := instrumentID(ctx)
		if err != nil {
			return err
		}
		ctx.SetStatusCode(fasthttp.StatusNoContent)
		return i.DeleteInstrument(id)
	}))
	r.handle(fasthttp.MethodGet, "/v1/engagement", instrumentHandler(i, func(ctx *fasthttp.RequestCtx) error {
		return writeJSON(ctx, i.Statistics().whole())
	}))
}

// whole returns s without what JSON would have as null.
func (s EngagementStatistics) whole() EngagementStatistics {
	s.Instruments = append([]InstrumentStatistics{}, s.Instruments...)
	for n := range s.Instruments {
		if one := &s.Instruments[n]; one.Events == nil {
			one.Events = map[string]int64{}
		}
	}
	s.Policies = append([]PolicyStatistics{}, s.Policies...)
	for n := range s.Policies {
		if one := &s.Policies[n]; one.Events == nil {
			one.Events = map[string]int64{}
		}
	}
	return s
}

// instrumentHandler has h's errors told to the operator.
func instrumentHandler(i Instruments, h handler) handler {
	return func(ctx *fasthttp.RequestCtx) error {
		if i == nil {
			return notEngaged()
		}
		ctx.Response.Header.Set(fasthttp.HeaderCacheControl, cacheNever)
		return operatorProblem(h(ctx))
	}
}

// putInstrument answers 201 for one that is new, else 204.
func putInstrument(i Instruments) handler {
	return func(ctx *fasthttp.RequestCtx) error {
		id, err := instrumentID(ctx)
		if err != nil {
			return err
		}
		body, err := readJSON(ctx)
		if err != nil {
			return err
		}
		created, err := i.PutInstrument(id, body)
		if err != nil {
			return err
		}
		ctx.SetStatusCode(fasthttp.StatusNoContent)
		if created {
			ctx.SetStatusCode(fasthttp.StatusCreated)
		}
		return nil
	}
}

// instrumentID returns the id that the path has.
func instrumentID(ctx *fasthttp.RequestCtx) (string, error) {
	segment, _ := ctx.UserValue("id").(string)
	id := unescape(segment)
	if !utf8.ValidString(id) || utf8.RuneCountInString(id) > maxInstrument || strings.ContainsFunc(id, unicode.IsControl) {
		return "", badParameter("id", "an instrument's id has at most %d characters and none of control", maxInstrument)
	}
	return id, nil
}
