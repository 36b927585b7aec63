package relay

import (
	"context"
	"errors"
	"net/http"

	"spotter/capture/fetch"
	"spotter/capture/playlist"
)

// Explain puts an error of Ask into the status of HTTP that a gateway answers with, and words that hold no address, since
// whoever asks is not to learn one: the error itself may name hosts.
func Explain(err error) (status int, words string) {
	var answered *fetch.StatusError
	switch {
	case errors.As(err, &answered) && answered.Code == http.StatusRequestedRangeNotSatisfiable:
		return answered.Code, "the stream has no such bytes there"
	case errors.As(err, &answered):
		return http.StatusBadGateway, answered.Error()
	case errors.Is(err, fetch.ErrIdle), errors.Is(err, context.DeadlineExceeded):
		return http.StatusGatewayTimeout, "the origin does not answer in time: see that it runs, and what spotter check says of it"
	case errors.Is(err, fetch.ErrTooLarge):
		return http.StatusBadGateway, "the origin sends more than a playlist, a key or a segment may have"
	case errors.Is(err, fetch.ErrAddress):
		return http.StatusBadGateway, "the stream leads to a host that the box may not ask: spotter check says which, for the media's allow_hosts"
	case errors.Is(err, playlist.ErrFormat):
		return http.StatusBadGateway, "the origin's playlist: " + err.Error()
	default:
		return http.StatusBadGateway, "the origin cannot be reached, or its connection broke: spotter check says why"
	}
}
