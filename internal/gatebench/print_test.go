package gatebench_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"spotter/internal/gatebench"
)

func TestWriteChart(t *testing.T) {
	var b strings.Builder
	err := gatebench.WriteChart(&b, "title", []gatebench.Line{
		{Name: "fixed", Parameter: "seconds", Default: 1, Points: []gatebench.Point{{"1", 1, 1}, {"4", 0.25, 0.8}}},
		{Name: "gate", Parameter: "sensitivity", Points: []gatebench.Point{{"1", 0.08, 0.98}, {"9", 0.0001, 0.1}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(b.String(), "\n")
	for _, l := range lines {
		if len(l) > 100 {
			t.Errorf("%d columns: %s", len(l), l)
		}
	}
	for prefix, want := range map[string]string{" 1.00 |": "a", " 0.98 |": "B", " 0.80 |": "A", " 0.70 |": "b"} {
		for _, l := range lines {
			if strings.HasPrefix(l, prefix) && strings.Trim(l[len(prefix):], " |-") != want {
				t.Errorf("%q is to have %s", l, want)
			}
		}
	}
	if text := b.String(); !strings.Contains(text, "4*: 25.0 / 0.800") {
		t.Errorf("the default is not marked:\n%s", text)
	}
}

func TestWriteTable(t *testing.T) {
	var b strings.Builder
	rows := []gatebench.Row{{"gate", []gatebench.Score{{100, 8, 50, 49, 49}, {100, 12, 50, 51, 49}}}}
	if err := gatebench.WriteTable(&b, "title", []string{"one", "two"}, rows); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"20", "95.0 %", "80.0 %", "0.980", "8 0.980", "12 0.980"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is missing from\n%s", want, b.String())
		}
	}
}

func TestWriteCuts(t *testing.T) {
	var b strings.Builder
	rows := []gatebench.CutRow{{"scdet", []gatebench.CutScore{{3, 1, 0}, {0, 0, 1}}}}
	if err := gatebench.WriteCuts(&b, "title", []string{"one", "two"}, rows); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"0.750", "3/1/0", "0/0/1"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is missing from\n%s", want, b.String())
		}
	}
}

func TestCache(t *testing.T) {
	c, err := gatebench.NewCache(filepath.Join(t.TempDir(), "cache"))
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	if _, err := c.Bytes("a", func() ([]byte, error) { return nil, broken }); !errors.Is(err, broken) {
		t.Errorf("%v, want %v", err, broken)
	}
	for i, text := range []string{"first", "second"} {
		got, err := c.Bytes("a", func() ([]byte, error) { return []byte(text), nil })
		if err != nil || string(got) != "first" {
			t.Errorf("call %d: %s, %v", i, got, err)
		}
	}
}

func TestMemo(t *testing.T) {
	dir := t.TempDir()
	c, err := gatebench.NewCache(dir)
	if err != nil {
		t.Fatal(err)
	}
	computed := 0
	for range 2 {
		m, err := gatebench.OpenMemo[int](c, "numbers")
		if err != nil {
			t.Fatal(err)
		}
		got, err := m.Get([32]byte{1}, func() (int, error) { computed++; return 7, nil })
		if err != nil || got != 7 {
			t.Errorf("%d, %v", got, err)
		}
		if err := m.Save(); err != nil {
			t.Fatal(err)
		}
	}
	if computed != 1 {
		t.Errorf("computed %d times", computed)
	}
	if err := os.WriteFile(filepath.Join(dir, "numbers.gob"), []byte("no gob"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := gatebench.OpenMemo[int](c, "numbers"); err != nil {
		t.Errorf("a spoilt memo is begun anew: %v", err)
	}
}

func TestKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	if err := os.WriteFile(path, []byte("text"), 0o644); err != nil {
		t.Fatal(err)
	}
	one, err := gatebench.Key([]string{path}, "a", "b")
	if err != nil {
		t.Fatal(err)
	}
	other, err := gatebench.Key([]string{path}, "ab")
	if err != nil || one == other {
		t.Errorf("%s and %s, %v", one, other, err)
	}
}
