package timeline

// Break is a stretch of the event given over to advertisements, by the stream's own markers. ID and From identify it.
type Break struct {
	ID string `json:"id,omitempty"`
	// Span is from where the break began to where it ended or, while it lasts, is planned to end; where that is not
	// known Until is From.
	Span
	Open    bool `json:"open,omitempty"`    // it has not ended yet
	Skipped bool `json:"skipped,omitempty"` // by configuration nobody looked at its pictures
}
