package httpapi

import (
	"fmt"
	"log/slog"
	"strings"
)

// discreetLogger gives fasthttp's own messages to slog without what clients sent: its errors quote the line that they
// could not read, which may have a key in its address.
type discreetLogger struct{ log *slog.Logger }

func (l discreetLogger) Printf(format string, args ...any) {
	shown := make([]any, len(args))
	for i, arg := range args {
		shown[i] = arg
		if err, ok := arg.(error); ok {
			words, _, _ := strings.Cut(err.Error(), `"`)
			shown[i] = strings.TrimSpace(words)
		}
	}
	l.log.Debug("http", "message", fmt.Sprintf(format, shown...))
}
