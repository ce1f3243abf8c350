package store

import (
	"context"
	"fmt"
	"time"
)

// What the operator's policy does to tokens. They are found by reading, a
// stretch of time and a batch at a time, and changed by their IDs, each judged
// once more by the query that changes it: one that was used or resumed
// meanwhile is left alone.
const (
	eventOfToken = eventSourceOfToken + `, reason: reason, token_id: t.token_id, token_name: t.name, owner: t.username`

	working = ` t.is_active = true AND` + isPAT

	idle = ` AND coalesce(t.suspended_at, -1) < 0 AND t.created_at <= $idle_since AND coalesce(t.last_used, -1) <= $idle_since
		AND coalesce(t.resumed_at, -1) <= $idle_since AND coalesce(t.not_before, -1) <= $idle_since `
	findIdle = working + idle + `WITH t LIMIT $limit RETURN` + listColumns
	// A token becomes idle when the last of these times is long enough ago: so
	// each is looked at where it has just become so.
	queryIdleSinceUse    = `MATCH (t:Token) WHERE t.last_used > $after AND t.last_used <= $idle_since AND` + findIdle
	queryIdleSinceMade   = `MATCH (t:Token) WHERE t.created_at > $after AND t.created_at <= $idle_since AND` + findIdle
	queryIdleSinceResume = `MATCH (t:Token) WHERE t.resumed_at > $after AND t.resumed_at <= $idle_since AND` + findIdle
	queryIdleSinceBegin  = `MATCH (t:Token) WHERE t.not_before > $after AND t.not_before <= $idle_since AND` + findIdle

	querySuspend = `UNWIND $events AS e MATCH (t:Token {token_id: e.token_id}) WHERE` + working + idle + `
		SET t.suspended_at = $now WITH t, e, '' AS reason CREATE (:Event {` + eventOfToken + `}) RETURN t.token_id`
	queryResume = `MATCH (t:Token {token_id: $token_id}) WHERE` + working + `AND t.revoked_at IS NULL
		AND (coalesce(t.expires_at, -1) < 0 OR t.expires_at > $now) SET t.suspended_at = -1, t.resumed_at = $now` + keepEvents + ` RETURN t.token_id`
)

// A lifetime seems up to a second longer than it was asked for.
const (
	made      = `MATCH (t:Token) WHERE t.created_at > $after AND t.created_at <= $now AND` + working
	exceeding = ` AND (coalesce(t.expires_at, -1) < 0 AND $never_forbidden OR t.expires_at >= 0 AND t.expires_at - t.created_at > $longest + 1) `
	// A token ends when the longest lifetime is over, but not before soonest.
	tooLate = ` WITH t, CASE WHEN t.created_at + $longest > $soonest THEN t.created_at + $longest ELSE $soonest END AS ends
		WHERE coalesce(t.expires_at, -1) < 0 OR t.expires_at > ends `

	queryCountExceeding = made + exceeding + `WITH t LIMIT $limit RETURN count(t)`
	queryExceeding      = made + exceeding + tooLate + `WITH t LIMIT $limit RETURN` + listColumns
	// What was made from a token never outlives it, nor what took its place.
	queryShorten = `UNWIND $events AS e MATCH (t:Token {token_id: e.token_id}) WHERE` + working + exceeding + `
		WITH e, t, CASE WHEN t.created_at + $longest > $soonest THEN t.created_at + $longest ELSE $soonest END AS ends
		MATCH (t)<-[:ROTATED_TO*0..]-(one:Token) WITH e, one, ends
		MATCH (one)<-[:ISSUED_BY*0..]-(t:Token) WITH t, min(ends) AS ends, head(collect(e)) AS e, '' AS reason
		WHERE t.is_active = true AND (coalesce(t.expires_at, -1) < 0 OR t.expires_at > ends)
		SET t.expires_at = ends CREATE (:Event {` + eventOfToken + `}) RETURN t.token_id`
)

// IdleTokens finds tokens that work, were not used since idleSince, nor made or
// resumed since, and whose time had begun by then; of these, those that became
// so after after. It finds at most limit; none means that there are none.
func (s *Store) IdleTokens(ctx context.Context, after, idleSince time.Time, limit int) ([]*Token, error) {
	for _, query := range [...]string{queryIdleSinceUse, queryIdleSinceMade, queryIdleSinceResume, queryIdleSinceBegin} {
		found, err := s.tokens(ctx, query, param{"after", after}, param{"idle_since", idleSince}, param{"limit", limit})
		if err != nil {
			return nil, fmt.Errorf("find idle tokens: %w", err)
		}
		if len(found) > 0 {
			return found, nil
		}
	}
	return nil, nil
}

// SuspendTokens suspends the tokens that events name, as far as they are idle as
// IdleTokens says, and gives the IDs of those.
func (s *Store) SuspendTokens(ctx context.Context, idleSince, now time.Time, events ...Event) ([]string, error) {
	rows, err := s.write(ctx, querySuspend, param{"idle_since", idleSince}, param{"now", now}, eventsParam(events...))
	return idsOf(rows, err, "suspend idle tokens")
}

// ResumeToken makes a token work again that was suspended. It returns
// ErrNotFound for one that is not there, was revoked or has expired.
func (s *Store) ResumeToken(ctx context.Context, tokenID string, now time.Time, event Event) error {
	rows, err := s.write(ctx, queryResume, param{"token_id", tokenID}, param{"now", now}, eventsParam(event))
	if err == nil && len(rows) == 0 {
		err = ErrNotFound
	}
	return wrapped(err, "resume token "+tokenID)
}

// Lifetimes say which tokens exceed them, and what becomes of those.
type Lifetimes struct {
	// Longest is the longest lifetime, in whole seconds.
	Longest time.Duration
	// NeverForbidden says that a token without an end exceeds it too.
	NeverForbidden bool
	// Soonest is before when no token ends that is shortened.
	Soonest time.Time
}

func (l Lifetimes) params() []param {
	return []param{{"longest", int64(l.Longest / time.Second)}, {"never_forbidden", l.NeverForbidden}, {"soonest", l.Soonest}}
}

// CountExceeding counts the tokens that work and exceed lifetimes, limit at most.
func (s *Store) CountExceeding(ctx context.Context, l Lifetimes, now time.Time, limit int) (int, error) {
	rows, err := s.read(ctx, queryCountExceeding, append(l.params(), param{"after", time.Time{}}, param{"now", now}, param{"limit", limit})...)
	return countOf(rows, err, "count tokens that exceed the policy")
}

// ExceedingTokens finds tokens that were made after after, work, exceed
// lifetimes and are not shortened yet. It finds at most limit; none means that
// there are none.
func (s *Store) ExceedingTokens(ctx context.Context, l Lifetimes, after, now time.Time, limit int) ([]*Token, error) {
	found, err := s.tokens(ctx, queryExceeding, append(l.params(), param{"after", after}, param{"now", now}, param{"limit", limit})...)
	return found, wrapped(err, "find tokens that exceed the policy")
}

// ShortenTokens ends the tokens that events name when their longest lifetime is
// over, with all that were made from them, and gives the IDs of all that now
// end sooner.
func (s *Store) ShortenTokens(ctx context.Context, l Lifetimes, events ...Event) ([]string, error) {
	rows, err := s.write(ctx, queryShorten, append(l.params(), eventsParam(events...))...)
	return idsOf(rows, err, "shorten tokens")
}

// tokens reads the tokens that a query finds.
func (s *Store) tokens(ctx context.Context, query string, params ...param) ([]*Token, error) {
	rows, err := s.read(ctx, query, params...)
	if err != nil {
		return nil, err
	}
	found := make([]*Token, len(rows))
	for i := range rows {
		if found[i], err = scanToken(&rows[i]); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// idsOf reads the answer of a query that returns IDs.
func idsOf(rows []row, err error, doing string) ([]string, error) {
	if err != nil {
		return nil, wrapped(err, doing)
	}
	ids := make([]string, len(rows))
	for i := range rows {
		if ids[i] = rows[i].text(); rows[i].err != nil {
			return nil, wrapped(rows[i].err, doing)
		}
	}
	return ids, nil
}
