// Package soak owns the soak: the real program at work on streams that bring hours in minutes, while its decoders are killed,
// its origins fail, its configuration changes and viewers ask, and what must stay flat meanwhile. It has tests alone, behind
// the build tag soak.
package soak
