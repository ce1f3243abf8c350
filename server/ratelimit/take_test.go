package ratelimit

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestWhatIsTakenIsLimitedAlsoAtOnce(t *testing.T) {
	t.Parallel()
	const limit = 5
	l, addr := setup(t, Options{What: "test", PerMinute: limit})
	var taken atomic.Int32
	var wait sync.WaitGroup
	start := time.Now()
	for range 50 {
		wait.Go(func() {
			err := l.Take(t.Context(), addr)
			var limited *LimitedError
			switch {
			case err == nil:
				taken.Add(1)
			case !errors.As(err, &limited) || !errors.Is(err, ErrLimited) || limited.RetryAfter <= 0 || limited.RetryAfter > time.Minute/limit:
				t.Errorf("refused by %v", err)
			}
		})
	}
	wait.Wait()
	if got := int(taken.Load()); got < limit || got > limit+int(regained(start, limit)) {
		t.Errorf("%d were taken, want %d", got, limit)
	}
	if err := l.Take(t.Context(), newPeer()); err != nil {
		t.Errorf("another peer: %v", err)
	}
}

func TestLimitsOfDifferentNamesCountApart(t *testing.T) {
	t.Parallel()
	reports, addr := setup(t, Options{What: "test", PerMinute: 1})
	logins, _ := setup(t, Options{PerMinute: 1})
	if err := reports.Take(t.Context(), addr); err != nil {
		t.Fatal(err)
	}
	if err := reports.Take(t.Context(), addr); !errors.Is(err, ErrLimited) {
		t.Errorf("the second: %v, want ErrLimited", err)
	}
	begin(t, logins, addr).Succeeded()
}

func TestNothingIsTakenWithoutAStoreUnlessThereIsNoLimit(t *testing.T) {
	t.Parallel()
	if err := New(Options{}).Take(t.Context(), newPeer()); !errors.Is(err, ErrUnavailable) {
		t.Errorf("without a store: %v, want ErrUnavailable", err)
	}
	if err := New(Options{PerMinute: -1}).Take(t.Context(), newPeer()); err != nil {
		t.Errorf("without a limit: %v", err)
	}
}
