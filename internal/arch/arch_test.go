// Package arch_test holds the architecture: which package may import which, where cgo is, and how large a file may be.
package arch_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "spotter/"

// allowed lists for each package of ours what it may import of ours. Arrows go down only, and packages of one level do
// not import each other.
var allowed = map[string][]string{
	"timeline":             {},
	"capture/apart/wire":   {},
	"capture/apart/jail":   {},
	"capture/container":    {"capture/apart/wire"},
	"capture/fetch":        {},
	"capture/playlist":     {},
	"capture/relay":        {"capture/fetch", "capture/playlist"},
	"capture/schedule":     {},
	"capture/scte35":       {},
	"models":               {},
	"models/onnx":          {},
	"systemd":              {},
	"capture":              {"capture/apart/wire", "capture/container", "capture/fetch", "capture/playlist", "capture/scte35", "timeline"},
	"vision":               {"timeline"},
	"store":                {"internal/durable", "timeline"},
	"store/thumbnail":      {"internal/durable", "timeline"},
	"httpapi":              {"timeline"},
	"httpapi/client":       {"timeline"},
	"engage/policy":        {},
	"engage/instrument":    {"timeline"},
	"engage/ledger":        {"engage/policy", "internal/durable", "timeline"},
	"engage/offline":       {"engage/ledger", "engage/policy", "timeline"},
	"engage":               {"engage/instrument", "engage/ledger", "engage/policy", "timeline"},
	"capture/opencv":       {"capture", "capture/container", "timeline"},
	"capture/apart":        {"capture", "capture/apart/jail", "capture/apart/wire", "capture/container", "timeline", "vision"},
	"internal/awsfault":    {},
	"internal/durable":     {},
	"vision/rekognition":   {"internal/awsfault", "vision", "timeline"},
	"vision/local":         {"vision", "timeline"},
	"vision/local/gallery": {"timeline"},
	"vision/classic":       {"vision", "timeline"},
	"sync/outbox":          {"internal/awsfault", "store", "timeline"},
	"sync/dynamodb":        {"capture", "httpapi", "internal/awsfault", "timeline"},
	"sync/sns":             {"internal/awsfault", "store", "timeline"},
	"sync/s3":              {"internal/awsfault", "timeline"},
}

// owners lists the only packages that may import a library.
var owners = map[string][]string{
	"gocv.io/x/gocv":                          {"capture/opencv", "vision/classic"},
	"github.com/yalue/onnxruntime_go":         {"models/onnx"},
	"github.com/grafov/m3u8":                  {"capture/playlist"},
	"github.com/arran4/golang-ical":           {"capture/schedule"},
	"github.com/teambition/rrule-go":          {"capture/schedule"},
	"github.com/Comcast/scte35-go/pkg/scte35": {"capture/scte35"},
	"github.com/elastic/go-seccomp-bpf":       {"capture/apart/jail"},
	"github.com/coreos/go-systemd/v22/daemon": {"systemd"},
	"go.etcd.io/bbolt":                        {"internal/durable", "store", "store/thumbnail", "engage/ledger"},
	"gonum.org/v1/gonum/mat":                  {"engage/policy", "engage/offline"},
}

type pkg struct {
	ImportPath string
	Name       string
	Doc        string
	Dir        string
	Imports    []string
	GoFiles    []string
	CgoFiles   []string
	Deps       []string
}

func (p pkg) name() string { return strings.TrimPrefix(p.ImportPath, module) }

// support reports whether a package is there for tests and measurements only.
func (p pkg) support() bool {
	_, product := allowed[p.name()]
	return strings.HasPrefix(p.name(), "internal/") && !product || p.name() == "vision/recognizertest"
}

func list(t *testing.T, tags string) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Name,Doc,Dir,Imports,GoFiles,CgoFiles,Deps", "-tags", tags, module+"...")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []pkg
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatalf("read go list: %v", err)
		}
		all = append(all, p)
	}
}

func TestArrowsGoDown(t *testing.T) {
	for _, p := range list(t, "") {
		if p.support() || strings.HasPrefix(p.name(), "cmd/") {
			continue
		}
		may, known := allowed[p.name()]
		if !known {
			t.Errorf("%s is not in the picture: add it to docs/architecture.md and here", p.name())
			continue
		}
		for _, i := range p.Imports {
			if ours := strings.TrimPrefix(i, module); ours != i && !slices.Contains(may, ours) {
				t.Errorf("%s imports %s", p.name(), ours)
			}
		}
	}
}

func TestLibrariesHaveOneOwner(t *testing.T) {
	for _, p := range list(t, "") {
		for library, by := range owners {
			if slices.Contains(p.Imports, library) && !slices.Contains(by, p.name()) && !p.support() {
				t.Errorf("%s imports %s, which belongs to %v", p.name(), library, by)
			}
		}
	}
}

func TestPureBuildHasNoC(t *testing.T) {
	for _, p := range list(t, "nocv,noonnx") {
		for _, d := range p.Deps {
			if d == "gocv.io/x/gocv" || d == "github.com/yalue/onnxruntime_go" {
				t.Errorf("%s still reaches %s with -tags nocv,noonnx", p.name(), d)
			}
		}
	}
}

func TestEveryPackageSaysWhatItOwns(t *testing.T) {
	for _, p := range list(t, "") {
		if len(p.GoFiles)+len(p.CgoFiles) > 0 && p.Doc == "" {
			t.Errorf("%s has no package comment", p.name())
		}
	}
}

// mostLines is where a file has grown past its purpose.
const mostLines = 400

func TestFilesStaySmall(t *testing.T) {
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && strings.HasPrefix(d.Name(), ".") {
			return fs.SkipDir
		}
		if filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if n := bytes.Count(text, []byte("\n")); n > mostLines {
			t.Errorf("%s has %d lines: split it", path, n)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
