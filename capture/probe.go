package capture

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"spotter/capture/fetch"
)

// Probe loads a stream's playlist once, and a variant of it, and says in words what is there.
func Probe(ctx context.Context, getter fetch.Getter, address *url.URL) (string, error) {
	f := &Follower{Sources: []*url.URL{address}, Getter: getter}
	x, err := f.open(ctx)
	if err != nil {
		return "", err
	}
	list, kind := x.list, "live"
	if list.Ended {
		kind = "ended"
	}
	said := fmt.Sprintf("%s, %d segments, %s, target duration %s", kind, len(list.Segments), list.Duration().Round(time.Second), list.Target)
	if list.PartTarget > 0 {
		said += fmt.Sprintf(", parts of %s", list.PartTarget)
	}
	return said, nil
}
