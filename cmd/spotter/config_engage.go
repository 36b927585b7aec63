package main

import (
	"fmt"
	"path/filepath"
	"time"

	"spotter/engage/policy"
)

// engageConfig says how viewers are engaged; without the section nobody is.
type engageConfig struct {
	Instruments string        `yaml:"instruments"` // file; empty: those of the admin API alone
	Policy      string        `yaml:"policy"`
	Model       string        `yaml:"model"`     // ONNX file of policy: model
	Explore     float64       `yaml:"explore"`   // share of decisions that chance makes
	Seed        uint64        `yaml:"seed"`      // of chance
	Window      time.Duration `yaml:"window"`    // after a decision, in which events count
	Keep        time.Duration `yaml:"keep"`      // decisions and events
	MaxBytes    string        `yaml:"max_bytes"` // of decisions and events, with a unit
}

// How an instrument is chosen among several.
const (
	policyLinUCB   = "linucb"
	policyThompson = "thompson"
	policyModel    = "model"
	policyPriority = "priority"
	policyUniform  = "uniform"
)

const (
	mostWindow       = 24 * time.Hour
	leastLedgerBytes = 16 << 20
)

// defaultEngage is what an empty section says.
func defaultEngage() *engageConfig {
	return &engageConfig{Policy: policyLinUCB, Explore: 0.05, Window: 30 * time.Minute, Keep: 30 * 24 * time.Hour, MaxBytes: "2GiB"}
}

func (e *engageConfig) check(f *faults) {
	if e == nil {
		return
	}
	oneOf(f, e.Policy, []string{policyLinUCB, policyThompson, policyModel, policyPriority, policyUniform}, "engage", "policy")
	if e.Policy == policyModel && e.Model == "" {
		f.add("policy: model needs a file: name the ONNX file", "engage", "model")
	}
	if e.Policy != policyModel && e.Model != "" {
		f.add("is not asked for: say policy: model", "engage", "model")
	}
	if !(e.Explore >= 0 && e.Explore <= policy.MaxExplore) {
		f.add(fmt.Sprintf("%v is not between 0 and %v", e.Explore, policy.MaxExplore), "engage", "explore")
	}
	if e.Window < time.Second || e.Window > mostWindow {
		f.add(fmt.Sprintf("%s is not between 1s and %s", e.Window, mostWindow), "engage", "window")
	}
	if e.Keep < e.Window || e.Keep < time.Hour {
		f.add(fmt.Sprintf("%s is shorter than an hour or than window", e.Keep), "engage", "keep")
	}
	if parseBytes(e.MaxBytes) < leastLedgerBytes {
		f.add(fmt.Sprintf("%q is not a size such as 2GiB, of 16MiB at least", e.MaxBytes), "engage", "max_bytes")
	}
}

// path returns where a file that the section names lies: relative names stand beside the configuration.
func (c *config) path(name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(c.folder, name)
}
