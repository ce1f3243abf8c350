package e2e

import (
	"os/exec"
	"syscall"
)

// dieWithTests ends a program when these tests are ended the hard way, as by
// their time limit; nothing else would.
func dieWithTests(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
