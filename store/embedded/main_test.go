package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	"go.uber.org/goleak"

	"github.com/falkorpat/falkorpat/store/embedded"
	"github.com/falkorpat/falkorpat/store/embedded/embeddedtest"
)

// roleVariable makes a copy of the test binary play a part of its own instead
// of running tests; see the functions that set it.
const roleVariable = "FALKORPAT_TEST_ROLE"

func TestMain(m *testing.M) {
	switch role := os.Getenv(roleVariable); role {
	case "":
		goleak.VerifyTestMain(m)
	case "owner":
		os.Exit(playOwner())
	case "survivor":
		os.Exit(playSurvivor())
	default:
		fmt.Fprintln(os.Stderr, "unknown role", role)
		os.Exit(2)
	}
}

// setup starts a server with what the test wants to be different and returns
// it with a client. Both end with the test.
func setup(t *testing.T, s embedded.Server) (*embedded.Server, *redis.Client) {
	t.Helper()
	server := embeddedtest.Start(t, s)
	return server, connect(t, server.URL())
}

// connect returns a client that neither retries nor waits long.
func connect(t *testing.T, url string) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	return dial(t, options)
}

func dial(t *testing.T, options *redis.Options) *redis.Client {
	t.Helper()
	options.Protocol = 2
	options.MaxRetries = -1
	options.DialerRetries = 1
	options.DisableIdentity = true
	options.ContextTimeoutEnabled = true
	options.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	client := redis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() }) // some tests close theirs before
	return client
}

// do runs a command that must succeed and returns its answer as text.
func do(t *testing.T, client *redis.Client, command ...any) string {
	t.Helper()
	answer, err := client.Do(t.Context(), command...).Result()
	if err != nil {
		t.Fatalf("%v: %v", command, err)
	}
	return fmt.Sprint(answer)
}

// enginePID asks the engine for its process ID.
func enginePID(t *testing.T, client *redis.Client) int {
	t.Helper()
	for line := range strings.Lines(do(t, client, "INFO", "server")) {
		if text, ok := strings.CutPrefix(strings.TrimSpace(line), "process_id:"); ok {
			pid, err := strconv.Atoi(text)
			if err != nil {
				t.Fatal(err)
			}
			return pid
		}
	}
	t.Fatal("the engine does not tell its process ID")
	return 0
}

// kill ends an engine of ours the hard way and waits until it has ended.
func kill(t *testing.T, server *embedded.Server, pid int) {
	t.Helper()
	signal(t, pid, syscall.SIGKILL)
	await(t, server.Done(), "the killed engine to end")
}

func signal(t *testing.T, pid int, signal syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, signal); err != nil {
		t.Fatalf("signal %d: %v", pid, err)
	}
}

// patience bounds every wait of these tests; a machine under load is slow.
const patience = 30 * time.Second

// eventually waits until the condition holds.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-ctx.Done():
			t.Fatalf("waited in vain for %s", what)
		case <-tick.C:
		}
	}
}

// await waits until the channel is closed.
func await(t *testing.T, done <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatalf("waited in vain for %s", what)
	}
}

// alive says whether the process runs. One that has ended and that nobody has
// reaped yet does not; under a lazy init orphans stay like that.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, found := strings.Cut(string(stat), ") ")
	return found && !strings.HasPrefix(rest, "Z") && !strings.HasPrefix(rest, "X")
}

// script writes a program that stands in for the server.
func script(t *testing.T, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "server")
	writeScript(t, path, lines...)
	return path
}

// writeScript writes a shell script. No process may be forked meanwhile: it
// would hold the file open for writing, and who runs it then gets ETXTBSY.
func writeScript(t *testing.T, path string, lines ...string) {
	t.Helper()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	text := "#!/bin/sh\n" + strings.Join(lines, "\n") + "\n"
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

// wantErr fails the test unless err is, somewhere inside, the one wanted.
func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error is %v, want one that wraps %q", err, want)
	}
}

// playOwner is a process that owns a server, to be killed or to be in the way.
// It says where the server is, and ends when its input does.
func playOwner() int {
	server := &embedded.Server{
		Engine: embedded.Engine{Server: os.Getenv("OWNER_SERVER"), Module: os.Getenv("OWNER_MODULE")},
		Dir:    os.Getenv("OWNER_DIR"),
	}
	if err := server.Start(context.Background()); err != nil {
		fmt.Println("error", err)
		return 1
	}
	fmt.Println("ready", server.URL())
	_, _ = os.Stdin.Read(make([]byte, 1))
	if err := server.Close(); err != nil {
		fmt.Println("error", err)
		return 1
	}
	return 0
}
