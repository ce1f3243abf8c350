package tokens

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/falkorpat/falkorpat/server/credentials"
	"github.com/falkorpat/falkorpat/store"
)

// MaxGrace is the longest time that a rotated-out token can go on working.
const MaxGrace = 604_800 * time.Second

// ErrResting is returned for a token that is suspended and must be resumed first.
var ErrResting = errors.New("token is suspended")

// ErrEnded is returned for a token that was revoked or has expired.
var ErrEnded = errors.New("token has ended")

// RotatedError is returned for a token that was rotated before.
type RotatedError struct {
	// By is the token that took its place.
	By string
}

func (e *RotatedError) Error() string { return "token was rotated to " + e.By }

// RotateRequest says how to rotate a token.
type RotateRequest struct {
	// Grace is how much longer the old secret works, in whole seconds from 0 to
	// MaxGrace.
	Grace time.Duration
	// IdempotencyKey makes it safe to ask again; empty for none.
	IdempotencyKey string
}

// Rotation shows two tokens of which one took the other's place.
type Rotation struct{ Old, New *store.Token }

// Rotate replaces a token by a new one with the same name, limits and lifetime,
// for whoever is signed in as its user.
//
// It returns an *ExceedsError or ErrOutlivesIssuer when the issuer is a token
// that can do less than t, or ends before its successor would, a *RotatedError,
// ErrEnded, ErrStale or ErrResting when t is not to be rotated, and ErrKeyReused.
func (s *Service) Rotate(ctx context.Context, issuer Issuer, t *store.Token, r RotateRequest) (*Issued, *Rotation, error) {
	key, err := s.idempotencyKey(r.IdempotencyKey, "rotate "+t.ID, issuer.caller(), r.Grace)
	if err != nil {
		return nil, nil, err
	}
	var fresh *Rotation
	issued, err := s.once(ctx, key, func() (issued *Issued, err error) {
		issued, fresh, err = s.rotate(ctx, issuer, t, r.Grace, key)
		return issued, err
	})
	// What was just written is not read again: the secret would be lost with a
	// store that is lost now.
	if err != nil || fresh != nil {
		return issued, fresh, err
	}
	// Whoever rotated it may not have got to tell the other replicas.
	if err := s.changed(ctx, t.ID); err != nil {
		return nil, nil, err
	}
	if t, err = s.Get(ctx, t.ID); err != nil {
		return nil, nil, err
	}
	rotation, err := s.RotationOf(ctx, t)
	return issued, rotation, err
}

func (s *Service) rotate(ctx context.Context, issuer Issuer, t *store.Token, grace time.Duration, key *store.IdempotencyKey) (*Issued, *Rotation, error) {
	if t.RotatedTo != "" || t.Status(s.now()) != store.StatusActive {
		return nil, nil, s.whyNotRotatable(ctx, t.ID)
	}
	draft, err := s.successor(ctx, t)
	if err != nil {
		return nil, nil, err
	}
	if issuer.Token != nil && issuer.Token.ID != t.ID {
		// Nobody gets by rotation what they would not get by creation.
		if err := inside(draft, issuer.Token); err != nil {
			return nil, nil, err
		}
	}
	c, err := s.keeper.Open(ctx, credentials.OfToken(t))
	if err != nil {
		return nil, nil, err
	}
	// Without grace the old one is over at once, whatever part of a second has passed.
	until := draft.CreatedAt.Truncate(time.Second)
	if grace > 0 {
		until = draft.CreatedAt.Add(grace).Round(time.Second)
	}
	issued, err := s.issue(draft, c.Password, func(next *store.Token) error {
		return s.store.RotateToken(ctx, store.Rotation{
			OldID: t.ID, OldUntil: until, New: next, Key: key, Events: s.rotated(ctx, t, next, until),
		})
	})
	if errors.Is(err, store.ErrNotRotatable) {
		return nil, nil, s.whyNotRotatable(ctx, t.ID)
	}
	if err != nil {
		return nil, nil, err
	}
	if err := s.changed(ctx, t.ID); err != nil {
		return nil, nil, err
	}
	old := *s.Current(t)
	old.RotatedTo, old.RotatedAt = issued.ID, draft.CreatedAt.Truncate(time.Second)
	if old.ExpiresAt.IsZero() || until.Before(old.ExpiresAt) {
		old.ExpiresAt = until
	}
	return issued, &Rotation{Old: &old, New: draft}, nil
}

// rotated tells of a rotation in the histories of both tokens.
func (s *Service) rotated(ctx context.Context, old, next *store.Token, until time.Time) []store.Event {
	end, birth := s.audit.Success(ctx, store.ActionTokenRotated, old), s.audit.Success(ctx, store.ActionTokenCreated, next)
	end.Details = map[string]string{"rotated_to": next.ID, "works_until": until.UTC().Format(time.RFC3339)}
	birth.Details = map[string]string{"rotated_from": old.ID}
	return []store.Event{end, birth}
}

// successor begins the row of the token that takes another's place.
func (s *Service) successor(ctx context.Context, t *store.Token) (*store.Token, error) {
	issuerID, issuerEnds, err := s.store.Issuer(ctx, t.ID)
	if err != nil {
		return nil, err
	}
	now := s.now()
	draft := &store.Token{
		User: t.User, Role: t.Role, TLS: t.TLS, CA: t.CA,
		Name: t.Name, Description: t.Description, Permissions: t.Permissions, Graphs: t.Graphs, AllowedIPs: t.AllowedIPs, Limits: t.Limits,
		CreatedAt: now, IssuerID: issuerID,
	}
	if t.NotBefore.After(now) {
		draft.NotBefore = t.NotBefore
	}
	if !t.ExpiresAt.IsZero() {
		draft.ExpiresAt = after(now, t.ExpiresAt.Sub(t.CreatedAt))
	}
	draft.ExpiresAt = s.policy.bounded(now, earlier(draft.ExpiresAt, issuerEnds))
	return draft, nil
}

func (s *Service) whyNotRotatable(ctx context.Context, id string) error {
	t, err := s.store.TokenByID(ctx, id)
	if err != nil {
		return err
	}
	if t.RotatedTo != "" && t.RevokedAt.IsZero() {
		return &RotatedError{t.RotatedTo}
	}
	switch t.Status(s.now()) {
	case store.StatusStale:
		return fmt.Errorf("rotate token %s: %w", id, ErrStale)
	case store.StatusSuspended:
		return fmt.Errorf("rotate token %s: %w", id, ErrResting)
	case store.StatusActive, store.StatusExpired, store.StatusRevoked:
	}
	return fmt.Errorf("rotate token %s: %w", id, ErrEnded)
}

// RotationOf shows a token beside the one that took its place, or else beside
// the one whose place it took; nil for a token that was never rotated.
func (s *Service) RotationOf(ctx context.Context, t *store.Token) (*Rotation, error) {
	switch {
	case t.RotatedTo != "":
		next, err := s.Get(ctx, t.RotatedTo)
		return &Rotation{Old: t, New: next}, err
	case t.RotatedFrom != "":
		old, err := s.Get(ctx, t.RotatedFrom)
		return &Rotation{Old: old, New: t}, err
	default:
		return nil, nil //nolint:nilnil // no rotation is no error
	}
}
