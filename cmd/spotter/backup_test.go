package main

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"spotter/engage/ledger"
	"spotter/httpapi"
	"spotter/store"
	"spotter/timeline"
)

// data is a data folder with something of each kind in it.
func data(t *testing.T) (conf *config, db *store.Store, l *ledger.Ledger) {
	t.Helper()
	conf = &config{DataDir: t.TempDir()}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	conf.HTTP.Admin.Listen = ln.Addr().String()
	ln.Close()
	people := filepath.Join(conf.DataDir, galleryFolder)
	if err := os.Mkdir(people, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"zoe.json": `{"format":1}`, ".lock": "", ".zoe.json.new-1": "half"} {
		if err := os.WriteFile(filepath.Join(people, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if db, err = store.Open(filepath.Join(conf.DataDir, databaseFile), store.Options{}); err != nil {
		t.Fatal(err)
	}
	if l, err = ledger.Open(conf.DataDir, ledger.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close(); l.Close() })
	fill(t, db, 300)
	if err := l.PutProfile("anna", []byte(`{"age":30}`)); err != nil {
		t.Fatal(err)
	}
	return conf, db, l
}

// TestBackupLive backs a box up over its admin listener while it is written, and restores that elsewhere and in place.
func TestBackupLive(t *testing.T) {
	conf, db, l := data(t)
	server := httpapi.NewAdmin(httpapi.AdminConfig{Gatherer: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler)})
	server.ServeBackup(func(w io.Writer) error { return backupLive(conf.DataDir, db, l, w) })
	ln, err := net.Listen("tcp", conf.HTTP.Admin.Listen)
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		if err := server.Serve(ln); err != nil {
			t.Error(err)
		}
	})
	stop := make(chan struct{})
	running.Go(func() { writeUntil(t, db, stop) })
	name := filepath.Join(t.TempDir(), "box.tar")
	for range 3 {
		m, size, err := backupTo(t.Context(), conf, name)
		if err != nil || size == 0 || len(m.Files) != 3 {
			t.Fatalf("%+v, %d bytes, %v", m, size, err)
		}
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, _, err := restore(t.Context(), conf, f); err == nil || !strings.Contains(err.Error(), "stop it first") {
		t.Errorf("restored under a running box: %v", err)
	}
	close(stop)
	if err := server.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	running.Wait()
	if _, _, err := restore(t.Context(), conf, f); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("restored under an open store: %v", err)
	}
	if err := errors.Join(db.Close(), l.Close()); err != nil {
		t.Fatal(err)
	}
	other := *conf
	other.DataDir = filepath.Join(t.TempDir(), "new")
	for _, c := range []*config{conf, &other} {
		checkRestored(t, c, name)
	}
}

// writeUntil records scenes after the first 300.
func writeUntil(t *testing.T, db *store.Store, stop <-chan struct{}) {
	for p := timeline.Position(3_000_000); ; p += 1000 {
		select {
		case <-stop:
			return
		default:
		}
		o := &timeline.Observation{Media: "m", Span: timeline.Span{From: p, Until: p + 1000}, Source: timeline.SourceClassic}
		if err := db.Record(store.Batch{Media: "m", Observations: []*timeline.Observation{o}, Analyzed: []timeline.Span{o.Span}}); err != nil {
			t.Error(err)
			return
		}
	}
}

func checkRestored(t *testing.T, conf *config, name string) {
	t.Helper()
	_, missing := os.Stat(filepath.Join(conf.DataDir, databaseFile))
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, aside, err := restore(t.Context(), conf, f)
	if err != nil || len(m.Files) != 3 || (missing == nil) != (len(aside) > 0) {
		t.Fatalf("%+v, %v set aside, %v", m, aside, err)
	}
	db, err := store.Open(filepath.Join(conf.DataDir, databaseFile), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tl, ok := db.Timeline("m")
	if !ok || tl.Len() < 300 || !tl.Complete(timeline.Span{Until: tl.Last().Until}) {
		t.Errorf("%v restored", tl)
	}
	l, err := ledger.Open(conf.DataDir, ledger.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if p, err := l.Profile("anna"); err != nil || string(p) != `{"age":30}` {
		t.Errorf("profile %s, %v", p, err)
	}
	entries, err := os.ReadDir(filepath.Join(conf.DataDir, galleryFolder))
	if err != nil || len(entries) != 1 {
		t.Errorf("the gallery has %v, %v", entries, err)
	}
	if left, err := filepath.Glob(filepath.Join(conf.DataDir, ".restore-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestBackupAtRest(t *testing.T) {
	conf, db, l := data(t)
	var out bytes.Buffer
	if _, err := fetchBackup(t.Context(), conf, &out); err == nil || !strings.Contains(err.Error(), "is in use") {
		t.Errorf("an open store without a box: %v", err)
	}
	if err := errors.Join(db.Close(), l.Close()); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "box.tar")
	if _, _, err := backupTo(t.Context(), conf, name); err != nil {
		t.Fatal(err)
	}
	checkRestored(t, conf, name)
	empty := &config{DataDir: t.TempDir()}
	empty.HTTP.Admin.Listen = conf.HTTP.Admin.Listen
	if _, err := fetchBackup(t.Context(), empty, io.Discard); err == nil || !strings.Contains(err.Error(), "nothing to back up") {
		t.Errorf("an empty folder: %v", err)
	}
}

// TestRestoreRefuses leaves everything as it was where a backup is not whole.
func TestRestoreRefuses(t *testing.T) {
	conf, db, l := data(t)
	var out bytes.Buffer
	if err := backupLive(conf.DataDir, db, l, &out); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Close(), l.Close()); err != nil {
		t.Fatal(err)
	}
	whole := out.Bytes()
	changed := bytes.Clone(whole)
	changed[20_000] ^= 1
	var outside bytes.Buffer
	w := tar.NewWriter(&outside)
	if err := errors.Join(w.WriteHeader(&tar.Header{Name: "../evil", Size: 1, Mode: 0o600}), w.Close()); err == nil {
		t.Fatal("a short file was closed")
	}
	for name, content := range map[string][]byte{
		"nothing": nil, "text": []byte("no backup"), "cut short": whole[:len(whole)-4096], "cut in half": whole[:len(whole)/2], "changed": changed, "outside": outside.Bytes(),
	} {
		_, aside, err := restore(t.Context(), conf, bytes.NewReader(content))
		if !errors.Is(err, errBackup) || len(aside) > 0 {
			t.Errorf("%s: %v set aside, %v", name, aside, err)
		}
	}
	if err := store.Check(filepath.Join(conf.DataDir, databaseFile)); err != nil {
		t.Error(err)
	}
	if left, err := filepath.Glob(filepath.Join(conf.DataDir, "*restore*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
