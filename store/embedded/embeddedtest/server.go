package embeddedtest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/falkorpat/falkorpat/store/embedded"
)

// engineVariable names a directory with an engine, for machines that keep it
// elsewhere.
const engineVariable = "FALKORPAT_ENGINE_DIR"

// Engine returns the engine to test with. Without one it fails the test: a
// database that is not there must never look like tests that pass.
func Engine(tb testing.TB) embedded.Engine {
	tb.Helper()
	engine, err := findEngine()
	if err != nil {
		tb.Fatal(err)
	}
	return engine
}

// Start starts a server and closes it when the test ends. It fills in Engine
// and Dir when they are empty; all other fields mean what they say, so that
// without any a test has what production has: a Unix socket and every write on
// disk. An engine that had to be killed fails the test.
func Start(tb testing.TB, s embedded.Server) *embedded.Server {
	tb.Helper()
	if s.Engine == (embedded.Engine{}) {
		s.Engine = Engine(tb)
	}
	if s.Dir == "" {
		s.Dir = filepath.Join(tb.TempDir(), "db")
	}
	if err := s.Start(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return &s
}

// Run runs a package's tests with one server for all of them, and returns the
// exit code for TestMain. The server is in *server while tests run. When
// *server is set before, it is the pattern: its fields are used, and Engine
// and Dir are filled in when they are empty.
func Run(m *testing.M, server **embedded.Server) int {
	code, err := run(m, server)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

func run(m *testing.M, server **embedded.Server) (code int, err error) {
	s := &embedded.Server{}
	if *server != nil {
		s = *server
	}
	if s.Engine == (embedded.Engine{}) {
		if s.Engine, err = findEngine(); err != nil {
			return 0, err
		}
	}
	if s.Dir == "" {
		parent, err := os.MkdirTemp("", "falkorpat-test-")
		if err != nil {
			return 0, err
		}
		defer func() { _ = os.RemoveAll(parent) }()
		s.Dir = filepath.Join(parent, "db")
	}
	if err := s.Start(context.Background()); err != nil {
		return 0, err
	}
	*server = s
	code = m.Run()
	if err := s.Err(); err != nil { // every test that failed after it did so because of this
		_ = s.Close()
		return 0, err
	}
	return code, s.Close()
}

// findEngine looks where Engine says.
func findEngine() (embedded.Engine, error) {
	if dir := os.Getenv(engineVariable); dir != "" {
		engine, err := embedded.Find(dir)
		if err != nil {
			return embedded.Engine{}, fmt.Errorf("%s: %w", engineVariable, err)
		}
		return engine, nil
	}
	here, err := os.Getwd()
	if err != nil {
		return embedded.Engine{}, err
	}
	root, err := moduleRoot(here)
	if err != nil {
		return embedded.Engine{}, err
	}
	engine, err := embedded.Find(filepath.Join(root, ".falkordb"))
	if err == nil {
		return engine, nil
	}
	if engine, errSystem := embedded.Find(""); errSystem == nil {
		return engine, nil
	}
	return embedded.Engine{}, fmt.Errorf("run make engine: tests need a real FalkorDB: %w", err)
}

// moduleRoot walks up from a directory, in tests the package's, to the go.mod
// above it.
func moduleRoot(from string) (string, error) {
	for dir := from; ; {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", fmt.Errorf("no go.mod above %s", from)
		}
		dir = parent
	}
}
