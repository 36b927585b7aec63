package main

import (
	"io"
	"testing"

	"spotter/internal/testmedia"
	"spotter/models"
)

// The demo's model comes from the first mirror that has it, and from where it was kept the next time.
func TestDemoModel(t *testing.T) {
	mirror := testmedia.Kit(t, "models")
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	c := &cli{stdout: io.Discard, stderr: io.Discard}
	for _, m := range []string{mirror, t.TempDir()} {
		conf := defaultConfig()
		conf.DataDir = t.TempDir()
		c.demoModel(t.Context(), &conf, []string{t.TempDir(), m})
		nano, err := models.Find(conf.Vision.Local.Objects)
		if err != nil {
			t.Fatal(err)
		}
		if err := models.Verify(conf.modelsDir(), nano); err != nil {
			t.Error(err)
		}
	}
}

func TestDemoScenes(t *testing.T) {
	p := demoProgramme()
	all := p.scenes(60_000)
	if len(all) == 0 || all[len(all)-1].Until > 60_000 {
		t.Fatalf("scenes until 60 s: %v", all)
	}
	for i, s := range all[1:] {
		if s.From != all[i].Until {
			t.Errorf("scene %d begins at %v, the one before ends at %v", i+1, s.From, all[i].Until)
		}
	}
}
