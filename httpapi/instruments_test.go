package httpapi_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"spotter/httpapi"
)

// fakeInstruments keeps instruments in a map; that of the file is named "fixed".
type fakeInstruments struct {
	mu    sync.Mutex
	kept  map[string]json.RawMessage
	stats httpapi.EngagementStatistics
}

// Instruments implements httpapi.Instruments.
func (f *fakeInstruments) Instruments() ([]json.RawMessage, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []json.RawMessage
	for _, id := range slices.Sorted(maps.Keys(f.kept)) {
		list = append(list, f.kept[id])
	}
	return list, nil
}

// Instrument implements httpapi.Instruments.
func (f *fakeInstruments) Instrument(id string) (json.RawMessage, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if one, ok := f.kept[id]; ok {
		return one, nil
	}
	return nil, httpapi.ErrUnknownInstrument
}

// PutInstrument implements httpapi.Instruments.
func (f *fakeInstruments) PutInstrument(id string, body []byte) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case id == "fixed":
		return false, fmt.Errorf("put: %w", httpapi.ErrInstrumentInFile)
	case id == "broken":
		return false, errors.New("disk is full")
	case !strings.HasPrefix(string(body), `{"type"`):
		return false, httpapi.Faults{"type is missing"}
	}
	_, old := f.kept[id]
	f.kept[id] = json.RawMessage(fmt.Sprintf(`{"id":%q,%s`, id, body[1:]))
	return !old, nil
}

// DeleteInstrument implements httpapi.Instruments.
func (f *fakeInstruments) DeleteInstrument(id string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if id == "fixed" {
		return httpapi.ErrInstrumentInFile
	}
	if _, ok := f.kept[id]; !ok {
		return fmt.Errorf("delete: %w", httpapi.ErrUnknownInstrument)
	}
	delete(f.kept, id)
	return nil
}

// Statistics implements httpapi.Instruments.
func (f *fakeInstruments) Statistics() httpapi.EngagementStatistics { return f.stats }

func TestInstrumentsOfAdmin(t *testing.T) {
	const kind, couch = "application/json", `{"type":"trivia","payload":{"q":"<b>"}}`
	f := &fakeInstruments{kept: make(map[string]json.RawMessage)}
	pattern := func(path string) string {
		if strings.HasPrefix(path, "/v1/instruments/") {
			return "/v1/instruments/{id}"
		}
		return path
	}
	questions := []adminQuestion{
		{"none", "GET", "/v1/instruments", "", "", 200, `{"instruments":[]}`},
		{"not there", "GET", "/v1/instruments/couch", "", "", 404, "no such instrument"},
		{"make", "PUT", "/v1/instruments/couch", kind, couch, 201, ""},
		{"replace", "PUT", "/v1/instruments/couch", kind, couch, 204, ""},
		{"get", "GET", "/v1/instruments/couch", "", "", 200, `{"id":"couch","type":"trivia","payload":{"q":"<b>"}}`},
		{"all", "GET", "/v1/instruments", "", "", 200, `{"instruments":[{"id":"couch","type":"trivia","payload":{"q":"<b>"}}]}`},
		{"faults", "PUT", "/v1/instruments/couch", kind, `{}`, 400, `it has a fault","faults":["type is missing"]`},
		{"of the file", "PUT", "/v1/instruments/fixed", kind, couch, 409, "change it there"},
		{"disk full", "PUT", "/v1/instruments/broken", kind, couch, 500, "disk is full"},
		{"as curl -d says", "PUT", "/v1/instruments/couch", "application/x-www-form-urlencoded", couch, 204, ""},
		{"as text", "PUT", "/v1/instruments/couch", "text/plain", couch, 415, "application/json"},
		{"too large", "PUT", "/v1/instruments/couch", kind, `{"type":"` + strings.Repeat("x", 64<<10), 413, "65536 bytes"},
		{"an id of control characters", "PUT", "/v1/instruments/%0A", kind, couch, 400, `"parameter":"id"`},
		{"delete", "DELETE", "/v1/instruments/couch", "", "", 204, ""},
		{"delete again", "DELETE", "/v1/instruments/couch", "", "", 404, "no such instrument"},
		{"delete of the file", "DELETE", "/v1/instruments/fixed", "", "", 409, "change it there"},
		{"no statistics", "GET", "/v1/engagement", "", "", 200, `{"policy":"","decisions":0,"instruments":[],"policies":[]}`},
	}
	checkAdmin(t, newKeeper(nil, f), pattern, questions)
	left, budget := int64(88), 0.14
	f.stats = httpapi.EngagementStatistics{
		Policy: "linucb/17", Decisions: 12,
		Instruments: []httpapi.InstrumentStatistics{
			{ID: "couch", Type: "trivia", InFile: true, Decisions: 12, Events: map[string]int64{"click": 3}, Reward: 2.5, Spent: 0.36, Left: &left, BudgetLeft: &budget},
			{ID: "new", Type: "poll"},
		},
		Policies: []httpapi.PolicyStatistics{{Policy: "linucb", Decisions: 12, Events: map[string]int64{"click": 3}, Reward: 2.5}, {Policy: "uniform"}},
	}
	checkAdmin(t, newKeeper(nil, f), pattern, []adminQuestion{{
		"statistics", "GET", "/v1/engagement", "", "", 200,
		`{"policy":"linucb/17","decisions":12,"instruments":[` +
			`{"id":"couch","type":"trivia","in_file":true,"decisions":12,"events":{"click":3},"reward":2.5,"spent":0.36,"left":88,"budget_left":0.14},` +
			`{"id":"new","type":"poll","in_file":false,"decisions":0,"events":{},"reward":0,"spent":0}],` +
			`"policies":[{"policy":"linucb","decisions":12,"events":{"click":3},"reward":2.5},{"policy":"uniform","decisions":0,"events":{},"reward":0}]}`,
	}})
}

// TestAdminFromPages refuses what a page of another origin has a browser send.
func TestAdminFromPages(t *testing.T) {
	f := &fakeProfiles{kept: map[string]string{"p1": "{}"}}
	c := client(t, newKeeper(f, &fakeInstruments{kept: make(map[string]json.RawMessage)}))
	for _, tc := range [][2]string{
		{"PUT", "/v1/profiles/p1"}, {"DELETE", "/v1/profiles/p1"}, {"POST", "/v1/profiles"}, {"PUT", "/v1/instruments/x"}, {"DELETE", "/v1/instruments/x"},
	} {
		resp, body := post(t, c, tc[0], tc[1], "application/json", "{}", "Origin", "https://evil.example")
		checkProblem(t, resp, body, 403, "")
	}
	if f.kept["p1"] != "{}" {
		t.Error("it was done")
	}
}
