package systemd_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestSetupFetchesNotices: a runtime that an earlier scripts/setup had fetched came without its licence and notices, and no later
// run noticed, so that no package could be built. It is not parallel for the reason of TestBackOff.
func TestSetupFetchesNotices(t *testing.T) {
	tool(t, "python3")
	if _, err := os.Stat("/usr/share/doc/opencv-doc/examples/data/vtest.avi"); err != nil {
		t.Skip("no opencv-doc here")
	}
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	script, err := os.ReadFile("../scripts/setup")
	if err != nil {
		t.Fatal(err)
	}
	write("scripts/setup", string(script))
	write("tools/dpkg-query", "#!/bin/sh\nprintf installed\n")
	// It is asked for a folder in its last argument, and what it brings is a zip archive.
	write("tools/pip3", `#!/bin/sh
echo fetched >>"$FETCHED"
for folder; do :; done
exec python3 -c 'import sys, zipfile
with zipfile.ZipFile(sys.argv[1] + "/onnxruntime.whl", "w") as wheel:
    for name in ("LICENSE", "ThirdPartyNotices.txt", "capi/libonnxruntime.so.1"):
        wheel.writestr("onnxruntime/" + name, "of the wheel")
' "$folder"
`)
	write(".build/onnxruntime/libonnxruntime.so", "of an earlier setup")
	fetched := filepath.Join(dir, "fetched")
	for range 2 {
		cmd := exec.Command("sh", filepath.Join(dir, "scripts", "setup"))
		cmd.Env = append(os.Environ(), "PATH="+filepath.Join(dir, "tools")+":"+os.Getenv("PATH"), "FETCHED="+fetched)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	for _, name := range []string{"LICENSE", "ThirdPartyNotices.txt", "libonnxruntime.so"} {
		if got, err := os.ReadFile(filepath.Join(dir, ".build", "onnxruntime", name)); err != nil || string(got) != "of the wheel" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if got, err := os.ReadFile(fetched); err != nil || string(got) != "fetched\n" {
		t.Errorf("the second run was to fetch nothing: %q, %v", got, err)
	}
}
