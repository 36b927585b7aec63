package arch_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var serial = regexp.MustCompile(`(?m)^SERIAL := (.+)$`)

// TestSerialPackagesStartNoGoroutine holds the packages that make test runs without the race detector to having none: neither a go
// statement, nor what starts goroutines for them, nor parallel tests.
func TestSerialPackagesStartNoGoroutine(t *testing.T) {
	root := filepath.Join("..", "..")
	text, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	found := serial.FindStringSubmatch(string(text))
	if found == nil {
		t.Fatal("the Makefile has no SERIAL")
	}
	for _, dir := range strings.Fields(found[1]) {
		files, err := filepath.Glob(filepath.Join(root, dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: no files, %v", dir, err)
		}
		for _, name := range files {
			set := token.NewFileSet()
			file, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if concurrent(n) {
					t.Errorf("%s: with goroutines %s belongs under the race detector: take it out of SERIAL in the Makefile", set.Position(n.Pos()), dir)
				}
				return true
			})
		}
	}
}

// concurrent reports whether something starts a goroutine, or imports what does.
func concurrent(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.GoStmt:
		return true
	case *ast.SelectorExpr:
		return n.Sel.Name == "Parallel" || n.Sel.Name == "AfterFunc"
	case *ast.ImportSpec:
		switch n.Path.Value {
		case `"sync"`, `"net/http"`, `"testing/synctest"`, `"golang.org/x/sync/errgroup"`:
			return true
		}
	}
	return false
}
