package ledger

import (
	"encoding/binary"
	"fmt"
	"slices"

	bolt "go.etcd.io/bbolt"
)

// stateChunk bounds the bytes of a value that the learner's state is cut into.
const stateChunk = 256 << 10

// Profile is a viewer's attributes as they are put.
type Profile struct {
	ID         string
	Attributes []byte // a JSON object
}

// Profile returns the attributes of a viewer as they were put, or ErrUnknown.
func (l *Ledger) Profile(id string) ([]byte, error) {
	key := l.Viewer(id)
	var attributes []byte
	err := l.view(func(tx *bolt.Tx) error {
		v := tx.Bucket(bucketProfiles).Get(key[:])
		if v == nil {
			return ErrUnknown
		}
		attributes = slices.Clone(v)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("profile: %w", err)
	}
	return attributes, nil
}

// PutProfile stores a viewer's attributes, a JSON object, in place of what was there.
func (l *Ledger) PutProfile(id string, attributes []byte) error {
	return l.PutProfiles([]Profile{{ID: id, Attributes: attributes}})
}

// PutProfiles stores some thousands of profiles in one transaction: all of them or, after an error, none.
func (l *Ledger) PutProfiles(profiles []Profile) error {
	return l.update("put profiles", func(tx *bolt.Tx) error {
		b := tx.Bucket(bucketProfiles)
		for _, p := range profiles {
			key := l.Viewer(p.ID)
			if err := b.Put(key[:], p.Attributes); err != nil {
				return err
			}
		}
		return nil
	})
}

// Instruments returns the instruments that were put, by id, as they were put.
func (l *Ledger) Instruments() (map[string][]byte, error) {
	all := map[string][]byte{}
	err := l.view(func(tx *bolt.Tx) error {
		return tx.Bucket(bucketInstruments).ForEach(func(k, v []byte) error {
			all[string(k)] = slices.Clone(v)
			return nil
		})
	})
	return all, err
}

// PutInstrument stores an instrument of the admin API; its id must not be empty.
func (l *Ledger) PutInstrument(id string, data []byte) error {
	return l.update("put instrument", func(tx *bolt.Tx) error { return tx.Bucket(bucketInstruments).Put([]byte(id), data) })
}

// DeleteInstrument removes an instrument of the admin API; one that is not there is no error. Its counts stay: see Forget.
func (l *Ledger) DeleteInstrument(id string) error {
	return l.update("delete instrument", func(tx *bolt.Tx) error { return tx.Bucket(bucketInstruments).Delete([]byte(id)) })
}

// State returns what PutState stored last, and the number of the last record in it; nil and 0 if there is none.
func (l *Ledger) State() (data []byte, upto uint64, err error) {
	err = l.view(func(tx *bolt.Tx) error {
		upto = getNumber(tx, keyUpto)
		return tx.Bucket(bucketState).ForEach(func(_, v []byte) error {
			data = append(data, v...)
			return nil
		})
	})
	return data, upto, err
}

// PutState stores what the learner learned from the records up to that number, some tens of megabytes at most.
func (l *Ledger) PutState(data []byte, upto uint64) error {
	return l.update("put state of the learner", func(tx *bolt.Tx) error {
		if err := tx.DeleteBucket(bucketState); err != nil {
			return err
		}
		b, err := tx.CreateBucket(bucketState)
		if err != nil {
			return err
		}
		i := uint32(0)
		for chunk := range slices.Chunk(data, stateChunk) {
			if err := b.Put(binary.BigEndian.AppendUint32(nil, i), chunk); err != nil {
				return err
			}
			i++
		}
		return putNumber(tx, keyUpto, upto)
	})
}
