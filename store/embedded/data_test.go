package embedded_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/falkorpat/falkorpat/store/embedded"
	"github.com/falkorpat/falkorpat/store/embedded/embeddedtest"
)

// fill makes a graph with an index, a unique constraint and one token.
func fill(t *testing.T, client *redis.Client) {
	t.Helper()
	do(t, client, "GRAPH.QUERY", "g", "CREATE INDEX FOR (t:Token) ON (t.token_hash)")
	do(t, client, "GRAPH.CONSTRAINT", "CREATE", "g", "UNIQUE", "NODE", "Token", "PROPERTIES", "1", "token_hash")
	eventually(t, "the constraint to be in force", func() bool {
		return strings.Contains(do(t, client, "GRAPH.QUERY", "g", "CALL db.constraints()"), "OPERATIONAL")
	})
	do(t, client, "GRAPH.QUERY", "g", "CREATE (:Token {token_hash: 'first'})")
}

// wantFilled checks that all of it is there and works.
func wantFilled(t *testing.T, client *redis.Client) {
	t.Helper()
	if got := do(t, client, "GRAPH.QUERY", "g", "MATCH (t:Token) RETURN t.token_hash"); !strings.Contains(got, "first") {
		t.Errorf("the token is gone: %s", got)
	}
	if got := do(t, client, "GRAPH.EXPLAIN", "g", "MATCH (t:Token {token_hash: 'first'}) RETURN t"); !strings.Contains(got, "Index Scan") {
		t.Errorf("the index is not used: %s", got)
	}
	eventually(t, "the constraint to be in force again", func() bool {
		return strings.Contains(do(t, client, "GRAPH.QUERY", "g", "CALL db.constraints()"), "OPERATIONAL")
	})
	err := client.Do(t.Context(), "GRAPH.QUERY", "g", "CREATE (:Token {token_hash: 'first'})").Err()
	if err == nil || !strings.Contains(err.Error(), "unique constraint violation") {
		t.Errorf("the same hash a second time: %v", err)
	}
}

func TestKilledEngineComesBackWithDataIndexesAndConstraints(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]func(t *testing.T, client *redis.Client){
		"from the log as written": func(*testing.T, *redis.Client) {},
		"from a compacted log": func(t *testing.T, client *redis.Client) {
			t.Helper()
			do(t, client, "BGREWRITEAOF")
			eventually(t, "the log to be compacted", func() bool {
				info := do(t, client, "INFO", "persistence")
				return strings.Contains(info, "aof_rewrite_in_progress:0") && strings.Contains(info, "aof_rewrite_scheduled:0") &&
					strings.Contains(info, "aof_last_bgrewrite_status:ok")
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, client := setup(t, embedded.Server{})
			fill(t, client)
			before(t, client)
			do(t, client, "GRAPH.QUERY", "g", "CREATE (:Token {token_hash: 'last'})")
			kill(t, server, enginePID(t, client))
			if err := server.Close(); err != nil {
				t.Fatal(err)
			}
			_, client = setup(t, embedded.Server{Dir: server.Dir})
			wantFilled(t, client)
			if got := do(t, client, "GRAPH.QUERY", "g", "MATCH (t:Token) RETURN t.token_hash"); !strings.Contains(got, "last") {
				t.Errorf("the last answered write is gone: %s", got)
			}
		})
	}
}

func TestClosedEngineComesBackWithItsData(t *testing.T) {
	t.Parallel()
	server, client := setup(t, embedded.Server{})
	fill(t, client)
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	_, client = setup(t, embedded.Server{Dir: server.Dir})
	wantFilled(t, client)
}

func TestEveryWriteIsOnDiskWhenAnswered(t *testing.T) {
	t.Parallel()
	_, client := setup(t, embedded.Server{})
	conn := client.Conn() // WAITAOF is about the writes of its own connection
	defer conn.Close()
	if err := conn.Do(t.Context(), "GRAPH.QUERY", "g", "CREATE (:Token)").Err(); err != nil {
		t.Fatal(err)
	}
	synced, err := conn.Do(t.Context(), "WAITAOF", "1", "0", "1000").Int64Slice()
	if err != nil || len(synced) == 0 || synced[0] != 1 {
		t.Errorf("WAITAOF answers %v, %v", synced, err)
	}
	if got := do(t, client, "CONFIG", "GET", "appendfsync"); !strings.Contains(got, "always") {
		t.Errorf("appendfsync: %s", got)
	}
}

func TestEphemeralServerKeepsNothing(t *testing.T) {
	t.Parallel()
	server, client := setup(t, embedded.Server{Ephemeral: true})
	fill(t, client)
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(server.Dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		switch name := entry.Name(); name {
		case "lock", "engine.lock", "engine.log":
		default:
			t.Errorf("%s was left behind", name)
		}
	}
	_, client = setup(t, embedded.Server{Ephemeral: true, Dir: server.Dir})
	if got := do(t, client, "GRAPH.LIST"); got != "[]" {
		t.Errorf("graphs after a restart: %s", got)
	}
}

func TestStartWaitsOutLoading(t *testing.T) {
	t.Parallel()
	server, client := setup(t, embedded.Server{})
	const writes = 4000
	pipe := client.Pipeline()
	for range writes {
		pipe.Incr(t.Context(), "count")
	}
	if _, err := pipe.Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	// The engine takes 200 microseconds and more a command then, looks up after each 1024, and answers LOADING.
	_, client = setup(t, embedded.Server{Dir: server.Dir, Args: []string{"--key-load-delay", "200"}})
	if got := do(t, client, "GET", "count"); got != fmt.Sprint(writes) {
		t.Errorf("the first answer is %s", got)
	}
}

func TestDataIsClosedToOtherUsers(t *testing.T) {
	t.Parallel()
	server, _ := setup(t, embedded.Server{})
	for path, want := range map[string]os.FileMode{
		server.Dir:                              0o700,
		server.Addr():                           0o700,
		filepath.Join(server.Dir, "engine.log"): 0o600,
	} {
		info, err := os.Stat(path)
		if err != nil {
			t.Error(err)
			continue
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %#o, want %#o", path, got, want)
		}
	}
}

func TestOpenDirectoryIsClosedWhenEmptyAndRefusedWhenNot(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil { // whatever the umask is
		t.Fatal(err)
	}
	file := filepath.Join(dir, "notes")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	server := &embedded.Server{Engine: embeddedtest.Engine(t), Dir: dir}
	wantErr(t, server.Start(t.Context()), embedded.ErrOpenDir)
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("the refused directory holds %v", entries)
	}

	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	embeddedtest.Start(t, embedded.Server{Dir: dir})
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("mode is %v, %v", info.Mode(), err)
	}
}

func TestOddDirectoryNamesWork(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"with space", `quote"s'`, `back\slash`, "dőlt £", "--port 1", "50%"} {
		server, client := setup(t, embedded.Server{Dir: filepath.Join(t.TempDir(), name)})
		do(t, client, "SET", "a", "b")
		if _, err := os.Stat(filepath.Join(server.Dir, "appendonlydir")); err != nil {
			t.Errorf("the data is elsewhere: %v", err)
		}
	}
}

func TestLongDirectoryNamesGetAShortSocketInAPrivatePlace(t *testing.T) {
	t.Parallel()
	server, client := setup(t, embedded.Server{Dir: filepath.Join(t.TempDir(), strings.Repeat("long", 40))})
	do(t, client, "PING")
	if len(server.Addr()) > 100 {
		t.Errorf("the socket's path has %d bytes", len(server.Addr()))
	}
	place := filepath.Dir(server.Addr())
	if info, err := os.Stat(place); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the socket's directory: %v, %v", info, err)
	}
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(place); err == nil {
		t.Errorf("%s was left behind", place)
	}
}

func TestQueriesLeaveNoTraceBesideTheirData(t *testing.T) {
	t.Parallel()
	server, client := setup(t, embedded.Server{})
	const secret = "hash-that-must-stay-in-the-graph"
	do(t, client, "GRAPH.QUERY", "g", `CYPHER h="`+secret+`" CREATE (:Token {token_hash: $h})`)
	do(t, client, "GRAPH.QUERY", "g", `CYPHER h="`+secret+`" MATCH (t:Token {token_hash: $h}) RETURN t.token_hash`)
	if got := do(t, client, "KEYS", "*"); got != "[g]" {
		t.Errorf("keys beside the graph: %s", got)
	}
	if got := do(t, client, "SLOWLOG", "GET", "-1"); got != "[]" {
		t.Errorf("the slow log holds %s", got)
	}

	// A crash report would show the query at work.
	pid := enginePID(t, client)
	crashed := make(chan error, 1)
	slow := connect(t, server.URL())
	go func() {
		crashed <- slow.Do(t.Context(), "GRAPH.QUERY", "g", `CYPHER h="`+secret+`" UNWIND range(1, 1000000000) AS i RETURN count($h + i)`).Err()
	}()
	eventually(t, "the slow query to run", func() bool {
		return strings.Contains(do(t, client, "GRAPH.INFO", "RunningQueries"), secret)
	})
	signal(t, pid, syscall.SIGSEGV)
	if err := <-crashed; err == nil {
		t.Error("the query was answered by a crashed engine")
	}
	await(t, server.Done(), "the engine to crash")
	log, err := os.ReadFile(filepath.Join(server.Dir, "engine.log"))
	if err != nil || len(log) == 0 {
		t.Fatalf("engine.log: %v", err)
	}
	if strings.Contains(string(log), secret) {
		t.Errorf("engine.log holds a parameter:\n%s", log)
	}
}

func TestSecretsOfTheEnvironmentDoNotReachTheEngine(t *testing.T) {
	t.Setenv("AUTH_SECRET", "correct-horse-battery-staple")
	engine := embeddedtest.Engine(t)
	engine.Server = script(t, "env > environment", `exec '`+engine.Server+`' "$@"`)
	server, _ := setup(t, embedded.Server{Engine: engine})
	environ, err := os.ReadFile(filepath.Join(server.Dir, "environment"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(environ), "correct-horse") {
		t.Error("the engine's environment holds AUTH_SECRET")
	}
	if !strings.Contains(string(environ), "PATH=") {
		t.Error("the engine's environment lacks PATH")
	}
}
