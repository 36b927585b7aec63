package jail

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	readFiles  = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	execFiles  = readFiles | unix.LANDLOCK_ACCESS_FS_EXECUTE
	writeFiles = readFiles | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE |
		unix.LANDLOCK_ACCESS_FS_MAKE_REG | unix.LANDLOCK_ACCESS_FS_MAKE_DIR |
		unix.LANDLOCK_ACCESS_FS_REMOVE_FILE | unix.LANDLOCK_ACCESS_FS_REMOVE_DIR

	// ofFiles are the rights that a rule may give for a file that is not a folder.
	ofFiles = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_READ_FILE |
		unix.LANDLOCK_ACCESS_FS_TRUNCATE | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
)

type rule struct {
	path   string
	rights uint64
}

// system lists what any program with OpenCV and ONNX Runtime reads of a Linux system. The loader is a library that is
// executed. /proc has no secrets for a confined process: Landlock keeps the environment, the memory and the
// descriptors of every process outside the jail from it. (A rule for /proc/self alone would hold on to an inode that the
// kernel makes anew when it pleases.)
func system() []rule {
	return []rule{
		{"/lib", execFiles},
		{"/lib64", execFiles},
		{"/usr/lib", execFiles},
		{"/usr/lib64", execFiles},
		{"/usr/local/lib", execFiles},
		{"/etc/ld.so.cache", readFiles},
		{"/etc/localtime", readFiles},
		{"/usr/share/zoneinfo", readFiles},
		{"/proc", readFiles},
		{"/sys/devices/system", readFiles},
		{"/sys/kernel/mm/transparent_hugepage", readFiles},
		{"/sys/fs/cgroup", readFiles},
		{"/dev/null", readFiles | unix.LANDLOCK_ACCESS_FS_WRITE_FILE},
		{"/dev/zero", readFiles},
		{"/dev/random", readFiles},
		{"/dev/urandom", readFiles},
	}
}

const deviceFiles = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR |
	unix.LANDLOCK_ACCESS_FS_IOCTL_DEV

// devices lists what drivers of graphics cards open below root, which is / but in tests: their devices, and where the kernel
// tells which there are.
func devices(root string) []rule {
	list := []rule{
		{filepath.Join(root, "dev/dri"), deviceFiles},
		{filepath.Join(root, "sys/bus/pci"), readFiles},
		{filepath.Join(root, "sys/class/drm"), readFiles},
		{filepath.Join(root, "sys/dev/char"), readFiles},
		{filepath.Join(root, "sys/devices"), readFiles},
	}
	// nvidia0, nvidiactl, nvidia-uvm, and the folder nvidia-caps. The pattern is well formed.
	names, _ := filepath.Glob(filepath.Join(root, "dev/nvidia*"))
	for _, name := range names {
		list = append(list, rule{name, deviceFiles})
	}
	return list
}

// FilesError says why files cannot be confined here, and what mends it; it is nil where they can.
func FilesError() error {
	_, err := version()
	return err
}

// version returns the version of Landlock's interface.
func version() (int, error) {
	v, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	switch errno {
	case 0:
		return int(v), nil
	case unix.ENOSYS:
		return 0, fmt.Errorf("%w: the kernel has no Landlock: Linux 5.13 or later, built with it, is needed", ErrUnsupported)
	case unix.EOPNOTSUPP:
		return 0, fmt.Errorf("%w: Landlock is off: add landlock to the kernel's lsm= parameter", ErrUnsupported)
	default:
		return 0, fmt.Errorf("%w: Landlock is kept from this process (%w): "+
			"allow landlock_create_ruleset, landlock_add_rule and landlock_restrict_self", ErrUnsupported, errno)
	}
}

// handled returns the rights that a version of the interface can deny.
// https://docs.kernel.org/userspace-api/landlock.html#defining-and-enforcing-a-security-policy
func handled(version int) unix.LandlockRulesetAttr {
	attr := unix.LandlockRulesetAttr{Handled_access_fs: unix.LANDLOCK_ACCESS_FS_MAKE_SYM<<1 - 1}
	if version >= 2 {
		attr.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_REFER
	}
	if version >= 3 {
		attr.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	if version >= 4 {
		attr.Handled_access_net = unix.LANDLOCK_ACCESS_NET_BIND_TCP | unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
	}
	if version >= 5 {
		attr.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	}
	return attr
}

// Files confines the calling thread, and every process that it starts or becomes, to the files of the rules, for good:
// there is no way back. The caller must have locked its goroutine to the thread. Threads that run already stay free, and C
// libraries start some when they are loaded, so a process is to be confined before it is born, by the thread that starts it.
// FilesError tells beforehand whether it will work.
func Files(r Rules) error {
	v, err := version()
	if err != nil {
		return fmt.Errorf("confine files: %w", err)
	}
	attr := handled(v)
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr), 0)
	if errno != 0 {
		return fmt.Errorf("confine files: make rules: %w", errno)
	}
	set := os.NewFile(fd, "landlock")
	defer set.Close()
	rules := append(system(), rule{r.Program, execFiles}, rule{r.Writable, writeFiles})
	if r.Devices {
		rules = append(rules, devices("/")...)
	}
	for _, path := range r.ReadOnly {
		rules = append(rules, rule{path, readFiles})
	}
	for _, rule := range rules {
		if err := allow(set, rule, attr.Handled_access_fs); err != nil {
			return fmt.Errorf("confine files: allow %s: %w", rule.path, err)
		}
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("confine files: give up new privileges: %w", err)
	}
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, set.Fd(), 0, 0); errno != 0 {
		return fmt.Errorf("confine files: %w", errno)
	}
	return nil
}

// allow adds a rule, as far as the kernel handles its rights. Nothing is added for a path that does not exist, or that
// this process may not see anyway.
func allow(set *os.File, r rule, handled uint64) error {
	if r.path == "" {
		return nil
	}
	fd, err := unix.Open(r.path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EACCES) || errors.Is(err, unix.ENOTDIR) {
		return nil
	}
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return err
	}
	rights := r.rights & handled
	if stat.Mode&unix.S_IFMT != unix.S_IFDIR {
		rights &= ofFiles
	}
	beneath := unix.LandlockPathBeneathAttr{Allowed_access: rights, Parent_fd: int32(fd)}
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, set.Fd(), unix.LANDLOCK_RULE_PATH_BENEATH,
		uintptr(unsafe.Pointer(&beneath)), 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}
