package store

import (
	"context"
	"fmt"
	"time"
)

// The old token is matched, judged and marked in the query that makes the new
// one, so that it is replaced once, and never after it was ended.
const (
	rotatable = `MATCH (old:Token {token_id: $old_id}) WHERE coalesce(old.kind, 'pat') = 'pat' AND old.is_active = true
		AND old.revoked_at IS NULL AND old.rotated_to IS NULL AND (coalesce(old.expires_at, -1) < 0 OR old.expires_at > $created_at)`
	successor = tokenPattern + `, (old)-[:ROTATED_TO {at: $created_at}]->(t)`
	replace   = ` SET t.rotated_from = $old_id, old.rotated_to = $token_id, old.rotated_at = $created_at,
			old.expires_at = CASE WHEN coalesce(old.expires_at, -1) >= 0 AND old.expires_at < $old_until THEN old.expires_at ELSE $old_until END`

	queryRotateToken = rotatable + ` WITH old` + successor + replace + keepKey + keepEvents + ` RETURN t.token_id`
	// What a token was made from is what its successor was made from.
	queryRotateTokenFrom = rotatable + ` WITH old MATCH (old)-[:ISSUED_BY]->(issuer:Token {token_id: $issuer_id}) WITH old, issuer` +
		successor + `, (t)-[:ISSUED_BY]->(issuer)` + replace + keepKey + keepEvents + ` RETURN t.token_id`

	// An issuer that was rotated goes on in the token that took its place.
	queryIssuer = `MATCH (t:Token {token_id: $token_id}) WITH t MATCH (t)-[:ISSUED_BY]->(issuer:Token) WITH issuer
		MATCH (issuer)-[:ROTATED_TO*0..]->(latest:Token) WHERE latest.rotated_to IS NULL
		RETURN issuer.token_id AS id, latest.expires_at AS expires`
)

// Rotation says which token takes another's place.
type Rotation struct {
	// OldID is the token that is replaced. It works until OldUntil, or until its
	// own end when that is earlier.
	OldID    string
	OldUntil time.Time
	// New is the token that takes its place, from its CreatedAt on. IssuerID
	// must be the old one's.
	New *Token
	// Key is the client's for this rotation; nil for none.
	Key *IdempotencyKey
	// Events tell of the rotation.
	Events []Event
}

// RotateToken writes a new token that takes the place of another, which must
// work at the new one's CreatedAt and must not have been rotated.
//
// It returns ErrNotRotatable when that is not so, ErrConflict when the new ID,
// the hash or the key is taken, and ErrInvalidText as CreateToken does.
func (s *Store) RotateToken(ctx context.Context, r Rotation) error {
	query := queryRotateToken
	params := append(tokenParams(r.New, "pat"), param{"old_id", r.OldID}, param{"old_until", r.OldUntil}, keysParam(r.Key), eventsParam(r.Events...))
	if r.New.IssuerID != "" {
		query = queryRotateTokenFrom
		params = append(params, param{"issuer_id", r.New.IssuerID})
	}
	rows, err := s.write(ctx, query, params...)
	if err != nil {
		return fmt.Errorf("rotate token %s: %w", r.OldID, err)
	}
	s.linker.soon()
	if len(rows) == 0 {
		return fmt.Errorf("rotate token %s: %w", r.OldID, ErrNotRotatable)
	}
	return nil
}

// Issuer finds which token another was made from, and when that one ends, or
// the one that took its place; the zero time means never. The ID is empty for
// a token that was not made from one.
func (s *Store) Issuer(ctx context.Context, tokenID string) (id string, ends time.Time, err error) {
	rows, err := s.read(ctx, queryIssuer, param{"token_id", tokenID})
	if err != nil {
		return "", time.Time{}, fmt.Errorf("find issuer of token %s: %w", tokenID, err)
	}
	if len(rows) == 0 {
		return "", time.Time{}, nil
	}
	id, ends = rows[0].text(), rows[0].time()
	return id, ends, rows[0].err
}
