package main_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

// TestAccess has a box with TLS and keys: who has none is refused, spotter lookup gets in with one, and the box takes up a new
// one while it runs.
func TestAccess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	key, pair := newKey(t, filepath.Join(dir, "keys")), writeCertificate(t, dir)
	o := newOrigin(t, behind, behind)
	o.End()
	conf := "data_dir: " + newData(t) + "\n" + o.media() + "\n" + classic + "\nhttp:\n" +
		"  viewer: {listen: '127.0.0.1:0', auth: keys, keys_file: keys, " + pair + "}\n" +
		"  admin: {listen: '127.0.0.1:0'}\n"
	b := start(t, conf, "CREDENTIALS_DIRECTORY="+dir)
	if !strings.HasPrefix(b.viewer, "https://127.0.0.1:") {
		t.Fatalf("the box serves %s", b.viewer)
	}
	file := filepath.Join(dir, "spotter.yaml")
	write(t, file, strings.Replace(conf, "127.0.0.1:0', auth", strings.TrimPrefix(b.viewer, "https://")+"', auth", 1))
	ask := func(key string) (code int, stdout, stderr string) {
		return program(t, []string{"SPOTTER_KEY=" + key, "CREDENTIALS_DIRECTORY=" + dir}, "lookup", "cup", "--position", "1", "--config", file)
	}
	if code, _, says := ask("spotter_wrong"); code != 1 || !strings.Contains(says, "401 Unauthorized") {
		t.Errorf("with a wrong key: %d, %s", code, says)
	}
	eventually(t, "a look-up with the key is answered", func() bool {
		_, out, _ := ask(key)
		var a lookUp
		return json.Unmarshal([]byte(out), &a) == nil && a.Complete
	})
	if strings.Contains(b.logged(), key) {
		t.Error("the log has the key")
	}
	b.stop()
}
