package jail

import (
	seccomp "github.com/elastic/go-seccomp-bpf"
	"golang.org/x/sys/unix"
)

// allowed lists the system calls that need no look at their arguments. It began as what strace saw of Go's runtime,
// the loader, OpenCV with FFmpeg and ONNX Runtime at work on Debian 12, and was widened by what these do in their
// place: the older and newer forms of each call, for other C libraries and kernels, and what the runtime does only
// under pressure, when it profiles or when it dies. Files are Landlock's to judge; what changes owner, rights, times or
// attributes of files is not here, for Landlock does not judge that.
func allowed() []string {
	return []string{
		// Memory. A file in memory is how OpenCV gets its media.
		"brk", "mmap", "munmap", "mremap", "mprotect", "madvise", "mincore", "msync", "memfd_create", "get_mempolicy",

		// Threads and time.
		"futex", "set_robust_list", "get_robust_list", "set_tid_address", "rseq", "membarrier", "arch_prctl",
		"sched_yield", "sched_getaffinity", "sched_getparam", "sched_getscheduler", "getcpu", "gettid", "exit",
		"exit_group", "restart_syscall", "clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep",
		"gettimeofday", "time", "times", "setitimer", "getitimer",

		// Signals to itself.
		"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigpending", "rt_sigsuspend", "rt_sigtimedwait",
		"sigaltstack",

		// Open descriptors, the socket to the parent among them.
		"read", "write", "readv", "writev", "pread64", "pwrite64", "preadv", "pwritev", "lseek", "close",
		"close_range", "dup", "dup2", "dup3", "pipe", "pipe2", "fstat", "fstatfs", "ftruncate", "fallocate", "fsync",
		"fdatasync", "fadvise64", "poll", "ppoll", "select", "pselect6", "epoll_create", "epoll_create1", "epoll_ctl",
		"epoll_wait", "epoll_pwait", "eventfd", "eventfd2",

		// Files by name.
		"open", "openat", "openat2", "stat", "lstat", "newfstatat", "statx", "statfs", "access", "faccessat",
		"faccessat2", "readlink", "readlinkat", "getdents", "getdents64", "getcwd", "mkdir", "mkdirat", "unlink",
		"unlinkat", "rmdir", "rename", "renameat", "renameat2", "umask",

		// What it may know of itself and the machine.
		"getpid", "getppid", "getuid", "geteuid", "getgid", "getegid", "getpgrp", "getpgid", "getrlimit", "getrusage",
		"getrandom", "uname", "sysinfo",
	}
}

// guarded lists the system calls that are allowed with certain arguments only.
func guarded(pid uint64) []seccomp.NameWithConditions {
	var list []seccomp.NameWithConditions
	when := func(name string, argument uint32, values ...uint64) {
		for _, v := range values {
			c := seccomp.Condition{Argument: argument, Operation: seccomp.Equal, Value: v}
			list = append(list, seccomp.NameWithConditions{Name: name, Conditions: seccomp.ArgumentConditions{c}})
		}
	}
	// A thread may be made, a process may not.
	thread := seccomp.Condition{Argument: 0, Operation: seccomp.BitsSet, Value: unix.CLONE_THREAD}
	list = append(list, seccomp.NameWithConditions{Name: "clone", Conditions: seccomp.ArgumentConditions{thread}})
	// Signals reach no other process. Of fcntl, F_SETOWN and F_SETSIG could send them too.
	when("kill", 0, pid)
	when("tgkill", 0, pid)
	when("fcntl", 1, unix.F_DUPFD, unix.F_DUPFD_CLOEXEC, unix.F_GETFD, unix.F_SETFD, unix.F_GETFL, unix.F_SETFL,
		unix.F_ADD_SEALS, unix.F_GET_SEALS)
	// It may read its own limits and not set them: root could raise those that the parent has set.
	list = append(list, seccomp.NameWithConditions{Name: "prlimit64", Conditions: seccomp.ArgumentConditions{
		{Argument: 0, Operation: seccomp.Equal, Value: 0}, {Argument: 2, Operation: seccomp.Equal, Value: 0},
	}})
	// Names of threads and of memory, for those who look at the process.
	when("prctl", 0, unix.PR_SET_NAME, unix.PR_GET_NAME, unix.PR_SET_VMA)
	return list
}

// tooNew lists system calls that libraries try before an older one that is allowed: they fall back where the kernel
// does not know the call, and may not where it is not permitted. The arguments of clone3 cannot be looked at.
func tooNew() []string {
	return []string{
		"clone3", "epoll_pwait2", "futex_waitv", "futex_wait", "futex_wake", "futex_requeue", "fchmodat2", "cachestat",
		"mseal", "map_shadow_stack", "set_mempolicy_home_node", "preadv2", "pwritev2", "copy_file_range",
	}
}
