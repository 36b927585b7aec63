//go:build crash && linux

package crash_test

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// traced are the system calls that change files, or that a note is said by.
const traced = "openat,close,pwrite64,write,fdatasync,fsync,ftruncate,linkat,renameat,renameat2,rename,unlinkat"

// call is a system call of a worker that succeeded.
type call struct {
	name    string
	strings [][]byte // its string arguments
	args    []string // the others
	result  int
}

func (c call) int(i int) int {
	n, err := strconv.Atoi(c.args[i])
	if err != nil {
		panic(fmt.Sprintf("argument %d of %s: %v", i, c.name, c.args))
	}
	return n
}

// readTrace reads what strace -f -xx wrote and calls f with each call in the order in which they ended; but a note counts
// from when it begins to be said.
func readTrace(path string, f func(c call) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewReaderSize(file, 1<<20)
	open := map[string][]byte{} // by thread, the beginning of a call that has not ended
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return nil
		}
		thread, text, ok := bytes.Cut(bytes.TrimSpace(line), []byte(" "))
		if !ok {
			continue
		}
		text = bytes.TrimLeft(text, " ")
		isNote := bytes.HasPrefix(text, []byte("write(1, "))
		if head, unfinished := bytes.CutSuffix(text, []byte("<unfinished ...>")); unfinished {
			if open[string(thread)] = bytes.Clone(head); !isNote {
				continue
			}
			text = append(bytes.TrimSpace(head), ") = 1"...)
			delete(open, string(thread))
		} else if bytes.HasPrefix(text, []byte("<... ")) {
			head := open[string(thread)]
			delete(open, string(thread))
			_, tail, found := bytes.Cut(text, []byte("resumed>"))
			if head == nil || !found {
				continue
			}
			text = append(head, tail...)
		}
		if c, ok := parseCall(string(text)); ok {
			if err := f(c); err != nil {
				return err
			}
		}
	}
}

// parseCall reads a line such as pwrite64(5, "\x00\x01", 2, 0) = 2. It returns false for what is no call, or failed.
func parseCall(text string) (c call, ok bool) {
	end := strings.LastIndex(text, ") ")
	name, _, found := strings.Cut(text, "(")
	if !found || end < len(name) {
		return c, false
	}
	_, result, found := strings.Cut(text[end:], "= ")
	if !found {
		return c, false
	}
	result, _, _ = strings.Cut(result, " ")
	n, err := strconv.Atoi(result)
	if err != nil || n < 0 {
		return c, false
	}
	c.name, c.result = name, n
	for arg := range strings.SplitSeq(text[len(name)+1:end], ", ") { // strings are hexadecimal, so have no comma
		if quoted, is := strings.CutPrefix(arg, `"`); is {
			b, err := hex.DecodeString(strings.ReplaceAll(strings.TrimSuffix(quoted, `"`), `\x`, ""))
			if err != nil {
				return c, false
			}
			c.strings = append(c.strings, b)
		} else {
			c.args = append(c.args, strings.TrimSpace(arg))
		}
	}
	return c, true
}
