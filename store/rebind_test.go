package store

import (
	"errors"
	"testing"
	"time"
)

func rebinding(id string) Rebinding {
	return Rebinding{TokenID: id, SealedPassword: "sealed anew", TLS: true, CA: "ca", Role: RoleReadOnly, At: noon, Event: Event{ID: "e-" + id, At: noon, Action: ActionTokenRebound, TokenID: id}}
}

func sealedOf(t *Token) Sealed {
	return Sealed{TokenID: t.ID, User: t.User, Password: t.SealedPassword}
}

func mark(tb testing.TB, s *Store, since time.Time, tokens ...*Token) []string {
	tb.Helper()
	sealed := make([]Sealed, len(tokens))
	for i, t := range tokens {
		sealed[i] = sealedOf(t)
	}
	ids, err := s.MarkStale(tb.Context(), sealed, since)
	if err != nil {
		tb.Fatal(err)
	}
	return ids
}

func TestReboundTokenHasTheNewPasswordAndIsNotStale(t *testing.T) {
	t.Parallel()
	s := setup(t)
	token, other := create(t, s, alice), create(t, s, alice)
	mark(t, s, noon, token)
	if err := s.Rebind(t.Context(), rebinding(token.ID)); err != nil {
		t.Fatal(err)
	}
	token.SealedPassword, token.TLS, token.CA, token.Role = "sealed anew", true, "ca", RoleReadOnly
	equal(t, "rebound", byID(t, s, token.ID), token)
	equal(t, "other", byID(t, s, other.ID), other)
	equal(t, "events", raw(t, s, `MATCH (e:Event {action: 'token.rebound'}) RETURN e.token_id`), [][]any{{token.ID}})
}

func TestTokenThatHasEndedIsNotRebound(t *testing.T) {
	t.Parallel()
	s := setup(t)
	revoked, foreign := create(t, s, alice), create(t, s, alice)
	revoke(t, s, revoked.ID)
	// As another program revokes.
	raw(t, s, `MATCH (t:Token {token_id: $token_id}) CREATE (t)-[:REVOKED_BY]->(:User {user_id: 'x'})`, param{"token_id", foreign.ID})
	expired := create(t, s, alice, createdAt(noon.Add(-time.Hour)), expiringAt(noon))
	session := newSession(t, alice)
	if err := s.CreateSession(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	for name, id := range map[string]string{
		"revoked": revoked.ID, "revoked elsewhere": foreign.ID, "expired": expired.ID, "a session": session.ID, "unknown": "1-a",
	} {
		if err := s.Rebind(t.Context(), rebinding(id)); !errors.Is(err, ErrEnded) {
			t.Errorf("%s: %v, want ErrEnded", name, err)
		}
	}
	if n := count(t, s, `MATCH (e:Event {action: 'token.rebound'}) RETURN count(e)`); n != 0 {
		t.Errorf("%d events tell of what was not done", n)
	}
	if n := count(t, s, `MATCH (t:Token) WHERE t.encrypted_password = 'sealed anew' RETURN count(t)`); n != 0 {
		t.Errorf("%d rows have the new password", n)
	}
}

// Whichever comes first: once it is revoked, a token has no password.
func TestRevocationAndRebindingAtOnceLeaveNoPassword(t *testing.T) {
	t.Parallel()
	s := setup(t)
	token := create(t, s, alice)
	parallel(50, func(i int) error {
		if i == 25 {
			revoke(t, s, token.ID)
			return nil
		}
		err := s.Rebind(t.Context(), rebinding(token.ID))
		if err != nil && !errors.Is(err, ErrEnded) {
			t.Error(err)
		}
		return err
	})
	if got := byID(t, s, token.ID); got.SealedPassword != "" || got.Active || got.RevokedAt.IsZero() {
		t.Errorf("revoked token reads %+v", got)
	}
}

func TestFirstMarkStaysUntilTheLoginWorks(t *testing.T) {
	t.Parallel()
	s := setup(t)
	token, other := create(t, s, alice), create(t, s, alice)
	equal(t, "marked", mark(t, s, noon, token), []string{token.ID})
	equal(t, "marked again", mark(t, s, noon.Add(time.Hour), token), []string{})
	if got := byID(t, s, token.ID); !got.StaleSince.Equal(noon) || got.Status(noon) != StatusStale {
		t.Errorf("stale since %v", got.StaleSince)
	}
	equal(t, "unmarked", mark(t, s, time.Time{}, token, other), []string{token.ID})
	equal(t, "as before", byID(t, s, token.ID), token)
}

// The login that failed was made before the new password came.
func TestLateMarkDoesNotTouchAReboundToken(t *testing.T) {
	t.Parallel()
	s := setup(t)
	token := create(t, s, alice)
	if err := s.Rebind(t.Context(), rebinding(token.ID)); err != nil {
		t.Fatal(err)
	}
	equal(t, "marked", mark(t, s, noon, token), []string{})
	revoked := create(t, s, alice)
	revoke(t, s, revoked.ID)
	revoked.SealedPassword = ""
	equal(t, "a revoked one", mark(t, s, noon, revoked), []string{})
}

func TestSealedPasswordsAreOneUsersLivingTokens(t *testing.T) {
	t.Parallel()
	s := setup(t)
	token, stale, revoked := create(t, s, alice), create(t, s, alice), create(t, s, alice)
	mark(t, s, noon, stale)
	revoke(t, s, revoked.ID)
	create(t, s, bob)
	create(t, s, user("alice", "localhost", 6380))
	create(t, s, user("alice", "db.example", 6379))
	session := newSession(t, alice)
	if err := s.CreateSession(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	for want, isStale := range map[*Token]bool{token: false, stale: true} {
		found, err := s.SealedOf(t.Context(), localhost, 6379, "alice", isStale)
		if err != nil {
			t.Fatal(err)
		}
		sealed := sealedOf(want)
		sealed.User.ID = ""
		equal(t, "found", found, []Sealed{sealed})
	}
}
