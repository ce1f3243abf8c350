package graph

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
)

// Whoever hangs up while a change is made must not keep its outcome from the
// history.
func TestChangesAreMadeToTheEndThoughTheClientHangsUp(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.other("GRAPH.QUERY", f.graph, "CREATE (:A)")
	hungUp, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.Copy(hungUp, f.caller, f.graph, f.graph+"-copy"); err != nil {
		t.Error(err)
	}
	if err := f.Delete(hungUp, f.caller, f.graph); err != nil {
		t.Error(err)
	}
	for name, want := range map[string]int64{f.graph: 0, f.graph + "-copy": 1} {
		if got, err := f.raw.Exists(t.Context(), name).Result(); got != want || err != nil {
			t.Errorf("of %s there are %d, %v", name, got, err)
		}
	}
}

func TestSettingIsToldAsItWasBefore(t *testing.T) { //nolint:paralleltest // it changes a setting of the instance
	f := setup(t)
	for _, step := range [...]struct{ value, before string }{{"9000", "10000"}, {"10000", "9000"}} {
		before, err := f.SetConfig(t.Context(), f.caller, "DELTA_MAX_PENDING_CHANGES", step.value)
		if before != step.before || err != nil {
			t.Errorf("it was %q, want %q: %v", before, step.before, err)
		}
	}
	refused := (*QueryError)(nil)
	if before, err := f.SetConfig(t.Context(), f.caller, "DELTA_MAX_PENDING_CHANGES", "many"); before != "10000" || !errors.As(err, &refused) {
		t.Errorf("it was %q: %v", before, err)
	}
	if before, err := f.SetConfig(t.Context(), f.caller, "NOPE", "1"); before != "" || !errors.As(err, &refused) {
		t.Errorf("it was %q: %v", before, err)
	}
}

// Without turns the instance would never answer again.
func TestCopiesAreMadeOneAfterTheOther(t *testing.T) { //nolint:paralleltest // a snapshot is for the whole instance
	f := setup(t)
	f.other("GRAPH.QUERY", f.graph, "UNWIND range(1, 300000) AS i CREATE (:A {i: i, s: toString(i)})")
	f.other("BGSAVE")
	var copying sync.WaitGroup
	for i := range 4 {
		copying.Go(func() {
			if err := f.Copy(t.Context(), f.caller, f.graph, f.graph+"-"+strconv.Itoa(i)); err != nil {
				t.Error(err)
			}
		})
	}
	copying.Wait()
	for i := range 4 {
		if got := f.one(Query{Graph: f.graph + "-" + strconv.Itoa(i), Text: "MATCH (a) RETURN count(a)"}); got != "300000" {
			t.Errorf("copy %d holds %s", i, got)
		}
	}
}

func TestTurnToCopyIsNotWaitedForForever(t *testing.T) {
	t.Parallel()
	f := setup(t)
	end, err := f.turns.take(t.Context(), f.caller.where())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.turns.take(ctx, f.caller.where()); !errors.Is(err, ErrOverloaded) {
		t.Errorf("a second turn: %v", err)
	}
	end()
	if end, err = f.turns.take(t.Context(), f.caller.where()); err != nil {
		t.Fatal(err)
	}
	end()
}
