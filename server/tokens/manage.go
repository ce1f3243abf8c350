package tokens

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"time"

	"github.com/falkorpat/falkorpat/store"
)

// Get finds a token by its ID, whatever its status. It returns
// store.ErrNotFound when there is none.
func (s *Service) Get(ctx context.Context, id string) (*store.Token, error) {
	t, err := s.memory.byID(ctx, id, s.now())
	if err != nil {
		return nil, err
	}
	return s.Current(t), nil
}

// Current completes a row with what this replica knows better: uses that are
// not written yet.
func (s *Service) Current(t *store.Token) *store.Token {
	// Of two within one second, this replica's own was noted after what it has written.
	if use, ok := s.recorder.latest(t.ID); ok && !use.At.Before(t.LastUse.At) {
		t.LastUse = use
	}
	return canonical(t)
}

// RevokeRequest says who revokes a token, and from where.
type RevokeRequest struct {
	By   store.User
	From netip.Addr
	// KeepSuccessor spares the token that took this one's place, if there is one.
	KeepSuccessor bool
	// Reason is why, as events tell it; store.ReasonDirect when empty.
	Reason string
}

// Revoke ends a token, all that it was rotated from or to, and all made from
// any of these. It tells whether the token worked or had only expired before, in
// contrast to having been revoked already. When it returns, no replica accepts any
// of them.
func (s *Service) Revoke(ctx context.Context, t *store.Token, r RevokeRequest) (bool, error) {
	start := s.now()
	event := s.audit.Success(ctx, store.ActionTokenRevoked, t)
	event.Reason = cmp.Or(r.Reason, store.ReasonDirect)
	ended, err := s.store.RevokeToken(ctx, store.Revocation{
		TokenID: t.ID, By: r.By, At: s.now().Truncate(time.Second), IP: r.From.String(),
		KeepSuccessor: r.KeepSuccessor && t.RotatedTo != "", Event: event,
	})
	if err != nil {
		return false, err
	}
	fresh := slices.Contains(ended, t.ID)
	if !fresh {
		return false, s.tellAgain(ctx, t.ID)
	}
	if err := s.changed(ctx, ended...); err != nil {
		return true, err
	}
	s.metrics.Revoked(s.now().Sub(start))
	return true, nil
}

// tellAgain tells other replicas of revocations that were made before: whoever
// made them may not have got to it.
func (s *Service) tellAgain(ctx context.Context, ids ...string) error {
	if len(ids) == 0 {
		return nil
	}
	ended, err := s.store.Family(ctx, ids...)
	if err != nil {
		return err
	}
	return s.changed(ctx, ended...)
}

// changed is called after every change to tokens that decides whether they are
// accepted, and for what: once it returns nil, no replica goes by what it
// remembered of them before. Errors are those of lease.Lease.Changed; the change
// itself stands.
func (s *Service) changed(ctx context.Context, ids ...string) error {
	return s.lease.Changed(ctx, ids...)
}
