package ratelimit

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// storm makes n attempts of a peer at once, spread over limiters, which end
// with end. It returns how many began, and how many were in flight at once.
func storm(t *testing.T, n int, addr netip.Addr, end func(*Attempt), limiters ...*Limiter) (began, together int64) {
	t.Helper()
	var begun, flying, most atomic.Int64
	var wait sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wait.Go(func() {
			<-start
			attempt, err := limiters[i%len(limiters)].Begin(t.Context(), addr)
			if errors.Is(err, ErrLimited) {
				return
			}
			if err != nil {
				t.Error(err)
				return
			}
			begun.Add(1)
			now := flying.Add(1)
			for seen := most.Load(); now > seen && !most.CompareAndSwap(seen, now); seen = most.Load() {
			}
			flying.Add(-1)
			end(attempt)
		})
	}
	close(start)
	wait.Wait()
	for _, l := range limiters {
		checkForgotten(t, l)
	}
	return begun.Load(), most.Load()
}

// regained is how many failures may have come back to a peer since start.
func regained(start time.Time, perMinute int) int64 {
	return int64(time.Since(start).Minutes() * float64(perMinute))
}

func TestParallelGuessesGetNoMoreThanTheLimit(t *testing.T) {
	t.Parallel()
	const limit = 30
	for name, o := range map[string]Options{
		"most are turned away": {PerMinute: limit},
		"all wait":             {PerMinute: limit, MaxWaiting: 1000},
		"few wait":             {PerMinute: limit, MaxWaiting: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, addr := setup(t, o)
			start := time.Now()
			fail := func(a *Attempt) {
				if err := a.Failed(t.Context()); err != nil {
					t.Error(err)
				}
			}
			began, together := storm(t, 1000, addr, fail, l)
			most := limit + regained(start, limit)
			if began > most || together > most {
				t.Errorf("%d of 1000 guesses began, %d at once, want %d at most", began, together, most)
			}
			if name == "all wait" && began < limit {
				t.Errorf("%d guesses began, want %d", began, limit)
			}
			if left := int64(exhaust(t, l, addr)); began+left > limit+regained(start, limit) {
				t.Errorf("%d guesses began, and then %d more", began, left)
			}
		})
	}
}

func TestParallelSuccessesAllBegin(t *testing.T) {
	t.Parallel()
	const limit = 5
	l, addr := setup(t, Options{PerMinute: limit, MaxWaiting: 300})
	began, together := storm(t, 300, addr, (*Attempt).Succeeded, l)
	if began != 300 || together > limit {
		t.Errorf("%d of 300 attempts began, %d at once, want all and %d", began, together, limit)
	}
}

func TestReplicasShareOneLimit(t *testing.T) {
	t.Parallel()
	const limit = 10
	a, addr := setup(t, Options{PerMinute: limit})
	b, _ := setup(t, Options{PerMinute: limit})
	for i := range limit {
		if err := guess(t, []*Limiter{a, b}[i%2], addr); err != nil {
			t.Fatalf("guess %d: %v", i+1, err)
		}
	}
	for _, l := range []*Limiter{a, b} {
		if err := guess(t, l, addr); !errors.Is(err, ErrLimited) {
			t.Errorf("%v, want ErrLimited on both", err)
		}
	}
}

func TestReplicasInParallelLetThroughTheLimitEachAtMost(t *testing.T) {
	t.Parallel()
	const limit = 10
	a, addr := setup(t, Options{PerMinute: limit, MaxWaiting: 400})
	b, _ := setup(t, Options{PerMinute: limit, MaxWaiting: 400})
	start := time.Now()
	fail := func(a *Attempt) {
		if err := a.Failed(t.Context()); err != nil {
			t.Error(err)
		}
	}
	began, _ := storm(t, 400, addr, fail, a, b)
	if most := 2*limit + regained(start, limit); began < limit || began > most {
		t.Errorf("%d guesses began, want %d to %d", began, limit, most)
	}
	for _, l := range []*Limiter{a, b} {
		if err := guess(t, l, addr); !errors.Is(err, ErrLimited) {
			t.Errorf("afterwards: %v, want ErrLimited", err)
		}
	}
}

func TestAttemptWaitsForTheOutcomeOfTheLastOneLeft(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		end  func(*testing.T, *Attempt)
		want error
	}{
		"success": {func(_ *testing.T, a *Attempt) { a.Succeeded() }, nil},
		"failure": {func(t *testing.T, a *Attempt) {
			t.Helper()
			if err := a.Failed(t.Context()); err != nil {
				t.Error(err)
			}
		}, ErrLimited},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, addr := setup(t, Options{PerMinute: 1})
			first := begin(t, l, addr)
			second := beginLater(t, l, t.Context(), addr)
			third := beginLater(t, l, t.Context(), addr)
			select {
			case got := <-second:
				t.Fatalf("the second did not wait: %+v", got)
			case got := <-third:
				t.Fatalf("the third did not wait: %+v", got)
			default:
			}
			test.end(t, first)
			for _, next := range []<-chan outcome{second, third} {
				got := receive(t, next)
				if !errors.Is(got.err, test.want) || (got.err == nil) != (test.want == nil) {
					t.Errorf("%v, want %v", got.err, test.want)
				}
				if got.attempt != nil {
					got.attempt.Succeeded()
				}
			}
			checkForgotten(t, l)
		})
	}
}

func TestTooManyWaitingAttemptsAreTurnedAwayAtOnce(t *testing.T) {
	t.Parallel()
	l, addr := setup(t, Options{PerMinute: 1, MaxWaiting: 2})
	first := begin(t, l, addr)
	waiters := []<-chan outcome{beginLater(t, l, t.Context(), addr), beginLater(t, l, t.Context(), addr)}
	var limited *LimitedError
	if _, err := l.Begin(t.Context(), addr); !errors.As(err, &limited) || limited.RetryAfter != crowdRetry {
		t.Errorf("%v, want a LimitedError", err)
	}
	if err := guess(t, l, newPeer()); err != nil {
		t.Errorf("another peer: %v", err)
	}
	first.Succeeded()
	for _, waiter := range waiters {
		got := receive(t, waiter)
		if got.err != nil {
			t.Fatal(got.err)
		}
		got.attempt.Succeeded()
	}
	checkForgotten(t, l)
}

func TestTooManyPeersAreTurnedAway(t *testing.T) {
	t.Parallel()
	l, addr := setup(t, Options{MaxPeers: 2})
	one, two := begin(t, l, addr), begin(t, l, newPeer())
	if err := guess(t, l, newPeer()); !errors.Is(err, ErrLimited) {
		t.Errorf("a third peer: %v, want ErrLimited", err)
	}
	begin(t, l, addr).Succeeded() // a peer that is known has its place
	two.Succeeded()
	if err := guess(t, l, newPeer()); err != nil {
		t.Errorf("a peer after one has left: %v", err)
	}
	one.Succeeded()
	checkForgotten(t, l)
}

func TestWaitingIsBounded(t *testing.T) {
	t.Parallel()
	l, addr := setup(t, Options{PerMinute: 1})
	l.maxWait = 100 * time.Millisecond
	first := begin(t, l, addr)
	// One waits for the first attempt to end, the other for its turn.
	errs := make(chan error, 2)
	for range 2 {
		go func() { _, err := l.Begin(t.Context(), addr); errs <- err }()
	}
	for range 2 {
		var limited *LimitedError
		if err := receive(t, errs); !errors.As(err, &limited) || limited.RetryAfter <= 0 {
			t.Errorf("%v, want a LimitedError", err)
		}
	}

	l.maxWait = patience
	ctx, cancel := context.WithCancel(t.Context())
	waiters := []<-chan outcome{beginLater(t, l, ctx, addr), beginLater(t, l, ctx, addr)}
	cancel()
	for _, waiter := range waiters {
		if got := receive(t, waiter); !errors.Is(got.err, ErrUnavailable) || !errors.Is(got.err, context.Canceled) {
			t.Errorf("%+v, want ErrUnavailable for context.Canceled", got)
		}
	}
	first.Succeeded()
	checkForgotten(t, l)
}

// holdUp is a hook that holds one command up, before it reaches the store or
// after it has been answered.
type holdUp struct {
	before, after atomic.Bool   // which of them, for the next command only
	held          chan struct{} // gets a token when it is held
	resume        chan struct{} // lets it go on
}

// connectHeld returns a client with a holdUp.
func connectHeld(t *testing.T) (*redis.Client, *holdUp) {
	t.Helper()
	client, hook := connect(t, db), &holdUp{held: make(chan struct{}, 1), resume: make(chan struct{})}
	client.AddHook(hook)
	return client, hook
}

func (h *holdUp) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h *holdUp) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (h *holdUp) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		after := h.after.CompareAndSwap(true, false)
		if h.before.CompareAndSwap(true, false) {
			h.held <- struct{}{}
			<-h.resume
		}
		err := next(ctx, cmd)
		if after {
			h.held <- struct{}{}
			<-h.resume
		}
		return err
	}
}

func TestAnswerFromBeforeAFailureIsNotTrustedAfterIt(t *testing.T) {
	t.Parallel()
	client, hook := connectHeld(t)
	l, addr := New(Options{Client: client, PerMinute: 2}), newPeer()
	first, second := begin(t, l, addr), begin(t, l, addr)

	hook.after.Store(true)
	third := beginLater(t, l, t.Context(), addr) // it hears that two are left
	receive(t, hook.held)
	if err := first.Failed(t.Context()); err != nil { // now it is one, and the second has it
		t.Fatal(err)
	}
	close(hook.resume)

	if err := second.Failed(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := receive(t, third); !errors.Is(got.err, ErrLimited) {
		t.Errorf("a third guess with a limit of two: %+v, want ErrLimited", got)
	}
	checkForgotten(t, l)
}

func TestFailureIsInFlightUntilItIsCounted(t *testing.T) {
	t.Parallel()
	client, hook := connectHeld(t)
	l, addr := New(Options{Client: client, PerMinute: 1}), newPeer()
	first := begin(t, l, addr)

	hook.before.Store(true)
	failed := make(chan error, 1)
	go func() { failed <- first.Failed(t.Context()) }()
	receive(t, hook.held)
	// The store still says that one is left.
	second := beginLater(t, l, t.Context(), addr)
	close(hook.resume)

	if err := receive(t, failed); err != nil {
		t.Error(err)
	}
	if got := receive(t, second); !errors.Is(got.err, ErrLimited) {
		t.Errorf("a second guess with a limit of one: %+v, want ErrLimited", got)
	}
	checkForgotten(t, l)
}
