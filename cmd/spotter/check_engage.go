package main

import (
	"fmt"

	"spotter/engage/instrument"
)

// engage reads what run would refuse to start without.
func (r *report) engage(conf *config) {
	k := conf.Engage
	if k == nil {
		return
	}
	if k.Instruments != "" {
		n := 0
		f := instrumentsFile{path: conf.path(k.Instruments), use: func(list []instrument.Instrument) { n = len(list) }}
		err := f.read()
		if err != nil {
			err = fmt.Errorf("engage.instruments: %w", err)
		}
		r.line("instruments", fmt.Sprintf("%d in %s", n, f.path), err)
	}
	if k.Policy == policyModel {
		path := conf.path(k.Model)
		m, err := openScoringModel(path)
		if err == nil {
			err = m.Close()
		}
		if err != nil {
			err = fmt.Errorf("engage.model: %w", err)
		}
		r.line("engage model", path, err)
	}
}
