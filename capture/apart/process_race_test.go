//go:build race

package apart_test

// raced is whether the race detector is on. Its memory is many times that of the program.
const raced = true
