package tokens

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/falkorpat/falkorpat/server/access"
	"github.com/falkorpat/falkorpat/server/audit"
	"github.com/falkorpat/falkorpat/server/instance"
	"github.com/falkorpat/falkorpat/store"
)

// Inspect tells what Verify would say of a token's text if it came from an
// address that the token allows. It is no use of the token. The tokens of other
// instances than in are unknown to it.
//
// It returns the errors of Verify but ErrAddress.
func (s *Service) Inspect(ctx context.Context, text string, in instance.Instance) (Accepted, error) {
	now := s.now()
	t, err := s.find(ctx, text, now)
	if err != nil {
		return Accepted{}, err
	}
	if t.User.Host != in.Host || t.User.Port != in.Port {
		return Accepted{}, fmt.Errorf("inspect token %s: of another instance: %w", t.ID, ErrUnknown)
	}
	switch t.Status(now) {
	case store.StatusRevoked, store.StatusExpired:
		return Accepted{}, fmt.Errorf("inspect token %s: has ended: %w", t.ID, ErrUnauthenticated)
	case store.StatusSuspended:
		return Accepted{}, fmt.Errorf("inspect token %s: suspended: %w", t.ID, ErrUnauthenticated)
	case store.StatusStale, store.StatusActive: // the login below tells
	}
	if s.policy.blocks(t) {
		return Accepted{}, fmt.Errorf("inspect token %s: %w", t.ID, ErrViolation)
	}
	if now.Before(t.NotBefore) {
		return Accepted{}, fmt.Errorf("inspect token %s: %w", t.ID, ErrTooEarly)
	}
	role, err := s.role(ctx, t)
	if err != nil {
		return Accepted{}, err
	}
	return Accepted{token: t, role: role, permissions: access.OfToken(role, t.Permissions)}, nil
}

// RevokeText ends the token with a text, on the word of whoever has it, as
// Revoke does. Nothing comes of a text that no token has, nor of one that has
// ended: a secret that was rotated out must not end the one that took its place.
func (s *Service) RevokeText(ctx context.Context, text string, from netip.Addr) error {
	t, err := s.find(ctx, text, s.now())
	if errors.Is(err, ErrUnauthenticated) {
		return nil
	}
	if err != nil {
		return err
	}
	switch t.Status(s.now()) {
	case store.StatusRevoked:
		return s.tellAgain(ctx, t.ID)
	case store.StatusExpired:
		return nil
	case store.StatusSuspended, store.StatusStale, store.StatusActive:
	}
	ctx = audit.WithActor(ctx, t.User, t.ID)
	_, err = s.Revoke(ctx, t, RevokeRequest{By: t.User, From: from})
	return err
}
