package audit

import (
	"errors"
	"sync"
	"testing"

	"github.com/falkorpat/falkorpat/store"
)

func TestChangedPolicyIsToldOnceHoweverManyReplicasStart(t *testing.T) {
	t.Parallel()
	f := setup(t)
	start := func(days string) {
		t.Helper()
		var group sync.WaitGroup
		errs := make([]error, 8)
		for i := range errs {
			s := f.replica(t)
			group.Go(func() { errs[i] = s.PolicyIs(t.Context(), map[string]string{"suspend_idle_days": days}) })
		}
		group.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
	}
	for i, days := range []string{"0", "0", "90", "90", "0"} {
		start(days)
		events := f.listed(t)
		if want := []int{1, 1, 2, 2, 3}[i]; len(events) != want || events[0].Details["suspend_idle_days"] != days || events[0].Action != store.ActionPolicyChanged {
			t.Errorf("after start %d with %s: %d events, the latest %+v", i, days, len(events), events[0])
		}
	}
}
