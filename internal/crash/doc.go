// Package crash owns the crash suite: processes that are killed, disks that fill, files that are damaged and power that goes
// away, again and again, and what must hold afterwards. It has tests alone, behind the build tag crash; docs/crash-tests.md
// tells how to run them.
package crash
