package httpapi_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"spotter/httpapi"
)

const (
	galleryPath = "/admin/v1/gallery"
	unknownPath = "/admin/v1/unknown"
	jpegHead    = "\xff\xd8\xff"
	pngHead     = "\x89PNG\r\n\x1a\n"
)

// fakePeople knows one person, "ada", and one unknown face, "unknown-7".
type fakePeople struct {
	err   error // of everything
	photo func(ctx context.Context, who httpapi.PersonName, photo []byte) (httpapi.AddedPhoto, error)
	did   []string
}

// Gallery implements httpapi.People.
func (f *fakePeople) Gallery() (httpapi.Gallery, error) {
	return httpapi.Gallery{
		People:     []httpapi.Person{{ID: "ada", Name: "Ada <Lovelace>", URLs: []string{"https://people.example/ada"}, Faces: 2}},
		Confusions: []httpapi.Confusion{{A: "ada", B: "augusta", Similarity: 0.47}},
	}, f.err
}

// AddPhoto implements httpapi.People.
func (f *fakePeople) AddPhoto(ctx context.Context, who httpapi.PersonName, photo []byte) (httpapi.AddedPhoto, error) {
	if f.photo != nil {
		return f.photo(ctx, who, photo)
	}
	f.did = append(f.did, fmt.Sprintf("photo of %s (%s): %d bytes", who.Name, who.ID, len(photo)))
	return httpapi.AddedPhoto{Person: httpapi.Person{ID: "ada", Name: who.Name, URLs: []string{}, Faces: 1}}, f.err
}

// RemovePerson implements httpapi.People.
func (f *fakePeople) RemovePerson(id string) error {
	if f.err == nil && id != "ada" {
		return fmt.Errorf("remove: %w", httpapi.ErrUnknownPerson)
	}
	f.did = append(f.did, "remove "+id)
	return f.err
}

// UnknownFaces implements httpapi.People.
func (f *fakePeople) UnknownFaces() ([]httpapi.UnknownFace, error) {
	at := time.Date(2026, 11, 23, 14, 1, 2, 500, time.UTC)
	return []httpapi.UnknownFace{{
		ID: "unknown-7", Seen: []httpapi.Seen{{Media: "cup-final", From: 62_000, Until: 68_500}}, First: at, Last: at.Add(time.Minute),
	}}, f.err
}

// NameFace implements httpapi.People.
func (f *fakePeople) NameFace(id string, who httpapi.PersonName) error {
	if f.err == nil && id != "unknown-7" {
		return fmt.Errorf("name: %w", httpapi.ErrUnknownFace)
	}
	f.did = append(f.did, fmt.Sprintf("%s is %s (%s)", id, who.Name, who.ID))
	return f.err
}

// ForgetFace implements httpapi.People.
func (f *fakePeople) ForgetFace(id string) error {
	if f.err == nil && id != "unknown-7" {
		return fmt.Errorf("forget: %w", httpapi.ErrUnknownFace)
	}
	f.did = append(f.did, "forget "+id)
	return f.err
}

// peopled returns a viewer API with these people, who may be nil.
func peopled(t testing.TB, p httpapi.People) *httpapi.Server {
	t.Helper()
	return httpapi.NewViewer(httpapi.ViewerConfig{
		Media: cup(), Registerer: prometheus.NewRegistry(), Log: quiet(),
		Admin: &httpapi.PageAdmin{Token: openToken(t, write(t, t.TempDir()+"/token", []byte(adminToken))), People: p},
	})
}

// peopleQuestion is a request and what it is answered with.
type peopleQuestion struct {
	name, method, path, contentType, body string
	status                                int
	want                                  string // contained in the answer
}

func askPeople(t *testing.T, p httpapi.People, questions []peopleQuestion) {
	t.Helper()
	d := describe(t)
	c := client(t, peopled(t, p))
	for _, tc := range questions {
		t.Run(tc.name, func(t *testing.T) {
			resp, body := post(t, c, tc.method, tc.path, tc.contentType, tc.body, "Authorization", bearerAdmin)
			if resp.StatusCode != tc.status || !strings.Contains(body, tc.want) || tc.want == "" && body != "" {
				t.Errorf("status %d: %s", resp.StatusCode, body)
			}
			if resp.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("cached %q", resp.Header.Get("Cache-Control"))
			}
			pattern, _, _ := strings.Cut(tc.path, "?")
			for _, list := range []string{galleryPath, unknownPath} {
				if strings.HasPrefix(pattern, list+"/") {
					pattern = list + "/{id}"
				}
			}
			d.check(t, pattern, resp, body)
		})
	}
}

func TestPeople(t *testing.T) {
	const kind, photo = "application/json", galleryPath + "?name=Ada+Lovelace&id=ada"
	f := new(fakePeople)
	askPeople(t, f, []peopleQuestion{
		{
			"gallery", "GET", galleryPath, "", "", 200,
			`{"people":[{"id":"ada","name":"Ada <Lovelace>","urls":["https://people.example/ada"],"faces":2}],"confusions":[{"a":"ada","b":"augusta","similarity":0.47}]}`,
		},
		{"head", "HEAD", galleryPath, "", "", 200, ""},
		{"photo", "POST", photo, "image/jpeg", jpegHead, 200, `{"person":{"id":"ada","name":"Ada Lovelace","urls":[],"faces":1},"hints":[]}`},
		{"PNG", "POST", galleryPath + "?name=%20Zo%C3%AB%20", "image/png", pngHead, 200, "Zoë"},
		{"as curl -d says", "POST", photo, "application/x-www-form-urlencoded", jpegHead, 200, "Ada"},
		{"large photo", "POST", photo, "image/jpeg", jpegHead + strings.Repeat("x", 10<<20-3), 200, "Ada"},
		{"neither", "POST", photo, "image/jpeg", "GIF89a", 422, `it has a fault","faults":["what was sent is not a JPEG or PNG picture"]`},
		{"nothing", "POST", photo, "image/jpeg", "", 422, "not a JPEG or PNG"},
		{"as text", "POST", photo, "text/plain", jpegHead, 415, "image/jpeg"},
		{"no name", "POST", galleryPath, "image/jpeg", jpegHead, 400, `"parameter":"name"`},
		{"name of spaces", "POST", galleryPath + "?name=+", "image/jpeg", jpegHead, 400, `"parameter":"name"`},
		{"long name", "POST", galleryPath + "?name=" + strings.Repeat("x", 201), "image/jpeg", jpegHead, 400, `"parameter":"name"`},
		{"broken name", "POST", galleryPath + "?name=%ff", "image/jpeg", jpegHead, 400, `"parameter":"name"`},
		{"long id", "POST", photo + strings.Repeat("x", 64), "image/jpeg", jpegHead, 400, `"parameter":"id"`},
		{"remove", "DELETE", galleryPath + "/ada", "", "", 204, ""},
		{"remove nobody", "DELETE", galleryPath + "/a%2Fb", "", "", 404, "nobody in the gallery has this id"},
		{
			"unknown", "GET", unknownPath, "", "", 200,
			`{"faces":[{"id":"unknown-7","seen":[{"media":"cup-final","from":62.0,"until":68.5}],"first":"2026-11-23T14:01:02.0000005Z","last":"2026-11-23T14:02:02.0000005Z"}]}`,
		},
		{"name", "POST", unknownPath + "/unknown-7", kind, `{"name":" Ada Lovelace ","id":"ada"}`, 204, ""},
		{"name without id", "POST", unknownPath + "/unknown-7", kind, `{"name":"Ada Lovelace"}`, 204, ""},
		{"name no face", "POST", unknownPath + "/unknown-8", kind, `{"name":"Ada Lovelace"}`, 404, "no unknown face of this id"},
		{"no name of a face", "POST", unknownPath + "/unknown-7", kind, `{}`, 400, `"parameter":"name"`},
		{"no object", "POST", unknownPath + "/unknown-7", kind, `[]`, 400, "send a JSON object"},
		{"no JSON", "POST", unknownPath + "/unknown-7", kind, `{"name":`, 400, "send a JSON object"},
		{"two objects", "POST", unknownPath + "/unknown-7", kind, `{"name":"a"}{}`, 400, "send a JSON object"},
		{"other members", "POST", unknownPath + "/unknown-7", kind, `{"name":"a","urls":[]}`, 400, "send a JSON object"},
		{"a list for a name", "POST", unknownPath + "/unknown-7", kind, `{"name":["a"]}`, 400, "send a JSON object"},
		{"long body", "POST", unknownPath + "/unknown-7", kind, `{"name":"` + strings.Repeat("x", 64<<10), 413, "65536 bytes"},
		{"forget", "DELETE", unknownPath + "/unknown-7", "", "", 204, ""},
		{"forget again", "DELETE", unknownPath + "/unknown-8", "", "", 404, "no unknown face of this id"},
	})
	if diff := cmp.Diff([]string{
		"photo of Ada Lovelace (ada): 3 bytes", "photo of Zoë (): 8 bytes", "photo of Ada Lovelace (ada): 3 bytes", "photo of Ada Lovelace (ada): 10485760 bytes",
		"remove ada", "unknown-7 is Ada Lovelace (ada)", "unknown-7 is Ada Lovelace ()", "forget unknown-7",
	}, f.did); diff != "" {
		t.Error(diff)
	}
}

// TestPeopleThatFail has what each error of People is told as, by every route.
func TestPeopleThatFail(t *testing.T) {
	off := errors.New("nobody is known by face: run `spotter models pull yunet sface`")
	for name, tc := range map[string]struct {
		people httpapi.People
		status int
		want   string
	}{
		"none":    {nil, 404, "there is no gallery here"},
		"off":     {&fakePeople{err: fmt.Errorf("%w: %w", off, httpapi.ErrPeopleOff)}, 404, "run `spotter models pull yunet sface`"},
		"refused": {&fakePeople{err: httpapi.Faults{"the id ada is Ada Lovelace", "choose another"}}, 422, `2 faults","faults":["the id ada is Ada Lovelace","choose another"]`},
		"broken":  {&fakePeople{err: errors.New("disk is full")}, 500, "disk is full"},
	} {
		t.Run(name, func(t *testing.T) {
			changes := []peopleQuestion{
				{"photo", "POST", galleryPath + "?name=Ada", "image/jpeg", jpegHead, tc.status, tc.want},
				{"name", "POST", unknownPath + "/unknown-7", "application/json", `{"name":"Ada"}`, tc.status, tc.want},
			}
			if tc.status != 422 { // these have nothing to refuse
				changes = append(
					changes,
					peopleQuestion{"gallery", "GET", galleryPath, "", "", tc.status, tc.want},
					peopleQuestion{"unknown", "GET", unknownPath, "", "", tc.status, tc.want},
					peopleQuestion{"remove", "DELETE", galleryPath + "/ada", "", "", tc.status, tc.want},
					peopleQuestion{"forget", "DELETE", unknownPath + "/unknown-7", "", "", tc.status, tc.want},
				)
			}
			askPeople(t, tc.people, changes)
		})
	}
}

// TestPhotosOneAtATime sends a photo while another is looked at, which then has taken too long.
func TestPhotosOneAtATime(t *testing.T) {
	looking, over := make(chan time.Duration), make(chan struct{})
	c := client(t, peopled(t, &fakePeople{photo: func(ctx context.Context, _ httpapi.PersonName, _ []byte) (httpapi.AddedPhoto, error) {
		until, _ := ctx.Deadline()
		looking <- time.Until(until)
		<-over
		return httpapi.AddedPhoto{}, fmt.Errorf("judge the photo: %w", context.DeadlineExceeded)
	}}))
	done := make(chan struct{})
	go func() {
		defer close(done)
		resp, body := post(t, c, "POST", galleryPath+"?name=Ada", "image/jpeg", jpegHead, "Authorization", bearerAdmin)
		checkProblem(t, resp, body, 422, "")
		if !strings.Contains(body, "longer than 12s: send a smaller one") {
			t.Error(body)
		}
	}()
	if left := <-looking; left <= 0 || left > 12*time.Second {
		t.Errorf("it may take %v", left)
	}
	resp, body := post(t, c, "POST", galleryPath+"?name=Ada", "image/jpeg", jpegHead, "Authorization", bearerAdmin)
	checkProblem(t, resp, body, 503, "")
	close(over)
	<-done
}
