package ledger

import (
	"encoding/json"
	"fmt"
	"maps"

	bolt "go.etcd.io/bbolt"

	"spotter/engage/policy"
)

const (
	// mostFamilies bounds the families of policies that are counted; later ones count as otherFamily.
	mostFamilies = 64
	otherFamily  = "other"
)

// PolicyTotal is what came of the choices of the policies of one family, since it is counted: a ledger of an earlier program began
// with none.
type PolicyTotal struct {
	Decisions int            `json:"decisions"`
	Events    map[string]int `json:"events,omitempty"` // by type
	// Reward is the sum over the decisions, each 0 to 1.
	Reward float64 `json:"reward"`
}

func (p *PolicyTotal) add(e *Event) {
	if p.Events == nil {
		p.Events = map[string]int{}
	}
	p.Events[e.Type]++
	p.Reward += e.Reward
}

// Policies returns what had come of each family of policies when the ledger was opened.
func (l *Ledger) Policies() map[string]PolicyTotal { return maps.Clone(l.policies) }

func (l *Ledger) loadPolicies() error {
	l.policies = map[string]PolicyTotal{}
	return l.view(func(tx *bolt.Tx) error {
		return tx.Bucket(bucketPolicies).ForEach(func(k, _ []byte) error {
			p, err := readPolicy(tx, string(k[1:]))
			if err == nil {
				l.policies[string(k[1:])] = *p
			}
			return err
		})
	})
}

// policy returns the total of the family of a policy's version.
func (w *writer) policy(version string) (*PolicyTotal, error) {
	family := policy.Family(version)
	if p := w.policies[family]; p != nil {
		return p, nil
	}
	b := w.tx.Bucket(bucketPolicies)
	if b.Get(policyKey(family)) == nil && b.Stats().KeyN+len(w.policies) >= mostFamilies {
		family = otherFamily
		if p := w.policies[family]; p != nil {
			return p, nil
		}
	}
	p, err := readPolicy(w.tx, family)
	if err == nil {
		w.policies[family] = p
	}
	return p, err
}

func (w *writer) finishPolicies() error {
	for family, p := range w.policies {
		v, err := json.Marshal(p)
		if err != nil {
			return err
		}
		if err := w.tx.Bucket(bucketPolicies).Put(policyKey(family), v); err != nil {
			return err
		}
	}
	return nil
}

func readPolicy(tx *bolt.Tx, family string) (*PolicyTotal, error) {
	p := new(PolicyTotal)
	v := tx.Bucket(bucketPolicies).Get(policyKey(family))
	if v == nil {
		return p, nil
	}
	if err := json.Unmarshal(v, p); err != nil {
		return nil, fmt.Errorf("%w: totals of policy %q: %w", ErrCorrupt, family, err)
	}
	return p, nil
}

// policyKey makes a key of a family, which might be empty as no key may be.
func policyKey(family string) []byte { return append([]byte{'p'}, family...) }
