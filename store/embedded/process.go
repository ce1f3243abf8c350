package embedded

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// process is one run of the engine.
type process struct {
	cmd      *exec.Cmd
	stopping atomic.Bool   // set before we end it: its end is then no fault
	done     chan struct{} // closed when it has ended
	err      error         // why it ended by itself, or nil; valid after done
}

// startProcess starts the engine. The goroutine that starts it stays on its
// thread until the engine has ended: Linux sends the parent-death signal when
// the starting thread ends, and Go ends threads as it likes.
func startProcess(cmd *exec.Cmd, logPath string) (*process, error) {
	p := &process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(p.done)
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		err = cmd.Wait()
		if !p.stopping.Load() {
			p.err = exitError(err, logPath)
		}
	}()
	if err := <-started; err != nil {
		<-p.done
		return nil, err
	}
	return p, nil
}

// stop ends the engine and waits for it: SIGTERM, on which it syncs its files,
// and after the time given SIGKILL to it and what it forked. It returns an
// error when it had to kill.
func (p *process) stop(grace time.Duration) error {
	p.stopping.Store(true)
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // an engine that has ended is no fault
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-p.done:
		return nil
	case <-timer.C:
	}
	signalGroup(p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.done // the kernel does not let a process outlive SIGKILL
	return fmt.Errorf("engine did not end within %s and was killed", grace)
}

// exitError tells why the engine ended, with its own last words. A full disk
// or a port in use are then in the error and not only in a file.
func exitError(err error, logPath string) error {
	reason := "exit status 0"
	if err != nil {
		reason = err.Error()
	}
	tail := logTail(logPath)
	if strings.Contains(tail, "Address already in use") {
		return fmt.Errorf("%w: %w: %s", ErrExited, syscall.EADDRINUSE, tail)
	}
	return fmt.Errorf("%w (%s): %s", ErrExited, reason, tail)
}

// tailBytes and tailLines limit what of the engine's log gets into an error.
const (
	tailBytes = 4 << 10
	tailLines = 8
)

// logTail returns the last lines of the engine's log, in one line.
func logTail(path string) string {
	file, err := os.Open(path)
	if err != nil {
		return "(no engine log)"
	}
	defer func() { _ = file.Close() }()
	if info, err := file.Stat(); err == nil && info.Size() > tailBytes {
		_, _ = file.Seek(-tailBytes, io.SeekEnd)
	}
	text, _ := io.ReadAll(io.LimitReader(file, tailBytes))
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	lines = lines[max(0, len(lines)-tailLines):]
	return string(bytes.Join(lines, []byte(" | ")))
}

// engineEnv is the part of our environment that the engine needs. The rest
// stays here: the service's secrets may be in it, and a process's environment
// can be read for as long as it lives.
func engineEnv() []string {
	keep := []string{"PATH", "LD_LIBRARY_PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "OMP_NUM_THREADS"}
	return slices.DeleteFunc(os.Environ(), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return !slices.Contains(keep, name)
	})
}
