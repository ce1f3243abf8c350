package store

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/falkorpat/falkorpat/store/embedded"
)

// empty gives a graph's name and makes sure that the graph is not there.
func empty(t *testing.T) (graph string) {
	t.Helper()
	return setupAndDrop(t).graph
}

func setupAndDrop(t *testing.T) *Store {
	t.Helper()
	s := setup(t)
	if err := s.client().Do(t.Context(), "GRAPH.DELETE", s.graph).Err(); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestReplicasMayOpenAnEmptyStoreAtOnce(t *testing.T) {
	t.Parallel()
	graph := empty(t)
	type opened struct {
		s   *Store
		err error
	}
	for _, o := range parallel(8, func(int) opened {
		s, err := Open(t.Context(), Options{URL: db.URL(), Graph: graph})
		return opened{s, err}
	}) {
		if o.err != nil {
			t.Error(o.err)
			continue
		}
		if err := o.s.Ready(t.Context()); err != nil {
			t.Error(err)
		}
		if err := o.s.CreateToken(t.Context(), newToken(t, alice, noon), nil); err != nil {
			t.Error(err)
		}
		if err := o.s.Close(); err != nil {
			t.Error(err)
		}
	}
	s := open(t, Options{URL: db.URL(), Graph: graph})
	equal(t, "versions", raw(t, s, `MATCH (s:Schema) RETURN s.name, s.version`), [][]any{{"falkorpat", schemaVersion}})
	if n := count(t, s, `MATCH (t:Token) RETURN count(t)`); n != 8 {
		t.Errorf("%d tokens, want one of each replica", n)
	}
}

func TestOpeningAgainKeepsWhatIsThere(t *testing.T) {
	t.Parallel()
	s := setup(t)
	token := create(t, s, alice)
	constraints := raw(t, s, queryConstraints)
	again := open(t, Options{URL: db.URL(), Graph: s.graph})
	equal(t, "token", byID(t, again, token.ID), token)
	equal(t, "constraints", raw(t, again, queryConstraints), constraints)
	if err := again.CreateToken(t.Context(), token, nil); !errors.Is(err, ErrConflict) {
		t.Errorf("the same again: %v", err)
	}
}

func TestOpenWaitsUntilExistingRowsAreIndexed(t *testing.T) {
	t.Parallel()
	s := setupAndDrop(t)
	fill(t, s, 20_000, 10, noon)
	again := open(t, Options{URL: db.URL(), Graph: s.graph})
	if err := again.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	first := list(t, again, ListQuery{Hosts: localhost, Port: 6379, Limit: 30_000})
	if len(first) != 20_000 {
		t.Errorf("%d tokens are listed", len(first))
	}
	equal(t, "found by its ID", asListed(byID(t, again, first[0].ID)), first[0])
	if err := again.CreateToken(t.Context(), first[9_999], nil); !errors.Is(err, ErrConflict) {
		t.Errorf("the same ID again: %v", err)
	}
}

func TestNewerSchemaIsRefused(t *testing.T) {
	t.Parallel()
	s := setup(t)
	raw(t, s, `MATCH (s:Schema) SET s.version = $version`, param{"version", schemaVersion + 1})
	_, err := Open(t.Context(), Options{URL: db.URL(), Graph: s.graph})
	if err == nil || !strings.Contains(err.Error(), "use a newer falkorpat") || errors.Is(err, ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	if n := count(t, s, `MATCH (s:Schema) RETURN s.version`); n != schemaVersion+1 {
		t.Errorf("version is now %d", n)
	}
}

func TestVersionOnlyGrows(t *testing.T) {
	t.Parallel()
	s := setup(t)
	const v = schemaVersion + 1
	for _, c := range []struct{ write, want int }{{v, v}, {v - 1, v}, {v + 1, v + 1}} {
		raw(t, s, querySetVersion, param{"version", c.write})
		if version, err := s.version(t.Context()); err != nil || version != int64(c.want) {
			t.Errorf("after %d it is %d, %v, want %d", c.write, version, err, c.want)
		}
	}
}

func TestDuplicatesAreReportedWithWhatToDo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ rows, remove, words string }{
		"Token.token_id":   {`CREATE (:Token {token_id: '1-a', token_hash: 'a'}), (:Token {token_id: '1-a', token_hash: 'b'})`, `MATCH (t:Token {token_hash: 'b'}) DELETE t`, "Token.token_id"},
		"Token.token_hash": {`CREATE (:Token {token_id: '1-a', token_hash: 'a'}), (:Token {token_id: '1-b', token_hash: 'a'})`, `MATCH (t:Token {token_id: '1-b'}) DELETE t`, "Token.token_hash"},
		"User.user_id":     {`CREATE (:User {user_id: 'u', n: 1}), (:User {user_id: 'u', n: 2})`, `MATCH (u:User {n: 2}) DELETE u`, "User.user_id"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setupAndDrop(t)
			raw(t, s, c.rows)
			for range 2 { // the second time the constraint has failed already
				_, err := Open(t.Context(), Options{URL: db.URL(), Graph: s.graph})
				if err == nil || !strings.Contains(err.Error(), c.words) || !strings.Contains(err.Error(), "remove the duplicates") {
					t.Fatalf("got %v", err)
				}
			}
			raw(t, s, c.remove)
			if err := open(t, Options{URL: db.URL(), Graph: s.graph}).Ready(t.Context()); err != nil {
				t.Errorf("after their removal: %v", err)
			}
		})
	}
}

func TestReadyTellsWhatIsMissing(t *testing.T) {
	t.Parallel()
	s := setup(t)
	if err := s.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	raw(t, s, `DROP INDEX FOR (t:Token) ON (t.created_at)`)
	eventually(t, "the index is reported missing", func() bool { // FalkorDB drops it in the background
		err := s.Ready(t.Context())
		return errors.Is(err, ErrUnavailable) && strings.Contains(err.Error(), "index Token.created_at")
	})
	drop := s.client().Do(t.Context(), "GRAPH.CONSTRAINT", "DROP", s.graph, "UNIQUE", "NODE", "Token", "PROPERTIES", 1, "token_hash")
	if err := drop.Err(); err != nil {
		t.Fatal(err)
	}
	if err := s.Ready(t.Context()); !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "unique Token.token_hash") {
		t.Errorf("without a constraint: %v", err)
	}
	if err := open(t, Options{URL: db.URL(), Graph: s.graph}).Ready(t.Context()); err != nil {
		t.Errorf("after the next start: %v", err)
	}
}

func TestStoreIsNotReadyOnceItHasLostItsData(t *testing.T) {
	t.Parallel()
	server, s := private(t, embedded.Server{Ephemeral: true}, Options{})
	if err := s.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := console(t, server).FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	if err := s.Ready(t.Context()); !errors.Is(err, ErrUnavailable) {
		t.Errorf("after FLUSHALL: %v", err)
	}
	// A write makes the graph anew, but not what makes it safe.
	create(t, s, alice)
	if err := s.Ready(t.Context()); !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "unique Token.token_id") {
		t.Errorf("after a write: %v", err)
	}
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Ready(t.Context()); !errors.Is(err, ErrUnavailable) {
		t.Errorf("after its end: %v", err)
	}
}

func TestWaitForTheSchemaEndsWithItsContext(t *testing.T) {
	t.Parallel()
	s := setupAndDrop(t)
	raw(t, s, `CREATE (:Token)`) // a graph without a schema, which nobody will make
	ctx, cancel := context.WithTimeout(t.Context(), 10*schemaPoll)
	defer cancel()
	if err := s.awaitSchema(ctx); !errors.Is(err, ErrUnavailable) {
		t.Errorf("after its time: %v", err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	if err := s.awaitSchema(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("when cancelled: %v", err)
	}
	pending, err := s.pendingSchema(t.Context())
	if err != nil || len(pending) != len(indexes)+len(unique) || !slices.Contains(pending, "index Token.token_hash") {
		t.Errorf("pending: %v, %v", pending, err)
	}
}

// All replicas of a service may share a server with other graphs.
func TestStoresOfOneServerAreApart(t *testing.T) {
	t.Parallel()
	s := setup(t)
	other := open(t, Options{URL: db.URL(), Graph: s.graph + ":other"})
	token := create(t, s, alice)
	if _, err := other.TokenByID(t.Context(), token.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("in the other graph: %v", err)
	}
	create(t, other, alice, func(t *Token) { t.ID, t.Hash = token.ID, token.Hash })
	graphs, err := s.Client().Do(t.Context(), "GRAPH.LIST").StringSlice()
	if err != nil || !slices.Contains(graphs, s.graph) || !slices.Contains(graphs, other.graph) {
		t.Errorf("graphs: %v, %v", graphs, err)
	}
}
