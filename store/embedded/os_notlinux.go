//go:build unix && !linux && !solaris && !aix

package embedded

import "syscall"

// childAttributes puts the engine in a process group of its own; see the
// Linux version. There is no portable way to end it with its parent: the next
// Start does it.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

// worksIn cannot be told portably; the lock that the engine holds is the
// evidence then.
func worksIn(int, string) bool { return true }
