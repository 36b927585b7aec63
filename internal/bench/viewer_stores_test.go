//go:build bench

package bench_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/valyala/fasthttp"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"spotter/timeline"
)

// observationStore is what a user would otherwise build: it returns the observations, as JSON, of scenes that may be on screen
// in a window, which begin in [from, until].
type observationStore func(from, until timeline.Position) ([][]byte, error)

// seenEntity is one distinct entity of an answer.
type seenEntity struct {
	Name       string            `json:"name"`
	ID         string            `json:"id,omitempty"`
	URLs       []string          `json:"urls,omitempty"`
	Confidence float64           `json:"confidence"`
	From       timeline.Position `json:"from"`
	Until      timeline.Position `json:"until"`
	Source     string            `json:"source"`
}

// lookUpHandler answers from a store as any Go program would, with encoding/json.
func lookUpHandler(store observationStore) fasthttp.RequestHandler {
	until := timeline.Position(viewerObservations) * viewerScene
	return func(ctx *fasthttp.RequestCtx) {
		var at [3]timeline.Position
		for i, name := range []string{"position", "backward", "forward"} {
			p, err := timeline.ParsePosition(string(ctx.QueryArgs().Peek(name)))
			if err != nil {
				ctx.Error(err.Error(), fasthttp.StatusBadRequest)
				return
			}
			at[i] = p
		}
		w := timeline.Span{From: at[0] - at[1], Until: at[0] + at[2]}
		texts, err := store(w.From-viewerMaxScene, w.Until)
		if err != nil {
			ctx.Error(err.Error(), fasthttp.StatusInternalServerError)
			return
		}
		answer := struct {
			Media         string            `json:"media"`
			From          timeline.Position `json:"from"`
			Until         timeline.Position `json:"until"`
			AnalyzedUntil timeline.Position `json:"analyzed_until"`
			Complete      bool              `json:"complete"`
			Celebrities   []seenEntity      `json:"celebrities"`
			Objects       []seenEntity      `json:"objects"`
		}{Media: viewerMedia, From: w.From, Until: w.Until, AnalyzedUntil: until, Complete: w.Until <= until}
		for _, text := range texts {
			var o timeline.Observation
			if err := json.Unmarshal(text, &o); err != nil {
				ctx.Error(err.Error(), fasthttp.StatusInternalServerError)
				return
			}
			if o.Meets(w) {
				answer.Celebrities = appendDistinct(answer.Celebrities, o.Celebrities, o.Cut(w), o.Source)
				answer.Objects = appendDistinct(answer.Objects, o.Objects, o.Cut(w), o.Source)
			}
		}
		body, err := json.Marshal(answer)
		if err != nil {
			ctx.Error(err.Error(), fasthttp.StatusInternalServerError)
			return
		}
		ctx.SetContentType("application/json")
		ctx.SetBody(body)
	}
}

func appendDistinct(list []seenEntity, scene []timeline.Entity, cut timeline.Span, source string) []seenEntity {
next:
	for _, e := range scene {
		for i := range list {
			s := &list[i]
			if s.Name != e.Name {
				continue
			}
			s.From, s.Until = min(s.From, cut.From), max(s.Until, cut.Until)
			if e.Confidence > s.Confidence {
				s.Confidence, s.Source = e.Confidence, source
			}
			continue next
		}
		list = append(list, seenEntity{e.Name, e.ID, e.URLs, e.Confidence, cut.From, cut.Until, source})
	}
	return list
}

// openRedis starts a server without persistence and fills a sorted set by position.
func openRedis(t *testing.T) observationStore {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		// Debian's redis-tools has the program without the service; its name tells it what to be.
		path, err = exec.LookPath("redis-check-rdb")
	}
	if err != nil {
		t.Skip(absent + "no Redis: run scripts/setup-bench")
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := ln.Addr().(*net.TCPAddr).Port
	ln.Close()
	cmd := exec.Command(path, "--bind", "127.0.0.1", "--port", strconv.Itoa(port), "--save", "", "--appendonly", "no", "--dir", t.TempDir())
	cmd.Args[0] = "redis-server"
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait() // "signal: killed"
	})
	c := redis.NewClient(&redis.Options{Addr: fmt.Sprintf("127.0.0.1:%d", port), PoolSize: 64})
	t.Cleanup(func() { c.Close() })
	for end := time.Now().Add(10 * time.Second); c.Ping(t.Context()).Err() != nil; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("redis-server does not answer")
		}
	}
	fill := c.Pipeline()
	for _, o := range busyEvent(viewerObservations) {
		fill.ZAdd(t.Context(), viewerMedia, redis.Z{Score: float64(o.From), Member: string(encoded(t, o))})
	}
	if _, err := fill.Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	return func(from, until timeline.Position) ([][]byte, error) {
		members, err := c.ZRangeByScore(context.Background(), viewerMedia, &redis.ZRangeBy{
			Min: strconv.FormatInt(int64(from), 10), Max: strconv.FormatInt(int64(until), 10),
		}).Result()
		texts := make([][]byte, len(members))
		for i, m := range members {
			texts[i] = []byte(m)
		}
		return texts, err
	}
}

// openSQLite fills a database file with an index by media and position.
func openSQLite(t *testing.T) observationStore {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "timeline.db")+"?_pragma=journal_mode(wal)&_pragma=mmap_size(268435456)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(8)
	db.SetMaxIdleConns(8)
	if _, err := db.Exec(`CREATE TABLE observation (media TEXT NOT NULL, position INTEGER NOT NULL, until INTEGER NOT NULL, body TEXT NOT NULL);
		CREATE UNIQUE INDEX by_position ON observation (media, position)`); err != nil {
		t.Fatal(err)
	}
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback() // after Commit it does nothing
	insert, err := tx.Prepare("INSERT INTO observation VALUES (?, ?, ?, ?)")
	if err != nil {
		t.Fatal(err)
	}
	defer insert.Close()
	for _, o := range busyEvent(viewerObservations) {
		if _, err := insert.Exec(viewerMedia, int64(o.From), int64(o.Until), string(encoded(t, o))); err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	query, err := db.Prepare("SELECT body FROM observation WHERE media = ? AND position BETWEEN ? AND ? AND until > ? ORDER BY position")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { query.Close() })
	return func(from, until timeline.Position) ([][]byte, error) {
		rows, err := query.Query(viewerMedia, int64(from), int64(until), int64(from+viewerMaxScene))
		if err != nil {
			return nil, err
		}
		defer rows.Close()
		var texts [][]byte
		for rows.Next() {
			var text []byte
			if err := rows.Scan(&text); err != nil {
				return nil, err
			}
			texts = append(texts, text)
		}
		return texts, rows.Err()
	}
}

func encoded(t *testing.T, o *timeline.Observation) []byte {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
