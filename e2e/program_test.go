package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// startPatience bounds the start of a program with its store, on a busy
	// machine.
	startPatience = 60 * time.Second
	// stopPromise is how long the program may take to stop.
	stopPromise = 5 * time.Second
	// endPatience bounds the wait for a program that ends by itself.
	endPatience = 30 * time.Second
)

// options say how a program is started; the zero value is a program with a
// private store that serves both instances.
type options struct {
	// args follow those that the other fields make.
	args []string
	// env is added to an environment that holds next to nothing.
	env []string
	// dataDir is the data directory; one that ends with the test when empty.
	dataDir string
	// storeURL names an external store; empty for a private one.
	storeURL string
	// instances are those that users may log in to; both when empty.
	instances string
	// basePath is the prefix that everything is served under.
	basePath string
	// loginFailures is the limit on failed logins; high enough to be never
	// reached when 0.
	loginFailures int
	// leakReports is the limit on reports of leaked tokens, likewise.
	leakReports int
	// busy is for programs with millions of requests, whose lines are not kept.
	busy bool
}

func (o options) arguments() []string {
	if o.instances == "" {
		o.instances = instanceA.addr() + "," + instanceB.addr()
	}
	if o.loginFailures == 0 {
		o.loginFailures = 1_000_000
	}
	if o.leakReports == 0 {
		o.leakReports = 1_000_000
	}
	args := []string{
		"serve", "--addr", "127.0.0.1:0", "--data-dir", o.dataDir, "--instances", o.instances,
		"--log-level", "debug", "--log-format", "json", "--login-failures", fmt.Sprint(o.loginFailures), "--leak-reports", fmt.Sprint(o.leakReports),
	}
	if o.basePath != "" {
		args = append(args, "--base-path", o.basePath)
	}
	if o.storeURL != "" {
		args = append(args, "--store-url", o.storeURL)
	}
	return append(args, o.args...)
}

// command prepares a run of the program; its standard error goes to errors.
func command(output, errors io.Writer, env []string, args ...string) *exec.Cmd {
	cmd := exec.Command(programFile, args...)
	cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent", "FALKORPAT_ENGINE_DIR=" + engineDir, "GORACE=halt_on_error=0",
	}, env...)
	cmd.Stdout, cmd.Stderr = output, errors
	cmd.WaitDelay = 2 * time.Second
	dieWithTests(cmd)
	return cmd
}

// program is a run of the program that serves.
type program struct {
	name    string
	options options
	// url is where it serves, base path included, without a slash at the end.
	url string
	// addr is its host:port.
	addr   string
	cmd    *exec.Cmd
	stderr *logBuffer
	done   chan struct{}
	err    error // how it ended; valid after done
}

// startProgram starts a program that ends with the test, and waits until it
// serves. When the test fails, the last lines of its log are shown.
func startProgram(t *testing.T, o options) *program {
	t.Helper()
	if o.dataDir == "" {
		o.dataDir = t.TempDir()
	}
	p, err := launch(t.Name(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(p.stop(), p.faults()); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Log(p.tail())
		}
	})
	return p
}

// launch starts a program and waits until it serves.
func launch(name string, o options) (*program, error) {
	p := &program{name: name, options: o, stderr: newLogBuffer(o.busy), done: make(chan struct{})}
	p.cmd = command(p.stderr, p.stderr, o.env, o.arguments()...)
	started := make(chan error, 1)
	go func() {
		// The kernel ends the program with the thread that has started it.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(p.done)
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.err = p.cmd.Wait()
		}
		archive(p.name, p.stderr.String())
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	timer := time.NewTimer(startPatience)
	defer timer.Stop()
	select {
	case addr := <-p.stderr.ready:
		p.addr, p.url = addr, "http://"+addr+o.basePath
		return p, nil
	case <-p.done:
		return nil, fmt.Errorf("the program ended at its start: %w\n%s", p.err, p.tail())
	case <-timer.C:
		return nil, errors.Join(fmt.Errorf("not ready within %s\n%s", startPatience, p.tail()), p.kill())
	}
}

// logs is what the program has logged until now.
func (p *program) logs() string { return p.stderr.String() }

// tail is the end of the log, for those who look into a failure.
func (p *program) tail() string {
	lines := strings.Split(strings.TrimSpace(p.logs()), "\n")
	return "log of " + p.name + ", last lines:\n" + strings.Join(lines[max(0, len(lines)-40):], "\n")
}

// stop ends the program as an operator does, within the time that it promises,
// and tells when it did not end well. A program that has ended is left alone.
func (p *program) stop() error {
	select {
	case <-p.done:
		return nil
	default:
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	timer := time.NewTimer(stopPromise)
	defer timer.Stop()
	select {
	case <-p.done:
		if p.err != nil {
			return fmt.Errorf("stopped with %w", p.err)
		}
		return nil
	case <-timer.C:
		return errors.Join(fmt.Errorf("did not stop within %s", stopPromise), p.kill())
	}
}

// mustStop is stop in the middle of a test.
func (p *program) mustStop(t *testing.T) {
	t.Helper()
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
}

// kill ends the program at once.
func (p *program) kill() error {
	_ = p.cmd.Process.Kill() // one that has ended is no fault
	return p.ended(endPatience)
}

// ended waits until the program has ended by itself.
func (p *program) ended(within time.Duration) error {
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-p.done:
		return nil
	case <-timer.C:
		return fmt.Errorf("%s has not ended within %s", p.name, within)
	}
}

// restart starts the program again, on the same data, after it has ended.
func (p *program) restart(t *testing.T) *program {
	t.Helper()
	return startProgram(t, p.options)
}

// store connects to the store that the program uses.
func (p *program) store(t *testing.T) *redis.Client {
	t.Helper()
	options := &redis.Options{}
	if url := p.options.storeURL; url != "" {
		var err error
		if options, err = redis.ParseURL(url); err != nil {
			t.Fatal(err)
		}
	} else {
		entries := p.logged("embedded FalkorDB started")
		if len(entries) == 0 {
			t.Fatal("the program does not say where its private store is")
		}
		options.Addr, _ = entries[0]["addr"].(string)
		options.Network = "unix"
	}
	client := dialRedis(options)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// outcome is how a program ended that does not serve.
type outcome struct {
	code           int
	stdout, stderr string
}

// runProgram runs the program until it ends by itself.
func runProgram(t *testing.T, env []string, args ...string) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := command(&stdout, &stderr, env, args...)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), endPatience)
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })()
	err := cmd.Wait()
	if ctx.Err() != nil {
		t.Fatalf("did not end within %s\n%s", endPatience, stderr.String())
	}
	if failed := (*exec.ExitError)(nil); err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	archive(t.Name(), stderr.String()+stdout.String())
	return outcome{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}
