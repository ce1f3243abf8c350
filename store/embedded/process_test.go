package embedded

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// shell starts a shell script as if it were the engine.
func shell(t *testing.T, text string) (p *process, logPath string) {
	t.Helper()
	logPath = filepath.Join(t.TempDir(), logName)
	log, err := os.Create(logPath)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command("/bin/sh", "-c", text)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = childAttributes()
	p, err = startProcess(cmd, logPath)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.stop(0) })
	return p, logPath
}

// says waits until the script has printed the word.
func says(t *testing.T, logPath, word string) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		if text, _ := os.ReadFile(logPath); bytes.Contains(text, []byte(word)) {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("waited in vain for %q", word)
		case <-time.After(time.Millisecond):
		}
	}
}

func TestStopKillsOnlyWhatDoesNotEnd(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text   string
		grace  time.Duration
		killed bool
	}{
		"ends on SIGTERM":  {"trap 'exit 0' TERM; echo up; while :; do sleep 0.01; done", 30 * time.Second, false},
		"ignores SIGTERM":  {"trap '' TERM; echo up; while :; do sleep 0.01; done", 50 * time.Millisecond, true},
		"has ended before": {"echo up", 30 * time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, log := shell(t, test.text)
			says(t, log, "up")
			if err := p.stop(test.grace); (err != nil) != test.killed {
				t.Errorf("stop says %v", err)
			}
			select {
			case <-p.done:
			default:
				t.Error("stop returned before the end")
			}
		})
	}
}

func TestStopKillsWhatTheEngineForked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	lock, err := openLock(dir, engineLockName)
	if err != nil {
		t.Fatal(err)
	}
	if err := lockFile(lock); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(dir, logName))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command("/bin/sh", "-c", "trap '' TERM; sleep 100 & echo up; wait; sleep 100")
	cmd.Stdout = log
	cmd.ExtraFiles = []*os.File{lock}
	cmd.SysProcAttr = childAttributes()
	p, err := startProcess(cmd, log.Name())
	if err != nil {
		t.Fatal(err)
	}
	_ = lock.Close()
	says(t, log.Name(), "up")
	if err := p.stop(10 * time.Millisecond); err == nil {
		t.Error("stop did not kill")
	}
	again, err := openLock(dir, engineLockName)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if err := waitLock(t.Context(), again, 30*time.Second); err != nil {
		t.Errorf("a child still holds the lock: %v", err)
	}
}

func TestProgramThatCannotBeStartedIsAnError(t *testing.T) {
	t.Parallel()
	p, err := startProcess(exec.Command("/nowhere/server"), "/nowhere/log")
	if !errors.Is(err, os.ErrNotExist) || p != nil {
		t.Errorf("got %v, %v", p, err)
	}
}

func TestEndOfTheEngineIsAFaultUnlessAskedFor(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text string
		want []string
	}{
		"failure":            {"echo disk full; exit 3", []string{"exit status 3", "disk full"}},
		"success":            {"echo bye", []string{"exit status 0", "bye"}},
		"a port that is not": {"echo 'bind: Address already in use'; exit 1", []string{"Address already in use"}},
		"a signal":           {"kill -9 $$", []string{"killed"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, _ := shell(t, test.text)
			<-p.done
			if !errors.Is(p.err, ErrExited) {
				t.Fatalf("error is %v", p.err)
			}
			for _, part := range test.want {
				if !strings.Contains(p.err.Error(), part) {
					t.Errorf("error lacks %q: %v", part, p.err)
				}
			}
			if got := errors.Is(p.err, syscall.EADDRINUSE); got != (name == "a port that is not") {
				t.Errorf("about a port in use: %v", got)
			}
		})
	}
}

func TestLogTailIsShortAndRecent(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), logName)
	if got := logTail(path); got != "(no engine log)" {
		t.Errorf("without a log: %q", got)
	}
	text := strings.Repeat("an old line\n", 10000) + strings.Repeat("x", 200) + "\nthe last line\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got := logTail(path)
	if !strings.HasSuffix(got, "| the last line") || strings.Contains(got, "\n") {
		t.Errorf("got %q", got)
	}
	if lines := strings.Count(got, " | ") + 1; lines != tailLines {
		t.Errorf("%d lines", lines)
	}
	if err := os.WriteFile(path, bytes.Repeat([]byte("y"), 10*tailBytes), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := logTail(path); len(got) != tailBytes {
		t.Errorf("one long line gives %d bytes", len(got))
	}
}

func TestLockHasOneHolderAtATime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, err := lockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lockDir(dir); !errors.Is(err, ErrDirInUse) || !strings.Contains(err.Error(), dir) {
		t.Errorf("second holder: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second, err := lockDir(dir)
	if err != nil {
		t.Fatalf("after the first has let go: %v", err)
	}
	_ = second.Close()
}

func TestWaitingForALockIsBounded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	holder, err := lockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer holder.Close()
	waiter, err := openLock(dir, lockName)
	if err != nil {
		t.Fatal(err)
	}
	defer waiter.Close()
	if err := waitLock(t.Context(), waiter, 20*time.Millisecond); !errors.Is(err, errLocked) {
		t.Errorf("by its own limit: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := waitLock(ctx, waiter, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("by the caller's word: %v", err)
	}
}

func TestOnlyAProcessIDIsRead(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{"4711\n": 4711, "": 0, "-1": -1, "12 13": 0, "x": 0, "99999999999999999999": 0} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, pidName), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := readPID(dir); got != want {
			t.Errorf("%q reads %d, want %d", text, got, want)
		}
	}
	if got := readPID(t.TempDir()); got != 0 {
		t.Errorf("no file reads %d", got)
	}
	signalGroup(-1, syscall.SIGKILL) // whatever is read: this process must live on
	signalGroup(0, syscall.SIGKILL)
	signalGroup(1, syscall.SIGKILL)
}
