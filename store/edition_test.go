package store

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/falkorpat/falkorpat/store/embedded"
	"github.com/falkorpat/falkorpat/store/embedded/embeddedtest"
)

func edition(tb testing.TB, s *Store) Edition {
	tb.Helper()
	e, err := s.Edition(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

// settled is the edition of a store that nobody else changes any more. It stays
// what it is for as long as nobody does.
func settled(tb testing.TB, s *Store) Edition {
	tb.Helper()
	s.stopLinking()
	s.running.Wait() // for a query that the linker has left
	edition(tb, s)   // the connection is there now
	e := edition(tb, s)
	if again := edition(tb, s); again != e {
		tb.Fatalf("nothing has changed: %+v, then %+v", e, again)
	}
	return e
}

func TestEveryChangeMakesAnotherEdition(t *testing.T) {
	t.Parallel()
	s := setup(t)
	one, two, old := create(t, s, alice), create(t, s, alice), create(t, s, alice)
	over := create(t, s, alice, expiringAt(at(-1)))
	session := newSession(t, alice)
	before := settled(t, s)
	for _, c := range []struct {
		name   string
		change func(ctx context.Context) error
	}{
		{"create", func(ctx context.Context) error { return s.CreateToken(ctx, newToken(t, bob, noon), nil) }},
		{"create from", func(ctx context.Context) error {
			child := newToken(t, alice, noon)
			child.IssuerID = one.ID
			return s.CreateToken(ctx, child, nil)
		}},
		{"import", func(ctx context.Context) error { return s.ImportTokens(ctx, []*Token{newToken(t, bob, noon)}) }},
		{"rotate", func(ctx context.Context) error {
			return s.RotateToken(ctx, Rotation{OldID: old.ID, OldUntil: noon.Add(time.Hour), New: newToken(t, alice, noon)})
		}},
		{"record uses", func(ctx context.Context) error { return s.RecordUses(ctx, []Use{{TokenID: one.ID, At: noon}}) }},
		{"update role", func(ctx context.Context) error { return s.UpdateRole(ctx, one.ID, RoleAdmin) }},
		{"mark stale", func(ctx context.Context) error { return second(s.MarkStale(ctx, []Sealed{sealedOf(one)}, noon)) }},
		{"rebind", func(ctx context.Context) error { return s.Rebind(ctx, rebinding(one.ID)) }},
		{"shorten", func(ctx context.Context) error {
			return second(s.ShortenTokens(ctx, Lifetimes{Longest: day, Soonest: noon}, eventsFor(ActionTokenShortened, two)...))
		}},
		{"suspend", func(ctx context.Context) error {
			return second(s.SuspendTokens(ctx, noon.Add(day), noon, eventsFor(ActionTokenSuspended, two)...))
		}},
		{"resume", func(ctx context.Context) error {
			return s.ResumeToken(ctx, two.ID, noon, eventsFor(ActionTokenResumed, two)[0])
		}},
		{"sweep", func(ctx context.Context) error { return second(s.Sweep(ctx, time.Time{}, noon, 10)) }},
		{"revoke", func(ctx context.Context) error {
			return second(s.RevokeToken(ctx, Revocation{TokenID: one.ID, By: alice, At: noon}))
		}},
		{"revoke again", func(ctx context.Context) error {
			return second(s.RevokeToken(ctx, Revocation{TokenID: one.ID, By: alice, At: noon}))
		}},
		{"revoke many", func(ctx context.Context) error {
			return second(s.RevokeTokens(ctx, []string{two.ID, over.ID}, Revocation{By: alice, At: noon}))
		}},
		{"create session", func(ctx context.Context) error { return s.CreateSession(ctx, session) }},
		{"delete session", func(ctx context.Context) error { return s.DeleteSession(ctx, session.Hash) }},
	} {
		if err := c.change(t.Context()); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		after := edition(t, s)
		if after == before {
			t.Errorf("%s made no other edition", c.name)
		}
		before = after
	}
}

// Whoever sees an edition sees the change that made it.
func TestEditionComesBehindItsChange(t *testing.T) {
	t.Parallel()
	s := setup(t)
	other := open(t, Options{URL: db.URL(), Graph: s.graph})
	s.stopLinking()
	for i := range 30 {
		before := settled(t, other)
		done := make(chan error, 1)
		go func() { done <- s.CreateToken(t.Context(), newToken(t, alice, noon), nil) }()
		for edition(t, other).number == before.number {
		}
		page, err := other.ListTokens(t.Context(), ListQuery{Hosts: localhost, Port: 6379, Now: noon, Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Tokens) != i+1 {
			t.Errorf("the list holds %d tokens when there are %d", len(page.Tokens), i+1)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
}

func TestConfirmedChangeMakesAnotherEdition(t *testing.T) {
	t.Parallel()
	_, s := private(t, embedded.Server{Args: everySecond}, Options{})
	before := settled(t, s)
	token := create(t, s, alice)
	created := edition(t, s)
	revoke(t, s, token.ID)
	if revoked := edition(t, s); created == before || revoked == created {
		t.Errorf("%+v, then %+v, then %+v", before, created, revoked)
	}
}

func TestChangeWithoutAnotherEditionIsNotAnswered(t *testing.T) {
	t.Parallel()
	s := setup(t)
	token := create(t, s, alice)
	settled(t, s)
	key := console(t, db)
	if err := errors.Join(key.Del(t.Context(), s.edition).Err(), key.RPush(t.Context(), s.edition, "no number").Err()); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"confirmed": s.CreateToken(t.Context(), newToken(t, alice, noon), nil),
		"soon":      s.UpdateRole(t.Context(), token.ID, RoleAdmin),
	} {
		if !errors.Is(err, ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// What went wrong first is told, whatever became of the edition.
	if err := s.CreateToken(t.Context(), token, nil); !errors.Is(err, ErrConflict) {
		t.Errorf("conflict: %v", err)
	}
	if err := key.Del(t.Context(), s.edition).Err(); err != nil {
		t.Fatal(err)
	}
	if e := edition(t, s); e.number != "" {
		t.Errorf("without a key: %+v", e)
	}
}

// A store that has crashed may use its numbers again.
func TestEditionsOfAnotherServerAreOthers(t *testing.T) {
	t.Parallel()
	server, s := private(t, embedded.Server{}, Options{})
	create(t, s, alice)
	before := settled(t, s)
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	embeddedtest.Start(t, embedded.Server{Engine: server.Engine, Dir: server.Dir})
	var during Edition
	eventually(t, "the store is back", func() (back bool) {
		var err error
		during, err = s.Edition(t.Context())
		return err == nil
	})
	after := edition(t, s)
	if during.number != before.number || after.number != before.number {
		t.Fatalf("numbers are %q, %q and %q", before.number, during.number, after.number)
	}
	if during == before || after == before || after == during {
		t.Errorf("%+v, then %+v, then %+v", before, during, after)
	}
}
