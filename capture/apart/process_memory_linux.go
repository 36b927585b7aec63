package apart

import (
	"bufio"
	"bytes"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/dustin/go-humanize"
)

// tooMuch is the end of a child that uses more than it may.
func tooMuch(used, most int64) error {
	return fmt.Errorf("%w: exceeded %s (it used %s)", ErrMemory, humanize.IBytes(uint64(most)), humanize.IBytes(uint64(used)))
}

// memory returns the bytes of memory that are there for a process alone: what it allocated, and its files in memory,
// mapped or not. Pages of libraries are shared by all children and can be read again, so they do not count. It is 0 when
// the process has ended.
func memory(pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	allocated, mapped := resident(status)
	return allocated + max(mapped, memoryFiles(pid))
}

// resident reads RssAnon and RssShmem, in bytes, of /proc/PID/status (proc_pid_status(5)).
func resident(status []byte) (anonymous, shared int64) {
	for lines := bufio.NewScanner(bytes.NewReader(status)); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), ":")
		switch name {
		case "RssAnon":
			anonymous = kilobytes(value)
		case "RssShmem":
			shared = kilobytes(value)
		}
	}
	return anonymous, shared
}

// kilobytes reads "  1234 kB" as bytes.
func kilobytes(value string) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(value, "kB")), 10, 64)
	if err != nil {
		return 0
	}
	return n << 10
}

// memoryFiles returns the bytes in a process's files in memory.
func memoryFiles(pid int) int64 {
	folder := fmt.Sprintf("/proc/%d/fd/", pid)
	entries, err := os.ReadDir(folder)
	if err != nil {
		return 0
	}
	var sum int64
	for _, e := range entries {
		// A descriptor may be closed between these calls.
		if target, err := os.Readlink(folder + e.Name()); err != nil || !strings.HasPrefix(target, "/memfd:") {
			continue
		}
		if info, err := os.Stat(folder + e.Name()); err == nil {
			sum += info.Sys().(*syscall.Stat_t).Blocks * 512
		}
	}
	return sum
}

// mostEntries is how many files and folders a child may make.
const mostEntries = 1000

// written returns the bytes of the files in a child's folder, which may be in memory. A folder of more entries than any
// decoder makes counts as more than any child may use, and is not read on.
func written(folder string) (sum int64) {
	entries := 0
	// What is gone when it is looked at takes no room.
	_ = filepath.WalkDir(folder, func(_ string, e fs.DirEntry, err error) error {
		if entries++; entries > mostEntries {
			sum = math.MaxInt64 / 2
			return fs.SkipAll
		}
		if err != nil || !e.Type().IsRegular() {
			return nil
		}
		if info, err := e.Info(); err == nil {
			sum += info.Sys().(*syscall.Stat_t).Blocks * 512
		}
		return nil
	})
	return sum
}
