package graph

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-redis/redis_rate/v10"

	"github.com/falkorpat/falkorpat/store"
)

// LimitedError refuses what would be too much at once, or in a minute.
type LimitedError struct {
	// What is limited, as a word for people, and Max how much of it there may be.
	What string
	Max  int64
	// RetryAfter is when to come back, from now; always positive.
	RetryAfter time.Duration
}

func (e *LimitedError) Error() string { return fmt.Sprintf("more than %d %s", e.Max, e.What) }

const (
	// storeTimeout bounds one question to the store.
	storeTimeout = 2 * time.Second
	// shares is into how many parts a minute's requests are divided that a
	// replica takes from the store at once, so that not each request asks it.
	shares = 60
	// maxCounted bounds how many callers' shares are remembered.
	maxCounted = 100_000
	ratePrefix = "falkorpat:graph:"
)

// guard keeps callers within their limits. How much runs at once is counted on
// each replica, how much in a minute in the store that all replicas share.
type guard struct {
	limits  Limits
	counter *redis_rate.Limiter

	mu      sync.Mutex
	running map[string]int64
	// left are the requests that were taken from the store and not yet made.
	left map[string]int64
}

func newGuard(limits Limits, counter *redis_rate.Limiter) *guard {
	return &guard{limits: limits, counter: counter, running: map[string]int64{}, left: map[string]int64{}}
}

// enter admits a request, whose end must be told to what it returns. It
// returns a *LimitedError, or store.ErrUnavailable when that cannot be told.
func (g *guard) enter(ctx context.Context, caller Caller) (release func(), err error) {
	limits := g.limits.within(caller.Limits)
	id := caller.Kept.ID
	if err := g.count(ctx, id, limits.PerMinute); err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if limits.Concurrent > 0 && g.running[id] >= limits.Concurrent {
		return nil, &LimitedError{What: "queries at once", Max: limits.Concurrent, RetryAfter: time.Second}
	}
	g.running[id]++
	return sync.OnceFunc(func() { g.leave(id) }), nil
}

func (g *guard) leave(id string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.running[id]--; g.running[id] <= 0 {
		delete(g.running, id)
	}
}

// count counts a request of a caller.
func (g *guard) count(ctx context.Context, id string, perMinute int64) error {
	if perMinute <= 0 {
		return nil
	}
	if g.takeLeft(id) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	share := max(1, perMinute/shares)
	answer, err := g.counter.AllowAtMost(ctx, ratePrefix+id, redis_rate.PerMinute(int(perMinute)), int(share))
	if err != nil {
		return errors.Join(fmt.Errorf("%w: count a request", store.ErrUnavailable), err)
	}
	if answer.Allowed == 0 {
		return &LimitedError{What: "requests in a minute", Max: perMinute, RetryAfter: max(answer.RetryAfter, time.Millisecond)}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.left) >= maxCounted {
		clear(g.left)
	}
	g.left[id] += int64(answer.Allowed) - 1
	return nil
}

// takeLeft takes a request that the store has granted already, if there is one.
func (g *guard) takeLeft(id string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.left[id] <= 0 {
		delete(g.left, id)
		return false
	}
	g.left[id]--
	return true
}
