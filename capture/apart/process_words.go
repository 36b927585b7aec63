package apart

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/time/rate"
)

const (
	longestLine = 512 // bytes kept of a line
	lastLines   = 6   // lines kept for how the child ended
	firstBurst  = 40  // lines logged at once, enough for a short trace; then one each lineEvery
	lineEvery   = 10 * time.Second
)

// newLimiter bounds the lines in the log.
func newLimiter() *rate.Limiter { return rate.NewLimiter(rate.Every(lineEvery), firstBurst) }

// words is what a child printed: some of it goes to the log, the last of it tells how it died.
type words struct {
	log   *slog.Logger
	lines *rate.Limiter
	left  int      // lines that were not logged since the last one that was
	cause string   // the line with which a runtime says why it gives up; a long trace follows it
	last  []string // the last lines
}

func newWords(o Options) *words {
	w := &words{log: o.Log, lines: o.lines}
	if w.log == nil {
		w.log = slog.New(slog.DiscardHandler)
	}
	if o.Name != "" {
		w.log = w.log.With("media", o.Name)
	}
	if w.lines == nil {
		w.lines = newLimiter()
	}
	return w
}

// read takes all that the child prints until its end. No line, however long, takes more memory than the buffer.
func (w *words) read(r io.Reader) {
	buffered := bufio.NewReaderSize(r, longestLine)
	for {
		line, more, err := buffered.ReadLine()
		if text := clean(string(line)); text != "" {
			w.take(text)
		}
		for more && err == nil { // the rest of a line that is too long
			_, more, err = buffered.ReadLine()
		}
		if err != nil {
			break
		}
	}
	if w.left > 0 {
		w.log.Warn("the decoder printed more than is logged", "lines_left_out", w.left)
	}
}

func (w *words) take(text string) {
	if w.cause == "" && gaveUp(text) {
		w.cause = text
	}
	if len(w.last) == lastLines {
		w.last = slices.Delete(w.last, 0, 1)
	}
	w.last = append(w.last, text)
	if !w.lines.Allow() {
		w.left++
		return
	}
	if w.left > 0 {
		w.log.Warn("the decoder printed", "line", text, "lines_left_out", w.left)
		w.left = 0
		return
	}
	w.log.Warn("the decoder printed", "line", text)
}

// clean takes what could disturb a terminal or a log out of what a child says: hostile media has a say in it.
func clean(line string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(line, "?")))
}

// gaveUp reports whether a line says why a runtime ends the process.
func gaveUp(line string) bool {
	for _, start := range []string{"panic:", "fatal error:", "runtime: out of memory", "terminate called", "SIG"} {
		if strings.HasPrefix(line, start) {
			return true
		}
	}
	return false
}

// wantedMemory reports whether a runtime said that it was refused memory. It is asked when read has returned.
func (w *words) wantedMemory() bool {
	for _, line := range append([]string{w.cause}, w.last...) {
		for _, sign := range []string{"out of memory", "cannot allocate memory", "bad_alloc", "Insufficient memory"} {
			if strings.Contains(line, sign) {
				return true
			}
		}
	}
	return false
}

// add returns how a child ended with its last words. It is called when read has returned.
func (w *words) add(how error) error {
	last := w.last
	if w.cause != "" && !slices.Contains(last, w.cause) {
		last = append([]string{w.cause, "..."}, last...)
	}
	if len(last) == 0 {
		return how
	}
	return fmt.Errorf("%w; it printed: %s", how, strings.Join(last, " | "))
}
