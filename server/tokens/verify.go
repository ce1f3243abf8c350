package tokens

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/falkorpat/falkorpat/server/access"
	"github.com/falkorpat/falkorpat/server/audit"
	"github.com/falkorpat/falkorpat/server/lease"
	"github.com/falkorpat/falkorpat/store"
)

// Accepted is a token that has been verified; only Verify makes one.
type Accepted struct {
	token       *store.Token
	role        store.Role
	permissions access.Permissions
	// mark and client are what Stands and Recheck go by.
	mark   lease.Mark
	client Client
}

// Token is what is kept of the token, less its hash.
func (a Accepted) Token() *store.Token { return a.token }

// Role is what its owner may do now.
func (a Accepted) Role() store.Role { return a.role }

// Permissions are what the token may do now: what its owner's role and its own
// list both allow.
func (a Accepted) Permissions() access.Permissions { return a.permissions }

// Verify tells whether a token's text is to be accepted, and notes the use.
//
// It returns an error under ErrUnauthenticated when not, ErrAddress when only
// the client's address is wrong, credentials.ErrStale when its owner can't log in any more, and
// store.ErrUnavailable or instance.ErrUnreachable when that can't be told.
//
// Errors of a token that the store knows are a *RefusedError as well.
func (s *Service) Verify(ctx context.Context, text string, client Client) (Accepted, error) {
	now := s.now()
	k, err := s.memory.find(ctx, text, now)
	if err != nil {
		return Accepted{}, err
	}
	t := k.row.token()
	accepted, err := s.judge(ctx, t, client, now)
	if err != nil {
		return Accepted{}, &RefusedError{t, err}
	}
	s.recorder.record(t, &k.usage, now, client)
	accepted.mark, accepted.client = k.mark, client
	return accepted, nil
}

// Stands tells, without asking anybody, that nothing can have changed since a token
// was verified. When not, Recheck finds out whether that concerns it.
func (s *Service) Stands(a Accepted) bool { return s.lease.Stands(a.mark, s.now()) }

// Recheck tells whether a token is still to be accepted for a request that it was
// accepted for, asking the store. Errors are those of Verify; it is no use of the
// token.
func (s *Service) Recheck(ctx context.Context, a Accepted) error {
	t, err := s.store.TokenByID(ctx, a.token.ID)
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("recheck token %s: %w", a.token.ID, ErrUnknown)
	}
	if err != nil {
		return err
	}
	t, now := canonical(t), s.now()
	// Of one that was rotated out too: it was shown while it was good.
	if t.Status(now) == store.StatusExpired {
		err = fmt.Errorf("recheck token %s: %w", t.ID, ErrExpired)
	} else {
		_, err = s.judge(ctx, t, a.client, now)
	}
	if err != nil {
		return &RefusedError{t, err}
	}
	return nil
}

func (s *Service) judge(ctx context.Context, t *store.Token, client Client, now time.Time) (Accepted, error) {
	switch t.Status(now) {
	case store.StatusRevoked:
		return Accepted{}, fmt.Errorf("verify token %s: %w", t.ID, ErrRevoked)
	case store.StatusExpired:
		if t.RotatedTo != "" {
			s.reused(ctx, t, client)
			return Accepted{}, fmt.Errorf("verify token %s: %w", t.ID, ErrRotated)
		}
		return Accepted{}, fmt.Errorf("verify token %s: %w", t.ID, ErrExpired)
	case store.StatusSuspended:
		return Accepted{}, fmt.Errorf("verify token %s: %w", t.ID, ErrSuspended)
	case store.StatusStale, store.StatusActive: // the login below tells
	}
	if s.isIdle(t, now) {
		return Accepted{}, fmt.Errorf("verify token %s: idle: %w", t.ID, ErrSuspended)
	}
	if s.policy.blocks(t) {
		return Accepted{}, fmt.Errorf("verify token %s: %w", t.ID, ErrViolation)
	}
	if now.Before(t.NotBefore) {
		return Accepted{}, fmt.Errorf("verify token %s: %w", t.ID, ErrTooEarly)
	}
	if !access.AllowsAddress(t.AllowedIPs, client.IP) {
		return Accepted{}, fmt.Errorf("verify token %s: %w", t.ID, ErrAddress)
	}
	role, err := s.role(ctx, t)
	if err != nil {
		return Accepted{}, err
	}
	return Accepted{token: t, role: role, permissions: access.OfToken(role, t.Permissions)}, nil
}

// find gives the row of a token's text, whatever its status. It returns an error
// under ErrUnauthenticated when there is none, and store.ErrUnavailable.
func (s *Service) find(ctx context.Context, text string, now time.Time) (*store.Token, error) {
	k, err := s.memory.find(ctx, text, now)
	if err != nil {
		return nil, err
	}
	return k.row.token(), nil
}

// reused acts upon the use of a secret that was rotated out and whose grace is
// over: whoever has it should not. The use is refused whatever happens here.
func (s *Service) reused(ctx context.Context, t *store.Token, client Client) {
	s.log.WarnContext(ctx, "a token was used after it was rotated out", "token_id", t.ID, "rotated_to", t.RotatedTo, "client_ip", client.IP.String())
	if s.policy.Reuse != ReuseRevoke {
		return
	}
	ctx = audit.WithActor(ctx, t.User, t.ID)
	if _, err := s.Revoke(ctx, t, RevokeRequest{By: t.User, From: client.IP, Reason: store.ReasonReuse}); err != nil {
		s.log.ErrorContext(ctx, "a reused token's successors not revoked", "token_id", t.ID, "error", err)
	}
}

// noteRole writes a changed role down, for those who look at the token later.
// What the token may do does not depend on it.
func (s *Service) noteRole(ctx context.Context, t *store.Token, role store.Role) {
	if t.Role == role {
		return
	}
	if err := s.store.UpdateRole(ctx, t.ID, role); err != nil {
		s.log.WarnContext(ctx, "changed role of a token not written down", "token_id", t.ID, "error", err)
		return
	}
	t.Role = role
	s.lease.Drop(t.ID)
}
