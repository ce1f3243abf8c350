package graph

import (
	"context"
	"errors"
	"slices"
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
	names, err := f.List(t.Context(), f.caller)
	if err != nil || slices.Contains(names, f.graph) || !slices.Contains(names, f.graph+"-copy") {
		t.Errorf("graphs are %q, %v", names, err)
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
