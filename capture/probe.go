package capture

import (
	"context"
	"fmt"
	"net/url"
	"time"
)

// Probe loads a stream's playlist once, and a variant of it, and says in words what is there.
func Probe(ctx context.Context, getter Getter, address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrPlaylist, withoutURL(err))
	}
	f := &Follower{URL: u, Getter: getter}
	list, err := f.load(ctx)
	if err != nil {
		return "", err
	}
	kind := "live"
	if list.ended {
		kind = "ended"
	}
	return fmt.Sprintf("%s, %d segments, %s, target duration %s", kind, len(list.segments), list.duration().Round(time.Second), list.target), nil
}
