package tokens

import (
	"errors"
	"testing"
	"time"

	"github.com/falkorpat/falkorpat/store"
)

// verifies tells how a token is received.
func (f *fixture) verifies(t *testing.T, text string, want error) {
	t.Helper()
	if _, err := f.Verify(t.Context(), text, client("192.0.2.1")); !errors.Is(err, want) {
		t.Errorf("received with %v, want %v", err, want)
	}
}

func (f *fixture) sweep(t *testing.T) {
	t.Helper()
	if err := f.sweeper.sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestIdleTokenIsRefusedAndSuspendedAndResumed(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.policy.SuspendIdleDays = 30
	issued, _ := f.issue(t, Request{Name: "x"})
	f.clock.Advance(30 * day)
	f.sweep(t)
	if at := f.row(t, issued.ID).SuspendedAt; !at.IsZero() {
		t.Fatalf("suspended at %s, before its time", at)
	}
	f.clock.Advance(idleSlack)
	f.verifies(t, issued.Text, ErrSuspended) // whoever has not swept yet
	f.sweep(t)
	if got := f.row(t, issued.ID); got.Status(f.clock.Now()) != store.StatusSuspended {
		t.Errorf("after the sweep it is %+v", got)
	}
	f.policy.SuspendIdleDays = 0
	f.verifies(t, issued.Text, ErrSuspended) // until somebody resumes it, whatever the policy
	f.policy.SuspendIdleDays = 30
	for _, want := range []bool{true, false} {
		current, err := f.Get(t.Context(), issued.ID)
		if err != nil {
			t.Fatal(err)
		}
		if resumed, err := f.Resume(t.Context(), current); err != nil || resumed != want {
			t.Errorf("resumed %v, %v, want %v", resumed, err, want)
		}
	}
	f.sweep(t)
	f.verifies(t, issued.Text, nil)
	f.clock.Advance(30 * day)
	f.verifies(t, issued.Text, nil) // used in between
}

func TestTokenThatIsIdleCanBeResumedBeforeTheSweep(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.policy.SuspendIdleDays = 1
	issued, _ := f.issue(t, Request{Name: "x"})
	f.clock.Advance(day + idleSlack)
	f.verifies(t, issued.Text, ErrSuspended)
	if resumed, err := f.Resume(t.Context(), f.row(t, issued.ID)); err != nil || !resumed {
		t.Errorf("resumed %v, %v", resumed, err)
	}
	f.verifies(t, issued.Text, nil)
}

func TestUseThatIsNotWrittenYetKeepsATokenAwake(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.policy.SuspendIdleDays = 1
	issued, _ := f.issue(t, Request{Name: "x"})
	f.clock.Advance(day)
	f.verifies(t, issued.Text, nil)
	f.clock.Advance(2 * time.Hour) // the store has no use of it, this replica does
	if row := f.row(t, issued.ID); !row.LastUse.At.IsZero() || !f.policy.isIdle(row, f.clock.Now()) {
		t.Fatalf("the store has %+v", row)
	}
	f.verifies(t, issued.Text, nil)
}

func TestTokenInUseIsNeverSuspended(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.policy.SuspendIdleDays = 1
	issued, _ := f.issue(t, Request{Name: "x"})
	for range 12 {
		f.clock.Advance(12 * time.Hour)
		f.verifies(t, issued.Text, nil)
		if err := f.recorder.flush(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		f.sweep(t)
	}
	if at := f.row(t, issued.ID).SuspendedAt; !at.IsZero() {
		t.Errorf("suspended at %s", at)
	}
}

func TestTokenIsNotIdleBeforeItBegins(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.policy.SuspendIdleDays = 1
	begins := f.clock.Now().Add(10 * day)
	issued, _ := f.issue(t, Request{Name: "x", NotBefore: begins})
	f.clock.Advance(10*day + time.Minute)
	f.sweep(t)
	f.verifies(t, issued.Text, nil)
	f.clock.Advance(day)
	f.sweep(t)
	f.verifies(t, issued.Text, nil)
}

func TestEndedTokenIsNotResumed(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.policy.SuspendIdleDays = 1
	expired, _ := f.issue(t, Request{Name: "expired", TTLSeconds: int64(3 * day / time.Second)})
	revoked, _ := f.issue(t, Request{Name: "revoked"})
	f.clock.Advance(2 * day)
	f.sweep(t)
	row := f.row(t, revoked.ID)
	if _, err := f.Revoke(t.Context(), row, RevokeRequest{By: row.User}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Resume(t.Context(), row); !errors.Is(err, ErrEnded) { // as it was read before
		t.Errorf("revoked meanwhile: %v", err)
	}
	f.clock.Advance(day)
	for _, id := range []string{expired.ID, revoked.ID} {
		if _, err := f.Resume(t.Context(), f.row(t, id)); !errors.Is(err, ErrEnded) {
			t.Errorf("%s: %v, want ErrEnded", id, err)
		}
	}
}

func TestSweepShortensWhatExceedsThePolicy(t *testing.T) {
	t.Parallel()
	f := setup(t)
	old, _ := f.issue(t, Request{Name: "old"})
	f.clock.Advance(100 * day)
	fresh, _ := f.issue(t, Request{Name: "fresh"})
	for _, existing := range []ExistingPolicy{ExistingReport, ExistingBlock} {
		f.policy = Policy{MaxLifetime: 90 * day, NeverForbidden: true, Existing: existing}.complete()
		f.sweep(t)
		if got := f.row(t, old.ID).ExpiresAt; !got.IsZero() {
			t.Fatalf("%s: ends at %s", existing, got)
		}
	}
	f.policy.Existing = ExistingShorten
	f.sweeper.swept = time.Time{} // as after a start
	now := f.clock.Now()
	for range 3 { // it stays at the first date
		f.sweep(t)
		for id, want := range map[string]time.Time{old.ID: now.Add(ShortenGrace), fresh.ID: now.Add(90 * day)} {
			if got := f.row(t, id).ExpiresAt; !got.Equal(want) {
				t.Errorf("%s ends at %s, want %s", id, got, want)
			}
		}
		f.clock.Advance(day)
	}
	f.verifies(t, old.Text, nil)
	f.clock.Advance(ShortenGrace)
	f.verifies(t, old.Text, ErrUnauthenticated)
	f.verifies(t, fresh.Text, nil)
}
