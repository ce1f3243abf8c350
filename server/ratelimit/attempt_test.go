package ratelimit

import (
	"context"
	"sync"
	"testing"
)

func TestAttemptEndsOnce(t *testing.T) {
	t.Parallel()
	fail := func(t *testing.T, a *Attempt) {
		t.Helper()
		if err := a.Failed(t.Context()); err != nil {
			t.Error(err)
		}
	}
	succeed := func(_ *testing.T, a *Attempt) { a.Succeeded() }
	for name, test := range map[string]struct {
		first, then func(*testing.T, *Attempt)
		cost        int
	}{
		"failed":                 {fail, fail, 1},
		"failed, then succeeded": {fail, succeed, 1},
		"succeeded":              {succeed, succeed, 0},
		"succeeded, then failed": {succeed, fail, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const limit = 5
			l, addr := setup(t, Options{PerMinute: limit})
			attempt, other := begin(t, l, addr), begin(t, l, addr)
			test.first(t, attempt)
			var wait sync.WaitGroup
			for range 10 {
				wait.Go(func() { test.then(t, attempt) })
			}
			wait.Wait()
			if p := l.peers[peerKey(addr)]; p == nil || p.inFlight != 1 {
				t.Errorf("in flight are %+v, want the other attempt", p)
			}
			other.Succeeded()
			checkForgotten(t, l)
			if got := exhaust(t, l, addr); got != limit-test.cost {
				t.Errorf("%d failures are left, want %d", got, limit-test.cost)
			}
		})
	}
}

func TestHangingUpDoesNotSaveAGuess(t *testing.T) {
	t.Parallel()
	l, addr := setup(t, Options{PerMinute: 3})
	ctx, hangUp := context.WithCancel(t.Context())
	attempt, err := l.Begin(ctx, addr)
	if err != nil {
		t.Fatal(err)
	}
	hangUp()
	if err := attempt.Failed(ctx); err != nil {
		t.Errorf("Failed: %v", err)
	}
	if got := exhaust(t, l, addr); got != 2 {
		t.Errorf("%d failures are left, want 2", got)
	}
}
