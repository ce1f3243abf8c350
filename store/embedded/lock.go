package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// The files of a data directory that are ours. The rest is the engine's.
const (
	lockName       = "lock"        // locked by the owner, a Server, from Start to Close
	engineLockName = "engine.lock" // locked by the engine process and its children
	pidName        = "engine.pid"  // written by the engine
	logName        = "engine.log"
	socketName     = "engine.sock"
)

// How long a left-over engine gets: first to end unasked (it may be ending
// already), then after SIGTERM, then after SIGKILL.
const (
	orphanUnasked = time.Second
	orphanGrace   = 5 * time.Second
	orphanKilled  = 5 * time.Second
)

// lockPoll is the time between two looks at a lock that somebody holds.
const lockPoll = 10 * time.Millisecond

// makeDir makes the data directory, for us alone. One that exists must be
// closed to others too, or empty, so that it can be closed before anything
// lies in it: the engine's files have whatever mode its umask gives them.
func makeDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	if info.Mode().Perm()&0o077 == 0 {
		return nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	if len(entries) > 0 {
		return fmt.Errorf("%w: %s has mode %#o: chmod 700 it or choose another one", ErrOpenDir, dir, info.Mode().Perm())
	}
	if err := os.Chmod(dir, 0o700); err != nil { //nolint:gosec // a directory needs the x
		return fmt.Errorf("data directory: %w", err)
	}
	return nil
}

// lockDir makes the caller the owner of dir until it closes the file. The
// file itself stays: removing a lock file lets two owners lock two files.
func lockDir(dir string) (*os.File, error) {
	file, err := openLock(dir, lockName)
	if err != nil {
		return nil, err
	}
	if err := lockFile(file); err != nil {
		_ = file.Close()
		if errors.Is(err, errLocked) {
			return nil, fmt.Errorf("%w: %s", ErrDirInUse, dir)
		}
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	return file, nil
}

// openLock opens a lock file; Go closes it on exec, so that no child keeps
// the lock by accident.
func openLock(dir, name string) (*os.File, error) {
	path := filepath.Join(dir, name)
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open lock: %w", err)
	}
	return file, nil
}

// claimEngine returns the engine's lock, held. The engine to be started
// inherits it, and only it. When an engine of an earlier owner still has it,
// that one is stopped first; found is then true. Only the owner of dir may
// call it.
func claimEngine(ctx context.Context, dir string) (file *os.File, found bool, err error) {
	file, err = openLock(dir, engineLockName)
	if err != nil {
		return nil, false, err
	}
	err = lockFile(file)
	if errors.Is(err, errLocked) {
		found = true
		err = stopOrphan(ctx, dir, file)
	}
	if err != nil {
		_ = file.Close()
		return nil, found, fmt.Errorf("lock the engine of %s: %w", dir, err)
	}
	return file, found, nil
}

// stopOrphan ends the engine that holds the lock and takes the lock over.
//
// The process ID in the file cannot be a stranger's: the owner removes the
// file before it starts an engine, so its content is of the one that holds
// the lock, and while any process of that engine's group lives, its number is
// not given to another one.
func stopOrphan(ctx context.Context, dir string, lock *os.File) error {
	err := waitLock(ctx, lock, orphanUnasked)
	for _, step := range []struct {
		signal syscall.Signal
		wait   time.Duration
	}{{syscall.SIGTERM, orphanGrace}, {syscall.SIGKILL, orphanKilled}} {
		if !errors.Is(err, errLocked) {
			return err
		}
		if pid := readPID(dir); pid > 1 && worksIn(pid, dir) {
			signalGroup(pid, step.signal)
		}
		err = waitLock(ctx, lock, step.wait)
	}
	if errors.Is(err, errLocked) {
		return fmt.Errorf("%w: an engine left over from an earlier run does not end", ErrDirInUse)
	}
	return err
}

// waitLock tries to take the lock until it has it, for at most the time given;
// it returns errLocked when that was not enough.
func waitLock(ctx context.Context, file *os.File, limit time.Duration) error {
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(lockPoll)
	defer tick.Stop()
	for {
		if err := lockFile(file); !errors.Is(err, errLocked) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the lock: %w", context.Cause(ctx))
		case <-deadline.C:
			return errLocked
		case <-tick.C:
		}
	}
}

// readPID returns the process ID that the engine wrote, or 0.
func readPID(dir string) int {
	text, err := os.ReadFile(filepath.Join(dir, pidName))
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	return pid
}
