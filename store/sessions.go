package store

import (
	"context"
	"fmt"
	"time"
)

const (
	queryCreateSession = tokenPattern + keepEvents + ` RETURN t.token_id`
	querySession       = `MATCH (t:Token {token_hash: $token_hash})
		WHERE t.kind = 'session' AND t.is_active = true AND t.expires_at > $now RETURN` + tokenColumns
	queryDeleteSession = `MATCH (t:Token {token_hash: $token_hash}) WHERE t.kind = 'session' DELETE t` + keepEvents
)

// sessionNamePrefix begins the name of every session row.
const sessionNamePrefix = "connection:"

// CreateSession writes a new session, and what events tell of it. It returns
// ErrConflict when the ID or the hash is taken.
func (s *Store) CreateSession(ctx context.Context, session *Session, events ...Event) error {
	row := &Token{
		ID: session.ID, Hash: session.Hash, User: session.User, Name: sessionNamePrefix + session.ID, Role: session.Role,
		CreatedAt: session.CreatedAt, ExpiresAt: session.ExpiresAt,
		SealedPassword: session.SealedPassword, TLS: session.TLS, CA: session.CA,
	}
	if _, err := s.write(ctx, queryCreateSession, append(tokenParams(row, "session"), eventsParam(events...))...); err != nil {
		return fmt.Errorf("create session: %w", err)
	}
	s.linker.soon()
	return nil
}

// SessionByHash finds a session that has not ended at now. It returns
// ErrNotFound when there is none; tokens are never found here.
func (s *Store) SessionByHash(ctx context.Context, hash string, now time.Time) (*Session, error) {
	rows, err := s.read(ctx, querySession, param{"token_hash", hash}, param{"now", now})
	if err != nil {
		return nil, fmt.Errorf("find session: %w", err)
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("find session: %w", ErrNotFound)
	}
	t, err := scanToken(&rows[0])
	if err != nil {
		return nil, fmt.Errorf("find session: %w", err)
	}
	return &Session{
		ID: t.ID, Hash: t.Hash, User: t.User, Role: t.Role, CreatedAt: t.CreatedAt, ExpiresAt: t.ExpiresAt,
		SealedPassword: t.SealedPassword, TLS: t.TLS, CA: t.CA,
	}, nil
}

// DeleteSession removes a session, and writes what events tell of that. Removing
// one that is not there is no error, and nothing is told.
func (s *Store) DeleteSession(ctx context.Context, hash string, events ...Event) error {
	if _, err := s.write(ctx, queryDeleteSession, param{"token_hash", hash}, eventsParam(events...)); err != nil {
		return fmt.Errorf("delete session: %w", err)
	}
	return nil
}
