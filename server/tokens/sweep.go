package tokens

import (
	"context"
	"log/slog"
	"time"

	"github.com/falkorpat/falkorpat/store"
)

const (
	// sweepBatch is how many rows one query sweeps.
	sweepBatch = 1000
	// sweepOverlap is how far back each sweep looks behind the one before, for
	// the sake of replicas whose clocks differ.
	sweepOverlap = time.Hour
)

// sweeper makes expired tokens inactive, destroys their sealed passwords and
// removes ended sessions and idempotency keys; and it applies the policy to
// existing tokens.
type sweeper struct {
	store   *store.Store
	now     func() time.Time
	log     *slog.Logger
	metrics Metrics
	// enforce does what the policy says to tokens made or idle since after.
	enforce func(ctx context.Context, after, now time.Time) error
	// swept is the time until which everything expired has been swept.
	swept time.Time
	loop  loop
}

func newSweeper(o Options) *sweeper {
	s := &sweeper{store: o.Store, now: o.Now, log: o.Log, metrics: o.Metrics}
	s.loop = loop{interval: o.SweepInterval, atOnce: true, run: func(ctx context.Context) { _ = s.sweep(ctx) }}
	return s
}

func (s *sweeper) start(ctx context.Context) { s.loop.start(ctx) }

func (s *sweeper) stop() { s.loop.stop() }

// sweep takes all that has expired, batch by batch. The first one goes back to
// the beginning, later ones to the one before, so their cost does not grow with
// what has expired in all the time.
func (s *sweeper) sweep(ctx context.Context) error {
	var total store.Swept
	now := s.now()
	var after time.Time
	if !s.swept.IsZero() && !s.swept.After(now) { // a clock that was set back knows nothing of what is swept
		after = s.swept.Add(-sweepOverlap)
	}
	for {
		swept, err := s.store.Sweep(ctx, after, now, sweepBatch)
		total.Tokens += swept.Tokens
		total.Sessions += swept.Sessions
		total.Keys += swept.Keys
		s.metrics.Swept(swept.Tokens, swept.Sessions, swept.Keys)
		if err != nil {
			if ctx.Err() == nil {
				s.log.WarnContext(ctx, "expired tokens not swept; the next sweep takes them", "error", err)
			}
			return err
		}
		if max(swept.Tokens, swept.Sessions, swept.Keys) < sweepBatch {
			break
		}
	}
	if err := s.enforce(ctx, after, now); err != nil {
		if ctx.Err() == nil {
			s.log.WarnContext(ctx, "policy not applied to all tokens; the next sweep goes on", "error", err)
		}
		return err
	}
	s.swept = now
	if total != (store.Swept{}) {
		s.log.InfoContext(ctx, "swept what is over", "tokens", total.Tokens, "sessions", total.Sessions, "idempotency_keys", total.Keys)
	}
	return nil
}
