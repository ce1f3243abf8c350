package store

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

func TestCreatedTokenIsFoundByHashAndByID(t *testing.T) {
	t.Parallel()
	s := setup(t)
	want := create(t, s, alice, expiringAt(noon.Add(time.Hour)), func(t *Token) { t.TLS, t.CA = true, "UEVN" })
	create(t, s, alice)
	byHash, err := s.TokenByHash(t.Context(), want.Hash)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "by hash", byHash, want)
	equal(t, "by ID", byID(t, s, want.ID), want)
}

func TestTimesAreKeptToTheSecond(t *testing.T) {
	t.Parallel()
	s := setup(t)
	late := 999 * time.Millisecond
	token := create(t, s, alice, func(t *Token) { t.CreatedAt, t.ExpiresAt = noon.Add(late), noon.Add(time.Hour+late) })
	got := byID(t, s, token.ID)
	if !got.CreatedAt.Equal(noon) || !got.ExpiresAt.Equal(noon.Add(time.Hour)) || got.CreatedAt.Location() != time.UTC {
		t.Errorf("created %v, expires %v", got.CreatedAt, got.ExpiresAt)
	}
	if !got.RevokedAt.IsZero() || !got.LastUse.At.IsZero() {
		t.Errorf("never is %v and %v", got.RevokedAt, got.LastUse.At)
	}
}

func TestUnknownTokenIsNotFound(t *testing.T) {
	t.Parallel()
	s := setup(t)
	token := create(t, s, alice)
	ctx := t.Context()
	for _, key := range []string{
		"", " ", token.ID[:13], token.ID + "0", " " + token.ID, token.ID + " ", token.ID + "\x01", "x\x01" + token.ID, token.Hash[:63], "*", "1*",
	} {
		if got, err := s.TokenByID(ctx, key); !errors.Is(err, ErrNotFound) {
			t.Errorf("ID %q found %v, %v", key, got, err)
		}
		if got, err := s.TokenByHash(ctx, key); !errors.Is(err, ErrNotFound) {
			t.Errorf("hash %q found %v, %v", key, got, err)
		}
	}
	if _, err := s.TokenByID(ctx, token.Hash); !errors.Is(err, ErrNotFound) {
		t.Errorf("a hash is no ID: %v", err)
	}
	if _, err := s.TokenByHash(ctx, token.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("an ID is no hash: %v", err)
	}
}

func TestIDAndHashAreEachTakenOnce(t *testing.T) {
	t.Parallel()
	s := setup(t)
	first := create(t, s, alice)
	session := newSession(t, alice)
	if err := s.CreateSession(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Token){
		"ID":              func(t *Token) { t.ID = first.ID },
		"hash":            func(t *Token) { t.Hash = first.Hash },
		"session's ID":    func(t *Token) { t.ID = session.ID },
		"session's hash":  func(t *Token) { t.Hash = session.Hash },
		"ID, with issuer": func(t *Token) { t.ID, t.IssuerID = first.ID, first.ID },
	} {
		token := newToken(t, bob, noon)
		change(token)
		if err := s.CreateToken(t.Context(), token, nil); !errors.Is(err, ErrConflict) {
			t.Errorf("%s twice: %v", name, err)
		}
	}
	equal(t, "first", byID(t, s, first.ID), first)
	if n := count(t, s, `MATCH (t:Token) RETURN count(t)`); n != 2 {
		t.Errorf("%d rows, want 2", n)
	}
}

func TestCreationThatFailsLeavesNothing(t *testing.T) {
	t.Parallel()
	s := setup(t)
	first := create(t, s, alice)
	token := newToken(t, bob, noon)
	token.Hash = first.Hash
	if err := s.CreateToken(t.Context(), token, nil); !errors.Is(err, ErrConflict) {
		t.Fatal(err)
	}
	token = newToken(t, bob, noon)
	token.IssuerID = "1-unknown"
	if err := s.CreateToken(t.Context(), token, nil); !errors.Is(err, ErrIssuerInactive) {
		t.Fatal(err)
	}
	if n := count(t, s, `MATCH (u:User {user_id: $id}) RETURN count(u)`, param{"id", bob.ID}); n != 0 {
		t.Error("the user of a token that was not created is there")
	}
	if n := count(t, s, `MATCH ()-[r]->() RETURN count(r)`); n != 1 {
		t.Errorf("%d relationships, want the first token's", n)
	}
}

func TestOneOfManyParallelCreationsWins(t *testing.T) {
	t.Parallel()
	for name, same := range map[string]func(t, model *Token){
		"ID":   func(t, model *Token) { t.ID = model.ID },
		"hash": func(t, model *Token) { t.Hash = model.Hash },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setup(t)
			model := newToken(t, alice, noon)
			errs := parallel(50, func(i int) error {
				token := newToken(t, alice, noon)
				token.Name = fmt.Sprint(i)
				same(token, model)
				return s.CreateToken(t.Context(), token, nil)
			})
			won := -1
			for i, err := range errs {
				switch {
				case err == nil && won >= 0:
					t.Errorf("%d and %d have both won", won, i)
				case err == nil:
					won = i
				case !errors.Is(err, ErrConflict):
					t.Errorf("%d: %v", i, err)
				}
			}
			names := raw(t, s, `MATCH (t:Token)-[:BELONGS_TO]->(u:User) RETURN t.name, u.username`)
			equal(t, "what is stored", names, [][]any{{fmt.Sprint(won), "alice"}})
		})
	}
}

func TestAllTokensOfAUserBelongToOneNode(t *testing.T) {
	t.Parallel()
	s := setup(t)
	for i, err := range parallel(50, func(int) error { return s.CreateToken(t.Context(), newToken(t, alice, noon), nil) }) {
		if err != nil {
			t.Errorf("%d: %v", i, err)
		}
	}
	create(t, s, bob)
	users := raw(t, s, `MATCH (t:Token)-[:BELONGS_TO]->(u:User) RETURN u.user_id, u.username, u.host, u.port, count(t) ORDER BY u.username`)
	equal(t, "users", users, [][]any{
		{alice.ID, "alice", "localhost", 6379, 50},
		{bob.ID, "bob", "localhost", 6379, 1},
	})
	if n := count(t, s, `MATCH (u:User) RETURN count(u)`); n != 2 {
		t.Errorf("%d users, want 2", n)
	}
}

func TestTokenIsMadeOnlyFromOneThatWorks(t *testing.T) {
	t.Parallel()
	s := setup(t)
	revoked := create(t, s, alice)
	revoke(t, s, revoked.ID)
	swept := create(t, s, alice, expiringAt(noon.Add(-time.Second)))
	if _, err := s.Sweep(t.Context(), time.Time{}, noon, 10); err != nil {
		t.Fatal(err)
	}
	session := newSession(t, alice)
	if err := s.CreateSession(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		issuer string
		works  bool
	}{
		"active":               {create(t, s, alice).ID, true},
		"another user's":       {create(t, s, bob).ID, true}, // who may is for the service to say
		"ends in a second":     {create(t, s, alice, expiringAt(noon.Add(time.Second))).ID, true},
		"ends now":             {create(t, s, alice, expiringAt(noon)).ID, false},
		"expired, not swept":   {create(t, s, alice, expiringAt(noon.Add(-time.Second))).ID, false},
		"expired and swept":    {swept.ID, false},
		"revoked":              {revoked.ID, false},
		"unknown":              {"1700000000000-00000000", false},
		"a session":            {session.ID, false},
		"itself, still to be ": {"self", false},
	} {
		token := newToken(t, alice, noon)
		token.IssuerID = c.issuer
		if c.issuer == "self" {
			token.IssuerID = token.ID
		}
		err := s.CreateToken(t.Context(), token, nil)
		if c.works && err != nil || !c.works && !errors.Is(err, ErrIssuerInactive) {
			t.Errorf("%s: %v", name, err)
		}
		_, err = s.TokenByID(t.Context(), token.ID)
		if c.works && err != nil || !c.works && !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: found: %v", name, err)
		}
	}
}

func TestTokenPointsAtTheOneItWasMadeFrom(t *testing.T) {
	t.Parallel()
	s := setup(t)
	root := create(t, s, alice)
	child := create(t, s, alice, from(root))
	grandchild := create(t, s, alice, from(child))
	edges := raw(t, s, `MATCH (a:Token)-[:ISSUED_BY]->(b:Token) RETURN a.token_id, b.token_id ORDER BY ID(a)`)
	equal(t, "edges", edges, [][]any{{child.ID, root.ID}, {grandchild.ID, child.ID}})
	if got := byID(t, s, child.ID); got.IssuerID != "" {
		t.Errorf("IssuerID is not read back, but is %q", got.IssuerID)
	}
}

func TestRoleIsUpdatedOnOneTokenAlone(t *testing.T) {
	t.Parallel()
	s := setup(t)
	token, other := create(t, s, alice), create(t, s, alice)
	if err := s.UpdateRole(t.Context(), token.ID, RoleAdmin); err != nil {
		t.Fatal(err)
	}
	token.Role = RoleAdmin
	equal(t, "updated", byID(t, s, token.ID), token)
	equal(t, "other", byID(t, s, other.ID), other)
	if err := s.UpdateRole(t.Context(), "1-unknown", RoleAdmin); err != nil {
		t.Errorf("role of a token that is gone: %v", err)
	}
}
