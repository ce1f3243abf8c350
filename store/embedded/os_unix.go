//go:build unix && !solaris && !aix

package embedded

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// lockFile takes an exclusive flock without waiting. It returns errLocked
// when another open file description has it. The lock goes with the last
// descriptor of the file, however its process ends.
func lockFile(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return errLocked
	}
	if err != nil {
		return fmt.Errorf("flock: %w", err)
	}
	return nil
}

// signalGroup sends the signal to every process of the group that pid leads:
// the engine and what it has forked. A group that is gone is no fault: its
// lock and its channel tell whoever waits.
func signalGroup(pid int, signal syscall.Signal) {
	if pid > 1 { // 0 would be our own group, -1 everything
		_ = syscall.Kill(-pid, signal)
	}
}

// trusted says whether only root, the program's owner and the current user
// can have put path where it is: whoever owns the program decides what runs
// anyway.
func trusted(path, program string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("whose is it: %w", err)
	}
	if info.Mode().Perm()&0o002 != 0 {
		return fmt.Errorf("%s can be written to by every user", path)
	}
	allowed := map[int]bool{0: true, os.Geteuid(): true}
	if own, err := os.Stat(program); err == nil {
		allowed[ownerOf(own)] = true
	}
	if owner := ownerOf(info); !allowed[owner] {
		return fmt.Errorf("%s belongs to user %d", path, owner)
	}
	return nil
}

// ownerOf returns the user ID that a file belongs to; every Unix tells.
func ownerOf(info os.FileInfo) int {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Uid)
	}
	return -1
}
