package tokens

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/falkorpat/falkorpat/server/credentials"
	"github.com/falkorpat/falkorpat/server/instance"
	"github.com/falkorpat/falkorpat/store"
)

// RebindRequest says what to put behind a token.
type RebindRequest struct {
	// Password is the current password of the token's user.
	Password string
	// Transport says how the instance is reached from now on; nil for as before.
	Transport *Transport
}

// Transport says how an instance is reached.
type Transport struct {
	// TLS and CA are as in instance.Credentials.
	TLS bool
	CA  string
}

// Rebind logs in as the token's user and, when that succeeds, puts the password
// behind the token, whose secret stays. The password that was there is gone.
//
// It returns ErrEnded for a token that was revoked or has expired, before any
// login, and the errors of credentials.Keeper.Login.
func (s *Service) Rebind(ctx context.Context, peer netip.Addr, t *store.Token, r RebindRequest) error {
	switch t.Status(s.now()) {
	case store.StatusRevoked, store.StatusExpired:
		return fmt.Errorf("rebind token %s: %w", t.ID, ErrEnded)
	case store.StatusActive, store.StatusStale, store.StatusSuspended:
	}
	c := instance.Credentials{
		Username: t.User.Username, Password: r.Password, Host: t.User.Host, Port: t.User.Port, TLS: t.TLS, CA: t.CA,
	}
	if r.Transport != nil {
		c.TLS, c.CA = r.Transport.TLS, r.Transport.CA
	}
	identity, err := s.keeper.Login(ctx, peer, c)
	if errors.Is(err, instance.ErrBadCA) { // as another program has written it
		return &FieldError{"ca", "must be given anew, with tls: the one that is kept is damaged"}
	}
	if err != nil {
		return err
	}
	kept := credentials.Kept{ID: t.ID, User: t.User, TLS: c.TLS, CA: c.CA}
	if kept.Sealed, err = s.keeper.Seal(c.Password, kept.ID, kept.User); err != nil {
		return err
	}
	err = s.store.Rebind(ctx, store.Rebinding{
		TokenID: kept.ID, SealedPassword: kept.Sealed, TLS: kept.TLS, CA: kept.CA, Role: identity.Role, At: s.now(),
		Event: s.audit.Success(ctx, store.ActionTokenRebound, t),
	})
	if errors.Is(err, store.ErrEnded) {
		return fmt.Errorf("%w: %w", ErrEnded, err)
	}
	if err != nil {
		return err
	}
	if err := s.changed(ctx, t.ID); err != nil {
		return err
	}
	s.keeper.Remember(kept, identity.Role)
	return nil
}
