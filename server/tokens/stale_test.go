package tokens

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/falkorpat/falkorpat/server/credentials"
	"github.com/falkorpat/falkorpat/server/instance"
	"github.com/falkorpat/falkorpat/store"
)

var peer = netip.MustParseAddr("192.0.2.1")

// acl changes a user of the instance.
func (f *fixture) acl(t *testing.T, name string, rules ...any) {
	t.Helper()
	if err := f.raw.Do(t.Context(), append([]any{"ACL", "SETUSER", name}, rules...)...).Err(); err != nil {
		t.Fatal(err)
	}
}

// another makes a token of the same user with some password.
func (f *fixture) another(t *testing.T, c instance.Credentials, password string) *Issued {
	t.Helper()
	c.Password = password
	issued, err := f.IssueWithCredentials(t.Context(), peer, c, Request{Name: "another"})
	if err != nil {
		t.Fatal(err)
	}
	return issued
}

func (f *fixture) expectStatus(t *testing.T, what, id string, want store.Status) {
	t.Helper()
	if got := f.row(t, id).Status(f.clock.Now()); got != want {
		t.Errorf("%s is %s, want %s", what, got, want)
	}
}

func TestTokenIsMarkedStaleWhileItsLoginFails(t *testing.T) {
	t.Parallel()
	f := setup(t)
	issued, c := f.issue(t, Request{Name: "x"})
	verify := func() error {
		_, err := f.Verify(t.Context(), issued.Text, client("192.0.2.1"))
		return err
	}
	for what, change := range map[string][]any{"switched off": {"off"}, "password changed": {"resetpass", ">other"}} {
		f.acl(t, c.Username, change...)
		f.clock.Advance(30 * time.Second)
		since := f.clock.Now()
		for range 3 {
			if err := verify(); !errors.Is(err, credentials.ErrStale) {
				t.Fatalf("%s: %v, want ErrStale", what, err)
			}
			f.expectStatus(t, what, issued.ID, store.StatusStale)
			f.clock.Advance(30 * time.Second)
		}
		if got := f.row(t, issued.ID).StaleSince; !got.Equal(since) {
			t.Errorf("%s: stale since %v, want the first failure at %v", what, got, since)
		}
		f.acl(t, c.Username, "on", "resetpass", ">secret")
		f.clock.Advance(30 * time.Second)
		if err := verify(); err != nil {
			t.Fatalf("after %s: %v", what, err)
		}
		f.expectStatus(t, "after "+what, issued.ID, store.StatusActive)
	}
}

func TestTokensWithTheSamePasswordAreMarkedTogetherAndOthersAreNot(t *testing.T) {
	t.Parallel()
	f := setup(t)
	first, c := f.issue(t, Request{Name: "first"})
	f.acl(t, c.Username, ">second")
	alike, other := f.another(t, c, "secret"), f.another(t, c, "second")
	f.acl(t, c.Username, "<secret")
	f.clock.Advance(30 * time.Second)
	if _, err := f.Verify(t.Context(), first.Text, client("192.0.2.1")); !errors.Is(err, credentials.ErrStale) {
		t.Fatalf("%v, want ErrStale", err)
	}
	f.expectStatus(t, "the same password", alike.ID, store.StatusStale)
	f.expectStatus(t, "another password", other.ID, store.StatusActive)
	if _, err := f.Verify(t.Context(), other.Text, client("192.0.2.1")); err != nil {
		t.Errorf("another password: %v", err)
	}
	f.acl(t, c.Username, ">secret")
	f.clock.Advance(30 * time.Second)
	if _, err := f.Verify(t.Context(), alike.Text, client("192.0.2.1")); err != nil {
		t.Fatal(err)
	}
	f.expectStatus(t, "with the password back", first.ID, store.StatusActive)
}

// What this replica remembers is older than what another one may have written.
func TestOnlyALoginThatWasJustMadeChangesTheMark(t *testing.T) {
	t.Parallel()
	f := setup(t)
	issued, c := f.issue(t, Request{Name: "x"})
	verify := func() { _, _ = f.Verify(t.Context(), issued.Text, client("192.0.2.1")) }
	verify() // works, and is remembered
	sealed := []store.Sealed{{TokenID: issued.ID, Password: f.row(t, issued.ID).SealedPassword}}
	if _, err := f.store.MarkStale(t.Context(), sealed, f.clock.Now()); err != nil {
		t.Fatal(err)
	}
	verify()
	f.expectStatus(t, "marked by another replica", issued.ID, store.StatusStale)
	f.acl(t, c.Username, "off")
	f.clock.Advance(30 * time.Second)
	verify() // fails, and is remembered
	if _, err := f.store.MarkStale(t.Context(), sealed, time.Time{}); err != nil {
		t.Fatal(err)
	}
	verify()
	f.expectStatus(t, "unmarked by another replica", issued.ID, store.StatusActive)
}

func TestMarkIsWrittenAlsoWhenTheClientHasGone(t *testing.T) {
	t.Parallel()
	f := setup(t)
	issued, _ := f.issue(t, Request{Name: "x"})
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	f.noteStale(gone, f.row(t, issued.ID), f.clock.Now())
	f.expectStatus(t, "after the client has gone", issued.ID, store.StatusStale)
}

func TestRevokedAndExpiredComeBeforeStale(t *testing.T) {
	t.Parallel()
	f := setup(t)
	expired, c := f.issue(t, Request{Name: "x", TTLSeconds: 60})
	revoked := f.another(t, c, "secret")
	f.acl(t, c.Username, "off")
	f.clock.Advance(30 * time.Second)
	for _, issued := range []*Issued{expired, revoked} {
		if _, err := f.Verify(t.Context(), issued.Text, client("192.0.2.1")); !errors.Is(err, credentials.ErrStale) {
			t.Fatalf("%v, want ErrStale", err)
		}
	}
	f.clock.Advance(time.Minute)
	if _, err := f.Revoke(t.Context(), f.row(t, revoked.ID), RevokeRequest{By: f.row(t, revoked.ID).User}); err != nil {
		t.Fatal(err)
	}
	for issued, want := range map[*Issued]error{expired: ErrUnauthenticated, revoked: ErrRevoked} {
		if _, err := f.Verify(t.Context(), issued.Text, client("192.0.2.1")); !errors.Is(err, want) || errors.Is(err, credentials.ErrStale) {
			t.Errorf("%v, want %v", err, want)
		}
	}
}

func TestStaleTokenIsNotRotated(t *testing.T) {
	t.Parallel()
	f := setup(t)
	issued, c := f.issue(t, Request{Name: "x"})
	f.acl(t, c.Username, "off")
	f.clock.Advance(30 * time.Second)
	_, _ = f.Verify(t.Context(), issued.Text, client("192.0.2.1"))
	row := f.row(t, issued.ID)
	if _, _, err := f.Rotate(t.Context(), Issuer{Kept: credentials.OfToken(row)}, row, RotateRequest{}); !errors.Is(err, ErrStale) {
		t.Errorf("%v, want ErrStale", err)
	}
}
