package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/internal/awslocal"
	"spotter/internal/fakeaws"
	"spotter/timeline"
)

// body is the answer of a box's viewer API, with its status.
func (b *box) body(path string) string {
	b.t.Helper()
	resp, body := b.ask(http.MethodGet, b.viewer+path)
	return resp.Status + " " + string(body)
}

// TestLookups has two copies of the viewer API answer from the table that a box writes, and a consumer of the table as the
// seed had them: all say what the box says.
func TestLookups(t *testing.T) {
	t.Parallel()
	const length = 12 * second
	cloud := new(fakeaws.Rekognition)
	server := httptest.NewServer(cloud)
	defer server.Close()
	endpoint := awslocal.DynamoDB(t)
	newTable(t, endpoint, tableName)
	network := awslocal.Network(t, endpoint)
	o := newLongOrigin(t, 2, 6, behind)
	env := []string{"AWS_ENDPOINT_URL_REKOGNITION=" + server.URL, "AWS_ENDPOINT_URL_DYNAMODB=" + network.URL()}
	b := start(t, config(newData(t), o.media(), often(""), "sync: {dynamodb: }"), env...)
	copies := [2]*box{}
	for i := range copies {
		copies[i] = start(t, config(newData(t), "timeline: {dynamodb: }"), env...)
	}
	b.analyzed("cup", behind*2*second)
	o.Publish(3)
	o.End()
	b.analyzed("cup", length)
	eventually(t, "the stream has ended", func() bool { return b.status("cup").State == "ended" })

	paths := []string{"/v1/media", "/v1/media/cup", "/v1/media/cup/timeline", "/v1/media/none/context?position=1", "/v1/media/cup/context?position=x"}
	var input bytes.Buffer
	var asked []string
	rng := rand.New(rand.NewPCG(5, 9))
	for range 200 {
		from := timeline.Position(rng.IntN(int(length+4*second))) - 2*second
		forward := timeline.Position(rng.IntN(8000))
		path := fmt.Sprintf("/v1/media/cup/context?position=%v&forward=%v", from, forward)
		paths, asked = append(paths, path), append(asked, path)
		fmt.Fprintf(&input, `{"media":"cup","from":%v,"until":%v}`+"\n", from, from+forward)
	}
	for _, c := range copies {
		eventually(t, "the copy says what the box says", func() bool {
			return c.body("/v1/media/cup") == b.body("/v1/media/cup") && c.body("/v1/media/cup/timeline") == b.body("/v1/media/cup/timeline")
		})
		for _, path := range paths {
			if diff := cmp.Diff(b.body(path), c.body(path)); diff != "" {
				t.Errorf("%s (-box +copy):\n%s", path, diff)
			}
		}
	}
	b.consumed(asked, endpoint, &input)

	network.Cut()
	if body := copies[0].body("/v1/media/other/context?position=1"); !strings.HasPrefix(body, "404") && !strings.HasPrefix(body, "503") {
		t.Errorf("without the table: %s", body)
	}
	eventually(t, "a copy without its table is not ready", func() bool {
		resp, _ := copies[0].ask(http.MethodGet, copies[0].admin+"/readyz")
		return resp.StatusCode == http.StatusServiceUnavailable
	})
	for _, c := range copies {
		c.stop()
	}
	network.Heal()
	b.stop()
}

// consumed compares what the box answers with what a consumer of the table makes of the same windows.
func (b *box) consumed(paths []string, endpoint string, windows *bytes.Buffer) {
	b.t.Helper()
	cmd := exec.CommandContext(b.t.Context(), awslocal.Python(b.t), awslocal.Script(b.t, "consumer", "window.py"), tableName, "30")
	cmd.Env, cmd.Stdin, cmd.Stderr = append(os.Environ(), awslocal.Environ(endpoint)...), windows, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		b.t.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	if len(lines) != len(paths) {
		b.t.Fatalf("%d answers to %d windows", len(lines), len(paths))
	}
	type seen struct {
		Name, ID, Source        string
		Confidence, From, Until float64
	}
	type answer struct{ Celebrities, Objects []seen }
	for i, path := range paths {
		var want, got answer
		b.get(path, &want)
		if err := json.Unmarshal(lines[i], &got); err != nil {
			b.t.Fatal(err)
		}
		if len(got.Celebrities)+len(want.Celebrities) == 0 {
			got.Celebrities = want.Celebrities
		}
		if len(got.Objects)+len(want.Objects) == 0 {
			got.Objects = want.Objects
		}
		if diff := cmp.Diff(want, got); diff != "" {
			b.t.Errorf("%s (-box +consumer):\n%s", path, diff)
		}
	}
}
