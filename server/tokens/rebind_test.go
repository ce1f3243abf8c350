package tokens

import (
	"errors"
	"testing"
	"time"

	"github.com/falkorpat/falkorpat/server/credentials"
	"github.com/falkorpat/falkorpat/server/instance"
	"github.com/falkorpat/falkorpat/store"
)

func TestReboundTokenWorksAtOnceWithTheNewPassword(t *testing.T) {
	t.Parallel()
	f := setup(t)
	issued, c := f.issue(t, Request{Name: "x"})
	f.acl(t, c.Username, "resetpass", ">fresh")
	f.clock.Advance(30 * time.Second)
	if _, err := f.Verify(t.Context(), issued.Text, client("192.0.2.1")); !errors.Is(err, credentials.ErrStale) {
		t.Fatalf("%v, want ErrStale", err)
	}
	before := f.row(t, issued.ID)
	if err := f.Rebind(t.Context(), peer, before, RebindRequest{Password: "wrong"}); !errors.Is(err, instance.ErrRefused) {
		t.Errorf("wrong password: %v, want ErrRefused", err)
	}
	if got := f.row(t, issued.ID); got.SealedPassword != before.SealedPassword || got.StaleSince.IsZero() {
		t.Error("a wrong password has changed the token")
	}
	if err := f.Rebind(t.Context(), peer, before, RebindRequest{Password: "fresh"}); err != nil {
		t.Fatal(err)
	}
	f.expectStatus(t, "rebound", issued.ID, store.StatusActive)
	for range 2 { // remembered, and asked anew
		if _, err := f.Verify(t.Context(), issued.Text, client("192.0.2.1")); err != nil {
			t.Errorf("rebound: %v", err)
		}
		f.clock.Advance(30 * time.Second)
	}
}

// The password was kept by one replica, and another remembers that the login
// with the one before was refused.
func TestOtherReplicasTakeTheNewPasswordAtOnce(t *testing.T) {
	t.Parallel()
	f := setup(t)
	issued, c := f.issue(t, Request{Name: "x"})
	f.acl(t, c.Username, "resetpass", ">fresh")
	f.clock.Advance(30 * time.Second)
	if _, err := f.Verify(t.Context(), issued.Text, client("192.0.2.1")); !errors.Is(err, credentials.ErrStale) {
		t.Fatalf("%v, want ErrStale", err)
	}
	row := f.row(t, issued.ID)
	sealed, err := f.keeper.Seal("fresh", row.ID, row.User)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.store.Rebind(t.Context(), store.Rebinding{TokenID: row.ID, SealedPassword: sealed, Role: row.Role, At: f.clock.Now(), Event: f.audit.Success(t.Context(), store.ActionTokenRebound, row)}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Verify(t.Context(), issued.Text, client("192.0.2.1")); err != nil {
		t.Errorf("rebound by another replica: %v", err)
	}
}

func TestTokenThatHasEndedIsNotReboundAndNobodyLogsIn(t *testing.T) {
	t.Parallel()
	f := setup(t)
	expired, c := f.issue(t, Request{Name: "x", TTLSeconds: 60})
	revoked := f.another(t, c, "secret")
	stale := f.row(t, revoked.ID) // read before it is revoked
	if _, err := f.Revoke(t.Context(), stale, RevokeRequest{By: stale.User}); err != nil {
		t.Fatal(err)
	}
	f.clock.Advance(time.Minute)
	for what, row := range map[string]*store.Token{"expired": f.row(t, expired.ID), "revoked": f.row(t, revoked.ID)} {
		if err := f.Rebind(t.Context(), peer, row, RebindRequest{Password: "wrong"}); !errors.Is(err, ErrEnded) {
			t.Errorf("%s: %v, want ErrEnded", what, err)
		}
	}
	if err := f.Rebind(t.Context(), peer, stale, RebindRequest{Password: "secret"}); !errors.Is(err, ErrEnded) {
		t.Errorf("revoked during the login: %v, want ErrEnded", err)
	}
	if f.row(t, revoked.ID).SealedPassword != "" {
		t.Error("a revoked token has a password again")
	}
}

func TestDamagedCertificatesAreNamed(t *testing.T) {
	t.Parallel()
	f := setup(t)
	issued, _ := f.issue(t, Request{Name: "x"})
	row := f.row(t, issued.ID)
	row.TLS, row.CA = true, "damaged"
	var fault *FieldError
	if err := f.Rebind(t.Context(), peer, row, RebindRequest{Password: "secret"}); !errors.As(err, &fault) || fault.Field != "ca" {
		t.Errorf("%v, want a fault of ca", err)
	}
	if err := f.Rebind(t.Context(), peer, row, RebindRequest{Password: "secret", Transport: &Transport{}}); err != nil {
		t.Errorf("without TLS: %v", err)
	}
	if got := f.row(t, issued.ID); got.TLS || got.CA != "" {
		t.Errorf("TLS %t with %q is kept", got.TLS, got.CA)
	}
}
