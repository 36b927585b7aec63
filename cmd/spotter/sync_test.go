package main_test

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/timeline"
)

// table plays DynamoDB's PutItem for the one condition that the box uses: a higher revision.
type table struct {
	mu    sync.Mutex
	away  bool
	items map[string]item
}

// item is a DynamoDB item as it is on the wire: by attribute, then by type.
type item map[string]map[string]string

func (f *table) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.away {
		panic(http.ErrAbortHandler)
	}
	var in struct {
		TableName string
		Item      item
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.TableName != "celebrity_object_in_media_stream" {
		answer(w, http.StatusBadRequest, `{"__type":"ResourceNotFoundException"}`)
		return
	}
	key := in.Item["media_id"]["S"] + " " + in.Item["media_time_position"]["N"]
	if old, ok := f.items[key]; ok && revision(old) >= revision(in.Item) {
		answer(w, http.StatusBadRequest, `{"__type":"ConditionalCheckFailedException"}`)
		return
	}
	f.items[key] = in.Item
	answer(w, http.StatusOK, "{}")
}

// answer sends a body with the checksum that the SDK compares.
func answer(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.Header().Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE([]byte(body))), 10))
	w.WriteHeader(status)
	fmt.Fprint(w, body)
}

func revision(i item) int {
	n, _ := strconv.Atoi(i["revision"]["N"])
	return n
}

func (f *table) setAway(away bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.away = away
}

// scenes returns the spans and objects of the items whose end is final.
func (f *table) scenes() map[string]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := map[string]string{}
	for _, i := range f.items {
		if revision(i) > 1 {
			out[i["media_time_position"]["N"]] = i["media_time_until"]["N"] + " " + i["source"]["S"] + " " + i["object_json"]["S"]
		}
	}
	return out
}

// recorded returns the same of what the box has recorded.
func (b *box) recorded() map[string]string {
	b.t.Helper()
	out := map[string]string{}
	for _, o := range b.timeline("cup") {
		if o.Revision > 1 {
			out[o.From.String()] = fmt.Sprintf("%v %s %s", o.Until, o.Source, objects(o.Objects))
		}
	}
	return out
}

func objects(list []timeline.Entity) string {
	var parts []string
	for _, e := range list {
		parts = append(parts, fmt.Sprintf(`{"Name":%q,"Confidence":%v}`, e.Name, e.Confidence))
	}
	return "[" + strings.Join(parts, ",") + "]"
}

// TestSync has DynamoDB away for a while, and a restart in that time; in the end the table has what the box has.
func TestSync(t *testing.T) {
	t.Parallel()
	f := &table{items: map[string]item{}}
	server := httptest.NewServer(f)
	defer server.Close()
	o := newOrigin(t, 12, 5)
	conf := config(newData(t), eager, o.media(), "sync: {dynamodb: }")
	env := "AWS_ENDPOINT_URL_DYNAMODB=" + server.URL
	same := func(b *box, least int) {
		t.Helper()
		eventually(t, fmt.Sprintf("the table has what the box has, %d scenes or more", least), func() bool {
			want := b.recorded()
			return len(want) >= least && cmp.Equal(want, f.scenes())
		})
	}

	b := start(t, conf, env)
	b.analyzed("cup", 3*second)
	same(b, 2)
	f.setAway(true)
	o.Publish(2)
	b.analyzed("cup", 5*second)
	if !b.context("cup", 4*second, 0, second).Complete {
		t.Error("look-ups suffer from the sink")
	}
	eventually(t, "the outbox waits", func() bool {
		line := b.metric(`spotter_outbox_entries{sink="dynamodb"} `)
		return line != "" && !strings.HasSuffix(line, " 0")
	})
	eventually(t, "the log says so", func() bool { return strings.Contains(b.logged(), "sink fails, its outbox waits") })
	b.stop()
	if !strings.Contains(b.logged(), "observations stay in the outbox until the next start") {
		t.Error("the log does not say what stays behind")
	}

	f.setAway(false)
	b = start(t, conf, env)
	o.Publish(2)
	b.analyzed("cup", 7*second)
	same(b, 6)
	o.End()
	eventually(t, "the stream has ended", func() bool { return b.status("cup").State == "ended" })
	b.stop()
	want := map[string]string{}
	for p := timeline.Position(0); p < 7*second; p += second {
		want[p.String()] = (p + second).String()
	}
	got := map[string]string{}
	for from, rest := range f.scenes() {
		got[from], _, _ = strings.Cut(rest, " ")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("final items of the whole event (-want +got):\n%s", diff)
	}
}
