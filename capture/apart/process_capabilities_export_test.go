//go:build linux

package apart

var GiveUpCapabilities = giveUpCapabilities
