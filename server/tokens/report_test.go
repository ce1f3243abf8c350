package tokens

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/falkorpat/falkorpat/crypto"
	"github.com/falkorpat/falkorpat/server/credentials"
	"github.com/falkorpat/falkorpat/server/ratelimit"
)

var finder = netip.MustParseAddr("198.51.100.1")

func TestReportRevokesWhateverHasATokensHash(t *testing.T) {
	t.Parallel()
	for what, make := range map[string]func(*testing.T, *fixture, *Issued){
		"works":   func(*testing.T, *fixture, *Issued) {},
		"expired": func(_ *testing.T, f *fixture, _ *Issued) { f.clock.Advance(time.Hour) },
		"expired and swept": func(t *testing.T, f *fixture, _ *Issued) {
			t.Helper()
			f.clock.Advance(time.Hour)
			if err := f.sweeper.sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
		},
		"signed with a key that was dropped": func(_ *testing.T, f *fixture, _ *Issued) { f.signing = crypto.SigningRing{} },
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			f := setup(t)
			issued, _ := f.issue(t, Request{Name: "leaked", TTLSeconds: 3600})
			make(t, f, issued)
			if err := f.Report(t.Context(), finder, "\n "+issued.Text+" \n"); err != nil {
				t.Fatal(err)
			}
			if row := f.row(t, issued.ID); row.RevokedAt.IsZero() || row.SealedPassword != "" {
				t.Errorf("a token that is %s was not revoked by its report: %+v", what, row)
			}
		})
	}
}

func TestReportOfARotatedOutTokenEndsAllThatCameFromIt(t *testing.T) {
	t.Parallel()
	f := setup(t)
	old, _ := f.issue(t, Request{Name: "leaked"})
	accepted, err := f.Verify(t.Context(), old.Text, client("192.0.2.1"))
	if err != nil {
		t.Fatal(err)
	}
	issuer := Issuer{
		Kept: credentials.OfToken(accepted.Token()), Role: accepted.Role(), Permissions: accepted.Permissions(), Token: accepted.Token(),
	}
	child, err := f.Issue(t.Context(), issuer, Request{Name: "child"})
	if err != nil {
		t.Fatal(err)
	}
	next, _, err := f.Rotate(t.Context(), issuer, f.row(t, old.ID), RotateRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Verify(t.Context(), next.Text, client("192.0.2.1")); err != nil {
		t.Fatal(err)
	}
	if err := f.Report(t.Context(), finder, old.Text); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"successor": next.Text, "child": child.Text} {
		if _, err := f.Verify(t.Context(), text, client("192.0.2.1")); !errors.Is(err, ErrRevoked) {
			t.Errorf("the %s of a reported token: %v, want ErrRevoked", name, err)
		}
	}
}

func TestReportsAreLimitedWhateverTheyHold(t *testing.T) {
	t.Parallel()
	f := setup(t)
	issued, _ := f.issue(t, Request{Name: "kept"})
	for range 5 {
		if err := f.Report(t.Context(), finder, "garbage"); err != nil {
			t.Fatal(err)
		}
	}
	var limited *ratelimit.LimitedError
	err := f.Report(t.Context(), finder, issued.Text)
	if !errors.Is(err, ErrTooManyReports) || !errors.As(err, &limited) {
		t.Fatalf("the sixth report: %v, want ErrTooManyReports and when to come back", err)
	}
	if row := f.row(t, issued.ID); !row.RevokedAt.IsZero() {
		t.Error("a refused report has revoked a token")
	}
	if err := f.Report(t.Context(), netip.MustParseAddr("198.51.100.2"), issued.Text); err != nil {
		t.Errorf("another peer: %v", err)
	}
}

// Whoever reports and whoever guesses must not learn from the time it took.
func TestReportTakesItsTimeWhateverItHolds(t *testing.T) {
	t.Parallel()
	f := setup(t)
	issued, _ := f.issue(t, Request{Name: "leaked"})
	for what, text := range map[string]string{"known": issued.Text, "garbage": "garbage"} {
		start := time.Now()
		if err := f.Report(t.Context(), finder, text); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took < reportFloor {
			t.Errorf("%s: answered after %v", what, took)
		}
	}
}

func TestReportGoesOnWhenItsSenderHangsUp(t *testing.T) {
	t.Parallel()
	f := setup(t)
	issued, _ := f.issue(t, Request{Name: "leaked"})
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.revokeReported(gone, finder, issued.Text); err != nil {
		t.Fatal(err)
	}
	if row := f.row(t, issued.ID); row.RevokedAt.IsZero() {
		t.Error("the token was not revoked")
	}
}
