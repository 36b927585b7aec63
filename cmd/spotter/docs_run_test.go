package main_test

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"spotter/httpapi"
	"spotter/internal/mediatest"
	hls "spotter/internal/origin"
	"spotter/internal/testmedia"
	"spotter/models"
)

// Of the commands that are spotter's or ask the box these are not run, for they do not end, or need a box that stands still.
var notRun = []string{"spotter run", "spotter demo", "spotter restore", "spotter check", "spotter completion"}

// TestDocumentsRun runs what documents tell people to run against a box at work: every curl, and every command of spotter but those of
// notRun. docs/routes.md must have a run example of each route that the API describes.
func TestDocumentsRun(t *testing.T) {
	for _, tool := range []string{"bash", "curl", "jq"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("no %s: apt install %s", tool, tool)
		}
	}
	g := newGuide(t)
	asked := g.runAll(documents(t))
	covered := map[string]bool{}
	for _, one := range asked {
		method, address, _ := strings.Cut(one, " ")
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if route := matchRoute(g.routes, u.Path, false); route != "" {
			covered[method+" "+route] = true
		}
	}
	for _, route := range g.operations {
		if !covered[route] && g.can(route) {
			t.Errorf("docs/routes.md has no example of %s", route)
		}
	}
}

// guide is a box with everything that examples are about, and a folder to run them in.
type guide struct {
	*box
	dir        string
	models     bool // the kit's models are in place
	operations []string
	routes     []string
}

const guideToken = "0123456789abcdef0123456789abcdef"

func newGuide(t *testing.T) *guide {
	t.Helper()
	g := &guide{dir: t.TempDir(), operations: operations(t), routes: routeTemplates(t)}
	o := newStyledOrigin(t, 1, 20, 6, hls.Style{Window: window, Continuous: true, Start: time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)})
	local := "recognizer: classic"
	data := filepath.Join(g.dir, "data")
	if _, ok := testmedia.FindKit(t); ok {
		c := newCamera(t, "yunet", "yunet", "mobilefacenet", "yolox-nano")
		g.models, data = true, c.data
		t.Setenv("PATH", filepath.Dir(c.program)+string(os.PathListSeparator)+os.Getenv("PATH"))
		local = "identities: mobilefacenet, unknown_faces: {keep: 24h}"
		g.people(t, data)
	}
	g.box = start(t, g.configuration(t, data, local, o.URL+hls.Media))
	write(t, filepath.Join(g.dir, "spotter.yaml"), strings.Replace(string(read(t, g.file)), guideDoors,
		fmt.Sprintf("viewer: {listen: '%s'}, admin: {listen: '%s', ", strings.TrimPrefix(g.viewer, "http://"), strings.TrimPrefix(g.admin, "http://")), 1))
	write(t, filepath.Join(g.dir, "cloud.yaml"), "http: {viewer: {auth: keys, keys_file: keys}}\nsync: {dynamodb: {}}\n")
	write(t, filepath.Join(g.dir, "viewers.ndjson"), `{"id":"p1","age":34}`+"\n"+`{"id":"p2","age":17}`+"\n")
	testmedia.FFmpeg(t, g.dir, "-f", "lavfi", "-i", "testsrc=duration=2:size=320x180:rate=10", "recording.mp4")
	g.analyzed("cup-final", behind*second)
	o.Publish(14)
	for _, media := range []string{"cup-final", "demo"} {
		g.analyzed(media, 14*second)
	}
	goOn(t, o)
	eventually(t, "pictures of what was asked about", func() bool {
		_, body := g.ask(http.MethodGet, g.viewer+"/v1/media/cup-final/thumbnails")
		return strings.Contains(string(body), `"url"`)
	})
	return g
}

// goOn publishes a segment a second, so that the stream stays live.
func goOn(t *testing.T, o *origin) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for tick := time.Tick(time.Second); ; {
			select {
			case <-tick:
				o.Publish(1)
			case <-ctx.Done():
				return
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
}

const guideDoors = "viewer: {listen: '127.0.0.1:0'}, admin: {listen: '127.0.0.1:0', "

func (g *guide) configuration(t *testing.T, data, local, url string) string {
	t.Helper()
	write(t, filepath.Join(g.dir, "admin-token"), guideToken+"\n")
	write(t, filepath.Join(g.dir, "instruments.yaml"), "instruments:\n  - {id: scarf, type: offer, payload: {text: A scarf}}\n")
	return fmt.Sprintf("data_dir: %s\nhttp: {%stoken_file: '%s'}}\nengage: {instruments: '%s'}\n", data, guideDoors, filepath.Join(g.dir, "admin-token"), filepath.Join(g.dir, "instruments.yaml")) +
		fmt.Sprintf("vision: {mode: local-only, local: {%s}}\nmedia: [{id: cup-final, url: '%s'}, {id: demo, url: '%s', sample_interval: 5s}]\n", local, url, url)
}

// people leaves photos to enrol, and faces that nobody could name.
func (g *guide) people(t *testing.T, data string) {
	t.Helper()
	for name, photo := range map[string]string{"ada.jpg": "enrol/obama.jpg", "ada2.jpg": "test/obama2.jpg", "bob.jpg": "enrol/biden.jpg"} {
		write(t, filepath.Join(g.dir, name), string(read(t, testmedia.Kit(t, "photos", photo))))
	}
	var seen []string
	for i := 1; i <= 9; i++ {
		seen = append(seen, fmt.Sprintf(`{"id":"unknown-%d","media":"cup-final","position":%d,"at":%q,"embedding":%q}`, i, i,
			time.Now().UTC().Format(time.RFC3339), embeddingOf(i)))
	}
	write(t, filepath.Join(data, "unknown-faces.json"), fmt.Sprintf(`{"format":1,"model":"mobilefacenet","version":%q,"next":10,"faces":[%s]}`,
		modelVersion(t, "mobilefacenet"), strings.Join(seen, ",")))
}

// guidePrelude has curl fail on a bad status, tell what it asked, and send the admin token where a document says that it is to be added; a
// stream that lasts is cut off.
const guidePrelude = `set -o pipefail
curl() {
	local more=() fail=-f
	case "$*" in */readyz*) fail= ;; esac # 503 is an answer: another document's example may have stopped a stream
	case "$*" in *Authorization*) ;; *$ADMIN*) more=(-H "Authorization: Bearer $TOKEN") ;; esac
	case " $* " in *' -N '*) more+=(--max-time 1) ;; esac
	command curl $fail -sS --max-time 30 -w '%{stderr}asked %{method} %{url}\n' "$@" "${more[@]}"
	local code=$?
	case " $* " in *' -N '*) [ $code = 28 ] && return 0 ;; esac
	return $code
}
spotter() {
	case $1 in
	keys | cloud-template) SPOTTER_CONFIG=cloud.yaml command spotter "$@" ;;
	*) command spotter "$@" ;;
	esac
}
`

var configFlag = regexp.MustCompile(` --config \S+`)

// script puts a document's commands into one, each followed by a line that says which failed.
func (g *guide) script(d *document) string {
	var s strings.Builder
	places := strings.NewReplacer("http://127.0.0.1:8080", g.viewer, "http://127.0.0.1:9090", g.admin, "/mnt/", "", "--mirror DIR", "", "MEDIA", "cup-final", "seconds=10", "seconds=1")
	blocks, _ := d.commands()
	for _, c := range blocks {
		text := strings.Replace(c.text, "bin/spotter", "spotter", 1)
		text = strings.TrimPrefix(text, "sudo -u spotter ")
		runs := strings.HasPrefix(text, "curl ") && strings.Contains(text, "http://127.0.0.1") || strings.HasPrefix(text, "spotter ") || assignment.MatchString(text)
		if !runs || slices.ContainsFunc(notRun, func(p string) bool { return strings.HasPrefix(text, p) }) || !g.can(text) {
			continue
		}
		if before, _, found := strings.Cut(text, " | grep "); found && !assignment.MatchString(text) {
			text = before // what it looks for is there where something is wrong
		}
		text = places.Replace(configFlag.ReplaceAllString(text, ""))
		fmt.Fprintf(&s, "%s || echo 'failed %s:%d' >&2\n", text, c.path, c.number)
	}
	return s.String()
}

var needsModels = regexp.MustCompile(`/gallery|/unknown|faces (add|name|forget|unknown)|models (pull|verify)`)

// can reports whether an example can be run here: some need the kit's models, or the page.
func (g *guide) can(text string) bool {
	_, err := os.Stat(filepath.Join(repositoryRoot, "httpapi", "web", "dist", "index.html"))
	return (g.models || !needsModels.MatchString(text)) && (err == nil || !strings.Contains(strings.ToLower(text), "asset") && !strings.Contains(text, "licences"))
}

// runAll runs the examples of all documents, each document's in their order, and returns what was asked of the box.
func (g *guide) runAll(all []*document) []string {
	asked := make([][]string, len(all))
	var wg sync.WaitGroup
	for i, d := range all {
		wg.Go(func() { asked[i] = g.run(d) })
	}
	wg.Wait()
	return slices.Concat(asked...)
}

// run runs a document's examples and returns what was asked of the box.
func (g *guide) run(d *document) (asked []string) {
	g.t.Helper()
	text := g.script(d)
	if text == "" {
		return nil
	}
	mirror, _ := testmedia.FindKit(g.t, "models")
	cmd := exec.CommandContext(g.t.Context(), "bash", "-c", guidePrelude+text)
	cmd.Dir = g.dir
	cmd.Env = environment([]string{
		"SPOTTER_CONFIG=spotter.yaml", "SPOTTER_MODELS_MIRROR=" + mirror, "HTTPS_PROXY=http://127.0.0.1:1", "NO_PROXY=127.0.0.1",
		"TOKEN=" + guideToken, "ADMIN=" + g.admin,
	})
	out, err := cmd.CombinedOutput()
	failed := err != nil
	for l := range strings.Lines(string(out)) {
		one, isAsked := strings.CutPrefix(strings.TrimSpace(l), "asked ")
		if isAsked {
			asked = append(asked, one)
		}
		failed = failed || strings.HasPrefix(l, "failed ")
	}
	if failed {
		g.t.Errorf("%s: %v\n%s", d.path, err, out)
	}
	return asked
}

// described is what tests need of /openapi.json's paths.
func described(t *testing.T) (paths map[string]map[string]any) {
	t.Helper()
	var document struct{ Paths map[string]map[string]any }
	if err := json.Unmarshal(openAPI(t), &document); err != nil {
		t.Fatal(err)
	}
	return document.Paths
}

// operations returns the described methods and paths, such as "GET /v1/media".
func operations(t *testing.T) (all []string) {
	t.Helper()
	for path, item := range described(t) {
		for _, method := range []string{"get", "put", "post", "delete"} {
			if _, ok := item[method]; ok {
				all = append(all, strings.ToUpper(method)+" "+path)
			}
		}
	}
	slices.Sort(all)
	return all
}

// routeTemplates returns the described paths, and that of the backup, which is for spotter backup alone.
func routeTemplates(t *testing.T) []string {
	t.Helper()
	return append(slices.Sorted(maps.Keys(described(t))), "/v1/backup")
}

// matchRoute returns the template that a path is of: the most literal one. In a document a path may have parameters itself, and may be the
// begin of others, as /v1/ is.
func matchRoute(routes []string, path string, begin bool) (best string) {
	words := strings.Split(strings.TrimSuffix(path, "..."), "/")
	fewest := -1
	for _, route := range routes {
		parts := strings.Split(route, "/")
		if len(words) > len(parts) || len(words) < len(parts) && !begin {
			continue
		}
		wild := 0
		for i, w := range words {
			switch {
			case w == parts[i] || begin && w == "" && i == len(words)-1:
			case strings.HasPrefix(parts[i], "{") && w != "":
				wild++
			default:
				wild = -1
			}
			if wild < 0 {
				break
			}
		}
		if wild >= 0 && (fewest < 0 || wild < fewest) {
			best, fewest = route, wild
		}
	}
	return best
}

// openAPI is the description of both listeners.
func openAPI(t *testing.T) []byte {
	t.Helper()
	c := mediatest.Client(t, httpapi.NewViewer(httpapi.ViewerConfig{Media: mediatest.NewBox(mediatest.Cup()...), Log: slog.New(slog.DiscardHandler)}))
	resp, body := mediatest.Send(t, c, http.MethodGet, "/openapi.json")
	if resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status)
	}
	return []byte(body)
}

// embeddingOf is what a model might make of a face, each number another one.
func embeddingOf(n int) string {
	b := make([]byte, 4*128)
	binary.LittleEndian.PutUint32(b[4*n:], math.Float32bits(1))
	return base64.StdEncoding.EncodeToString(b)
}

func modelVersion(t *testing.T, name string) string {
	t.Helper()
	m, err := models.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	return m.SHA256[:12]
}
