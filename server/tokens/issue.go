package tokens

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/falkorpat/falkorpat/crypto"
	"github.com/falkorpat/falkorpat/server/credentials"
	"github.com/falkorpat/falkorpat/server/instance"
	"github.com/falkorpat/falkorpat/store"
)

// idAttempts bounds the tries to find a free token ID. Two tokens of the same
// millisecond collide once in four billion.
const idAttempts = 3

// Issued is a new token. It is the only place where a token's text appears.
type Issued struct {
	// Text is the token itself, to be shown once and kept nowhere.
	Text string
	// ID is the token's ID.
	ID string
	// ExpiresAt is when it ends; zero means never.
	ExpiresAt time.Time
}

// Issuer is who a new token is made for: somebody who is signed in.
type Issuer struct {
	// Kept are the credentials that the new token will stand for.
	Kept credentials.Kept
	// Role is what they may do now.
	Role store.Role
	// TokenID and TokenExpiresAt are set when a token makes the new one.
	TokenID        string
	TokenExpiresAt time.Time
}

// IssueWithCredentials logs in and makes a token for whoever that is.
//
// It returns a *FieldError for a request that cannot be met, before any login,
// and the errors of credentials.Keeper.Login.
func (s *Service) IssueWithCredentials(ctx context.Context, peer netip.Addr, c instance.Credentials, r Request) (*Issued, error) {
	draft, err := s.draft(r)
	if err != nil {
		return nil, err
	}
	identity, err := s.keeper.Login(ctx, peer, c)
	if err != nil {
		return nil, err
	}
	draft.User = identity.User()
	draft.Role = identity.Role
	draft.TLS, draft.CA = c.TLS, c.CA
	issued, err := s.issue(ctx, draft, c.Password)
	if err == nil {
		s.keeper.Remember(issued.ID, identity.Role)
	}
	return issued, err
}

// Issue makes a token for somebody who is signed in.
//
// It returns a *FieldError for a request that cannot be met, ErrOutlivesIssuer
// for a token that would end after the one it is made from, and ErrRevoked when
// that one stopped working meanwhile.
func (s *Service) Issue(ctx context.Context, issuer Issuer, r Request) (*Issued, error) {
	draft, err := s.draft(r)
	if err != nil {
		return nil, err
	}
	if end := issuer.TokenExpiresAt; issuer.TokenID != "" && !end.IsZero() {
		switch {
		case draft.ExpiresAt.IsZero():
			draft.ExpiresAt = end
		case draft.ExpiresAt.After(end):
			return nil, fmt.Errorf("issue from token %s: %w", issuer.TokenID, ErrOutlivesIssuer)
		}
	}
	c, err := s.keeper.Open(ctx, issuer.Kept)
	if err != nil {
		return nil, err
	}
	draft.User, draft.Role, draft.IssuerID = issuer.Kept.User, issuer.Role, issuer.TokenID
	draft.TLS, draft.CA = c.TLS, c.CA
	issued, err := s.issue(ctx, draft, c.Password)
	if errors.Is(err, store.ErrIssuerInactive) {
		return nil, fmt.Errorf("issue from token %s: %w", issuer.TokenID, ErrRevoked)
	}
	return issued, err
}

// draft checks a request and begins the token's row with it.
func (s *Service) draft(r Request) (*store.Token, error) {
	now := s.now()
	name, err := r.name()
	if err != nil {
		return nil, err
	}
	expires, err := r.expiry(now)
	if err != nil {
		return nil, err
	}
	return &store.Token{Name: name, CreatedAt: now, ExpiresAt: expires}, nil
}

// issue completes the row, signs the token and writes it.
func (s *Service) issue(ctx context.Context, draft *store.Token, password string) (*Issued, error) {
	var err error
	for range idAttempts {
		var issued *Issued
		if issued, err = s.issueOnce(ctx, draft, password); err == nil {
			return issued, nil
		}
		if !errors.Is(err, store.ErrConflict) {
			break
		}
	}
	return nil, err
}

func (s *Service) issueOnce(ctx context.Context, t *store.Token, password string) (*Issued, error) {
	var err error
	if t.ID, err = store.NewTokenID(t.CreatedAt, s.random); err != nil {
		return nil, err
	}
	text, err := s.signing.Sign(s.claims(t))
	if errors.Is(err, crypto.ErrClaims) {
		// Only the claims that FalkorDB Browser reads can outgrow a token.
		return nil, &FieldError{"ca", "must be smaller for its token to stay within 8 KiB"}
	}
	if err != nil {
		return nil, fmt.Errorf("sign token %s: %w", t.ID, err)
	}
	t.Hash = crypto.HashToken(text)
	if t.SealedPassword, err = s.keeper.Seal(password, t.ID, t.User); err != nil {
		return nil, err
	}
	if err := s.store.CreateToken(ctx, t); err != nil {
		return nil, err
	}
	return &Issued{Text: text, ID: t.ID, ExpiresAt: t.ExpiresAt}, nil
}

func (s *Service) claims(t *store.Token) crypto.Claims {
	c := crypto.Claims{ID: t.ID, Subject: t.User.ID, IssuedAt: t.CreatedAt, ExpiresAt: t.ExpiresAt}
	if s.compat {
		c.Browser = &crypto.BrowserClaims{
			Username: t.User.Username, Role: string(t.Role), Host: t.User.Host, Port: t.User.Port, TLS: t.TLS, CA: t.CA,
		}
	}
	return c
}
