package embedded

import (
	"fmt"
	"os"
	"syscall"
)

// childAttributes puts the engine in a process group of its own, so that
// Ctrl-C in a terminal reaches the service only, which still needs its store
// to flush what it holds. Should the service die without closing it, the
// kernel asks the engine to end (the signal follows the thread that started
// it: see startProcess).
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}

// worksIn says whether the process has dir as its working directory, which
// tells an engine of ours from a stranger that has the same process ID in
// another container.
func worksIn(pid int, dir string) bool {
	theirs, err := os.Stat(fmt.Sprintf("/proc/%d/cwd", pid))
	if err != nil {
		return false
	}
	ours, err := os.Stat(dir)
	return err == nil && os.SameFile(theirs, ours)
}
