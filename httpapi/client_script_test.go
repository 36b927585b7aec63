package httpapi_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

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
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
