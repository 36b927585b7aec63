package dynamodb_test

import (
	"testing"
	"testing/synctest"
	"time"

	"spotter/sync/dynamodb"
)

// TestLeaseOfAnother: the box that waits knows since when the other one holds the lease, and knows of none while nobody does
// or the table is away.
func TestLeaseOfAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		way := &cable{memory: newMemory()}
		tab := &dynamodb.Table{Client: way, Name: "observations"}
		known := func(c *contender, want bool, longest time.Duration) {
			t.Helper()
			since, ok := c.lease.Other()
			if ok != want || ok && time.Since(since) > longest {
				t.Errorf("another box holds: %v for %v; want %v, for %v at most", ok, time.Since(since), want, longest)
			}
		}
		main := contend(t, tab, "main")
		<-main.changes
		backup := contend(t, tab, "backup")
		time.Sleep(time.Minute)
		known(main, false, 0)
		known(backup, true, time.Minute)
		if since, _ := backup.lease.Other(); time.Since(since) < 59*time.Second {
			t.Errorf("held for %v, want a minute", time.Since(since))
		}
		way.set(true)
		time.Sleep(time.Minute)
		known(main, false, 0)
		known(backup, false, 0)
		way.set(false)
		time.Sleep(5 * time.Second)
		holder, other := main, backup
		if backup.lease.Held() {
			holder, other = backup, main
		}
		known(holder, false, 0)
		known(other, true, 5*time.Second)
		holder.stop(t)
		time.Sleep(time.Second)
		known(other, false, 0)
		other.stop(t)
	})
}
