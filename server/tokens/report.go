package tokens

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/falkorpat/falkorpat/crypto"
	"github.com/falkorpat/falkorpat/server/ratelimit"
	"github.com/falkorpat/falkorpat/store"
)

// ErrTooManyReports is returned, together with a *ratelimit.LimitedError, when a
// peer has no reports left.
var ErrTooManyReports = errors.New("too many reports of leaked tokens")

// reportFloor is the least time that a report takes, so that how long it took
// does not tell whether there was anything to revoke.
const reportFloor = 250 * time.Millisecond

// Report ends the token with the given text, as Revoke does, on the word of
// whoever holds it. A text that no token has is no error, and not told apart.
//
// The signature does not matter: what has the hash of a token is that token, also
// when its time is over or the key that signed it has been dropped.
//
// It returns ErrTooManyReports, and store.ErrUnavailable or
// ratelimit.ErrUnavailable when nothing can be looked up.
func (s *Service) Report(ctx context.Context, peer netip.Addr, text string) error {
	if err := s.reports.Take(ctx, peer); err != nil {
		if errors.Is(err, ratelimit.ErrLimited) {
			err = fmt.Errorf("%w: %w", ErrTooManyReports, err)
		}
		return err
	}
	floor := time.NewTimer(reportFloor)
	defer floor.Stop()
	if err := s.revokeReported(ctx, peer, strings.TrimSpace(text)); err != nil {
		return err
	}
	select {
	case <-floor.C:
	case <-ctx.Done(): // nobody is there to be answered
	}
	return nil
}

// revokeReported goes on when the peer hangs up: the token has leaked whether or
// not somebody waits for the answer.
func (s *Service) revokeReported(ctx context.Context, peer netip.Addr, text string) error {
	ctx = context.WithoutCancel(ctx) // the store bounds the time
	t, err := s.store.TokenByHash(ctx, crypto.HashToken(text))
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("find reported token: %w", err)
	}
	s.audit.Note(ctx, store.ActionTokenReported, canonical(t), store.OutcomeSuccess, "")
	revoked, err := s.Revoke(ctx, t, RevokeRequest{By: t.User, From: peer, Reason: store.ReasonReport})
	if err != nil {
		return fmt.Errorf("revoke reported token: %w", err)
	}
	s.log.WarnContext(ctx, "a leaked token was reported", "token_id", t.ID, "client_ip", peer.String(), "revoked_by_this", revoked)
	return nil
}
