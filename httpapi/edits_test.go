package httpapi_test

import (
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/httpapi"
	"spotter/timeline"
)

// fakeEditor answers with what its media's names say.
type fakeEditor struct{ got timeline.Edit }

func (f *fakeEditor) Edit(media string, from timeline.Position, e timeline.Edit) (*timeline.Observation, string, error) {
	f.got = e
	now, err := f.Undo(media, from, "")
	return now, "TOKEN", err
}

func (f *fakeEditor) Undo(media string, from timeline.Position, _ string) (*timeline.Observation, error) {
	err := map[string]error{
		"other": httpapi.ErrUnknownMedia, "pruned": httpapi.ErrNoObservation, "undone": timeline.ErrNoEdit, "full": timeline.ErrManyEdits,
		"two": timeline.ErrAmbiguousName, "empty": fmt.Errorf(`%w: "Ann"; it shows "Bob"`, timeline.ErrNotShown), "same": timeline.ErrSameName,
		"broken": errors.New("disk full"),
	}[media]
	if err != nil {
		return nil, fmt.Errorf("edit: %w", err)
	}
	return &timeline.Observation{Media: media, Span: timeline.Span{From: from, Until: from + 1}, Source: timeline.SourceONNX, Revision: 2}, nil
}

// editing returns a viewer API whose page edits with e.
func editing(t *testing.T, e httpapi.Editor) *http.Client {
	t.Helper()
	token, err := httpapi.OpenAdminToken(write(t, filepath.Join(t.TempDir(), "token"), []byte(adminToken+"\n")), nil, quiet())
	if err != nil {
		t.Fatal(err)
	}
	return client(t, httpapi.NewViewer(httpapi.ViewerConfig{Media: cup(), Log: quiet(), Admin: &httpapi.PageAdmin{Token: token, Editor: e}}))
}

func TestEdits(t *testing.T) {
	const one, undo = "/admin/v1/media/{media}/observations/{from}", "/admin/v1/media/{media}/observations/{from}/undo"
	const accept, back = `{"do":"accept","entity":{"name":"Ann"}}`, `{"undo":"TOKEN"}`
	d := describe(t)
	box, off := editing(t, new(fakeEditor)), editing(t, nil)
	for name, tc := range map[string]struct {
		path, media, from, body string
		status                  int
		want                    string // contained in the answer
	}{
		"accept":             {one, "cup", "40.5", accept, 200, `"from":40.5,"until":40.501,"source":"onnx","revision":2,"celebrities":[],"objects":[]},"undo":"TOKEN"}`},
		"undo":               {undo, "cup", "40.5", back, 200, `{"observation":{`},
		"unknown media":      {one, "other", "0", accept, 404, `no media`},
		"pruned":             {one, "pruned", "7", accept, 404, `begins at 7.0`},
		"not shown":          {one, "empty", "0", accept, 422, `it shows \"Bob\"`},
		"the same":           {one, "same", "0", accept, 422, "called that already"},
		"two of a name":      {one, "two", "0", accept, 409, "several"},
		"full":               {one, "full", "0", accept, 409, "as many"},
		"undone":             {undo, "undone", "0", back, 409, "taken back already"},
		"disk full":          {one, "broken", "0", accept, 500, "disk full"},
		"no position":        {one, "cup", "x", accept, 400, `"parameter":"from"`},
		"far":                {one, "cup", "1e99", accept, 400, `"parameter":"from"`},
		"no body":            {one, "cup", "0", "", 400, "EOF"},
		"not an object":      {one, "cup", "0", "[]", 400, "array"},
		"two objects":        {one, "cup", "0", accept + accept, 400, "more after"},
		"unknown member":     {one, "cup", "0", `{"do":"accept","entity":{"name":"Ann"},"too":1}`, 400, `unknown field`},
		"a long member":      {one, "cup", "0", `{"` + strings.Repeat("x", 9999) + `":1}`, 400, `xxx...`},
		"what to do":         {one, "cup", "0", `{"do":"delete","entity":{"name":"Ann"}}`, 400, "do: want one of"},
		"of nobody":          {one, "cup", "0", `{"do":"accept","entity":{}}`, 400, "entity.name: is missing"},
		"to nobody":          {one, "cup", "0", `{"do":"rename","entity":{"name":"Ann"}}`, 400, "to.name: is missing"},
		"to blanks":          {one, "cup", "0", `{"do":"merge","entity":{"name":"Ann"},"to":{"name":" \t"}}`, 400, "to.name: is missing"},
		"to, of no use":      {one, "cup", "0", `{"do":"reject","entity":{"name":"Ann"},"to":{"name":"B"}}`, 400, "to: is for"},
		"a long name":        {one, "cup", "0", `{"do":"rename","entity":{"name":"Ann"},"to":{"name":"` + strings.Repeat("é", 129) + `"}}`, 400, "256 bytes"},
		"a long id":          {one, "cup", "0", `{"do":"accept","entity":{"name":"Ann","id":"` + strings.Repeat("x", 257) + `"}}`, 400, "entity.id"},
		"control characters": {one, "cup", "0", `{"do":"rename","entity":{"name":"Ann"},"to":{"name":"A\u0007"}}`, 400, "control"},
		"not UTF-8":          {one, "cup", "0", "{\"do\":\"accept\",\"entity\":{\"name\":\"\xff\"}}", 400, "UTF-8"},
		"accept all":         {one, "cup", "0", `{"do":"accept","entity":{"name":"Ann"},"scope":"media"}`, 400, "scope: media"},
		"another scope":      {one, "cup", "0", `{"do":"reject","entity":{"name":"Ann"},"scope":"all"}`, 400, "scope: want"},
		"no token to undo":   {undo, "cup", "0", `{}`, 400, "undo: want"},
		"a long token":       {undo, "cup", "0", `{"undo":"` + strings.Repeat("x", 65) + `"}`, 400, "undo: want"},
		"too large":          {undo, "cup", "0", strings.Repeat(" ", 65<<10), 413, "65536 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			address := strings.NewReplacer("{media}", tc.media, "{from}", tc.from).Replace(tc.path)
			resp, body := post(t, box, "POST", address, "application/json", tc.body, "Authorization", bearerAdmin)
			if resp.StatusCode != tc.status || !strings.Contains(body, tc.want) || len(body) > 2000 {
				t.Errorf("status %d, want %d with %q: %s", resp.StatusCode, tc.status, tc.want, body)
			}
			d.check(t, tc.path, resp, body)
			resp, body = post(t, box, "POST", address, "application/json", tc.body)
			if tc.status != http.StatusRequestEntityTooLarge && resp.StatusCode != http.StatusUnauthorized {
				t.Errorf("without the token: status %d: %s", resp.StatusCode, body)
			}
			resp, body = post(t, off, "POST", address, "application/json", tc.body, "Authorization", bearerAdmin)
			if tc.status != http.StatusRequestEntityTooLarge && resp.StatusCode != http.StatusNotFound {
				t.Errorf("where nothing is edited: status %d: %s", resp.StatusCode, body)
			}
		})
	}
}

func TestEditIsPassedOn(t *testing.T) {
	e := new(fakeEditor)
	const body = `{"do":"rename","entity":{"name":"Ann","id":"a"},"to":{"name":" Bob ","id":"b"},"scope":"media"}`
	resp, answer := post(t, editing(t, e), "POST", "/admin/v1/media/cup/observations/-1.5", "application/json", body, "Authorization", bearerAdmin)
	if resp.StatusCode != http.StatusOK {
		t.Fatal(answer)
	}
	want := timeline.Edit{Do: "rename", Entity: timeline.Name{Name: "Ann", ID: "a"}, To: timeline.Name{Name: "Bob", ID: "b"}, Scope: "media"}
	if diff := cmp.Diff(want, e.got); diff != "" {
		t.Error(diff)
	}
}
