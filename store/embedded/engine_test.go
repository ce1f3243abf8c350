package embedded

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// These programs stand in for a server where only its version matters.
const (
	newServer    = "#!/bin/sh\necho 'Valkey server v=8.0.1 sha=00000000:0 malloc=libc bits=64'\n"
	oldServer    = "#!/bin/sh\necho 'Redis server v=7.0.15 sha=00000000:0 malloc=libc bits=64'\n"
	brokenServer = "#!/bin/sh\necho 'version GLIBC_2.38 not found' >&2\nexit 1\n"
)

// plant writes an engine into a new directory dir and returns its paths. An
// empty server means none.
func plant(t *testing.T, dir, name, server string) Engine {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	engine := Engine{Server: filepath.Join(dir, name), Module: filepath.Join(dir, "falkordb.so")}
	if err := os.WriteFile(engine.Module, []byte("a module"), 0o644); err != nil {
		t.Fatal(err)
	}
	if server != "" {
		syscall.ForkLock.RLock() // a process forked meanwhile would keep the file busy
		defer syscall.ForkLock.RUnlock()
		if err := os.WriteFile(engine.Server, []byte(server), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return engine
}

// nowhere is a PATH without any program.
func nowhere(string) (string, error) { return "", exec.ErrNotFound }

// wantNone checks that nothing was found and that the operator learns what to
// do, and why what is there was not taken.
func wantNone(t *testing.T, err error, reasons ...string) {
	t.Helper()
	if !errors.Is(err, ErrNoEngine) {
		t.Fatalf("error is %v, want ErrNoEngine", err)
	}
	for _, part := range append(reasons, "make engine", "falkordb/falkordb", "--store-url") {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error lacks %q: %v", part, err)
		}
	}
}

func TestTheOperatorsDirectoryIsUsedOrRefusedButNeverReplaced(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		server, program string
		refusal         string // empty: it is usable
	}{
		"as make engine leaves it":  {"server", newServer, ""},
		"with a Redis":              {"redis-server", newServer, ""},
		"with a Valkey":             {"valkey-server", newServer, ""},
		"with an old server":        {"server", oldServer, "7.0, older than 7.2"},
		"with one that cannot run":  {"server", brokenServer, "GLIBC_2.38"},
		"with no server":            {"server", "", "holds no server"},
		"with something else":       {"server", "#!/bin/sh\necho hello\n", "does not tell its version: hello"},
		"with a file of rubbish":    {"server", "rubbish", "does not run"},
		"with a differently named ": {"keydb-server", newServer, "holds no server"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			home := t.TempDir()
			plant(t, filepath.Join(home, ".falkordb"), "server", newServer) // what is beside the program must not step in
			f := finder{program: filepath.Join(home, "falkorpat"), lookPath: nowhere}
			want := plant(t, filepath.Join(home, "chosen"), test.server, test.program)
			got, err := f.find(filepath.Join(home, "chosen"))
			if test.refusal != "" {
				wantNone(t, err, test.refusal, filepath.Join(home, "chosen"))
				return
			}
			if err != nil || got != want {
				t.Errorf("found %v, %v, want %v", got, err, want)
			}
		})
	}
}

func TestDirectoryWithoutModuleIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := Find(dir)
	wantNone(t, err, "falkordb.so")
	if err := os.Mkdir(filepath.Join(dir, "falkordb.so"), 0o755); err != nil {
		t.Fatal(err)
	}
	_, err = Find(dir)
	wantNone(t, err, "is not a file")
}

func TestEnginesAreTriedFromTheProgramToTheSystem(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	system := filepath.Join(root, "system")
	f := finder{
		program: filepath.Join(root, "project", "bin", "falkorpat"),
		lookPath: func(name string) (string, error) {
			path := filepath.Join(system, name)
			_, err := os.Stat(path)
			return path, err
		},
		moduleDirs: []string{filepath.Join(root, "absent"), system},
	}
	_, err := f.find("")
	wantNone(t, err)
	for _, step := range []struct{ dir, name string }{ // from the last choice to the first
		{system, "valkey-server"},
		{system, "redis-server"},
		{filepath.Join(root, "project", ".falkordb"), "server"},
		{filepath.Join(root, "project", "bin", ".falkordb"), "server"},
	} {
		want := plant(t, step.dir, step.name, newServer)
		if got, err := f.find(""); err != nil || got != want {
			t.Errorf("found %v, %v, want %v", got, err, want)
		}
	}
}

func TestUnusableEngineIsPassedOver(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	plant(t, filepath.Join(root, "bin", ".falkordb"), "server", brokenServer)
	f := finder{program: filepath.Join(root, "bin", "falkorpat"), lookPath: nowhere}
	_, err := f.find("")
	wantNone(t, err, "GLIBC_2.38", "not installed on this system")
	want := plant(t, filepath.Join(root, ".falkordb"), "server", newServer)
	if got, err := f.find(""); err != nil || got != want {
		t.Errorf("found %v, %v, want %v", got, err, want)
	}
}

func TestOldSystemServerIsPassedOver(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	plant(t, dir, "redis-server", oldServer)
	f := finder{
		lookPath:   func(name string) (string, error) { return filepath.Join(dir, name), nil },
		moduleDirs: []string{dir},
	}
	_, err := f.find("")
	wantNone(t, err)
	want := plant(t, dir, "valkey-server", newServer)
	if got, err := f.find(""); err != nil || got != want {
		t.Errorf("found %v, %v, want %v", got, err, want)
	}
}

func TestWhatOthersCanHavePlantedIsNotRun(t *testing.T) {
	t.Parallel()
	// It leaves a trace when it is run, be it only for its version.
	const spy = "#!/bin/sh\necho run > \"$(dirname \"$0\")/trace\"\necho 'Valkey server v=8.0.1 '\n"
	for name, open := range map[string]func(engine Engine) (path string, mode os.FileMode){
		"directory": func(e Engine) (string, os.FileMode) { return filepath.Dir(e.Server), 0o777 },
		"server":    func(e Engine) (string, os.FileMode) { return e.Server, 0o757 },
		"module":    func(e Engine) (string, os.FileMode) { return e.Module, 0o666 },
	} {
		t.Run("open "+name, func(t *testing.T) {
			t.Parallel()
			home := t.TempDir()
			engine := plant(t, filepath.Join(home, ".falkordb"), "server", spy)
			path, mode := open(engine)
			if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
			f := finder{program: filepath.Join(home, "falkorpat"), lookPath: nowhere}
			_, err := f.find("")
			wantNone(t, err, path+" can be written to by every user")
			if _, err := os.Stat(filepath.Join(home, ".falkordb", "trace")); err == nil {
				t.Error("it was run")
			}
		})
	}
}

func TestLinkBesideTheProgramIsJudgedByItsTarget(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	target := filepath.Join(home, "elsewhere")
	want := plant(t, target, "server", newServer)
	if err := os.Symlink(target, filepath.Join(home, ".falkordb")); err != nil {
		t.Fatal(err)
	}
	f := finder{program: filepath.Join(home, "falkorpat"), lookPath: nowhere}
	if got, err := f.find(""); err != nil || got != want {
		t.Errorf("found %v, %v, want %v", got, err, want)
	}
	if err := os.Chmod(target, 0o777); err != nil {
		t.Fatal(err)
	}
	_, err := f.find("")
	wantNone(t, err, "can be written to by every user")
}

func TestWorkingDirectoryIsNeverSearched(t *testing.T) {
	dir := t.TempDir()
	plant(t, filepath.Join(dir, ".falkordb"), "server", newServer)
	plant(t, dir, "redis-server", newServer)
	t.Chdir(dir)
	t.Setenv("PATH", ".")
	f := finder{program: "/nowhere/bin/falkorpat", lookPath: exec.LookPath, moduleDirs: []string{dir}}
	got, err := f.find("")
	if err == nil {
		t.Fatalf("found %v in the working directory", got)
	}
	wantNone(t, err, "no redis-server or valkey-server on PATH")
}

func TestVersionIsReadFromWhatServersPrint(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		major, minor int
		ok           bool
	}{
		"Redis server v=7.2.4 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=a": {7, 2, true},
		"Valkey server v=8.0.1 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64":        {8, 0, true},
		"Redis server v=10.12.0":       {10, 12, true},
		"Redis server":                 {},
		"":                             {},
		"dev=7.2":                      {},
		"v=99999999999999999999999.1 ": {},
	} {
		major, minor, ok := parseVersion(text)
		if ok != want.ok || ok && (major != want.major || minor != want.minor) {
			t.Errorf("%q: %d.%d %v, want %+v", text, major, minor, ok, want)
		}
	}
}
