package store

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/falkorpat/falkorpat/store/embedded"
	"github.com/falkorpat/falkorpat/store/embedded/embeddedtest"
)

// db is the FalkorDB of all tests that don't need one to themselves. It writes
// its log to disk before it answers, as the embedded store of the service does.
var db *embedded.Server

func TestMain(m *testing.M) { os.Exit(embeddedtest.Run(m, &db)) }

// noon is now for all tests: the store takes the time from its callers.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

var (
	alice = user("alice", "localhost", 6379)
	bob   = user("bob", "localhost", 6379)
)

func user(name, host string, port int) User {
	return User{ID: UserID(name, host, port), Username: name, Host: host, Port: port}
}

// setup opens a store whose graph only this test has. The graph of a test that
// failed is kept, and named.
func setup(tb testing.TB) *Store {
	tb.Helper()
	return open(tb, Options{URL: db.URL(), Graph: graphOf(tb)})
}

// graphOf names a graph after the test; it differs when the test runs again.
func graphOf(tb testing.TB) string {
	tb.Helper()
	return fmt.Sprintf("test:%s:%08x", strings.ReplaceAll(tb.Name(), "/", ":"), rand.Uint32())
}

func open(tb testing.TB, o Options) *Store {
	tb.Helper()
	if o.Timeout == 0 {
		o.Timeout = 20 * time.Second // the race detector and other tests take their time
	}
	s, err := Open(tb.Context(), o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if tb.Failed() {
			tb.Logf("graph kept: %s", s.graph)
		} else {
			// The test may have ended the server, or the store.
			_ = s.client().Do(context.Background(), "GRAPH.DELETE", s.graph).Err()
		}
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

// private starts a server that the test may treat as it likes, and opens it.
func private(t *testing.T, server embedded.Server, o Options) (*embedded.Server, *Store) {
	t.Helper()
	started := embeddedtest.Start(t, server)
	o.URL, o.Graph = started.URL(), graphOf(t)
	return started, open(t, o)
}

// newToken makes a token of a user's that never expires. Tokens of one second
// differ in their IDs.
func newToken(tb testing.TB, u User, created time.Time) *Token {
	tb.Helper()
	id, err := NewTokenID(created, randomBytes{})
	if err != nil {
		tb.Fatal(err)
	}
	return &Token{
		ID: id, Hash: hashOf(id), User: u, Name: "CI/CD Pipeline Token", Role: RoleReadWrite,
		CreatedAt: created.Truncate(time.Second), Active: true, SealedPassword: "v1.2026a.nonce.sealed",
		LastUse: Use{TokenID: id},
	}
}

func newSession(tb testing.TB, u User) *Session {
	tb.Helper()
	id := fmt.Sprintf("%08x-8a3d-4863-b514-a47b2c9fabbd", rand.Uint32())
	return &Session{
		ID: id, Hash: hashOf(id), User: u, Role: RoleAdmin, SealedPassword: "v1.2026a.nonce.sealed",
		CreatedAt: noon, ExpiresAt: noon.Add(24 * time.Hour), TLS: true, CA: "UEVN",
	}
}

// randomBytes is a source that parallel tests may share.
type randomBytes struct{}

func (randomBytes) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(rand.Uint32())
	}
	return len(p), nil
}

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// create makes a token and writes it.
func create(tb testing.TB, s *Store, u User, change ...func(*Token)) *Token {
	tb.Helper()
	t := newToken(tb, u, noon)
	for _, f := range change {
		f(t)
	}
	if err := s.CreateToken(tb.Context(), t, nil); err != nil {
		tb.Fatal(err)
	}
	return t
}

func expiringAt(at time.Time) func(*Token) { return func(t *Token) { t.ExpiresAt = at } }

func createdAt(at time.Time) func(*Token) {
	return func(t *Token) {
		t.ID = fmt.Sprintf("%d%s", at.UnixMilli(), t.ID[strings.IndexByte(t.ID, '-'):])
		t.Hash, t.CreatedAt, t.LastUse.TokenID = hashOf(t.ID), at.Truncate(time.Second), t.ID
	}
}

func from(issuer *Token) func(*Token) { return func(t *Token) { t.IssuerID = issuer.ID } }

func revoke(tb testing.TB, s *Store, id string) []string {
	tb.Helper()
	ids, err := s.RevokeToken(tb.Context(), Revocation{TokenID: id, By: alice, At: noon, IP: "192.0.2.1"})
	if err != nil {
		tb.Fatal(err)
	}
	slices.Sort(ids)
	return ids
}

func byID(tb testing.TB, s *Store, id string) *Token {
	tb.Helper()
	t, err := s.TokenByID(tb.Context(), id)
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

// link makes all edges that are missing, at once.
func link(ctx context.Context, s *Store) error {
	for {
		if more, err := s.linkBatch(ctx); err != nil || !more {
			return err
		}
	}
}

// raw runs a query as any other program would, and returns its records. It
// finds the graph with the edges that are made behind the answers.
func raw(tb testing.TB, s *Store, query string, params ...param) [][]any {
	tb.Helper()
	if err := link(tb.Context(), s); err != nil {
		tb.Fatal(err)
	}
	rows, err := s.writeSoon(tb.Context(), query, params...)
	if err != nil {
		tb.Fatal(err)
	}
	records := make([][]any, len(rows))
	for i := range rows {
		records[i] = rows[i].cells
	}
	return records
}

// count returns the one number that a query returns.
func count(tb testing.TB, s *Store, query string, params ...param) int {
	tb.Helper()
	records := raw(tb, s, query, params...)
	if len(records) != 1 {
		tb.Fatalf("%s returned %d records", query, len(records))
	}
	return int(records[0][0].(int64))
}

// equal compares two values by what they look like, which is also what is
// shown when they differ.
func equal(tb testing.TB, what string, got, want any) {
	tb.Helper()
	if g, w := look(tb, got), look(tb, want); g != w {
		tb.Errorf("%s:\n got %s\nwant %s", what, g, w)
	}
}

func look(tb testing.TB, v any) string {
	tb.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}

func ids(tokens []*Token) []string {
	ids := make([]string, len(tokens))
	for i, t := range tokens {
		ids[i] = t.ID
	}
	return ids
}

func sorted[T cmp.Ordered](s []T) []T {
	s = slices.Clone(s)
	slices.Sort(s)
	return s
}

// parallel runs f n times at once and returns what each returned.
func parallel[T any](n int, f func(i int) T) []T {
	results := make([]T, n)
	start := make(chan struct{})
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			<-start
			results[i] = f(i)
		})
	}
	close(start)
	group.Wait()
	return results
}

// eventually waits for a condition, and fails when it does not come.
func eventually(tb testing.TB, what string, condition func() bool) {
	tb.Helper()
	deadline := time.NewTimer(30 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-deadline.C:
			tb.Fatalf("waited too long until %s", what)
		case <-tick.C:
		}
	}
}

// console is a connection to a server beside the store's own.
func console(tb testing.TB, server *embedded.Server) *redis.Client {
	tb.Helper()
	options, err := ParseURL(server.URL())
	if err != nil {
		tb.Fatal(err)
	}
	options.Protocol = 2
	client := redis.NewClient(options)
	tb.Cleanup(func() { _ = client.Close() })
	return client
}

// privateStore is private with what production has.
func privateStore(t *testing.T) (*embedded.Server, *Store) {
	t.Helper()
	return private(t, embedded.Server{}, Options{})
}

// calls tells how often a server has run a command.
func calls(tb testing.TB, server *embedded.Server, command string) int {
	tb.Helper()
	info, err := console(tb, server).InfoMap(tb.Context(), "commandstats").Result()
	if err != nil {
		tb.Fatal(err)
	}
	var n int
	stats := info["Commandstats"]["cmdstat_"+command]
	if _, err := fmt.Sscanf(stats, "calls=%d,", &n); stats != "" && err != nil {
		tb.Fatal(err)
	}
	return n
}

func number(tb testing.TB, digits string) int {
	tb.Helper()
	n, err := strconv.Atoi(digits)
	if err != nil {
		tb.Fatal(err)
	}
	return n
}
