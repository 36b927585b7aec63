package httpapi_test

import (
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"spotter/httpapi"
)

// fakeDecisions writes its format and what is told of it, then fails where it has an error.
type fakeDecisions struct{ err error }

// WriteDecisions implements httpapi.Decisions.
func (f fakeDecisions) WriteDecisions(w io.Writer, format string) error {
	_, err := io.WriteString(w, format+"\n")
	return errors.Join(err, f.err)
}

func newExporter(d httpapi.Decisions) *httpapi.Server {
	reg := prometheus.NewRegistry()
	return httpapi.NewAdmin(httpapi.AdminConfig{Registerer: reg, Gatherer: reg, Decisions: d, Log: quiet()})
}

func TestDecisionsOfAdmin(t *testing.T) {
	all := func(string) string { return "/v1/decisions" }
	checkAdmin(t, newExporter(fakeDecisions{}), all, []adminQuestion{
		{"by default", "GET", "/v1/decisions", "", "", 200, "ndjson\n"},
		{"as lines", "GET", "/v1/decisions?format=ndjson", "", "", 200, "ndjson\n"},
		{"for Vowpal Wabbit", "GET", "/v1/decisions?format=vw", "", "", 200, "vw\n"},
		{"as a table", "GET", "/v1/decisions?format=csv", "", "", 400, `"parameter":"format"`},
	})
	checkAdmin(t, newExporter(nil), all, []adminQuestion{{"engagement is off", "GET", "/v1/decisions", "", "", 404, "no section engage"}})
}

// TestDecisionsCutOff has an export that fails not look complete.
func TestDecisionsCutOff(t *testing.T) {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://spotter/v1/decisions", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client(t, newExporter(fakeDecisions{errors.New("disk is gone")})).Do(req)
	if err != nil {
		return // cut off before its head came
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("%q looks complete", body)
	}
}
