package tokens

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/falkorpat/falkorpat/store"
)

const (
	// ShortenGrace is how long a token that is shortened goes on at least.
	ShortenGrace = 7 * 24 * time.Hour
	// enforceBatch is how many tokens the policy changes by one query.
	enforceBatch = 200
	// maxReported bounds the count of tokens that exceed the policy.
	maxReported = 100_000
)

// enforce does to existing tokens what the policy says. Those that were made or
// have become idle until after have been seen to; the zero time is before all.
func (s *Service) enforce(ctx context.Context, after, now time.Time) error {
	lifetimes := store.Lifetimes{Longest: s.policy.MaxLifetime, NeverForbidden: s.policy.NeverForbidden, Soonest: now.Add(ShortenGrace)}
	if after.IsZero() {
		if err := s.countExceeding(ctx, lifetimes, now); err != nil {
			return err
		}
	}
	if s.policy.Existing == ExistingShorten {
		if err := s.shorten(ctx, lifetimes, after, now); err != nil {
			return err
		}
	}
	if s.policy.SuspendIdleDays > 0 {
		return s.suspendIdle(ctx, s.policy.idleSince(after), now)
	}
	return nil
}

// countExceeding tells the operator how many tokens are affected.
func (s *Service) countExceeding(ctx context.Context, lifetimes store.Lifetimes, now time.Time) error {
	n, err := s.store.CountExceeding(ctx, lifetimes, now, maxReported)
	if err == nil && n > 0 {
		s.log.WarnContext(ctx, "tokens exceed the policy", "tokens", n, "or_more", n == maxReported, "existing_tokens", s.policy.Existing)
	}
	return err
}

func (s *Service) shorten(ctx context.Context, lifetimes store.Lifetimes, after, now time.Time) error {
	return s.inBatches(ctx, "shortened tokens that exceed the policy", store.ActionTokenShortened,
		func() ([]*store.Token, error) {
			return s.store.ExceedingTokens(ctx, lifetimes, after, now, enforceBatch)
		},
		func(events []store.Event) ([]string, error) { return s.store.ShortenTokens(ctx, lifetimes, events...) })
}

func (s *Service) suspendIdle(ctx context.Context, after, now time.Time) error {
	since := s.policy.idleSince(now)
	return s.inBatches(ctx, "suspended idle tokens", store.ActionTokenSuspended,
		func() ([]*store.Token, error) { return s.store.IdleTokens(ctx, after, since, enforceBatch) },
		func(events []store.Event) ([]string, error) {
			return s.store.SuspendTokens(ctx, since, now, events...)
		})
}

// inBatches changes tokens until none is found any more, or none is changed.
func (s *Service) inBatches(
	ctx context.Context, done string, action store.Action, find func() ([]*store.Token, error), change func([]store.Event) ([]string, error),
) error {
	total := 0
	for {
		found, err := find()
		if err != nil {
			return err
		}
		if len(found) == 0 {
			break
		}
		events := make([]store.Event, len(found))
		for i, t := range found {
			events[i] = s.audit.Success(ctx, action, canonical(t))
		}
		changed, err := change(events)
		if err != nil {
			return err
		}
		if err := s.changed(ctx, changed...); err != nil {
			return err
		}
		if total += len(changed); len(changed) == 0 {
			break
		}
	}
	if total > 0 {
		s.log.InfoContext(ctx, done, "tokens", total)
	}
	return nil
}

// isIdle tells whether a token is to be suspended, by what this replica knows.
func (s *Service) isIdle(t *store.Token, now time.Time) bool {
	if s.policy.SuspendIdleDays == 0 || !s.policy.isIdle(t, now) {
		return false
	}
	use, ok := s.recorder.latest(t.ID)
	return !ok || !use.At.After(s.policy.idleSince(now))
}

// Resume makes a token work again that was suspended, or is about to be. It
// tells whether it was. It returns ErrEnded for one that was revoked or has
// expired.
func (s *Service) Resume(ctx context.Context, t *store.Token) (bool, error) {
	now := s.now()
	switch t.Status(now) {
	case store.StatusRevoked, store.StatusExpired:
		return false, fmt.Errorf("resume token %s: %w", t.ID, ErrEnded)
	case store.StatusSuspended, store.StatusStale, store.StatusActive:
	}
	if t.SuspendedAt.IsZero() && !s.isIdle(t, now) {
		return false, nil
	}
	err := s.store.ResumeToken(ctx, t.ID, now.Truncate(time.Second), s.audit.Success(ctx, store.ActionTokenResumed, t))
	if errors.Is(err, store.ErrNotFound) {
		err = ErrEnded // meanwhile
	}
	if err != nil {
		return false, fmt.Errorf("resume token %s: %w", t.ID, err)
	}
	return true, s.changed(ctx, t.ID)
}
