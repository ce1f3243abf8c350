package store

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"
)

func TestEveryCommandIsObserved(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	seen := map[string]int{}
	failed := 0
	s := open(t, Options{URL: db.URL(), Graph: graphOf(t), Observe: func(command string, took time.Duration, err error) {
		mu.Lock()
		defer mu.Unlock()
		seen[command]++
		if took <= 0 {
			t.Errorf("%s took %v", command, took)
		}
		if err != nil {
			failed++
		}
	}})
	count := func(command string) int {
		mu.Lock()
		defer mu.Unlock()
		return seen[command]
	}
	before := count("GRAPH.RO_QUERY")
	if _, err := s.TokenByID(t.Context(), "1-a"); !errors.Is(err, ErrNotFound) {
		t.Fatal(err)
	}
	if got := count("GRAPH.RO_QUERY") - before; got != 1 {
		t.Errorf("one look-up was observed %d times", got)
	}
	if pool := s.Pool(); pool.Open < 1 || pool.Idle > pool.Open || pool.Limit != defaultPoolSize {
		t.Errorf("the pool is %+v", pool)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.TokenByID(gone, "1-a"); err == nil {
		t.Fatal("a look-up that was given up has succeeded")
	}
	mu.Lock()
	defer mu.Unlock()
	if failed == 0 {
		t.Error("a command that failed was not told of")
	}
}
