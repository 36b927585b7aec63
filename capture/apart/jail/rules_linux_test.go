package jail

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"golang.org/x/sys/unix"
)

// TestDevicesOnlyWhereAsked looks at the rules themselves: there need be no graphics card here.
func TestDevicesOnlyWhereAsked(t *testing.T) {
	for _, devices := range []bool{false, true} {
		p, err := policy(os.Getpid(), devices)
		if err != nil {
			t.Skip(err)
		}
		var names []string
		for _, g := range p.Syscalls {
			if g.Action == seccomp.ActionAllow {
				names = append(names, g.Names...)
			}
		}
		if slices.Contains(names, "ioctl") != devices {
			t.Errorf("with devices %v: allowed are %v", devices, names)
		}
	}
}

func TestDeviceRules(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"dev/nvidia0", "dev/nvidia-uvm", "dev/nvidia-caps/nvidia-cap1", "dev/dri/renderD128", "dev/sda", "dev/mem"} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got := map[string]bool{} // whether a path may be written and controlled
	for _, r := range devices(root) {
		name, err := filepath.Rel(root, r.path)
		if err != nil {
			t.Fatal(err)
		}
		const control = unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
		got[name] = r.rights&control == control
		if r.rights&(unix.LANDLOCK_ACCESS_FS_EXECUTE|unix.LANDLOCK_ACCESS_FS_MAKE_REG|unix.LANDLOCK_ACCESS_FS_REMOVE_FILE) != 0 {
			t.Errorf("%s may be executed, or files made there", name)
		}
	}
	for name, want := range map[string]bool{
		"dev/nvidia0": true, "dev/nvidia-uvm": true, "dev/nvidia-caps": true, "dev/dri": true,
		"sys/bus/pci": false, "sys/class/drm": false, "sys/dev/char": false, "sys/devices": false,
	} {
		if control, there := got[name]; !there || control != want {
			t.Errorf("%s: there %v, may be controlled %v, want %v", name, there, control, want)
		}
	}
	if len(got) != 8 {
		t.Errorf("got %v", got)
	}
}
