package httpapi

import "net"

// What deadlines and positions are made of, for their tests.
var (
	Lazily         = func(ln net.Listener) net.Listener { return lazily(ln, nil) }
	PlainPosition  = plainPosition
	AppendPosition = appendPosition
)
