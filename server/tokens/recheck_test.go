package tokens

import (
	"errors"
	"testing"
	"time"
)

// What was accepted is looked at again once something changed, and still
// accepted unless that ended it; on every replica.
func TestAcceptedTokenStandsUntilItChanges(t *testing.T) {
	t.Parallel()
	f := setup(t)
	other := f.replica(t)
	issued, _ := f.issue(t, Request{Name: "x"})
	services := [...]*Service{f.Service, other}
	var accepted [len(services)]Accepted
	verify := func() {
		t.Helper()
		for i, s := range services {
			var err error
			if accepted[i], err = s.Verify(t.Context(), issued.Text, client("192.0.2.1")); err != nil {
				t.Fatal(err)
			}
			if !s.Stands(accepted[i]) {
				t.Errorf("replica %d: what was just accepted does not stand", i)
			}
		}
	}
	expect := func(what string, want error) {
		t.Helper()
		for i, s := range services {
			if s.Stands(accepted[i]) {
				t.Errorf("%s: replica %d takes it to stand", what, i)
			}
			if err := s.Recheck(t.Context(), accepted[i]); !errors.Is(err, want) {
				t.Errorf("%s: replica %d says %v, want %v", what, i, err, want)
			}
		}
	}
	verify()
	if err := f.changed(t.Context(), issued.ID); err != nil {
		t.Fatal(err)
	}
	expect("changed in nothing", nil)
	verify()
	row := f.row(t, issued.ID)
	if _, err := f.Revoke(t.Context(), row, RevokeRequest{By: row.User}); err != nil {
		t.Fatal(err)
	}
	expect("revoked", ErrRevoked)
	var refused *RefusedError
	if err := f.Recheck(t.Context(), accepted[0]); !errors.As(err, &refused) || refused.Token.ID != issued.ID {
		t.Errorf("the history is not told which token: %v", err)
	}

	issued, _ = f.issue(t, Request{Name: "y"})
	verify()
	next, _, err := f.Rotate(t.Context(), Issuer{}, f.row(t, issued.ID), RotateRequest{Grace: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	expect("rotated, in its grace", nil)
	f.clock.Advance(time.Hour)
	expect("rotated, after its grace", ErrExpired)
	if !f.row(t, next.ID).RevokedAt.IsZero() {
		t.Error("what went on from before was taken for a reuse")
	}
}
