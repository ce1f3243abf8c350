package store

import (
	"context"
	"fmt"
	"time"
)

// IdempotencyKey ties a request that a client may repeat to the token that it
// made. It is written together with the token.
type IdempotencyKey struct {
	// Hash stands for the client's key together with who sent it, for what.
	Hash string
	// BodyHash stands for the rest of the request.
	BodyHash string
	// ExpiresAt is from when on the key is as good as new.
	ExpiresAt time.Time
}

// Earlier is what a key made before.
type Earlier struct {
	// TokenID is the token that was made, ExpiresAt its end as it was then; the
	// zero time means never.
	TokenID   string
	ExpiresAt time.Time
	// BodyHash is that of the request that made it.
	BodyHash string
}

// keepKey is the end of queries that make a token: it writes the key, if there
// is one. That keys are unique undoes all of the query where another was first.
const keepKey = ` FOREACH (k IN $keys | CREATE (:IdempotencyKey {key: k.key, body_hash: k.body_hash, expires_at: k.expires_at,
		token_id: $token_id, token_expires_at: $expires_at}))`

const (
	queryKey       = `MATCH (k:IdempotencyKey {key: $key}) WHERE k.expires_at > $now RETURN k.token_id, k.token_expires_at, k.body_hash`
	queryForgetKey = `MATCH (k:IdempotencyKey {key: $key}) WHERE k.expires_at <= $now DELETE k`
	querySweepKeys = `MATCH (k:IdempotencyKey) WHERE k.expires_at > $after AND k.expires_at <= $now
		WITH k LIMIT $limit DELETE k RETURN count(k)`
)

// EarlierToken finds the token that a key made. It returns ErrNotFound when the
// key is new, or over at now; it may be used again then.
func (s *Store) EarlierToken(ctx context.Context, key string, now time.Time) (*Earlier, error) {
	rows, err := s.read(ctx, queryKey, param{"key", key}, param{"now", now})
	if err != nil {
		return nil, fmt.Errorf("find idempotency key: %w", err)
	}
	if len(rows) == 0 {
		if _, err := s.write(ctx, queryForgetKey, param{"key", key}, param{"now", now}); err != nil {
			return nil, fmt.Errorf("forget idempotency key: %w", err)
		}
		return nil, fmt.Errorf("find idempotency key: %w", ErrNotFound)
	}
	r := &rows[0]
	found := &Earlier{TokenID: r.text(), ExpiresAt: r.time(), BodyHash: r.text()}
	if r.err != nil {
		return nil, fmt.Errorf("read idempotency key: %w", r.err)
	}
	return found, nil
}

func keysParam(key *IdempotencyKey) param {
	if key == nil {
		return param{"keys", []IdempotencyKey{}}
	}
	return param{"keys", []IdempotencyKey{*key}}
}

func appendKey(b []byte, k IdempotencyKey) ([]byte, error) {
	b, err := appendString(append(b, "{key:"...), k.Hash)
	if err != nil {
		return nil, err
	}
	if b, err = appendString(append(b, ",body_hash:"...), k.BodyHash); err != nil {
		return nil, err
	}
	return append(appendTime(append(b, ",expires_at:"...), k.ExpiresAt), '}'), nil
}
