package store

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

func TestRevokedTokenIsInactiveAndItsPasswordDestroyed(t *testing.T) {
	t.Parallel()
	s := setup(t)
	token, other := create(t, s, alice), create(t, s, alice)
	equal(t, "ended", revoke(t, s, token.ID), []string{token.ID})
	token.Active, token.RevokedAt, token.SealedPassword = false, noon, ""
	equal(t, "revoked", byID(t, s, token.ID), token)
	equal(t, "other", byID(t, s, other.ID), other)
	edges := raw(t, s, `MATCH (t:Token)-[r:REVOKED_BY]->(u:User) RETURN t.token_id, r.at, r.ip, u.user_id`)
	equal(t, "who revoked", edges, [][]any{{token.ID, noon.Unix(), "192.0.2.1", alice.ID}})
}

func TestRevokingAgainChangesNothing(t *testing.T) {
	t.Parallel()
	s := setup(t)
	token := create(t, s, alice)
	revoke(t, s, token.ID)
	again, err := s.RevokeToken(t.Context(), Revocation{TokenID: token.ID, By: bob, At: noon.Add(time.Hour), IP: "192.0.2.2"})
	if err != nil || len(again) != 0 {
		t.Errorf("ended %v, %v", again, err)
	}
	if got := byID(t, s, token.ID).RevokedAt; !got.Equal(noon) {
		t.Errorf("revoked at %v, want the first time", got)
	}
	equal(t, "edges", raw(t, s, `MATCH ()-[r:REVOKED_BY]->(u:User) RETURN r.at, u.username`), [][]any{{noon.Unix(), "alice"}})
}

func TestRevokingWhatIsNotThereEndsNothing(t *testing.T) {
	t.Parallel()
	s := setup(t)
	session := newSession(t, alice)
	if err := s.CreateSession(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"", "1700000000000-00000000", session.ID} {
		equal(t, "ended by "+id, revoke(t, s, id), []string{})
	}
	if _, err := s.SessionByHash(t.Context(), session.Hash, noon); err != nil {
		t.Errorf("session: %v", err)
	}
}

func TestTreeFallsWithItsRoot(t *testing.T) {
	t.Parallel()
	s := setup(t)
	root, bystander := create(t, s, alice), create(t, s, alice)
	tree := []*Token{root}
	for i := range 20 { // each made from one of those before
		tree = append(tree, create(t, s, alice, from(tree[i/2])))
	}
	other := create(t, s, alice, from(bystander))
	chain := tree[len(tree)-1]
	for range 30 {
		chain = create(t, s, bob, from(chain))
		tree = append(tree, chain)
	}
	equal(t, "ended", revoke(t, s, root.ID), sorted(ids(tree)))
	for _, token := range tree {
		if got := byID(t, s, token.ID); got.Active || !got.RevokedAt.Equal(noon) || got.SealedPassword != "" {
			t.Errorf("%s still stands: %+v", token.ID, got)
		}
	}
	for _, token := range []*Token{bystander, other} {
		if got := byID(t, s, token.ID); got.Status(noon) != StatusActive {
			t.Errorf("bystander %s is %s", token.ID, got.Status(noon))
		}
	}
	edges := count(t, s, `MATCH (:Token)-[r:REVOKED_BY]->(:User) RETURN count(r)`)
	if edges != len(tree) {
		t.Errorf("%d edges for %d tokens", edges, len(tree))
	}
}

func TestBranchFallsAlone(t *testing.T) {
	t.Parallel()
	s := setup(t)
	root := create(t, s, alice)
	left, right := create(t, s, alice, from(root)), create(t, s, alice, from(root))
	leaf := create(t, s, alice, from(left))
	equal(t, "left", revoke(t, s, left.ID), sorted([]string{left.ID, leaf.ID}))
	// The rest follows later; what fell before keeps its time.
	later, err := s.RevokeToken(t.Context(), Revocation{TokenID: root.ID, By: alice, At: noon.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "rest", sorted(later), sorted([]string{root.ID, right.ID}))
	if got := byID(t, s, leaf.ID).RevokedAt; !got.Equal(noon) {
		t.Errorf("leaf was revoked at %v", got)
	}
}

func TestFamilyIsWhatFallsTogetherAlsoWhenItHasFallen(t *testing.T) {
	t.Parallel()
	s := setup(t)
	root, _ := create(t, s, alice), create(t, s, alice)
	child := create(t, s, alice, from(root))
	grandchild := create(t, s, alice, from(child))
	for range 2 {
		got, err := s.Family(t.Context(), root.ID)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "family", sorted(got), sorted([]string{root.ID, child.ID, grandchild.ID}))
		revoke(t, s, root.ID)
	}
	if got, err := s.Family(t.Context(), "1-nobody"); err != nil || len(got) != 0 {
		t.Errorf("nobody's family is %v, %v", got, err)
	}
}

func TestRevokerNeedNotHaveATokenHere(t *testing.T) {
	t.Parallel()
	s := setup(t)
	root := create(t, s, alice)
	for range 5 { // each of the six rows merges the user
		create(t, s, alice, from(root))
	}
	if _, err := s.RevokeToken(t.Context(), Revocation{TokenID: root.ID, By: bob, At: noon}); err != nil {
		t.Fatal(err)
	}
	users := raw(t, s, `MATCH (u:User)<-[r:REVOKED_BY]-() RETURN u.user_id, u.username, u.host, u.port, count(r)`)
	equal(t, "revoker", users, [][]any{{bob.ID, "bob", "localhost", 6379, 6}})
}

func TestExpiredTokenCanBeRevoked(t *testing.T) {
	t.Parallel()
	s := setup(t)
	swept := create(t, s, alice, expiringAt(noon.Add(-time.Hour)))
	if _, err := s.Sweep(t.Context(), time.Time{}, noon, 10); err != nil {
		t.Fatal(err)
	}
	for _, token := range []*Token{swept, create(t, s, alice, expiringAt(noon.Add(-time.Minute)))} {
		equal(t, "ended", revoke(t, s, token.ID), []string{token.ID})
		if got := byID(t, s, token.ID); got.Status(noon) != StatusRevoked {
			t.Errorf("status is %s", got.Status(noon))
		}
	}
}

func TestParallelRevocationsRevokeOnce(t *testing.T) {
	t.Parallel()
	s := setup(t)
	root := create(t, s, alice)
	child := create(t, s, alice, from(root))
	type result struct {
		ended []string
		err   error
	}
	var ended []string
	for _, r := range parallel(50, func(i int) result {
		by := user(fmt.Sprint("admin", i), "localhost", 6379)
		ended, err := s.RevokeToken(t.Context(), Revocation{TokenID: root.ID, By: by, At: noon})
		return result{ended, err}
	}) {
		if r.err != nil {
			t.Error(r.err)
		}
		ended = append(ended, r.ended...)
	}
	equal(t, "ended by all", sorted(ended), sorted([]string{root.ID, child.ID}))
	if n := count(t, s, `MATCH (:Token)-[r:REVOKED_BY]->(:User) RETURN count(r)`); n != 2 {
		t.Errorf("%d edges for two tokens", n)
	}
	if n := count(t, s, `MATCH (u:User) WHERE u.username STARTS WITH 'admin' RETURN count(u)`); n != 1 {
		t.Errorf("%d revokers appear, want the one who did it", n)
	}
}

// However creation and revocation fall together: what was made from a revoked
// token does not work. Creators go on from what they have made, several deep.
func TestNothingMadeFromARevokedTokenStaysActive(t *testing.T) {
	t.Parallel()
	s := setup(t)
	rounds, made := 60, 0
	if testing.Short() {
		rounds = 10
	}
	for range rounds {
		root := create(t, s, alice)
		all := parallel(6, func(i int) []*Token {
			if i == 0 {
				revoke(t, s, root.ID)
				return nil
			}
			return issueChain(t, s, root, 4)
		})
		for _, token := range slices.Concat(all...) {
			made++
			if got := byID(t, s, token.ID); got.Status(noon) != StatusRevoked || got.SealedPassword != "" {
				t.Fatalf("made from a revoked token, and %s: %+v", got.Status(noon), got)
			}
		}
	}
	t.Logf("%d tokens were made before the revocation", made)
	if made == 0 {
		t.Error("revocation always came first: the race was not tried")
	}
	if n := count(t, s, `MATCH (t:Token) WHERE t.is_active RETURN count(t)`); n != 0 {
		t.Errorf("%d active tokens left", n)
	}
	if n := count(t, s, `MATCH (t:Token)-[r:REVOKED_BY]->() WITH t, count(r) AS n WHERE n <> 1 RETURN count(t)`); n != 0 {
		t.Errorf("%d tokens were revoked more than once", n)
	}
}

// issueChain makes a token from a token from a token, until it may not any more.
func issueChain(t *testing.T, s *Store, issuer *Token, depth int) (made []*Token) {
	t.Helper()
	for range depth {
		token := newToken(t, alice, noon)
		token.IssuerID = issuer.ID
		err := s.CreateToken(t.Context(), token, nil)
		if errors.Is(err, ErrIssuerInactive) {
			return made
		}
		if err != nil {
			t.Error(err)
			return made
		}
		made, issuer = append(made, token), token
	}
	return made
}

// FalkorDB ends with a segmentation fault when an empty text is merged.
func TestRevocationByNobodyNeverReachesTheStore(t *testing.T) {
	t.Parallel()
	s := setup(t)
	token := create(t, s, alice)
	if _, err := s.RevokeToken(t.Context(), Revocation{TokenID: token.ID, At: noon}); !errors.Is(err, errNobody) {
		t.Errorf("%v, want errNobody", err)
	}
	if got := byID(t, s, token.ID); got.Status(noon) != StatusActive {
		t.Errorf("the token is %s", got.Status(noon))
	}
}
