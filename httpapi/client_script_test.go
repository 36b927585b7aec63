package httpapi_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"spotter/httpapi"
)

// TestJavaScriptClient runs the client's own tests, in web/client, against the real server with a key.
func TestJavaScriptClient(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not there")
	}
	version, err := exec.Command(node, "--version").Output()
	if err != nil || strings.HasPrefix(string(version), "v16.") || len(strings.SplitN(string(version), ".", 2)[0]) < len("v18") {
		t.Skipf("node is %s: the tests need 18 or newer", version)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	keys := filepath.Join(t.TempDir(), "keys")
	key := keyFor(t, keys, "app")
	clientOn(t, guarded(t, httpapi.AccessConfig{KeysFile: keys}), ln, new(net.Dialer).DialContext)
	cmd := exec.CommandContext(t.Context(), node, "--test", "client.test.mjs")
	cmd.Dir = filepath.Join("web", "client")
	cmd.Env = append(os.Environ(), "SPOTTER_URL=http://"+ln.Addr().String(), "SPOTTER_KEY="+key)
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Error(err)
	}
}

// pageOfAnotherOrigin follows a player that shows the cup at 46 s, and tells its own server what came.
const pageOfAnotherOrigin = `<!doctype html><video></video><script type="module">
import { Spotter } from "BOX/client/index.js";
const video = document.querySelector("video");
const tell = text => fetch("/told", { method: "POST", body: text });
new Spotter("BOX", { credential: "KEY" }).follow("cup-final", {
  video, zero: 46, via: "VIA", onError: e => tell(String(e)),
  onChange: c => tell(c.entered.map(e => e.name).join()),
});
</script>`

// TestJavaScriptClientInBrowser has a page of another origin import the client from the box and follow with a key, so that the browser
// asks with preflights and enforces what they answer.
func TestJavaScriptClientInBrowser(t *testing.T) {
	chromium, err := exec.LookPath("chromium")
	if err != nil || testing.Short() {
		t.Skip("needs chromium, and not -short")
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	keys := filepath.Join(t.TempDir(), "keys")
	key := keyFor(t, keys, "app")
	told := make(chan string, 16)
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			text, _ := io.ReadAll(r.Body)
			told <- string(text)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, strings.NewReplacer("BOX", "http://"+ln.Addr().String(), "KEY", key, "VIA", r.URL.Query().Get("via")).Replace(pageOfAnotherOrigin))
	}))
	defer page.Close()
	clientOn(t, guarded(t, httpapi.AccessConfig{KeysFile: keys, Origins: []string{page.URL}}), ln, new(net.Dialer).DialContext)
	for _, via := range []string{"windows", "live"} {
		t.Run(via, func(t *testing.T) {
			profile, err := os.MkdirTemp("", "spotter-chromium") // t.TempDir would fail should a killed process still write
			if err != nil {
				t.Fatal(err)
			}
			defer os.RemoveAll(profile)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			cmd := exec.CommandContext(ctx, chromium, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
				"--user-data-dir="+profile, "--remote-debugging-port=0", page.URL+"/?via="+via)
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			select {
			case got := <-told:
				if got != "Lin-Manuel Miranda,Couch" {
					t.Errorf("the page was told %q", got)
				}
			case <-ctx.Done():
				t.Error("the page was told nothing")
			}
			cancel()
			_ = cmd.Wait() // it was killed
		})
	}
}
