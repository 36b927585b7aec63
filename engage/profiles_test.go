package engage_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"spotter/engage"
	"spotter/engage/instrument"
	"spotter/engage/ledger"
)

func TestProfiles(t *testing.T) {
	many := make([]string, 65)
	for i := range many {
		many[i] = fmt.Sprintf(`"a%d":1`, i)
	}
	for _, c := range []struct {
		name, text string
		want       string // in the error; empty when it is taken
	}{
		{"scalars and lists", `{"age":40,"likes":["chess",3,true],"member":false,"city":"Bath"}`, ""},
		{"empty", ` { } `, ""},
		{"nested", `{"home":{"city":"Bath"}}`, `"home"`},
		{"a list in a list", `{"likes":[["chess"]]}`, `"likes"`},
		{"null", `{"age":null}`, `"age"`},
		{"a name without characters", `{"":1}`, `""`},
		{"twice", `{"age":1,"age":2}`, `"age"`},
		{"two faults", `{"a":null,"b":{}}`, `"b"`},
		{"too many", "{" + strings.Join(many, ",") + "}", "65 attributes"},
		{"too long", `{"a":"` + strings.Repeat("x", engage.MaxProfileBytes) + `"}`, "bytes"},
		{"not an object", `[1]`, "object"},
		{"cut", `{"age":1`, "JSON"},
		{"more after it", `{} {}`, "follows"},
		{"not UTF-8", "{\"a\":\"\xff\"}", "UTF-8"},
		{"a number out of range", `{"age":1e999}`, `"age"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := newEngine(t, engage.Config{})
			err := e.PutProfile("p1", []byte(c.text))
			if c.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				if got, err := e.Profile("p1"); err != nil || string(got) != strings.ReplaceAll(c.text, " ", "") {
					t.Errorf("%s, %v", got, err)
				}
				return
			}
			if !errors.Is(err, engage.ErrProfile) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %s in it", err, c.want)
			}
			if _, err := e.Profile("p1"); !errors.Is(err, engage.ErrUnknown) {
				t.Errorf("it is stored: %v", err)
			}
		})
	}
}

func TestViewerIDs(t *testing.T) {
	e := newEngine(t, engage.Config{})
	for _, id := range []string{"", "a\nb", strings.Repeat("ü", 257), "\xff"} {
		if err := e.PutProfile(id, []byte(`{}`)); !errors.Is(err, engage.ErrProfile) {
			t.Errorf("%q: %v", id, err)
		}
	}
	if err := e.PutProfile(strings.Repeat("ü", 256), []byte(`{}`)); err != nil {
		t.Error(err)
	}
}

func TestImport(t *testing.T) {
	e := newEngine(t, engage.Config{})
	text := strings.Join([]string{
		`{"id":"p1","age":40}`,
		`{"age":40}`,
		``,
		`not json`,
		`{"id":"p2","home":{}}`,
		`{"id":"p3","bio":"` + strings.Repeat("x", 40<<10) + `"}`,
		`{"id":"p4","likes":["chess"]}`,
		`{"id":5}`,
		`{"id":"p5"}`,
		`{"id":"p4","likes":["go"],"likes":["chess"]}`,
		`{"id":"p4","id":"p1"}`,
		"{\"id\":\"p6\xff\"}",
	}, "\n")
	n, err := e.ImportProfiles(strings.NewReader(text))
	var faults *engage.ImportError
	if !errors.As(err, &faults) {
		t.Fatal(err)
	}
	var lines []string
	for _, f := range faults.Faults {
		line, _, _ := strings.Cut(f.Error(), ":")
		lines = append(lines, line)
	}
	if d := cmp.Diff([]string{"line 2", "line 4", "line 5", "line 6", "line 8", "line 10", "line 11", "line 12"}, lines); d != "" || n != 3 || faults.Lines != 8 {
		t.Errorf("%d profiles, %d faults: %s", n, faults.Lines, d)
	}
	if strings.Contains(err.Error(), "p2") {
		t.Errorf("the error names a viewer: %v", err)
	}
	for id, want := range map[string]string{"p1": `{"age":40}`, "p4": `{"likes":["chess"]}`, "p5": `{}`} {
		if got, err := e.Profile(id); err != nil || string(got) != want {
			t.Errorf("%s: %s, %v", id, got, err)
		}
	}
}

// TestImportCutOff puts what came before the end of an import that is cut off.
func TestImportCutOff(t *testing.T) {
	e := newEngine(t, engage.Config{})
	n, err := e.ImportProfiles(io.MultiReader(strings.NewReader("{\"id\":\"p1\"}\n{\"id\":\"p2\"}\n{\"id\":"), iotest.ErrReader(io.ErrUnexpectedEOF)))
	if !errors.Is(err, io.ErrUnexpectedEOF) || n != 2 {
		t.Errorf("%d profiles, %v", n, err)
	}
	if _, err := e.Profile("p2"); err != nil {
		t.Errorf("a line that came whole was not put: %v", err)
	}
}

func TestImportOfMany(t *testing.T) {
	e := newEngine(t, engage.Config{})
	var b strings.Builder
	for i := range 2500 {
		fmt.Fprintf(&b, "{\"id\":\"p%d\",\"n\":%d}\n", i, i)
	}
	for range 200 {
		b.WriteString("{}\n")
	}
	n, err := e.ImportProfiles(strings.NewReader(b.String()))
	var faults *engage.ImportError
	if !errors.As(err, &faults) || n != 2500 || faults.Lines != 200 || len(faults.Faults) != 100 {
		t.Errorf("%d profiles, %v", n, err)
	}
}

func TestEraseViewer(t *testing.T) {
	dir := t.TempDir()
	l := openLedger(t, dir)
	var log logged
	e := newEngine(t, engage.Config{Ledger: l, Log: log.logger()}, some("a", perViewer(1)))
	if err := e.PutProfile("secret-viewer", []byte(`{"city":"Atlantis"}`)); err != nil {
		t.Fatal(err)
	}
	d := must(t, e, ask("secret-viewer"))
	must(t, e, ask("p2"))
	flush(t, e)
	if err := e.EraseViewer("secret-viewer"); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Profile("secret-viewer"); !errors.Is(err, engage.ErrUnknown) {
		t.Errorf("the profile is still there: %v", err)
	}
	hashed := l.Viewer("secret-viewer")
	if err := l.Replay(0, func(r *ledger.Record) error {
		if r.Decision != nil && r.Decision.Viewer == hashed {
			t.Error("a decision is still there")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	again := must(t, e, ask("secret-viewer", keeping(d.ID)))
	if again.ID == d.ID {
		t.Error("the decision is still answered")
	}
	if got := decided(e, ask("p2")); got != "none" {
		t.Error("the count of another viewer is gone")
	}
	if err := e.EraseViewer("stranger"); err != nil {
		t.Errorf("an unknown viewer: %v", err)
	}
	if strings.Contains(log.String(), "secret-viewer") {
		t.Errorf("the log names the viewer:\n%s", log.String())
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if text, err := os.ReadFile(f); err != nil || strings.Contains(string(text), "secret-viewer") {
			t.Errorf("%s has the viewer's id in it, or cannot be read: %v", filepath.Base(f), err)
		}
	}
}

// TestInstrumentIsAnsweredAsPut asks for an instrument whose payload json.Marshal would write in another way.
func TestInstrumentIsAnsweredAsPut(t *testing.T) {
	const text = `{"id":"a","type":"poll","payload":{"q":"<b>Who & why?</b>"}}`
	e := newEngine(t, engage.Config{})
	if err := e.PutInstrument("a", []byte(text)); err != nil {
		t.Fatal(err)
	}
	if got, err := e.Instrument("a"); err != nil || string(got) != text {
		t.Errorf("%s, %v", got, err)
	}
}

func TestInstrumentsOfFileAndAdmin(t *testing.T) {
	dir := t.TempDir()
	l := openLedger(t, dir)
	var log logged
	e := newEngine(t, engage.Config{Ledger: l, Log: log.logger()}, some("file"))
	body := []byte(`{"type":"poll","payload":{"q":1},"priority":2}`)
	if err := e.PutInstrument("file", body); !errors.Is(err, engage.ErrInFile) {
		t.Errorf("putting one of the file: %v", err)
	}
	if err := e.DeleteInstrument("file"); !errors.Is(err, engage.ErrInFile) {
		t.Errorf("deleting one of the file: %v", err)
	}
	if err := e.PutInstrument("made", body); err != nil {
		t.Fatal(err)
	}
	if err := e.PutInstrument("wrong", []byte(`{"type":"poll"}`)); err == nil {
		t.Error("an instrument without a payload was taken")
	}
	if got, err := e.Instrument("made"); err != nil || !strings.Contains(string(got), `"q":1`) {
		t.Errorf("%s, %v", got, err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	e = newEngine(t, engage.Config{Ledger: openLedger(t, dir), Log: log.logger()}, some("file"))
	var ids []string
	for _, i := range e.Instruments() {
		ids = append(ids, i.ID)
	}
	if d := cmp.Diff([]string{"made", "file"}, ids); d != "" {
		t.Error("after a restart: " + d)
	}
	e.UseFile([]instrument.Instrument{some("made")})
	if !strings.Contains(log.String(), "instrument=made") {
		t.Errorf("the log does not say that the file's is used:\n%s", log.String())
	}
	if err := e.DeleteInstrument("made"); !errors.Is(err, engage.ErrInFile) {
		t.Errorf("deleting one that the file took over: %v", err)
	}
	if err := e.DeleteInstrument("nothing"); !errors.Is(err, engage.ErrUnknown) {
		t.Errorf("deleting what is not there: %v", err)
	}
	if _, err := e.Instrument("nothing"); !errors.Is(err, engage.ErrUnknown) {
		t.Errorf("reading what is not there: %v", err)
	}
}
