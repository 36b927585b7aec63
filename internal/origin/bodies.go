package origin

import (
	"bytes"
	"compress/gzip"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// Body answers 200 with other bytes.
func Body(b []byte) Act {
	return func(_ *Origin, w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(b) }
}

// Page answers 200 with an HTML page, as a captive portal or a load balancer does.
func Page() Act {
	return func(_ *Origin, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte("<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please sign in.</body></html>\n"))
	}
}

// Noise answers 200 with so many bytes that are nothing, the same each time.
func Noise(size int) Act {
	b := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(b)
	return Body(b)
}

// Edit answers with the right body after a change. Ranges are those of the changed one.
func Edit(change func(body []byte) []byte) Act {
	return func(o *Origin, w http.ResponseWriter, r *http.Request) {
		body, ok := o.resource(r)
		if !ok {
			http.NotFound(w, r)
			return
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(change(bytes.Clone(body))))
	}
}

// BOM is a change for Edit: a byte order mark before the text.
func BOM(body []byte) []byte { return append([]byte("\xef\xbb\xbf"), body...) }

// CRLF is a change for Edit: lines end as on Windows.
func CRLF(body []byte) []byte { return bytes.ReplaceAll(body, []byte("\n"), []byte("\r\n")) }

// Lines returns a change for Edit: lines more after the first one.
func Lines(lines ...string) func([]byte) []byte {
	return func(body []byte) []byte {
		head, rest, _ := bytes.Cut(body, []byte("\n"))
		out := append(head[:len(head):len(head)], '\n')
		for _, l := range lines {
			out = append(out, l+"\n"...)
		}
		return append(out, rest...)
	}
}

// Corrupt is a change for Edit: a byte of every thousand is another, the same ones each time.
func Corrupt(body []byte) []byte {
	r := rand.New(rand.NewPCG(1, uint64(len(body))))
	for range len(body) / 1000 {
		body[r.IntN(len(body))] ^= byte(1 + r.IntN(255))
	}
	return body
}

// Half answers 200 with the first half of the body, as an origin does whose segment is still being written.
func Half() Act {
	return func(o *Origin, w http.ResponseWriter, r *http.Request) {
		body, _ := o.resource(r)
		_, _ = w.Write(body[:len(body)/2])
	}
}

// announced writes the first n bytes of a body whose whole length it announces.
func announced(o *Origin, w http.ResponseWriter, r *http.Request, n func(length int) int) {
	body, _ := o.resource(r)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body[:min(n(len(body)), len(body))])
	_ = http.NewResponseController(w).Flush()
}

// Truncate announces the whole body and closes the connection after the first half.
func Truncate() Act {
	return func(o *Origin, w http.ResponseWriter, r *http.Request) {
		announced(o, w, r, func(length int) int { return length / 2 })
		panic(http.ErrAbortHandler)
	}
}

// Stall announces the whole body and falls silent after the first n bytes, until the client goes away.
func Stall(n int) Act {
	return func(o *Origin, w http.ResponseWriter, r *http.Request) {
		announced(o, w, r, func(int) int { return n })
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	}
}

// Slow answers so many bytes a second, ten times a second.
func Slow(bytesPerSecond int) Act {
	return func(o *Origin, w http.ResponseWriter, r *http.Request) {
		body, ok := o.resource(r)
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		step := max(1, bytesPerSecond/10)
		for len(body) > 0 {
			n := min(step, len(body))
			if !pause(r, time.Duration(n)*time.Second/time.Duration(bytesPerSecond)) {
				return
			}
			_, _ = w.Write(body[:n])
			_ = http.NewResponseController(w).Flush()
			body = body[n:]
		}
	}
}

// chunks writes a body without announcing its length.
func chunks(o *Origin, w http.ResponseWriter, r *http.Request) {
	body, _ := o.resource(r)
	for len(body) > 0 {
		n := min(1000, len(body))
		_, _ = w.Write(body[:n])
		_ = http.NewResponseController(w).Flush()
		body = body[n:]
	}
}

// Chunked does not announce how long the body is.
func Chunked() Act { return chunks }

// TruncateChunked is Chunked with the end of the body, though none of the bytes, missing.
func TruncateChunked() Act {
	return func(o *Origin, w http.ResponseWriter, r *http.Request) {
		chunks(o, w, r)
		panic(http.ErrAbortHandler)
	}
}

// Gzip compresses the body, whether or not the client said that it can read that.
func Gzip() Act {
	return func(o *Origin, w http.ResponseWriter, r *http.Request) {
		body, _ := o.resource(r)
		writeGzip(w, pack(body))
	}
}

// BadGzip is Gzip with the second half missing, which the length does not tell.
func BadGzip() Act {
	return func(o *Origin, w http.ResponseWriter, r *http.Request) {
		body, _ := o.resource(r)
		b := pack(body)
		writeGzip(w, b[:len(b)/2])
	}
}

func writeGzip(w http.ResponseWriter, b []byte) {
	w.Header().Set("Content-Encoding", "gzip")
	_, _ = w.Write(b)
}

func pack(body []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(body)
	_ = z.Close()
	return b.Bytes()
}

// Oversize sends size bytes, without announcing how many they are unless announce is set.
func Oversize(size int64, announce bool) Act {
	return func(_ *Origin, w http.ResponseWriter, _ *http.Request) {
		if announce {
			w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
		}
		block := bytes.Repeat([]byte("#"), 64<<10)
		for left := size; left > 0; left -= int64(len(block)) {
			if _, err := w.Write(block[:min(left, int64(len(block)))]); err != nil {
				return // the client had enough
			}
		}
	}
}
