package engage

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"spotter/engage/ledger"
	"spotter/engage/policy"
)

// types are the types of instruments, which metrics tell apart.
var types = [...]string{"advert", "campaign", "trivia", "poll", "quiz", "offer", "upsell"}

// metrics of the engine. None has a label with an id of a viewer, an instrument or a media.
type metrics struct {
	decisions *prometheus.CounterVec
	events    *prometheus.CounterVec
	refused   *prometheus.CounterVec
	fallbacks prometheus.Counter
	ledger    prometheus.Counter
	seconds   prometheus.Histogram

	mu       sync.Mutex
	families map[string]*familyCount
}

// familyCount counts what came of the decisions of the policies of one family.
type familyCount struct {
	name    string
	total   atomic.Int64 // decisions, with those before the start of the process
	by      [len(types)]prometheus.Counter
	another prometheus.Counter

	mu     sync.Mutex
	events map[string]int
	reward float64
}

func newMetrics(reg prometheus.Registerer) *metrics {
	auto := promauto.With(reg)
	return &metrics{
		decisions: auto.NewCounterVec(prometheus.CounterOpts{
			Name: "spotter_engage_decisions_total",
			Help: "Instruments chosen, by type of instrument and kind of policy.",
		}, []string{"type", "policy"}),
		events: auto.NewCounterVec(prometheus.CounterOpts{
			Name: "spotter_engage_events_total",
			Help: "Events that joined their decision, by type.",
		}, []string{"type"}),
		refused: auto.NewCounterVec(prometheus.CounterOpts{
			Name: "spotter_engage_events_refused_total",
			Help: "Events refused, by reason.",
		}, []string{"reason"}),
		fallbacks: auto.NewCounter(prometheus.CounterOpts{
			Name: "spotter_engage_fallbacks_total",
			Help: "Decisions by priority order because the policy failed.",
		}),
		ledger: auto.NewCounter(prometheus.CounterOpts{
			Name: "spotter_engage_ledger_faults_total",
			Help: "Reads and writes of the ledger that failed.",
		}),
		seconds: auto.NewHistogram(prometheus.HistogramOpts{
			Name:    "spotter_engage_decision_duration_seconds",
			Help:    "Time that a decision adds to a look-up, in seconds.",
			Buckets: []float64{5e-6, 10e-6, 20e-6, 50e-6, 100e-6, 500e-6, 1e-3, 10e-3, 100e-3},
		}),
		families: make(map[string]*familyCount),
	}
}

// family returns the count of a policy's family.
func (m *metrics) family(version string) *familyCount {
	name := policy.Family(version)
	m.mu.Lock()
	defer m.mu.Unlock()
	f := m.families[name]
	if f == nil {
		f = &familyCount{name: name, another: m.decisions.WithLabelValues("other", name), events: make(map[string]int)}
		for i, t := range types {
			f.by[i] = m.decisions.WithLabelValues(t, name)
		}
		m.families[name] = f
	}
	return f
}

// decided counts a decision by the policy of a version, which mostly is that of now.
func (m *metrics) decided(kind, version string, now *published) {
	f := now.count
	if version != now.version {
		f = m.family(version)
	}
	f.total.Add(1)
	if i := slices.Index(types[:], kind); i >= 0 {
		f.by[i].Inc()
	} else {
		f.another.Inc()
	}
}

// happened counts an event of a decision of the family.
func (f *familyCount) happened(kind string, reward float64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.events[kind]++
	f.reward += reward
}

// goOn has the families counted from where they were.
func (m *metrics) goOn(before map[string]ledger.PolicyTotal) {
	for name, p := range before {
		f := m.family(name)
		f.total.Store(int64(p.Decisions))
		maps.Copy(f.events, p.Events)
		f.reward = p.Reward
	}
}

// policies returns what came of the decisions of each family that made any, by name.
func (m *metrics) policies() []PolicyStats {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []PolicyStats
	for _, name := range slices.Sorted(maps.Keys(m.families)) {
		f := m.families[name]
		n := int(f.total.Load())
		if n == 0 {
			continue
		}
		f.mu.Lock()
		out = append(out, PolicyStats{Policy: name, Decisions: n, Events: maps.Clone(f.events), Reward: f.reward})
		f.mu.Unlock()
	}
	return out
}
