package systemd_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestScriptsAreShell(t *testing.T) {
	t.Parallel()
	for _, path := range []string{
		"../packaging/postinst", "../packaging/prerm", "../packaging/postrm", "back-off", "../scripts/build-deb", "../scripts/deb-version", "../scripts/deb-licenses",
	} {
		if out, err := exec.Command("sh", "-n", path).CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", path, err, out)
		}
		if info, err := os.Stat(path); err != nil || info.Mode()&0o111 == 0 {
			t.Errorf("%s cannot be executed", path)
		}
	}
}

// TestVersionsRise walks through a repository's life; each version must be higher to dpkg than the one before.
func TestVersionsRise(t *testing.T) {
	t.Parallel()
	tool(t, "git")
	tool(t, "dpkg")
	dir := t.TempDir()
	script, err := os.ReadFile("../scripts/deb-version")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "scripts"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "scripts", "deb-version"), script, 0o755); err != nil {
		t.Fatal(err)
	}
	do := func(date, name string, args ...string) string {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
			"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.org", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.org",
			"GIT_AUTHOR_DATE="+date, "GIT_COMMITTER_DATE="+date)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %v: %v: %s", name, args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	do("", "git", "init", "-q")
	do("", "git", "add", ".")
	last := "0.0.1"
	for _, step := range []struct{ date, tag, begins string }{
		{"2026-11-23T08:00:00Z", "", "0.1.0~git20261123.080000."},
		{"2026-11-23T21:30:00+02:00", "", "0.1.0~git20261123.193000."},
		{"2026-12-01T00:00:00Z", "v0.1.0-rc1", "0.1.0~rc1"},
		{"2026-12-02T00:00:00Z", "v0.1.0", "0.1.0"},
		{"2026-12-03T00:00:00Z", "", "0.1.0+git20261203.000000."},
		{"2026-12-04T00:00:00Z", "v0.2.0", "0.2.0"},
	} {
		do(step.date, "git", "commit", "-q", "--allow-empty", "-m", "more")
		if step.tag != "" {
			do(step.date, "git", "tag", step.tag)
		}
		got := do("", "scripts/deb-version")
		if !strings.HasPrefix(got, step.begins) {
			t.Errorf("got version %s, want %s", got, step.begins)
		}
		if err := exec.Command("dpkg", "--compare-versions", last, "lt", got).Run(); err != nil {
			t.Errorf("%s does not come before %s", last, got)
		}
		last = got
	}
	if err := os.WriteFile(filepath.Join(dir, "scripts", "deb-version"), append(script, '\n'), 0o755); err != nil {
		t.Fatal(err)
	}
	if got := do("", "scripts/deb-version"); got != last+"+dirty" {
		t.Errorf("got version %s of what is not committed, want %s+dirty", got, last)
	}
}
