package main

import (
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/httpapi"
	"spotter/internal/awsfault"
	"spotter/store"
	"spotter/timeline"
	"spotter/vision"
	"spotter/vision/rekognition"
)

// overviewRig is a box with one stream, whose address is url.
func overviewRig(t *testing.T, m mediaConfig) *boxOverview {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	db, err := store.Open(filepath.Join(t.TempDir(), databaseFile), store.Options{Sinks: []store.Sink{{Name: dynamoDBSink, Kind: store.Observations}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	u, err := url.Parse(m.URL)
	if err != nil {
		t.Fatal(err)
	}
	meters := newMeters(newRegistry())
	list, of := &streams{store: db}, meters.stream(m.ID)
	list.publish([]*stream{newStream(&pipeline{media: m, recorder: db, metrics: of, faults: newFaultLog(log, of.fault), log: log}, &source{urls: []*url.URL{u}}, nil)})
	return &boxOverview{
		streams: list, meters: meters, cloud: newFaultLog(log, of.fault), copied: &cloudCopy{store: db, log: log, meters: meters},
		offers: offers{engage: true},
	}
}

func (b *boxOverview) database() *store.Store { return b.copied.store }

func TestOverviewOfABox(t *testing.T) {
	b := overviewRig(t, mediaConfig{ID: "cup", URL: "https://origin.example/cup/index.m3u8"})
	if err := b.database().Record(store.Batch{Media: "cup", Observations: []*timeline.Observation{
		{Media: "cup", Span: timeline.Span{From: 0, Until: 2000}, Source: timeline.SourceClassic},
		{Media: "cup", Span: timeline.Span{From: 2000, Until: 4000}, Source: timeline.SourceClassic},
	}}); err != nil {
		t.Fatal(err)
	}
	if err := b.database().Record(store.Batch{Media: "before", Observations: []*timeline.Observation{
		{Media: "before", Span: timeline.Span{From: 0, Until: 2000}, Source: timeline.SourceClassic},
	}}); err != nil {
		t.Fatal(err)
	}
	m := b.meters.stream("cup")
	for range 9 {
		m.looked()
	}
	m.admitted.Add(4)
	m.recognized(timeline.SourceRekognition, time.Second)
	m.recognized(timeline.SourceONNX, time.Second)
	m.failed.Inc()
	b.cloud.add(faultRefused, errors.New("arn:aws:iam::123456789012:user/box may not"))

	got := b.tell()
	for id, w := range got.Work {
		for i := range w.Faults {
			w.Faults[i].At = time.Time{}
		}
		got.Work[id] = w
	}
	want := map[string]httpapi.MediaWork{
		"cup": {
			Source: "https://origin.example/cup/index.m3u8", Sampled: 9, Admitted: 4, Asked: 3, Observations: 2, Player: true,
			Faults: []httpapi.Fault{{Kind: faultRefused, Message: "the cloud refuses what it is asked until somebody mends it", Count: 1}},
		},
		"before": {Observations: 1},
	}
	if diff := cmp.Diff(want, got.Work); diff != "" {
		t.Error(diff)
	}
	if got.Version != version() || !got.Engage || got.Edits || got.Gallery || got.Cloud != nil {
		t.Errorf("%+v", got)
	}
}

// TestOverviewHidesSecrets: what an address holds beside where it leads is for nobody, nor is an address that is kept in a file.
func TestOverviewHidesSecrets(t *testing.T) {
	for name, tc := range map[string]struct {
		media mediaConfig
		want  string
	}{
		"plain":       {mediaConfig{URL: "https://origin.example/cup/index.m3u8"}, "https://origin.example/cup/index.m3u8"},
		"credentials": {mediaConfig{URL: "https://user:secret@origin.example/cup.m3u8"}, "https://origin.example/cup.m3u8"},
		"query":       {mediaConfig{URL: "https://origin.example/cup.m3u8?token=secret#secret"}, "https://origin.example/cup.m3u8"},
		"empty query": {mediaConfig{URL: "https://origin.example/cup.m3u8?"}, "https://origin.example/cup.m3u8"},
		"in a file":   {mediaConfig{URL: "https://user:secret@origin.example:8443/secret/cup.m3u8?secret", URLFile: "url"}, "https://origin.example:8443"},
	} {
		t.Run(name, func(t *testing.T) {
			tc.media.ID = "cup"
			if got := overviewRig(t, tc.media).tell().Work["cup"].Source; got != tc.want {
				t.Errorf("source %q, want %q", got, tc.want)
			}
		})
	}
}

func TestOverviewSpending(t *testing.T) {
	b := overviewRig(t, mediaConfig{ID: "cup", URL: "https://origin.example/"})
	purse, err := vision.NewPurse(vision.Budget{CallsPerSecond: 100, USDPerHour: 2, USDPerCall: 0.001}, nil)
	if err != nil {
		t.Fatal(err)
	}
	b.purse = purse
	for range 100 {
		b.meters.stream("cup").looked()
	}
	if err := errors.Join(purse.Spend(rekognition.CelebritiesAPI, rekognition.LabelsAPI), purse.Spend(rekognition.LabelsAPI)); err != nil {
		t.Fatal(err)
	}
	ceiling := 2.0
	near := cmp.Comparer(func(a, b float64) bool { return a-b < 1e-9 && b-a < 1e-9 })
	if diff := cmp.Diff(&httpapi.CloudSpending{Hour: 0.003, Ceiling: &ceiling, Saved: 0.197, Calls: 3}, b.tell().Cloud, near); diff != "" {
		t.Error(diff)
	}
}

// TestOverviewOfASink: the page hears that a sink takes nothing, and not what it said.
func TestOverviewOfASink(t *testing.T) {
	b := overviewRig(t, mediaConfig{ID: "cup", URL: "https://origin.example/"})
	if err := b.database().Record(store.Batch{Media: "cup", Observations: []*timeline.Observation{
		{Media: "cup", Span: timeline.Span{From: 0, Until: 2000}, Source: timeline.SourceClassic},
	}}); err != nil {
		t.Fatal(err)
	}
	failed := make(chan struct{}, 1)
	d := b.copied.drain(dynamoDBSink, 1, nil, func(context.Context, store.Entry) error {
		return awsfault.New(awsfault.Denied, "arn:aws:dynamodb:secret", "allow it")
	})
	d.OnFault = func(error) { failed <- struct{}{} }
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	<-failed
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	list := b.tell().Sync
	if len(list) != 1 {
		t.Fatalf("%+v", list)
	}
	s := list[0]
	if s.Sink != dynamoDBSink || s.Waiting != 1 || s.Oldest < 0 || s.Oldest > 60 ||
		!strings.HasPrefix(s.Fault, "denied since ") || strings.Contains(s.Fault, "secret") {
		t.Errorf("%+v", s)
	}
}

// TestOverviewOffers: what the page changes takes a token.
func TestOverviewOffers(t *testing.T) {
	guarded, engaging := defaultConfig(), defaultConfig()
	guarded.HTTP.Admin.TokenFile = "token"
	engaging.Engage = defaultEngage()
	for name, tc := range map[string]struct {
		conf    config
		gallery bool
		want    offers
	}{
		"nothing":               {defaultConfig(), false, offers{}},
		"no token":              {defaultConfig(), true, offers{}},
		"a token":               {guarded, false, offers{edits: true}},
		"a token and a gallery": {guarded, true, offers{edits: true, gallery: true}},
		"engaging":              {engaging, true, offers{engage: true}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tc.conf.offers(tc.gallery); got != tc.want {
				t.Errorf("%+v, want %+v", got, tc.want)
			}
		})
	}
	if got := copyOverview(&guarded)(); got.Edits || got.Gallery || got.Cloud != nil || got.Version != version() {
		t.Errorf("a copy: %+v", got)
	}
}

// TestMends: each kind of fault in the sources has its mend.
func TestMends(t *testing.T) {
	all := sentences(mends())
	kinds := 0
	for _, pattern := range []string{"*.go", filepath.Join("..", "..", "capture", "*.go")} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			for name, kind := range faultKinds(t, file) {
				kinds++
				if m := all[kind]; !strings.HasSuffix(m, ".") || strings.ToUpper(m[:1]) != m[:1] {
					t.Errorf("%s of %s has no mend: %q", name, file, m)
				}
			}
		}
	}
	if kinds != len(all) {
		t.Errorf("%d kinds, %d mends", kinds, len(all))
	}
}

// faultKinds returns the constants of a file that are named as kinds of faults are.
func faultKinds(t *testing.T, path string) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	out := make(map[string]string)
	for _, d := range file.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.CONST || strings.HasSuffix(path, "_test.go") {
			continue
		}
		for _, s := range g.Specs {
			v, ok := s.(*ast.ValueSpec)
			if !ok || len(v.Values) != 1 || !strings.HasPrefix(strings.ToLower(v.Names[0].Name), "fault") {
				continue
			}
			if text, ok := v.Values[0].(*ast.BasicLit); ok && text.Kind == token.STRING {
				if kind, err := strconv.Unquote(text.Value); err == nil {
					out[v.Names[0].Name] = kind
				}
			}
		}
	}
	return out
}
