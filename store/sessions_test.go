package store

import (
	"errors"
	"testing"
	"time"
)

func TestSessionIsFoundUntilItEnds(t *testing.T) {
	t.Parallel()
	s := setup(t)
	want := newSession(t, alice)
	if err := s.CreateSession(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		at    time.Time
		found bool
	}{
		{noon, true},
		{want.ExpiresAt.Add(-time.Nanosecond), true},
		{want.ExpiresAt, false},
		{want.ExpiresAt.Add(time.Hour), false},
	} {
		got, err := s.SessionByHash(t.Context(), want.Hash, c.at)
		if !c.found {
			if !errors.Is(err, ErrNotFound) {
				t.Errorf("at %v: %v", c.at, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "session", got, want)
	}
}

// A row without an end is none that we wrote, and lasts no longer than one
// that has ended.
func TestSessionWithoutAnEndIsNotFound(t *testing.T) {
	t.Parallel()
	s := setup(t)
	session := newSession(t, alice)
	session.ExpiresAt = time.Time{}
	if err := s.CreateSession(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	if _, err := s.SessionByHash(t.Context(), session.Hash, noon); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

func TestDeletedSessionIsGone(t *testing.T) {
	t.Parallel()
	s := setup(t)
	session, other := newSession(t, alice), newSession(t, alice)
	for _, one := range []*Session{session, other} {
		if err := s.CreateSession(t.Context(), one); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // the second time there is nothing to delete
		if err := s.DeleteSession(t.Context(), session.Hash); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.SessionByHash(t.Context(), session.Hash, noon); !errors.Is(err, ErrNotFound) {
		t.Errorf("deleted session: %v", err)
	}
	if _, err := s.SessionByHash(t.Context(), other.Hash, noon); err != nil {
		t.Errorf("other session: %v", err)
	}
	if n := count(t, s, `MATCH ()-[r:BELONGS_TO]->() RETURN count(r)`); n != 1 {
		t.Errorf("%d relationships, want the other session's", n)
	}
}

func TestSessionIDAndHashAreTakenOnce(t *testing.T) {
	t.Parallel()
	s := setup(t)
	first := newSession(t, alice)
	errs := parallel(50, func(i int) error {
		session := newSession(t, alice)
		if i%2 == 0 {
			session.ID = first.ID
		} else {
			session.ID, session.Hash = session.ID+"-"+first.ID, first.Hash
		}
		return s.CreateSession(t.Context(), session)
	})
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if !errors.Is(err, ErrConflict) {
			t.Error(err)
		}
	}
	if won != 2 { // one with the ID, one with the hash
		t.Errorf("%d sessions were created, want 2", won)
	}
}

func TestSessionsAndTokensAreNeverTakenForEachOther(t *testing.T) {
	t.Parallel()
	s := setup(t)
	ctx := t.Context()
	session, token := newSession(t, alice), create(t, s, alice, expiringAt(noon.Add(time.Hour)))
	if err := s.CreateSession(ctx, session); err != nil {
		t.Fatal(err)
	}
	if got, err := s.TokenByHash(ctx, session.Hash); !errors.Is(err, ErrNotFound) {
		t.Errorf("session as token by hash: %v, %v", got, err)
	}
	if got, err := s.TokenByID(ctx, session.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("session as token by ID: %v, %v", got, err)
	}
	if got, err := s.SessionByHash(ctx, token.Hash, noon); !errors.Is(err, ErrNotFound) {
		t.Errorf("token as session: %v, %v", got, err)
	}
	for _, status := range []Status{"", StatusActive, StatusExpired, StatusRevoked} {
		listed, err := s.ListTokens(ctx, ListQuery{Hosts: []string{"localhost"}, Port: 6379, Statuses: only(status), Now: noon, Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range listed.Tokens {
			if one.ID != token.ID {
				t.Errorf("list of status %q holds %s", status, one.ID)
			}
		}
	}
	if err := s.DeleteSession(ctx, token.Hash); err != nil {
		t.Fatal(err)
	}
	equal(t, "token after the deletion of a session with its hash", byID(t, s, token.ID), token)
	if names := raw(t, s, `MATCH (t:Token {kind: 'session'}) RETURN t.name`); names[0][0] != "connection:"+session.ID {
		t.Errorf("session's name is %v", names)
	}
}
