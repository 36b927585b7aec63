package systemd

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"strconv"
	"strings"
	"unicode"

	"github.com/coreos/go-systemd/v22/journal"
)

// InJournal reports whether standard error goes to the journal, so that a service may log there directly.
func InJournal() bool {
	ours, err := journal.StderrIsJournalStream()
	return err == nil && ours && journal.Enabled()
}

// fieldPrefix keeps the fields of our lines apart from those of systemd.journal-fields(7).
const fieldPrefix = "SPOTTER_"

// Journal is a log handler that writes structured lines to the journal: MESSAGE is the line that a person reads, the message and
// its attributes; PRIORITY is the level; and each attribute is a field of its own, so that
// `journalctl -u spotter SPOTTER_MEDIA=cup-final -p warning` finds what it says.
type Journal struct {
	level slog.Leveler
	spare io.Writer // gets the lines that the journal does not take
	send  func(message string, priority journal.Priority, fields map[string]string) error

	text   string // of attributes given before, each behind a space
	fields map[string]string
	group  string // names joined by dots, with one at the end
}

// NewJournal returns a handler of the lines of a level and above. A line that the journal does not take goes to spare, with its
// level in front as sd-daemon(3) has it.
func NewJournal(level slog.Leveler, spare io.Writer) *Journal {
	return &Journal{level: level, spare: spare, send: journal.Send}
}

// Enabled implements [slog.Handler].
func (j *Journal) Enabled(_ context.Context, level slog.Level) bool { return level >= j.level.Level() }

// Handle implements [slog.Handler].
func (j *Journal) Handle(_ context.Context, r slog.Record) error {
	line := j.clone()
	r.Attrs(func(a slog.Attr) bool {
		line.add(j.group, a)
		return true
	})
	message, priority := r.Message+line.text, priorityOf(r.Level)
	err := j.send(message, priority, line.fields)
	if err == nil {
		return nil
	}
	if _, err = fmt.Fprintf(j.spare, "<%d>%s\n", priority, strings.ReplaceAll(message, "\n", " ")); err != nil {
		return fmt.Errorf("log: %w", err)
	}
	return nil
}

// WithAttrs implements [slog.Handler].
func (j *Journal) WithAttrs(attrs []slog.Attr) slog.Handler {
	more := j.clone()
	for _, a := range attrs {
		more.add(j.group, a)
	}
	return more
}

// WithGroup implements [slog.Handler].
func (j *Journal) WithGroup(name string) slog.Handler {
	if name == "" {
		return j
	}
	more := j.clone()
	more.group += name + "."
	return more
}

func (j *Journal) clone() *Journal {
	more := *j
	if more.fields = maps.Clone(j.fields); more.fields == nil {
		more.fields = map[string]string{}
	}
	return &more
}

// add appends an attribute under a group. What has no key or value is left out, as slog wants it.
func (j *Journal) add(group string, a slog.Attr) {
	value := a.Value.Resolve()
	if a.Equal(slog.Attr{}) {
		return
	}
	if value.Kind() == slog.KindGroup {
		if a.Key != "" {
			group += a.Key + "."
		}
		for _, member := range value.Group() {
			j.add(group, member)
		}
		return
	}
	text := value.String()
	j.fields[fieldName(group+a.Key)] = text
	if text == "" || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == '"' || r == '=' || !unicode.IsPrint(r) }) {
		text = strconv.Quote(text)
	}
	j.text += " " + group + a.Key + "=" + text
}

// mostName is how long the name of a field may be.
const mostName = 64

// fieldName returns a name that the journal takes: capital letters, digits and underscores.
func fieldName(key string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		case 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
			return r
		}
		return '_'
	}, key)
	name = fieldPrefix + name
	return name[:min(len(name), mostName)]
}

func priorityOf(level slog.Level) journal.Priority {
	switch {
	case level >= slog.LevelError:
		return journal.PriErr
	case level >= slog.LevelWarn:
		return journal.PriWarning
	case level >= slog.LevelInfo:
		return journal.PriInfo
	}
	return journal.PriDebug
}
