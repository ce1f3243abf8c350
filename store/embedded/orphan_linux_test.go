package embedded_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/falkorpat/falkorpat/store/embedded"
	"github.com/falkorpat/falkorpat/store/embedded/embeddedtest"
)

// owner is another process that owns a server.
type owner struct {
	cmd   *exec.Cmd
	input io.Closer
	url   string
}

// startOwner starts one on dir and waits until its server is up.
func startOwner(t *testing.T, dir string, engine embedded.Engine) *owner {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleVariable+"=owner",
		"OWNER_SERVER="+engine.Server, "OWNER_MODULE="+engine.Module, "OWNER_DIR="+dir)
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	o := &owner{cmd: cmd, input: input}
	t.Cleanup(func() { o.kill() })
	line, err := bufio.NewReader(output).ReadString('\n')
	url, ready := strings.CutPrefix(strings.TrimSpace(line), "ready ")
	if !ready {
		t.Fatalf("the other owner says %q (%v)", line, err)
	}
	o.url = url
	return o
}

// kill ends the owner as a crash would.
func (o *owner) kill() {
	_ = o.cmd.Process.Kill()
	_ = o.cmd.Wait()
}

// survivor returns an engine that outlives its owner.
func survivor(t *testing.T) embedded.Engine {
	t.Helper()
	engine := embeddedtest.Engine(t)
	engine.Server = script(t, fmt.Sprintf("%s=survivor SURVIVOR_SERVER='%s' exec '%s' \"$@\"",
		roleVariable, engine.Server, os.Args[0]))
	return engine
}

// playSurvivor turns this process into such an engine. The parent-death signal
// is a thread's own: execve keeps that of the thread which calls it.
func playSurvivor() int {
	runtime.LockOSThread()
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, 0, 0, 0, 0); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	server := os.Getenv("SURVIVOR_SERVER")
	err := syscall.Exec(server, append([]string{server}, os.Args[1:]...), os.Environ())
	fmt.Fprintln(os.Stderr, err) // only a failed Exec returns
	return 1
}

func TestSecondOwnerOfADirectoryIsRefused(t *testing.T) {
	t.Parallel()
	engine := embeddedtest.Engine(t)
	dir := filepath.Join(t.TempDir(), "db")
	first := startOwner(t, dir, engine)
	client := connect(t, first.url)
	do(t, client, "SET", "whose", "first")

	second := &embedded.Server{Engine: engine, Dir: dir}
	begin := time.Now()
	err := second.Start(t.Context())
	wantErr(t, err, embedded.ErrDirInUse)
	if !strings.Contains(err.Error(), dir) {
		t.Errorf("error does not name the directory: %v", err)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("refused only after %s", took)
	}
	if got := do(t, client, "GET", "whose"); got != "first" {
		t.Errorf("the first owner's engine answers %q", got)
	}

	if err := first.input.Close(); err != nil { // lets it end in good order
		t.Fatal(err)
	}
	if err := first.cmd.Wait(); err != nil {
		t.Fatalf("the first owner: %v", err)
	}
	third := embeddedtest.Start(t, embedded.Server{Engine: engine, Dir: dir})
	if got := do(t, connect(t, third.URL()), "GET", "whose"); got != "first" {
		t.Errorf("the next owner's engine answers %q", got)
	}
}

func TestSecondOwnerInTheSameProcessIsRefused(t *testing.T) {
	t.Parallel()
	first := embeddedtest.Start(t, embedded.Server{})
	second := &embedded.Server{Engine: first.Engine, Dir: first.Dir}
	wantErr(t, second.Start(t.Context()), embedded.ErrDirInUse)
	if err := second.Close(); err != nil {
		t.Errorf("closing what never started: %v", err)
	}
	do(t, connect(t, first.URL()), "PING")
}

func TestEngineEndsWithAKilledOwner(t *testing.T) {
	t.Parallel()
	o := startOwner(t, filepath.Join(t.TempDir(), "db"), embeddedtest.Engine(t))
	pid := enginePID(t, connect(t, o.url))
	o.kill()
	eventually(t, "the engine to end with its owner", func() bool { return !alive(pid) })
}

func TestEngineThatOutlivedItsOwnerIsStoppedBeforeTheNextStarts(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(t *testing.T, pid int){
		"which answers": func(*testing.T, int) {},
		"which hangs":   func(t *testing.T, pid int) { t.Helper(); signal(t, pid, syscall.SIGSTOP) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "db")
			o := startOwner(t, dir, survivor(t))
			client := connect(t, o.url)
			do(t, client, "GRAPH.QUERY", "g", "CREATE (:Token {token_id: 'kept'})")
			orphan := enginePID(t, client)
			o.kill()
			if !alive(orphan) {
				t.Fatal("the engine was to outlive its owner, for this test")
			}
			prepare(t, orphan)

			next := &embedded.Server{Engine: embeddedtest.Engine(t), Dir: dir}
			if err := next.Start(t.Context()); err != nil {
				_ = syscall.Kill(orphan, syscall.SIGKILL)
				t.Fatal(err)
			}
			defer next.Close()
			if alive(orphan) {
				t.Error("two engines on one directory")
			}
			if got := do(t, connect(t, next.URL()), "GRAPH.RO_QUERY", "g", "MATCH (t:Token) RETURN t.token_id"); !strings.Contains(got, "kept") {
				t.Errorf("what the orphan had stored is gone: %s", got)
			}
		})
	}
}

func TestOrphanThatCannotBeFoundKeepsTheDirectory(t *testing.T) {
	t.Parallel()
	// Its process ID is another's: an engine in another container, say. It must be neither joined nor harmed.
	dir := filepath.Join(t.TempDir(), "db")
	o := startOwner(t, dir, survivor(t))
	orphan := enginePID(t, connect(t, o.url))
	t.Cleanup(func() { _ = syscall.Kill(orphan, syscall.SIGKILL) })
	o.kill()
	bystander := exec.Command("sleep", "60")
	bystander.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := bystander.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bystander.Process.Kill(); _ = bystander.Wait() })
	pidFile := filepath.Join(dir, "engine.pid")
	if err := os.WriteFile(pidFile, fmt.Appendln(nil, bystander.Process.Pid), 0o600); err != nil {
		t.Fatal(err)
	}

	next := &embedded.Server{Engine: embeddedtest.Engine(t), Dir: dir, StartTimeout: 2 * time.Second}
	if err := next.Start(t.Context()); err == nil {
		t.Error("two engines on one directory")
		_ = next.Close()
	}
	if !alive(bystander.Process.Pid) {
		t.Error("a stranger's process was ended")
	}
	if !alive(orphan) {
		t.Error("the engine ended, which this test does not expect")
	}
}

func TestKilledOwnersCanFollowOneAnotherAtOnce(t *testing.T) {
	t.Parallel()
	engine := embeddedtest.Engine(t)
	dir := filepath.Join(t.TempDir(), "db")
	const rounds = 5
	for range rounds {
		o := startOwner(t, dir, engine)
		do(t, connect(t, o.url), "INCR", "rounds")
		o.kill()
	}
	last := embeddedtest.Start(t, embedded.Server{Engine: engine, Dir: dir})
	if got := do(t, connect(t, last.URL()), "GET", "rounds"); got != fmt.Sprint(rounds) {
		t.Errorf("%s of %d answered writes are left", got, rounds)
	}
}

func TestEngineOutlivesTheThreadThatStartedIt(t *testing.T) {
	t.Parallel()
	server := &embedded.Server{Engine: embeddedtest.Engine(t), Dir: filepath.Join(t.TempDir(), "db")}
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		started <- server.Start(t.Context())
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	select {
	case <-server.Done():
		t.Errorf("the engine ended with a thread: %v", server.Err())
	case <-time.After(300 * time.Millisecond):
	}
}

func TestCtrlCDoesNotReachTheEngine(t *testing.T) {
	t.Parallel()
	_, client := setup(t, embedded.Server{})
	group, err := unix.Getpgid(enginePID(t, client))
	if err != nil {
		t.Fatal(err)
	}
	if group == unix.Getpgrp() {
		t.Error("the engine is in the service's process group, which a terminal signals as a whole")
	}
}

// fdOf lists what the files of a process are, to see what it inherited.
func fdOf(t *testing.T, pid int) []string {
	t.Helper()
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, entry := range entries {
		name, err := os.Readlink(filepath.Join(dir, entry.Name()))
		if errors.Is(err, os.ErrNotExist) {
			continue // closed meanwhile
		}
		files = append(files, name)
	}
	return files
}

func TestEngineHoldsItsOwnLockAndNotTheOwners(t *testing.T) {
	t.Parallel()
	server, client := setup(t, embedded.Server{})
	files := strings.Join(fdOf(t, enginePID(t, client)), "\n") + "\n"
	if !strings.Contains(files, filepath.Join(server.Dir, "engine.lock")+"\n") {
		t.Error("the engine does not hold engine.lock")
	}
	if strings.Contains(files, filepath.Join(server.Dir, "lock")+"\n") {
		t.Error("the engine holds the owner's lock, which it would keep after the owner's end")
	}
}
