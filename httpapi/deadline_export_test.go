package httpapi

// What deadlines and positions are made of, for their tests.
var (
	Lazily         = lazily
	PlainPosition  = plainPosition
	AppendPosition = appendPosition
)
