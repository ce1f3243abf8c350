package store

import (
	"context"
	"fmt"
	"time"
)

// queryRecordUses never moves a time backwards, so replicas may write in any
// order and a batch may be written twice.
const queryRecordUses = `UNWIND $uses AS use
	MATCH (t:Token {token_id: use.id}) WHERE coalesce(t.last_used, -1) < use.at
	SET t.last_used = use.at, t.last_used_ip = use.ip, t.last_used_agent = use.agent`

// The limit stands before the writing clause: behind it, it would not hold.
const (
	querySweepTokens = `MATCH (t:Token) WHERE t.expires_at > $after AND t.expires_at <= $now
		AND t.is_active = true AND` + isPAT + `
		WITH t LIMIT $limit SET t.is_active = false, t.encrypted_password = '' RETURN count(t)`
	querySweepSessions = `MATCH (t:Token) WHERE t.expires_at > $after AND t.expires_at <= $now AND t.kind = 'session'
		WITH t LIMIT $limit DELETE t RETURN count(t)`
)

// RecordUses writes the latest uses of tokens, one per token, in one query.
// Uses of tokens that are gone are passed over. A crash of the store may undo
// it: a use is a note, and nobody waits for it to be on disk.
func (s *Store) RecordUses(ctx context.Context, uses []Use) error {
	if len(uses) == 0 {
		return nil
	}
	if _, err := s.writeSoon(ctx, queryRecordUses, param{"uses", uses}); err != nil {
		return fmt.Errorf("record %d uses: %w", len(uses), err)
	}
	return nil
}

// Swept counts what a sweep took.
type Swept struct{ Tokens, Sessions, Keys int }

// Sweep makes tokens inactive that expired after after and until now, destroys
// their sealed passwords, and removes sessions and idempotency keys that ended
// then. One call takes at most limit of each and tells how many it took; below
// limit nothing is left.
func (s *Store) Sweep(ctx context.Context, after, now time.Time, limit int) (Swept, error) {
	var swept Swept
	var err error
	if swept.Tokens, err = s.sweep(ctx, querySweepTokens, after, now, limit); err != nil {
		return swept, fmt.Errorf("sweep expired tokens: %w", err)
	}
	if swept.Sessions, err = s.sweep(ctx, querySweepSessions, after, now, limit); err != nil {
		return swept, fmt.Errorf("sweep ended sessions: %w", err)
	}
	if swept.Keys, err = s.sweep(ctx, querySweepKeys, after, now, limit); err != nil {
		return swept, fmt.Errorf("sweep idempotency keys: %w", err)
	}
	return swept, nil
}

func (s *Store) sweep(ctx context.Context, query string, after, now time.Time, limit int) (int, error) {
	rows, err := s.write(ctx, query, param{"after", after}, param{"now", now}, param{"limit", limit})
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	return int(rows[0].integer(0)), rows[0].err
}
