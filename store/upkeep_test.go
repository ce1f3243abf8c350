package store

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"
)

func at(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }

func TestNewestUseWinsInWhateverOrderTheyAreWritten(t *testing.T) {
	t.Parallel()
	s := setup(t)
	for range 5 {
		token := create(t, s, alice)
		newest := Use{}
		for _, minute := range rand.Perm(6) {
			use := Use{TokenID: token.ID, At: at(minute), IP: "192.0.2." + string(rune('0'+minute)), Agent: "curl/8." + string(rune('0'+minute))}
			if err := s.RecordUses(t.Context(), []Use{use}); err != nil {
				t.Fatal(err)
			}
			if use.At.After(newest.At) {
				newest = use
			}
			equal(t, "last use", byID(t, s, token.ID).LastUse, newest)
		}
	}
}

func TestReplicasWriteUsesInParallel(t *testing.T) {
	t.Parallel()
	s := setup(t)
	token := create(t, s, alice)
	for _, err := range parallel(30, func(i int) error {
		return s.RecordUses(t.Context(), []Use{{TokenID: token.ID, At: at(i), IP: "::1", Agent: "a"}})
	}) {
		if err != nil {
			t.Error(err)
		}
	}
	if got := byID(t, s, token.ID).LastUse.At; !got.Equal(at(29)) {
		t.Errorf("last used %v", got)
	}
}

func TestBatchOfUsesIsOneQuery(t *testing.T) {
	t.Parallel()
	server, s := privateStore(t)
	uses := make([]Use, 0, 200)
	for range cap(uses) {
		token := create(t, s, alice)
		uses = append(uses, Use{TokenID: token.ID, At: noon, IP: "::1", Agent: `"x"`})
	}
	s.stopLinking() // which makes queries of its own
	before := calls(t, server, "graph.QUERY")
	if err := s.RecordUses(t.Context(), uses); err != nil {
		t.Fatal(err)
	}
	if n := calls(t, server, "graph.QUERY") - before; n != 1 {
		t.Errorf("%d queries", n)
	}
	for _, use := range uses {
		equal(t, "last use", byID(t, s, use.TokenID).LastUse, use)
	}
	before = calls(t, server, "graph.QUERY")
	if err := s.RecordUses(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if n := calls(t, server, "graph.QUERY") - before; n != 0 {
		t.Errorf("no uses made %d queries", n)
	}
}

func TestUsesOfUnknownTokensArePassedOver(t *testing.T) {
	t.Parallel()
	s := setup(t)
	first, last := create(t, s, alice), create(t, s, alice)
	err := s.RecordUses(t.Context(), []Use{
		{TokenID: first.ID, At: noon}, {TokenID: "1-unknown", At: noon}, {At: noon}, {TokenID: last.ID, At: noon},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, token := range []*Token{first, last} {
		if got := byID(t, s, token.ID).LastUse.At; !got.Equal(noon) {
			t.Errorf("last used %v", got)
		}
	}
	if n := count(t, s, `MATCH (t:Token) RETURN count(t)`); n != 2 {
		t.Errorf("%d tokens, want 2", n)
	}
}

func TestUseDoesNotWakeATokenUp(t *testing.T) {
	t.Parallel()
	s := setup(t)
	token := create(t, s, alice)
	revoke(t, s, token.ID)
	if err := s.RecordUses(t.Context(), []Use{{TokenID: token.ID, At: noon}}); err != nil {
		t.Fatal(err)
	}
	if got := byID(t, s, token.ID); got.Status(noon) != StatusRevoked || got.SealedPassword != "" {
		t.Errorf("used after its revocation: %+v", got)
	}
}

func sweep(t *testing.T, s *Store, after, now time.Time, limit int) (tokens, sessions int) {
	t.Helper()
	swept, err := s.Sweep(t.Context(), after, now, limit)
	if err != nil {
		t.Fatal(err)
	}
	return swept.Tokens, swept.Sessions
}

func TestSweepTakesExactlyWhatHasExpired(t *testing.T) {
	t.Parallel()
	s := setup(t)
	for name, c := range map[string]struct {
		expires time.Time
		swept   bool
	}{
		"never":                      {time.Time{}, false},
		"in a second":                {noon.Add(time.Second), false},
		"now":                        {noon, true},
		"a minute ago":               {at(-1), true},
		"a second after the last":    {at(-60).Add(time.Second), true},
		"at the time of the last":    {at(-60), false},
		"before the last, left over": {at(-61), false},
	} {
		token := create(t, s, alice, expiringAt(c.expires))
		session := newSession(t, alice)
		session.ExpiresAt = c.expires
		if err := s.CreateSession(t.Context(), session); err != nil {
			t.Fatal(err)
		}
		want := 0
		if c.swept {
			want = 1
		}
		if tokens, sessions := sweep(t, s, at(-60), noon, 10); tokens != want || sessions != want {
			t.Errorf("%s: swept %d tokens and %d sessions", name, tokens, sessions)
		}
		if c.swept {
			token.Active, token.SealedPassword = false, ""
		}
		equal(t, name, byID(t, s, token.ID), token)
		if n := count(t, s, `MATCH (t:Token {token_id: $id}) RETURN count(t)`, param{"id", session.ID}); n != 1-want {
			t.Errorf("%s: %d sessions are there", name, n)
		}
	}
	// From the beginning of time, what was left over goes too.
	if tokens, sessions := sweep(t, s, time.Time{}, noon, 10); tokens != 2 || sessions != 2 {
		t.Errorf("the first sweep of all took %d tokens and %d sessions, want 2 and 2", tokens, sessions)
	}
	if tokens, sessions := sweep(t, s, time.Time{}, noon, 10); tokens != 0 || sessions != 0 {
		t.Errorf("a second sweep found %d tokens and %d sessions", tokens, sessions)
	}
}

func TestSweepTakesNoMoreThanItsLimit(t *testing.T) {
	t.Parallel()
	s := setup(t)
	for range 25 {
		create(t, s, alice, expiringAt(at(-1)))
		session := newSession(t, alice)
		session.ExpiresAt = at(-1)
		if err := s.CreateSession(t.Context(), session); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []int{10, 10, 5, 0} {
		tokens, sessions := sweep(t, s, time.Time{}, noon, 10)
		if tokens != want || sessions != want {
			t.Errorf("sweep %d took %d tokens and %d sessions, want %d", i, tokens, sessions, want)
		}
		left := 25 - min(25, 10*(i+1))
		if n := count(t, s, `MATCH (t:Token) WHERE t.is_active AND t.kind = 'pat' RETURN count(t)`); n != left {
			t.Errorf("%d active tokens after sweep %d, want %d", n, i, left)
		}
		if n := count(t, s, `MATCH (t:Token {kind: 'session'}) RETURN count(t)`); n != left {
			t.Errorf("%d sessions after sweep %d, want %d", n, i, left)
		}
	}
}

func TestSweepLeavesRevokedTokensAsTheyAre(t *testing.T) {
	t.Parallel()
	s := setup(t)
	token := create(t, s, alice, expiringAt(at(-1)))
	revoke(t, s, token.ID)
	want := byID(t, s, token.ID)
	if tokens, _ := sweep(t, s, time.Time{}, noon, 10); tokens != 0 {
		t.Errorf("swept %d", tokens)
	}
	equal(t, "revoked", byID(t, s, token.ID), want)
}

func TestParallelSweepsTakeEachRowOnce(t *testing.T) {
	t.Parallel()
	s := setup(t)
	for range 40 {
		create(t, s, alice, expiringAt(at(-1)))
	}
	total := 0
	for _, n := range parallel(10, func(int) int {
		swept, err := s.Sweep(t.Context(), time.Time{}, noon, 7)
		if err != nil {
			t.Error(err)
		}
		return swept.Tokens
	}) {
		total += n
	}
	if total != 40 {
		t.Errorf("%d rows swept, want 40", total)
	}
}

func TestSweepThatFailsTellsWhatItTook(t *testing.T) {
	t.Parallel()
	server, s := privateStore(t)
	create(t, s, alice, expiringAt(at(-1)))
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	swept, err := s.Sweep(t.Context(), time.Time{}, noon, 10)
	if swept != (Swept{}) || !errors.Is(err, ErrUnavailable) {
		t.Errorf("swept %v of a store that is gone, %v", swept, err)
	}
}
