// Package bench owns the measurements that are too long for the ordinary tests. It has tests alone, behind the build
// tag bench.
package bench
