package scorecard

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// Machine is what absolute figures depend on. It has no name or path of the machine.
type Machine struct {
	CPU      string   `json:"cpu"`
	Cores    int      `json:"cores"`
	MemoryGB float64  `json:"memory_gb"`
	Kernel   string   `json:"kernel"`
	Versions []string `json:"versions"` // "Go 1.26.0", ...
}

// Describe describes the machine that it runs on. onnx is ONNX Runtime's version, "" without it.
func Describe(ctx context.Context, onnx string) Machine {
	m := Machine{CPU: runtime.GOARCH, Cores: runtime.NumCPU()}
	if model, ok := field(content("/proc/cpuinfo"), "model name"); ok {
		m.CPU = model
	}
	if total, ok := field(content("/proc/meminfo"), "MemTotal"); ok {
		var kib float64
		if _, err := fmt.Sscan(total, &kib); err == nil {
			m.MemoryGB = kib * 1024 / 1e9
		}
	}
	m.Kernel = runtime.GOOS + " " + strings.TrimSpace(content("/proc/sys/kernel/osrelease"))
	m.Versions = append(m.Versions, "Go "+strings.TrimPrefix(runtime.Version(), "go"))
	for _, p := range []struct {
		name, program string
		args          []string
	}{
		{"OpenCV", "pkg-config", []string{"--modversion", "opencv4"}},
		{"ffmpeg", "ffmpeg", []string{"-hide_banner", "-version"}},
	} {
		out, err := exec.CommandContext(ctx, p.program, p.args...).Output()
		if version := versionOf(string(out)); err == nil && version != "" {
			m.Versions = append(m.Versions, p.name+" "+version)
		}
	}
	if onnx != "" {
		m.Versions = append(m.Versions, "ONNX Runtime "+onnx)
	}
	return m
}

// versionOf is the first word with a digit first, of what a program says of itself.
func versionOf(said string) string {
	for _, word := range strings.Fields(said) {
		if word[0] >= '0' && word[0] <= '9' {
			return word
		}
	}
	return ""
}

// content is a file's text, "" where it cannot be read: what is not known is not told.
func content(path string) string {
	text, _ := os.ReadFile(path)
	return string(text)
}

// field returns what stands behind a name and a colon at a line's start.
func field(text, name string) (string, bool) {
	for line := range strings.Lines(text) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value), true
		}
	}
	return "", false
}

// String is the machine in a sentence.
func (m Machine) String() string {
	return fmt.Sprintf("%d cores of %s, %.0f GB of memory, %s, %s", m.Cores, m.CPU, m.MemoryGB, m.Kernel, strings.Join(m.Versions, ", "))
}
