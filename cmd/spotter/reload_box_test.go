package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	hls "spotter/internal/origin"
	"spotter/timeline"
)

// rewrite puts another configuration in the place of a box's, as editors do: at once.
func (b *box) rewrite(text string) {
	b.t.Helper()
	if err := os.WriteFile(b.file+".new", []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
	if err := os.Rename(b.file+".new", b.file); err != nil {
		b.t.Fatal(err)
	}
}

// says waits until the log has a text so many times.
func (b *box) says(text string, times int) {
	b.t.Helper()
	eventually(b.t, fmt.Sprintf("the log says %q %d times", text, times), func() bool { return strings.Count(b.logged(), text) >= times })
}

// follows is a media of its own origin with more keys.
func (o *origin) follows(id, more string) string {
	return "  - {id: " + id + ", url: '" + o.URL + hls.Media + "'" + more + "}"
}

// ids are those of GET /v1/media, in its order.
func (b *box) ids() (ids []string) {
	b.t.Helper()
	var all struct{ Media []struct{ Media string } }
	b.get("/v1/media", &all)
	for _, m := range all.Media {
		ids = append(ids, m.Media)
	}
	return ids
}

const taken = `msg="configuration read again"`

// TestReload changes one stream of two: it goes on where it was, and the other does not notice. Taken out, its recordings are
// still answered; put in again it has its positions.
func TestReload(t *testing.T) {
	t.Parallel()
	cup, derby := newOrigin(t, 24, 6), newOrigin(t, 24, 6)
	data := newData(t)
	conf := func(media ...string) string { return config(data, append([]string{classic, "media:"}, media...)...) }
	b := start(t, conf(cup.follows("cup", ""), derby.follows("derby", "")))
	b.analyzed("cup", behind*second)
	b.analyzed("derby", behind*second)

	b.rewrite(conf(cup.follows("cup", ", breaks: skip"), derby.follows("derby", "")))
	b.says(`msg="media changed: it goes on where it was" media=cup`, 1)
	b.says(taken, 1)
	cup.Publish(2)
	derby.Publish(2)
	b.analyzed("cup", (behind+2)*second)
	b.analyzed("derby", (behind+2)*second)
	for media, o := range map[string]*origin{"cup": cup, "derby": derby} {
		if a := b.context(media, 0, 0, (behind+2)*second); !a.Complete || !a.has("Person") {
			t.Errorf("%s after the change: %+v, want all of it", media, a)
		}
		seen := map[string]int{}
		for _, r := range o.Requests() {
			if strings.HasSuffix(r.Path, ".ts") {
				seen[r.Path]++
			}
		}
		for path, n := range seen {
			if n > 1 && media == "derby" {
				t.Errorf("%s was fetched %d times: its stream was restarted", path, n)
			}
		}
	}

	b.rewrite(conf(derby.follows("derby", "")))
	b.says(`msg="media removed: what it has recorded is answered as before" media=cup`, 1)
	b.says(taken, 2)
	if s := b.status("cup"); s.State != "stopped" || s.AnalyzedUntil == nil || *s.AnalyzedUntil != (behind+2)*second {
		t.Errorf("removed: %+v", s)
	}
	if a := b.context("cup", 0, 0, (behind+2)*second); !a.Complete || !a.has("Person") {
		t.Errorf("removed: %+v, want all of it", a)
	}
	if ids := b.ids(); !slices.Equal(ids, []string{"derby", "cup"}) {
		t.Errorf("media %v", ids)
	}
	if resp, _ := b.ask(http.MethodPost, b.admin+"/v1/media/cup/start"); resp.StatusCode != http.StatusNotFound {
		t.Errorf("start of a removed media: %s", resp.Status)
	}
	cup.Publish(1)
	derby.Publish(1)
	b.analyzed("derby", (behind+3)*second)

	b.rewrite(conf(derby.follows("derby", ""), cup.follows("cup", "")))
	b.says(`msg="media added" media=cup`, 1)
	cup.Publish(1)
	b.analyzed("cup", (behind+4)*second)
	if a := b.context("cup", 0, 0, (behind+4)*second); !a.Complete {
		t.Errorf("added again: %+v, want all of it at the positions from before", a)
	}
	if got := b.metric("spotter_config_last_reload_successful"); got != "spotter_config_last_reload_successful 1" {
		t.Error(got)
	}
	if s := b.status("derby"); len(s.Faults) > 0 && s.Faults[0].Kind != "stalled" {
		t.Errorf("derby: %+v", s.Faults)
	}
	b.stop()
}

// TestWrongReload: a wrong file is refused whole with all that is wrong, and mended by the next; what needs a restart is named.
func TestWrongReload(t *testing.T) {
	t.Parallel()
	o := newOrigin(t, 12, 6)
	data := newData(t)
	secret := filepath.Join(t.TempDir(), "headers")
	write(t, secret, "X-Token: one\n")
	good := config(data, classic, "media:", o.follows("cup", ", headers_file: '"+secret+"'"))
	b := start(t, good)
	b.analyzed("cup", second)

	b.rewrite(strings.Replace(good, classic, "vision: {mode: sometimes}\nretention: {age: 1m}", 1) + o.follows("new", ", zero: noon") + "\n")
	b.says(`msg="the configuration is refused, and the one from before stays: mend the file, which is then read again"`, 1)
	for _, fault := range []string{"vision.mode", "retention.age", "media[1].zero"} {
		b.says(fault, 1)
	}
	if got := b.metric("spotter_config_last_reload_successful"); got != "spotter_config_last_reload_successful 0" {
		t.Error(got)
	}
	// A file that names another that is not there is as wrong.
	b.rewrite(good + o.follows("new", ", headers_file: /nowhere/headers") + "\n")
	b.says("media new: headers_file: open /nowhere/headers: no such file or directory: put the file there", 1)
	o.Publish(2)
	b.analyzed("cup", (behind+2)*second)
	if ids := b.ids(); !slices.Equal(ids, []string{"cup"}) {
		t.Errorf("media %v", ids)
	}

	b.rewrite(strings.Replace(strings.Replace(good, "admin: {listen: '127.0.0.1:0'}", "admin: {listen: '127.0.0.1:1'}", 1),
		classic, "vision: {local: {recognizer: classic}, max_scene: 20s}\nretention: {age: 5h}\nlog: {level: debug}", 1))
	b.signal(syscall.SIGHUP) // at once
	for _, said := range []string{
		`msg="http.admin.listen changed: restart to apply"`, `msg="vision.max_scene changed: restart to apply"`, `keys="retention.age, log.level"`, taken,
	} {
		b.says(said, 1)
	}

	// A file that the configuration names is one of its own.
	write(t, secret, "X-Token: other\n")
	b.says(`msg="media changed: it goes on where it was" media=cup`, 1)
	if strings.Contains(b.logged(), "X-Token") {
		t.Error("the log has a header of the file with secrets")
	}
	b.stop()
}

// TestRunWithoutMedia is the first start after the installation, and a box that only answers what it has recorded.
func TestRunWithoutMedia(t *testing.T) {
	t.Parallel()
	o := newOrigin(t, 6, 6)
	data := newData(t)
	b := start(t, config(data, classic))
	b.says("no media is configured", 1)
	resp, body := b.ask(http.MethodGet, b.admin+"/readyz")
	var ready struct {
		Ready  bool
		Checks []struct {
			Name, Detail, Mend string
			OK                 bool
		}
	}
	if err := json.Unmarshal(body, &ready); err != nil || resp.StatusCode != http.StatusOK || !ready.Ready || len(ready.Checks) != 2 ||
		!strings.Contains(ready.Checks[0].Detail, "no media is configured") || ready.Checks[0].Mend == "" {
		t.Errorf("%v: %s: %s", err, resp.Status, body)
	}
	b.rewrite(config(data, classic, o.media()))
	b.says(`msg="media added" media=cup`, 1)
	b.analyzed("cup", second)
	b.stop()

	again := start(t, config(data, classic))
	if a := again.context("cup", timeline.Position(500), 0, 0); !a.Complete || !a.has("Person") {
		t.Errorf("recorded before: %+v", a)
	}
	if s := again.status("cup"); s.State != "stopped" {
		t.Errorf("recorded before: %+v", s)
	}
	again.signal(syscall.SIGHUP)
	again.says(taken, 1)
	again.stop()
}

// TestHangUpAtStart: a signal that comes before the box runs does not end it.
func TestHangUpAtStart(t *testing.T) {
	t.Parallel()
	b := start(t, config(newData(t), classic))
	for range 20 {
		b.signal(syscall.SIGHUP)
	}
	b.says(taken, 1)
	b.stop()
}
