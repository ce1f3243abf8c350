//go:build !unix || solaris || aix

package embedded

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// No engine exists for these systems. falkorpat still runs there with a store
// of the operator's own; everything here only says so.

func lockFile(*os.File) error {
	return fmt.Errorf("embedded store on this operating system: %w", errors.ErrUnsupported)
}

func trusted(path, _ string) error {
	return fmt.Errorf("%s: %w", path, errors.ErrUnsupported)
}

func signalGroup(int, syscall.Signal) {}

func childAttributes() *syscall.SysProcAttr { return nil }

func worksIn(int, string) bool { return false }
