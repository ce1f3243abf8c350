package store

import (
	"errors"
	"slices"
	"testing"
	"time"
)

const day = 24 * time.Hour

// eventsFor are events of a change to tokens.
func eventsFor(action Action, tokens ...*Token) []Event {
	events := make([]Event, len(tokens))
	for i, t := range tokens {
		events[i] = Event{
			ID: string(action) + hashOf(t.ID)[:8], At: noon, Host: t.User.Host, Port: t.User.Port,
			Action: action, Outcome: OutcomeSuccess, TokenID: t.ID, TokenName: t.Name, Owner: t.User.Username,
		}
	}
	return events
}

// eventsAbout counts the events of a change to a token.
func eventsAbout(t *testing.T, s *Store, action Action, token *Token) int {
	t.Helper()
	return count(t, s, `MATCH (e:Event {token_id: $token_id}) WHERE e.action = $action RETURN count(e)`,
		param{"token_id", token.ID}, param{"action", string(action)})
}

func found(t *testing.T, tokens []*Token, err error) []string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return sorted(ids(tokens))
}

func TestTokenIsIdleWhenNothingHasHappenedSince(t *testing.T) {
	t.Parallel()
	s := setup(t)
	since := noon.Add(30 * day)
	set := func(property string, at time.Time) func(*Token) {
		token := create(t, s, alice)
		raw(t, s, `MATCH (t:Token {token_id: $token_id}) SET t.`+property+` = $at`, param{"token_id", token.ID}, param{"at", at})
		return func(other *Token) { *other = *token }
	}
	for name, c := range map[string]struct {
		property string
		at       time.Time
		idle     bool
	}{
		"used at the very second":   {"last_used", since, true},
		"used later":                {"last_used", since.Add(time.Second), false},
		"used long before":          {"last_used", noon.Add(day), true},
		"resumed at the second":     {"resumed_at", since, true},
		"resumed later":             {"resumed_at", since.Add(time.Second), false},
		"begun at the second":       {"not_before", since, true},
		"begun later":               {"not_before", since.Add(time.Second), false},
		"made at the second":        {"created_at", since, true},
		"made later":                {"created_at", since.Add(time.Second), false},
		"never resumed":             {"resumed_at", time.Time{}, true},
		"suspended before":          {"suspended_at", noon, false},
		"no kind, as older rows":    {"kind", time.Time{}, true},
		"ended, so that it is over": {"is_active", time.Time{}, false},
	} {
		var token Token
		set(c.property, c.at)(&token)
		switch c.property {
		case "kind":
			raw(t, s, `MATCH (t:Token {token_id: $token_id}) SET t.kind = null`, param{"token_id", token.ID})
		case "is_active":
			raw(t, s, `MATCH (t:Token {token_id: $token_id}) SET t.is_active = false`, param{"token_id", token.ID})
		}
		idle, err := s.IdleTokens(t.Context(), time.Time{}, since, 100)
		if got := slices.Contains(found(t, idle, err), token.ID); got != c.idle {
			t.Errorf("%s: found idle %v", name, got)
		}
		suspended, err := s.SuspendTokens(t.Context(), since, since, eventsFor(ActionTokenSuspended, &token)...)
		if got := err == nil && len(suspended) == 1; got != c.idle {
			t.Errorf("%s: suspended %v, %v", name, suspended, err)
		}
		if n := eventsAbout(t, s, ActionTokenSuspended, &token); (n == 1) != c.idle {
			t.Errorf("%s: %d events", name, n)
		}
		raw(t, s, `MATCH (t:Token {token_id: $token_id}) DELETE t`, param{"token_id", token.ID})
	}
}

func TestIdleTokensAreFoundWhereTheyHaveBecomeSo(t *testing.T) {
	t.Parallel()
	s := setup(t)
	token := create(t, s, alice) // at noon
	if err := s.RecordUses(t.Context(), []Use{{TokenID: token.ID, At: noon.Add(day)}}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		after, since time.Time
		want         int
	}{
		{noon.Add(-day), noon.Add(day - time.Second), 0},
		{noon.Add(day - time.Second), noon.Add(day), 1},
		{noon.Add(day), noon.Add(2 * day), 0}, // has been seen to
		{time.Time{}, noon.Add(9 * day), 1},
	} {
		if idle, err := s.IdleTokens(t.Context(), c.after, c.since, 10); err != nil || len(idle) != c.want {
			t.Errorf("after %s, since %s: %v, %v", c.after, c.since, ids(idle), err)
		}
	}
}

func TestResumedTokenWorksAndEndedOnesDoNot(t *testing.T) {
	t.Parallel()
	s := setup(t)
	resting, expired, revoked := create(t, s, alice), create(t, s, alice, expiringAt(noon.Add(day))), create(t, s, alice)
	all := []*Token{resting, expired, revoked}
	if ids, err := s.SuspendTokens(t.Context(), noon, noon, eventsFor(ActionTokenSuspended, all...)...); err != nil || len(ids) != 3 {
		t.Fatal(ids, err)
	}
	revoke(t, s, revoked.ID)
	later := noon.Add(2 * day)
	for _, token := range all {
		want, n := ErrNotFound, 0
		if token == resting {
			want, n = nil, 1
		}
		if err := s.ResumeToken(t.Context(), token.ID, later, eventsFor(ActionTokenResumed, token)[0]); !errors.Is(err, want) {
			t.Errorf("resumed with %v, want %v", err, want)
		}
		if got := eventsAbout(t, s, ActionTokenResumed, token); got != n {
			t.Errorf("%d events, want %d", got, n)
		}
	}
	if got := byID(t, s, resting.ID); got.Status(later) != StatusActive || !got.ResumedAt.Equal(later) {
		t.Errorf("resumed it is %+v", got)
	}
}

func TestShortenedTokenEndsWithTheLongestLifetimeOrItsGrace(t *testing.T) {
	t.Parallel()
	s := setup(t)
	now := noon.Add(100 * day)
	limits := Lifetimes{Longest: 90 * day, NeverForbidden: true, Soonest: now.Add(7 * day)}
	old, fresh := create(t, s, alice), create(t, s, alice, createdAt(now.Add(-day)))
	long := create(t, s, alice, createdAt(now), expiringAt(now.Add(91*day)))
	within := create(t, s, alice, createdAt(now), expiringAt(now.Add(90*day+time.Second)))
	soon := create(t, s, alice, expiringAt(now.Add(day)))
	ended := create(t, s, alice)
	revoke(t, s, ended.ID)
	exceeding, err := s.ExceedingTokens(t.Context(), limits, time.Time{}, now, 10)
	if got, want := found(t, exceeding, err), sorted([]string{old.ID, fresh.ID, long.ID}); !slices.Equal(got, want) {
		t.Fatalf("found %v, want %v", got, want)
	}
	if n, err := s.CountExceeding(t.Context(), limits, now, 10); err != nil || n != 4 { // with soon, which ends by itself
		t.Errorf("counted %d, %v", n, err)
	}
	if n, err := s.CountExceeding(t.Context(), limits, now, 2); err != nil || n != 2 {
		t.Errorf("counted %d of two, %v", n, err)
	}
	all := []*Token{old, fresh, long, within, soon, ended}
	shortened, err := s.ShortenTokens(t.Context(), limits, eventsFor(ActionTokenShortened, all...)...)
	if err != nil || len(shortened) != 3 {
		t.Fatal(shortened, err)
	}
	for i, c := range []struct {
		ends   time.Time
		events int
	}{
		{now.Add(7 * day), 1}, {now.Add(89 * day), 1}, {now.Add(90 * day), 1}, {within.ExpiresAt, 0}, {soon.ExpiresAt, 0}, {time.Time{}, 0},
	} {
		if got := byID(t, s, all[i].ID).ExpiresAt; !got.Equal(c.ends) {
			t.Errorf("token %d ends at %s, want %s", i, got, c.ends)
		}
		if n := eventsAbout(t, s, ActionTokenShortened, all[i]); n != c.events {
			t.Errorf("token %d has %d events", i, n)
		}
	}
	limits.Soonest = now.Add(8 * day) // a day later nothing is left to do
	if again, err := s.ExceedingTokens(t.Context(), limits, time.Time{}, now.Add(day), 10); err != nil || len(again) != 0 {
		t.Errorf("again found %v, %v", ids(again), err)
	}
}

func TestNothingMadeFromAShortenedTokenOutlivesIt(t *testing.T) {
	t.Parallel()
	s := setup(t)
	limits := Lifetimes{Longest: 90 * day, NeverForbidden: true, Soonest: noon.Add(7 * day)}
	maker := create(t, s, alice)
	child := create(t, s, alice, from(maker), createdAt(noon.Add(80*day)))
	grandchild := create(t, s, alice, from(child), createdAt(noon.Add(81*day)), expiringAt(noon.Add(85*day)))
	// Both are named, and the maker's end counts for the child.
	shortened, err := s.ShortenTokens(t.Context(), limits, eventsFor(ActionTokenShortened, child, maker)...)
	if err != nil || !slices.Equal(sorted(shortened), sorted([]string{maker.ID, child.ID})) {
		t.Fatal(shortened, err)
	}
	for i, token := range []*Token{maker, child} {
		if got := byID(t, s, token.ID).ExpiresAt; !got.Equal(noon.Add(90 * day)) {
			t.Errorf("token %d ends at %s", i, got)
		}
		if n := eventsAbout(t, s, ActionTokenShortened, token); n != 1 {
			t.Errorf("token %d has %d events", i, n)
		}
	}
	if got := byID(t, s, grandchild.ID).ExpiresAt; !got.Equal(noon.Add(85 * day)) {
		t.Errorf("the grandchild ends at %s", got)
	}
}
