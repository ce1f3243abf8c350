package embeddedtest

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/falkorpat/falkorpat/store/embedded"
)

// shared is the server that Run starts for this package's tests, as it does
// for any other's.
var shared *embedded.Server

func TestMain(m *testing.M) { os.Exit(Run(m, &shared)) }

func ping(t *testing.T, server *embedded.Server) {
	t.Helper()
	options, err := redis.ParseURL(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	defer client.Close()
	if err := client.Do(t.Context(), "GRAPH.LIST").Err(); err != nil {
		t.Error(err)
	}
}

func TestRunGivesAllTestsOneServer(t *testing.T) {
	t.Parallel()
	ping(t, shared)
	if shared.Ephemeral {
		t.Error("tests run against other settings than production")
	}
}

func TestEachStartGivesAServerOfItsOwn(t *testing.T) {
	t.Parallel()
	first, second := Start(t, embedded.Server{}), Start(t, embedded.Server{Listen: "127.0.0.1:0", Ephemeral: true})
	ping(t, first)
	ping(t, second)
	if first.Dir == second.Dir || first.Addr() == second.Addr() {
		t.Errorf("two servers share %s or %s", first.Dir, first.Addr())
	}
	if !second.Ephemeral {
		t.Error("the fields given were not used")
	}
}

func TestServerEndsWithItsTest(t *testing.T) { //nolint:tparallel // it is about what is left when the inner test has ended
	t.Parallel()
	var server *embedded.Server
	t.Run("one test", func(t *testing.T) { server = Start(t, embedded.Server{}) })
	select {
	case <-server.Done():
	default:
		t.Error("the server outlived its test")
	}
	if _, err := os.Stat(server.Dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its directory is still there: %v", err)
	}
}

func TestEngineVariableDecidesAlone(t *testing.T) {
	usual := Engine(t)
	t.Setenv(engineVariable, filepath.Dir(usual.Module))
	if got, err := findEngine(); err != nil || got.Module != usual.Module {
		t.Errorf("found %v, %v", got, err)
	}
	empty := t.TempDir()
	t.Setenv(engineVariable, empty)
	_, err := findEngine()
	if !errors.Is(err, embedded.ErrNoEngine) {
		t.Fatalf("error is %v", err)
	}
	for _, part := range []string{engineVariable, empty, "make engine"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error lacks %q: %v", part, err)
		}
	}
}

func TestRunWithoutEngineFails(t *testing.T) {
	t.Setenv(engineVariable, t.TempDir())
	var server *embedded.Server
	if code := Run(nil, &server); code == 0 || server != nil {
		t.Errorf("exit code %d, server %v", code, server)
	}
}

func TestRunUsesThePattern(t *testing.T) {
	t.Parallel()
	pattern := &embedded.Server{Engine: Engine(t), Dir: filepath.Join(t.TempDir(), "db"), Listen: "nonsense"}
	if code := Run(nil, &pattern); code == 0 {
		t.Error("a pattern that cannot start was not used")
	}
}

func TestModuleRootIsFoundFromBelow(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	below := filepath.Join(root, "a", "b")
	if err := os.MkdirAll(below, 0o755); err != nil {
		t.Fatal(err)
	}
	if got, err := moduleRoot(below); err == nil || !strings.Contains(err.Error(), below) {
		t.Errorf("without any go.mod: %s, %v", got, err)
	}
	if err := os.WriteFile(filepath.Join(root, "go.mod"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, from := range []string{below, root} {
		if got, err := moduleRoot(from); err != nil || got != root {
			t.Errorf("from %s: %s, %v, want %s", from, got, err, root)
		}
	}
}
