package main

import (
	"flag"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain puts the real program, as this test binary, into PATH under the name spotter.
func TestMain(m *testing.M) {
	// Most tests wait for a live stream most of the time, so more of them go on at once than there are processors.
	if err := flag.Set("test.parallel", "6"); err != nil {
		panic(err)
	}
	testscript.Main(m, map[string]func(){"spotter": main})
}
