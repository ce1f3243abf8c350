package store

import (
	"context"
	"fmt"
	"time"
)

// maxSameUser bounds how many tokens of one user are looked at together.
const maxSameUser = 1000

const (
	// The password is written only to a token that has not ended, so that what a
	// revocation destroyed never comes back.
	queryRebind = `MATCH (t:Token {token_id: $token_id}) WHERE` + isPAT + `AND t.is_active = true AND t.revoked_at IS NULL
		AND NOT (t)-[:REVOKED_BY]->() AND (coalesce(t.expires_at, -1) < 0 OR t.expires_at > $now)
		SET t.encrypted_password = $encrypted_password, t.tls = $tls, t.ca = $ca, t.role = $role, t.stale_since = -1` + keepEvents + `
		RETURN t.token_id`
	querySealedOf = `MATCH (t:Token) WHERE t.username = $username AND t.host IN $hosts AND t.port = $port AND t.is_active = true
		AND (coalesce(t.stale_since, -1) >= 0) = $stale AND` + isPAT + `
		RETURN t.token_id, t.username, t.host, t.port, t.encrypted_password LIMIT $limit`
	// A mark is about the password that was tried. On a token that has been given
	// another one meanwhile it would be wrong.
	queryMarkStale = `UNWIND $sealed AS one MATCH (t:Token {token_id: one.id})
		WHERE t.encrypted_password = one.password AND t.is_active = true AND coalesce(t.stale_since, -1) < 0
		SET t.stale_since = $at RETURN t.token_id`
	queryUnmarkStale = `UNWIND $sealed AS one MATCH (t:Token {token_id: one.id})
		WHERE t.encrypted_password = one.password AND coalesce(t.stale_since, -1) >= 0
		SET t.stale_since = -1 RETURN t.token_id`
)

// Rebinding is a new password behind a token.
type Rebinding struct {
	TokenID string
	// SealedPassword, TLS and CA are as in Token, Role is what the login told.
	SealedPassword string
	TLS            bool
	CA             string
	Role           Role
	// At is when; the token must not have ended then.
	At time.Time
	// Event tells of it.
	Event Event
}

// Rebind puts another password behind a token, which is no longer stale then.
// It returns ErrEnded when the token was revoked or has expired.
func (s *Store) Rebind(ctx context.Context, r Rebinding) error {
	rows, err := s.write(ctx, queryRebind, param{"token_id", r.TokenID}, param{"encrypted_password", r.SealedPassword},
		param{"tls", r.TLS}, param{"ca", r.CA}, param{"role", r.Role}, param{"now", r.At}, eventsParam(r.Event))
	if err != nil {
		return fmt.Errorf("rebind token %s: %w", r.TokenID, err)
	}
	if len(rows) == 0 {
		return fmt.Errorf("rebind token %s: %w", r.TokenID, ErrEnded)
	}
	return nil
}

// Sealed is the part of a token that concerns its password.
type Sealed struct {
	TokenID string
	User    User
	// Password is as SealedPassword in Token.
	Password string
}

// SealedOf gives the sealed passwords of a user's tokens that have not ended and
// are marked as stale, or are not: at most 1,000. Hosts are all spellings of the
// instance's host. Names are compared as indexes do, so that a few too many may be
// among them.
func (s *Store) SealedOf(ctx context.Context, hosts []string, port int, username string, stale bool) ([]Sealed, error) {
	rows, err := s.read(ctx, querySealedOf,
		param{"hosts", hosts}, param{"port", port}, param{"username", username}, param{"stale", stale}, param{"limit", maxSameUser})
	if err != nil {
		return nil, fmt.Errorf("find tokens of a user: %w", err)
	}
	found := make([]Sealed, len(rows))
	for i := range rows {
		r := &rows[i]
		found[i] = Sealed{
			TokenID:  r.text(),
			User:     User{Username: r.text(), Host: r.text(), Port: int(r.integer(0))},
			Password: r.text(),
		}
		if r.err != nil {
			return nil, fmt.Errorf("find tokens of a user: %w", r.err)
		}
	}
	return found, nil
}

// MarkStale notes on tokens since when logins with their passwords are refused;
// the zero time, that they work again. A token that was given another password
// meanwhile is passed over. It returns the IDs of those that were not marked so
// before. It is a note: a crash of the store may undo it.
func (s *Store) MarkStale(ctx context.Context, sealed []Sealed, since time.Time) ([]string, error) {
	query, params := queryUnmarkStale, []param{{"sealed", sealed}}
	if !since.IsZero() {
		query, params = queryMarkStale, append(params, param{"at", since})
	}
	rows, err := s.writeSoon(ctx, query, params...)
	if err != nil {
		return nil, fmt.Errorf("mark %d tokens: %w", len(sealed), err)
	}
	ids := make([]string, len(rows))
	for i := range rows {
		if ids[i] = rows[i].text(); rows[i].err != nil {
			return nil, fmt.Errorf("mark %d tokens: %w", len(sealed), rows[i].err)
		}
	}
	return ids, nil
}

func appendSealed(b []byte, s Sealed) ([]byte, error) {
	b, err := appendString(append(b, "{id:"...), s.TokenID)
	if err != nil {
		return nil, err
	}
	if b, err = appendString(append(b, ",password:"...), s.Password); err != nil {
		return nil, err
	}
	return append(b, '}'), nil
}
