package authn

import (
	"context"

	"github.com/falkorpat/falkorpat/server/session"
	"github.com/falkorpat/falkorpat/server/tokens"
)

// Standing tells whether a principal still is one, while a request of its goes on.
type Standing interface {
	// Stands tells, at once, that nothing has changed; when not, Recheck must tell.
	Stands() bool
	// Recheck asks the store. Errors are those of Authenticate.
	Recheck(ctx context.Context) error
}

type tokenStanding struct {
	tokens   *tokens.Service
	accepted tokens.Accepted
}

// Stands implements Standing.
func (s *tokenStanding) Stands() bool { return s.tokens.Stands(s.accepted) }

// Recheck implements Standing.
func (s *tokenStanding) Recheck(ctx context.Context) error { return s.tokens.Recheck(ctx, s.accepted) }

type sessionStanding struct {
	sessions *session.Service
	accepted session.Accepted
}

// Stands implements Standing. Of sessions nothing is remembered.
func (*sessionStanding) Stands() bool { return false }

// Recheck implements Standing.
func (s *sessionStanding) Recheck(ctx context.Context) error {
	return s.sessions.Recheck(ctx, s.accepted)
}
