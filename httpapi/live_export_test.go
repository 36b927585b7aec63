package httpapi

import "time"

// LiveLimits shorten what live streams wait for, or keep; zero fields stay as they are.
type LiveLimits struct {
	Clients, Events              int
	Heartbeat, Write, Look, Idle time.Duration
}

// SetLive changes the limits of a server's live streams before its first client comes.
func SetLive(s *Server, l LiveLimits) {
	limits := &s.live.limits
	for _, n := range []struct {
		to   *int
		from int
	}{{&limits.clients, l.Clients}, {&limits.events, l.Events}} {
		if n.from != 0 {
			*n.to = n.from
		}
	}
	for _, d := range []struct{ to, from *time.Duration }{
		{&limits.heartbeat, &l.Heartbeat},
		{&limits.write, &l.Write},
		{&limits.look, &l.Look},
		{&limits.idle, &l.Idle},
	} {
		if *d.from != 0 {
			*d.to = *d.from
		}
	}
	limits.retry = min(limits.retry, 2*limits.look)
}

// ReadLiveID returns an event's id as it is written after it was read.
func ReadLiveID(text []byte) (string, error) {
	id, err := parseLiveID(paramLastEventID, text)
	if err != nil || !id.some {
		return "", err
	}
	return string(id.append(nil)), nil
}
