package main_test

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRefusals are starts that cannot succeed: exit code 1, one error that says the mend, and nothing spoilt.
func TestRefusals(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { taken.Close() }) // the cases go on after this function
	o := newOrigin(t, 1, 1)
	locked := newData(t)
	start(t, config(locked, classic, o.media()))
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "not a folder")

	for name, tc := range map[string]struct{ data, old, new, says string }{
		"taken viewer port": {
			newData(t), "viewer: {listen: '127.0.0.1:0'", "viewer: {listen: '" + taken.Addr().String() + "'",
			"end the program that uses the address, or set http.viewer.listen",
		},
		"taken admin port": {
			newData(t), "admin: {listen: '127.0.0.1:0'", "admin: {listen: '" + taken.Addr().String() + "'",
			"end the program that uses the address, or set http.admin.listen",
		},
		"no right to the data folder": {file + "/data", "", "", "give this user the right to write there, or set data_dir"},
		"second box on one folder":    {locked, "", "", "stop the other spotter, or give this one a data_dir of its own"},
		"no cloud region":             {newData(t), "vision: {local: {recognizer: classic}}", "vision: {rekognition: }", "set vision.rekognition.region or AWS_REGION"},
		"no region of the table":      {newData(t), "vision: {", "sync: {dynamodb: }\nvision: {", "set sync.dynamodb.region or AWS_REGION"},
		"no password file":            {newData(t), "{id: cup,", "{id: cup, basic_auth: {username: box, password_file: /nowhere/password},", "put the file there, and let this user read it"},
		"no address":                  {newData(t), "{id: cup,", "{id: cup, headers_file: " + file + ",", "headers_file: line 1: want Name: value"},
		"no model":                    {newData(t), "recognizer: classic", "recognizer: onnx", "spotter models pull yolox-nano"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			database := filepath.Join(tc.data, "spotter.db")
			before, _ := os.ReadFile(database)
			b := launch(t, strings.Replace(config(tc.data, classic, o.media()), tc.old, tc.new, 1), "AWS_REGION=")
			if code := b.end(patience); code != 1 {
				t.Errorf("exit code %d, want 1", code)
			}
			var errs []string
			for line := range strings.Lines(b.logged()) {
				if !strings.HasPrefix(line, "time=") {
					errs = append(errs, line)
				}
			}
			if len(errs) != 1 || !strings.HasPrefix(errs[0], "spotter: ") || !strings.Contains(errs[0], tc.says) {
				t.Errorf("got %q, want one error that says %q", errs, tc.says)
			}
			if after, _ := os.ReadFile(database); before != nil && tc.data != locked && !bytes.Equal(before, after) {
				t.Error("the database was changed")
			}
		})
	}
}
