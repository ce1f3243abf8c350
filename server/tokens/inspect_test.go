package tokens

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/falkorpat/falkorpat/server/credentials"
	"github.com/falkorpat/falkorpat/server/instance"
	"github.com/falkorpat/falkorpat/store"
)

func (f *fixture) here() instance.Instance { return instance.Instance{Host: "localhost", Port: f.port} }

func TestInspectionTellsWhatVerificationWouldAndIsNoUse(t *testing.T) {
	t.Parallel()
	f := setup(t)
	issued, _ := f.issue(t, Request{Name: "inspected", TTLSeconds: 3600, Permissions: []string{"graph:read"}, AllowedIPs: []string{"192.0.2.0/24"}})
	accepted, err := f.Inspect(t.Context(), issued.Text, f.here())
	if err != nil {
		t.Fatal(err)
	}
	if accepted.Token().ID != issued.ID || accepted.Role() != store.RoleReadWrite || len(accepted.Permissions().Names()) != 1 {
		t.Errorf("inspected as %+v", accepted)
	}
	if err := f.recorder.flush(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	if row := f.row(t, issued.ID); !row.LastUse.At.IsZero() {
		t.Errorf("inspection was written down as a use at %s", row.LastUse.At)
	}
	for name, in := range map[string]instance.Instance{"port": {Host: "localhost", Port: 1}, "host": {Host: "db.example", Port: f.port}} {
		if _, err := f.Inspect(t.Context(), issued.Text, in); !errors.Is(err, ErrUnknown) {
			t.Errorf("to another %s: %v, want ErrUnknown", name, err)
		}
	}
	f.clock.Advance(time.Hour)
	if _, err := f.Inspect(t.Context(), issued.Text, f.here()); !errors.Is(err, ErrUnauthenticated) {
		t.Errorf("expired: %v, want ErrUnauthenticated", err)
	}
}

func TestInspectionRefusesWhatDoesNotWorkNow(t *testing.T) {
	t.Parallel()
	f := setup(t)
	later := f.clock.Now().Add(time.Hour)
	early, _ := f.issue(t, Request{Name: "early", NotBefore: later})
	if _, err := f.Inspect(t.Context(), early.Text, f.here()); !errors.Is(err, ErrTooEarly) {
		t.Errorf("too early: %v", err)
	}
	revoked, _ := f.issue(t, Request{Name: "revoked"})
	if _, err := f.Revoke(t.Context(), f.row(t, revoked.ID), RevokeRequest{By: f.row(t, revoked.ID).User}); err != nil {
		t.Fatal(err)
	}
	orphan, user := f.issue(t, Request{Name: "orphan"})
	if err := f.raw.Do(t.Context(), "ACL", "DELUSER", user.Username).Err(); err != nil {
		t.Fatal(err)
	}
	f.clock.Advance(time.Minute) // so that the role is asked anew
	for name, test := range map[string]struct {
		text string
		want error
	}{
		"revoked": {revoked.Text, ErrUnauthenticated}, "user gone": {orphan.Text, credentials.ErrStale}, "garbage": {"garbage", ErrUnauthenticated},
		"changed": {revoked.Text[:len(revoked.Text)-4] + "AAAA", ErrUnauthenticated},
	} {
		if _, err := f.Inspect(t.Context(), test.text, f.here()); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
}

func TestWhoeverHasATokensTextMayEndIt(t *testing.T) {
	t.Parallel()
	f := setup(t)
	issued, _ := f.issue(t, Request{Name: "ended", AllowedIPs: []string{"192.0.2.0/24"}})
	from := netip.MustParseAddr("198.51.100.7") // no address that the token may be used from
	for range 2 {
		if err := f.RevokeText(t.Context(), issued.Text, from); err != nil {
			t.Fatal(err)
		}
	}
	if row := f.row(t, issued.ID); row.RevokedAt.IsZero() {
		t.Error("the token was not revoked")
	}
	if err := f.RevokeText(t.Context(), "garbage", from); err != nil {
		t.Errorf("garbage: %v", err)
	}
}

func TestRotatedOutTextEndsNothing(t *testing.T) {
	t.Parallel()
	f := setup(t)
	old, _ := f.issue(t, Request{Name: "rotated"})
	accepted, err := f.Verify(t.Context(), old.Text, client("192.0.2.1"))
	if err != nil {
		t.Fatal(err)
	}
	issuer := Issuer{
		Kept: credentials.OfToken(accepted.Token()), Role: accepted.Role(), Permissions: accepted.Permissions(), Token: accepted.Token(),
	}
	next, _, err := f.Rotate(t.Context(), issuer, accepted.Token(), RotateRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.RevokeText(t.Context(), old.Text, netip.MustParseAddr("192.0.2.1")); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Verify(t.Context(), next.Text, client("192.0.2.1")); err != nil {
		t.Errorf("the one that took its place: %v", err)
	}
	if err := f.RevokeText(t.Context(), next.Text, netip.MustParseAddr("192.0.2.1")); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Verify(t.Context(), next.Text, client("192.0.2.1")); !errors.Is(err, ErrRevoked) {
		t.Errorf("after its revocation: %v, want ErrRevoked", err)
	}
}
