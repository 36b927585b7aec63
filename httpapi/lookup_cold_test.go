package httpapi_test

import (
	"io"
	"net"
	"slices"
	"testing"
	"time"

	"spotter/httpapi"
	"spotter/timeline"
)

// BenchmarkLookCold is a look-up anywhere in a busy event of 12 h as a server meets it: after each, another of 64 connections
// carries an answer, whose way through the kernel and back drives the look-up's memory and code out of the CPU's nearest caches.
// "ns/look" is the median of look-ups alone; ns/op is of all.
func BenchmarkLookCold(b *testing.B) {
	const places, connections = 4096, 64
	media := []*timeline.Timeline{busy(22_000)}
	box := cup()
	box.Order, box.Timelines["m0"] = append(box.Order, "m0"), media[0]
	asked := questions(media, places)
	var l timeline.Look
	var body []byte
	appendAnswer := httpapi.AppendAnswer()
	s := newViewer(box)
	ctx := request(asked[0].path)
	for _, tc := range []struct {
		name string
		look func(q *question)
	}{
		{"timeline", func(q *question) {
			media[0].Look(&l, timeline.Span{From: q.position - 10_000, Until: q.position + 5_000})
		}},
		{"answer", func(q *question) {
			body = appendAnswer(body[:0], "cup-final", media[0], timeline.Span{From: q.position - 10_000, Until: q.position + 5_000})
		}},
		{"handler", func(q *question) {
			ctx.Request.SetRequestURI(q.path)
			ctx.Response.Reset()
			s.Handle(ctx)
		}},
	} {
		b.Run(tc.name, func(b *testing.B) {
			all := loops(b, connections)
			took := make([]time.Duration, 0, 1<<20)
			for i := 0; b.Loop(); i++ {
				began := time.Now()
				tc.look(&asked[i%places])
				took = append(took, time.Since(began))
				all[i%connections].carry(b)
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2]), "ns/look")
		})
	}
}

// loop is a connection to itself, and what it carries.
type loop struct {
	near, far net.Conn
	out, in   []byte
}

func loops(b *testing.B, n int) []loop {
	b.Helper()
	const head, body = 300, 3500
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer ln.Close()
	list := make([]loop, n)
	for i := range list {
		near, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		far, err := ln.Accept()
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() {
			near.Close()
			far.Close()
		})
		list[i] = loop{near, far, make([]byte, head+body), make([]byte, head+body)}
	}
	return list
}

func (l *loop) carry(b *testing.B) {
	if _, err := l.near.Write(l.out); err != nil {
		b.Fatal(err)
	}
	if _, err := io.ReadFull(l.far, l.in); err != nil {
		b.Fatal(err)
	}
}
