//go:build !linux

package awslocal

import "syscall"

// dieWithParent is Linux's alone: elsewhere a server outlives a test binary that is killed.
func dieWithParent() *syscall.SysProcAttr { return nil }
