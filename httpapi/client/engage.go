package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
)

// Types of what a viewer does with an instrument. Click, answer and convert are rewards; view and dismiss are none.
const (
	EventView    = "view"
	EventClick   = "click"
	EventAnswer  = "answer"
	EventConvert = "convert"
	EventDismiss = "dismiss"
)

// Event says what a viewer did with the instrument of a decision, which is one of the types above and said once, and what that was
// worth: 0 to 1e9, of which more than 1 is no larger reward. It fails with a *Problem of status 403 where the decision is of another
// box, 404 or 410 where it is too old, and 409 where it has an event of the type.
func (c *Client) Event(ctx context.Context, decision, kind string, value float64) error {
	body, err := json.Marshal(struct {
		Type  string  `json:"type"`
		Value float64 `json:"value"`
	}{kind, value})
	if err != nil {
		return fmt.Errorf("event: %w", err)
	}
	path := "/v1/decisions/" + url.PathEscape(decision) + "/events"
	return again(ctx, func(attempt int) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path, bytes.NewReader(body))
		if err != nil {
			return fmt.Errorf("ask %s: %w", path, err)
		}
		req.Header.Set("Content-Type", "application/json")
		resp, err := c.do(req, http.StatusNoContent)
		var p *Problem
		if attempt > 1 && errors.As(err, &p) && p.Status == http.StatusConflict {
			return nil // the answer to an earlier attempt was lost, the event was not
		}
		if err != nil {
			return err
		}
		return resp.Body.Close()
	})
}
