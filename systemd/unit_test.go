package systemd_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// tool skips a test where a program is not installed.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("no %s here", name)
	}
	return path
}

// TestExposure holds the service at 1.2 at most; a unit that says nothing has 9.6.
func TestExposure(t *testing.T) {
	t.Parallel()
	out, err := exec.Command(tool(t, "systemd-analyze"), "security", "--offline=true", "--threshold=12", "--no-pager", "./spotter.service").CombinedOutput()
	if err != nil {
		t.Errorf("%v:\n%s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "Overall exposure") {
			t.Log(strings.TrimSpace(line))
		}
	}
}

// TestUnitIsUnderstood finds misspelt and too new settings: systemd 252 of Debian 12 warns of those that it does not know.
func TestUnitIsUnderstood(t *testing.T) {
	t.Parallel()
	out, _ := exec.Command(tool(t, "systemd-analyze"), "verify", "--man=no", "./spotter.service").CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "is not executable") { // the package is not installed
			continue
		}
		if strings.Contains(line, "spotter.service") {
			t.Error(line)
		}
	}
}

// TestUnitNeedsLittle: a reload once started /bin/kill, which a small Debian does not have.
func TestUnitNeedsLittle(t *testing.T) {
	t.Parallel()
	unit, err := os.ReadFile("spotter.service")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(unit)) {
		key, command, _ := strings.Cut(strings.TrimSpace(line), "=")
		if !strings.HasPrefix(key, "Exec") {
			continue
		}
		switch program, _, _ := strings.Cut(command, " "); program {
		case "/bin/sh", "/usr/bin/spotter", "/usr/lib/spotter/back-off":
		default:
			t.Errorf("%s is in no package that ours depends on", program)
		}
	}
}

// TestStopLeavesDecoders: a stop once ended the decoders beside the program, and what they had under way was a fault.
func TestStopLeavesDecoders(t *testing.T) {
	t.Parallel()
	unit, err := os.ReadFile("spotter.service")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(unit), "\nKillMode=mixed\n") {
		t.Error("the service manager's SIGTERM goes to the decoders too")
	}
}

// TestBackOff is not parallel: a program that another fork still holds open for writing cannot be started.
func TestBackOff(t *testing.T) {
	script, err := filepath.Abs("back-off")
	if err != nil {
		t.Fatal(err)
	}
	uptime, err := os.ReadFile("/proc/uptime")
	if err != nil {
		t.Skip("no /proc/uptime here")
	}
	var now int
	if _, err := fmt.Sscan(string(uptime), &now); err != nil {
		t.Fatal(err)
	}
	const none = "none"
	for _, tc := range []struct {
		name    string
		before  string // what the last start left, or none
		waits   string
		started string
	}{
		{"the first start", none, "", "1"},
		{"the fourth", fmt.Sprintf("3 %d", now-2), "", "4"},
		{"the fifth", fmt.Sprintf("4 %d", now-2), "2", "5"},
		{"the eighth", fmt.Sprintf("7 %d", now-2), "16", "8"},
		{"the tenth", fmt.Sprintf("9 %d", now-2), "60", "10"},
		{"the thousandth", fmt.Sprintf("999 %d", now-2), "60", "1000"},
		{"after ten good minutes", fmt.Sprintf("999 %d", now-600), "", "1"},
		{"a file cut short", "", "", "1"},
		{"a file of noise", "x; reboot $(id) 12", "", "1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			if tc.before != none {
				write(t, dir, "starts", tc.before, 0o600)
			}
			// A sleep that only tells for how long it was to be.
			write(t, dir, "sleep", "#!/bin/sh\necho $1 >\""+dir+"/slept\"\n", 0o700)
			cmd := exec.Command("sh", script)
			cmd.Env = []string{"RUNTIME_DIRECTORY=" + dir, "PATH=" + dir + ":" + os.Getenv("PATH")}
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			slept, _ := os.ReadFile(filepath.Join(dir, "slept"))
			if got := strings.TrimSpace(string(slept)); got != tc.waits {
				t.Errorf("waits %q s, want %q", got, tc.waits)
			}
			left, err := os.ReadFile(filepath.Join(dir, "starts"))
			if err != nil {
				t.Fatal(err)
			}
			if got, _, _ := strings.Cut(string(left), " "); got != tc.started {
				t.Errorf("counts %q, want %q", got, tc.started)
			}
		})
	}
}

func write(t *testing.T, dir, name, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}
