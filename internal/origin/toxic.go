package origin

import (
	"io"
	"net"
	"sync"

	"github.com/Shopify/toxiproxy/v2/toxics"
)

// A link of Toxiproxy is a chain of goroutines that pass chunks on. One whose end stopped taking them would leave the
// others waiting for good. So both ends here go on until the connection is over: a sink takes what it cannot write any
// more, and a toxic that closed its connection takes what still comes.

// source is the end that a link reads. It calls ended when the link will read no more.
type source struct {
	net.Conn
	ended func()
	once  sync.Once
}

func (s *source) Read(b []byte) (int, error) {
	n, err := s.Conn.Read(b)
	if err != nil {
		s.once.Do(s.ended)
		return n, io.EOF // a connection that broke is over, which is no news
	}
	return n, err
}

// sink is the end that a link writes. It closes both ends with itself, as a relay does.
type sink struct {
	net.Conn
	from   net.Conn
	broken bool // only the link's one writer uses it
	once   sync.Once
	closed func()
}

func (s *sink) Write(b []byte) (int, error) {
	if !s.broken {
		if _, err := s.Conn.Write(b); err != nil {
			s.broken = true
			_ = s.from.Close() // nothing more shall come
		}
	}
	return len(b), nil
}

func (s *sink) Close() error {
	s.once.Do(s.closed)
	return nil
}

// toxicPrefix is before the names of those toxics that drain what comes after they closed their connection.
const toxicPrefix = "draining_"

// register makes the draining toxics known to Toxiproxy, whose registry is global; to do so again changes nothing.
func register() {
	for kind, toxic := range map[string]toxics.Toxic{
		"latency": new(latency), "bandwidth": new(bandwidth), "slow_close": new(slowClose), "timeout": new(blackHole),
		"reset_peer": new(resetPeer), "slicer": new(slicer), "limit_data": new(limitData),
	} {
		toxics.Register(toxicPrefix+kind, toxic)
	}
}

type (
	latency   struct{ toxics.LatencyToxic }
	bandwidth struct{ toxics.BandwidthToxic }
	slowClose struct{ toxics.SlowCloseToxic }
	blackHole struct{ toxics.TimeoutToxic }
	resetPeer struct{ toxics.ResetToxic }
	slicer    struct{ toxics.SlicerToxic }
	limitData struct{ toxics.LimitDataToxic }
)

func (t *latency) Pipe(s *toxics.ToxicStub)   { drain(&t.LatencyToxic, s) }
func (t *bandwidth) Pipe(s *toxics.ToxicStub) { drain(&t.BandwidthToxic, s) }
func (t *slowClose) Pipe(s *toxics.ToxicStub) { drain(&t.SlowCloseToxic, s) }
func (t *blackHole) Pipe(s *toxics.ToxicStub) { drain(&t.TimeoutToxic, s) }
func (t *resetPeer) Pipe(s *toxics.ToxicStub) { drain(&t.ResetToxic, s) }
func (t *slicer) Pipe(s *toxics.ToxicStub)    { drain(&t.SlicerToxic, s) }
func (t *limitData) Pipe(s *toxics.ToxicStub) { drain(&t.LimitDataToxic, s) }

// drain runs a toxic and, where it closed the connection, takes what still comes.
func drain(t toxics.Toxic, s *toxics.ToxicStub) {
	t.Pipe(s)
	if s.Closed() {
		empty(s)
	}
}

// Cleanup implements toxics.CleanupToxic.
func (t *blackHole) Cleanup(s *toxics.ToxicStub) {
	t.TimeoutToxic.Cleanup(s)
	empty(s)
}

func empty(s *toxics.ToxicStub) {
	for range s.Input { // until the other end is closed
	}
}
