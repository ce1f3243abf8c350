package ratelimit

import (
	"context"
	"sync"
)

// Attempt is a login under way. Exactly one of Failed and Succeeded ends it;
// calls after the first change nothing, so that "defer attempt.Failed(ctx)"
// covers every way out but the one that calls Succeeded. An attempt that is
// never ended counts as under way for ever. It is safe for concurrent use.
type Attempt struct {
	limiter *Limiter // nil without a limit
	peer    *peer
	once    sync.Once
	err     error // what the end returned
}

// Failed ends the attempt and counts a failure of its peer. It returns
// ErrUnavailable when the store could not be told, and the same again when it
// is repeated; the attempt has ended nevertheless. It is bounded to 2 seconds
// and goes on when ctx is cancelled: otherwise a guesser who hangs up early
// would guess for nothing.
func (a *Attempt) Failed(ctx context.Context) error {
	if a.limiter == nil {
		return nil
	}
	a.once.Do(func() {
		// In flight until it is counted, so that it is missing from neither.
		defer a.limiter.end(a.peer, true)
		a.err = a.limiter.spend(context.WithoutCancel(ctx), a.peer.key)
	})
	return a.err
}

// Succeeded ends the attempt at no cost. After Failed it does nothing.
func (a *Attempt) Succeeded() {
	if a.limiter == nil {
		return
	}
	a.once.Do(func() { a.limiter.end(a.peer, false) })
}
