package store

import (
	"testing"
	"time"
)

// edges counts both kinds as they are now, without making any.
func edges(t *testing.T, s *Store) (owners, revokers int) {
	t.Helper()
	rows, err := s.writeSoon(t.Context(), `OPTIONAL MATCH ()-[o:BELONGS_TO]->() WITH count(o) AS owners OPTIONAL MATCH ()-[r:REVOKED_BY]->() RETURN owners, count(r)`)
	if err != nil {
		t.Fatal(err)
	}
	return int(rows[0].integer(0)), int(rows[0].integer(0))
}

func TestTokensAreLinkedBehindTheAnswer(t *testing.T) {
	t.Parallel()
	s := setup(t)
	if err := s.CreateSession(t.Context(), newSession(t, alice)); err != nil {
		t.Fatal(err)
	}
	first := create(t, s, alice)
	rotate(t, s, first, time.Hour)
	revoke(t, s, create(t, s, bob, from(first)).ID)
	for deadline := time.Now().Add(10 * time.Second); ; <-time.After(time.Millisecond) {
		owners, revokers := edges(t, s)
		if owners == 4 && revokers == 1 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d tokens belong to a user, %d were revoked by one", owners, revokers)
		}
	}
}

func TestMoreThanOneBatchIsLinkedOnceByReplicasAtOnce(t *testing.T) {
	t.Parallel()
	s := setup(t)
	const n = 2*linkSize + 7
	s.stopLinking()
	if _, err := s.writeSoon(t.Context(), `UNWIND range(1, $n) AS i CREATE (:Token {token_id: toString(i), token_hash: toString(i), user_id: 'user-1',
		username: 'alice', host: 'localhost', port: 6379, owner_unlinked: true, revoked_at: 1, revoked_ip: '::1', revoked_by: 'user-2', revoker_unlinked: true})
		WITH count(i) AS n CREATE (:User {user_id: 'user-2', username: 'bob'})`, param{"n", n}); err != nil {
		t.Fatal(err)
	}
	for _, err := range parallel(8, func(int) error { return link(t.Context(), s) }) {
		if err != nil {
			t.Error(err)
		}
	}
	if owners, revokers := edges(t, s); owners != n || revokers != n {
		t.Errorf("%d and %d edges for %d tokens", owners, revokers, n)
	}
	equal(t, "users", raw(t, s, `MATCH (u:User) RETURN u.user_id, u.username ORDER BY u.user_id`), [][]any{{"user-1", "alice"}, {"user-2", "bob"}})
	if left := count(t, s, `MATCH (t:Token) WHERE t.owner_unlinked = true OR t.revoker_unlinked = true RETURN count(t)`); left != 0 {
		t.Errorf("%d tokens are still marked", left)
	}
}

func TestWhatAReplicaLeftUnlinkedIsFoundByTheNext(t *testing.T) {
	t.Parallel()
	first := setup(t)
	first.stopLinking()
	create(t, first, alice)
	if owners, _ := edges(t, first); owners != 0 {
		t.Fatalf("%d edges are there already", owners)
	}
	second := open(t, Options{URL: db.URL(), Graph: first.graph})
	for deadline := time.Now().Add(10 * time.Second); ; <-time.After(time.Millisecond) {
		if owners, _ := edges(t, second); owners == 1 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("nobody has linked it")
		}
	}
}
