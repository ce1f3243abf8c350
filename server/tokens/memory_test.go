package tokens

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/falkorpat/falkorpat/crypto"
	"github.com/falkorpat/falkorpat/server/credentials"
	"github.com/falkorpat/falkorpat/store"
)

// replica is another service on the same store.
func (f *fixture) replica(t *testing.T) *Service {
	t.Helper()
	o := f.options
	o.Lease = f.startLease(t, o.Keeper.Forget)
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func accepts(t *testing.T, s *Service, text string) *store.Token {
	t.Helper()
	a, err := s.Verify(t.Context(), text, client("192.0.2.1"))
	if err != nil {
		t.Fatal(err)
	}
	return a.Token()
}

func refuses(t *testing.T, s *Service, text string, want error) {
	t.Helper()
	if _, err := s.Verify(t.Context(), text, client("192.0.2.1")); !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
}

// remembers tells whether a token's text would be answered from memory.
func remembers(s *Service, text string) bool {
	k, ok := s.memory.texts.GetIfPresent(crypto.DigestToken(text))
	return ok && s.lease.Trusted(k.mark, s.now())
}

func TestRevocationReachesWhatOtherReplicasRemember(t *testing.T) {
	t.Parallel()
	f := setup(t)
	other := f.replica(t)
	for name, end := range map[string]func(*store.Token) error{
		"revoke": func(row *store.Token) error {
			_, err := f.Revoke(t.Context(), row, RevokeRequest{By: row.User})
			return err
		},
		"rotate": func(row *store.Token) error {
			_, _, err := f.Rotate(t.Context(), Issuer{}, row, RotateRequest{})
			return err
		},
	} {
		issued, _ := f.issue(t, Request{Name: "x"})
		for _, s := range []*Service{f.Service, other} {
			accepts(t, s, issued.Text)
			if !remembers(s, issued.Text) {
				t.Fatalf("%s: not remembered", name)
			}
		}
		if err := end(f.row(t, issued.ID)); err != nil {
			t.Fatal(err)
		}
		for _, s := range []*Service{f.Service, other} {
			refuses(t, s, issued.Text, ErrUnauthenticated)
		}
	}
}

func TestRepeatedRevocationTellsWhatTheFirstDidNot(t *testing.T) {
	t.Parallel()
	f := setup(t)
	other := f.replica(t)
	parent, _ := f.issue(t, Request{Name: "parent"})
	a, err := f.Verify(t.Context(), parent.Text, client("192.0.2.1"))
	if err != nil {
		t.Fatal(err)
	}
	child, err := f.Issue(t.Context(), issuerOf(a), Request{Name: "child"})
	if err != nil {
		t.Fatal(err)
	}
	accepts(t, other, parent.Text)
	accepts(t, other, child.Text)
	// The first one dies between the change and telling others of it.
	row := f.row(t, parent.ID)
	if _, err := f.store.RevokeToken(t.Context(), store.Revocation{TokenID: row.ID, By: row.User, At: f.clock.Now()}); err != nil {
		t.Fatal(err)
	}
	accepts(t, other, child.Text) // nobody has been promised anything yet
	if fresh, err := f.Revoke(t.Context(), row, RevokeRequest{By: row.User}); err != nil || fresh {
		t.Errorf("repeated: %t, %v", fresh, err)
	}
	refuses(t, other, parent.Text, ErrRevoked)
	refuses(t, other, child.Text, ErrRevoked)
}

func TestLimitsHoldForRememberedTokens(t *testing.T) {
	t.Parallel()
	f := setup(t)
	issued, _ := f.issue(t, Request{Name: "x", TTLSeconds: 3, AllowedIPs: []string{"192.0.2.1"}})
	accepts(t, f.Service, issued.Text)
	if !remembers(f.Service, issued.Text) {
		t.Fatal("not remembered")
	}
	if _, err := f.Verify(t.Context(), issued.Text, client("192.0.2.2")); !errors.Is(err, ErrAddress) {
		t.Errorf("from another address: %v", err)
	}
	f.clock.Advance(3 * time.Second)
	refuses(t, f.Service, issued.Text, ErrUnauthenticated)
}

func TestShorterLifeInTheStoreHoldsForRememberedTokens(t *testing.T) {
	t.Parallel()
	f := setup(t)
	issued, _ := f.issue(t, Request{Name: "x"})
	accepts(t, f.Service, issued.Text)
	if _, _, err := f.Rotate(t.Context(), Issuer{}, f.row(t, issued.ID), RotateRequest{Grace: time.Second}); err != nil {
		t.Fatal(err)
	}
	accepts(t, f.Service, issued.Text)
	if !remembers(f.Service, issued.Text) {
		t.Fatal("not remembered")
	}
	f.clock.Advance(time.Second)
	refuses(t, f.Service, issued.Text, ErrRotated)
}

func TestWhatARequestDoesToItsTokenStaysItsOwn(t *testing.T) {
	t.Parallel()
	f := setup(t)
	issued, _ := f.issue(t, Request{Name: "x"})
	for name, get := range map[string]func() *store.Token{
		"by its text": func() *store.Token { return accepts(t, f.Service, issued.Text) },
		"by its ID": func() *store.Token {
			row, err := f.memory.byID(t.Context(), issued.ID, f.clock.Now())
			if err != nil {
				t.Fatal(err)
			}
			return row
		},
	} {
		first := get()
		first.Name, first.SealedPassword, first.LastUse.IP = "changed", "", "203.0.113.1"
		f.Current(first)
		if second := get(); second.Name != "x" || second.SealedPassword == "" || second.LastUse.IP != "" {
			t.Errorf("%s: another request got %+v", name, second)
		}
	}
}

func TestChangesReachWhatOtherReplicasRememberOfAnID(t *testing.T) {
	t.Parallel()
	f := setup(t)
	other := f.replica(t)
	issued, _ := f.issue(t, Request{Name: "x"})
	first, err := other.Get(t.Context(), issued.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := other.memory.ids.GetIfPresent(issued.ID); !ok {
		t.Error("not remembered")
	}
	if _, err := f.Revoke(t.Context(), f.row(t, issued.ID), RevokeRequest{By: first.User}); err != nil {
		t.Fatal(err)
	}
	if now, err := other.Get(t.Context(), issued.ID); err != nil || now.RevokedAt.IsZero() {
		t.Errorf("after its revocation: %+v, %v", now, err)
	}
}

func TestIDsAreAskedForAnewWithoutALease(t *testing.T) {
	t.Parallel()
	f := setup(t)
	issued, _ := f.issue(t, Request{Name: "x"})
	if _, err := f.Get(t.Context(), issued.ID); err != nil {
		t.Fatal(err)
	}
	if err := f.lease.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := f.store.RevokeToken(t.Context(), store.Revocation{TokenID: issued.ID, By: f.row(t, issued.ID).User, At: f.clock.Now()}); err != nil {
		t.Fatal(err)
	}
	if now, err := f.Get(t.Context(), issued.ID); err != nil || now.RevokedAt.IsZero() {
		t.Errorf("what was remembered is given out: %+v, %v", now, err)
	}
}

func TestUnknownTextsAreRememberedBriefly(t *testing.T) {
	t.Parallel()
	f := setup(t)
	text, err := f.signing.Sign(crypto.Claims{ID: "1-00000000", Subject: "user-1", IssuedAt: f.clock.Now()})
	if err != nil {
		t.Fatal(err)
	}
	refuses(t, f.Service, text, ErrUnknown)
	if !remembers(f.Service, text) {
		t.Error("looked up again at once")
	}
	k, _ := f.memory.texts.GetIfPresent(crypto.DigestToken(text))
	for age, want := range map[time.Duration]bool{unknownAge - time.Second: true, unknownAge: false} {
		if got := f.lease.Trusted(k.mark, f.clock.Now().Add(age)); got && !want {
			t.Errorf("after %s still remembered", age)
		}
	}
	refuses(t, f.Service, text[:len(text)-4]+"AAAA", crypto.ErrTokenSignature)
	if n := f.memory.texts.EstimatedSize(); n != 1 {
		t.Errorf("%d texts are remembered; a stranger's must not be", n)
	}
}

func TestOneLookUpForAllWhoAskAtOnce(t *testing.T) { //nolint:paralleltest // it counts what the store is asked
	f := setup(t)
	issued, _ := f.issue(t, Request{Name: "x"})
	accepts(t, f.Service, issued.Text)
	queries := func() int {
		t.Helper()
		var n int
		info := f.raw.Info(t.Context(), "commandstats").Val()
		_, rest, _ := strings.Cut(info, "cmdstat_graph.RO_QUERY:calls=")
		if _, err := fmt.Sscanf(rest, "%d,", &n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	f.lease.Drop(issued.ID)
	before := queries()
	var group sync.WaitGroup
	start := make(chan struct{})
	for range 50 {
		group.Go(func() {
			<-start
			if _, err := f.Verify(t.Context(), issued.Text, client("192.0.2.1")); err != nil {
				t.Error(err)
			}
		})
	}
	close(start)
	group.Wait()
	for range 50 {
		accepts(t, f.Service, issued.Text)
	}
	if n := queries() - before; n != 1 {
		t.Errorf("%d look-ups for 100 requests", n)
	}
}

func TestNobodyWaitsForALookUpFromBeforeAChange(t *testing.T) {
	t.Parallel()
	f := setup(t)
	issued, _ := f.issue(t, Request{Name: "x"})
	text, now := crypto.DigestToken(issued.Text), f.clock.Now()
	verified, err := f.signing.Verify(issued.Text, now)
	if err != nil {
		t.Fatal(err)
	}
	// A look-up that has found the token active, and is slow to say so.
	point := f.lease.Mark(issued.ID, now).Point
	slow := &answer{done: make(chan struct{})}
	f.memory.underWay[question{text, point}] = slow
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.memory.lookUp(ended, text, verified.Claims(), now); !errors.Is(err, context.Canceled) {
		t.Errorf("did not wait for the one under way: %v", err)
	}
	row := f.row(t, issued.ID)
	if _, err := f.Revoke(t.Context(), row, RevokeRequest{By: row.User}); err != nil {
		t.Fatal(err)
	}
	refuses(t, f.Service, issued.Text, ErrRevoked)
}

func TestWithoutALeaseTheStoreIsAskedEveryTime(t *testing.T) {
	t.Parallel()
	f := setup(t)
	issued, _ := f.issue(t, Request{Name: "x"})
	accepts(t, f.Service, issued.Text)
	if err := f.lease.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	row := f.row(t, issued.ID)
	if _, err := f.store.RevokeToken(t.Context(), store.Revocation{TokenID: row.ID, By: row.User, At: f.clock.Now()}); err != nil {
		t.Fatal(err)
	}
	refuses(t, f.Service, issued.Text, ErrRevoked)
	if err := f.store.Close(); err != nil {
		t.Fatal(err)
	}
	refuses(t, f.Service, issued.Text, store.ErrUnavailable)
}

func TestNotingAUseAllocatesNothing(t *testing.T) { //nolint:paralleltest // allocations of others would count
	f := setup(t)
	row, place, from := &store.Token{ID: "1-a"}, new(atomic.Pointer[usage]), client("2001:db8::1")
	now := f.clock.Now()
	if n := testing.AllocsPerRun(100, func() { f.recorder.record(row, place, now, from) }); n != 0 {
		t.Errorf("%f allocations", n)
	}
}

func TestUseOfAForgottenTokenIsNoted(t *testing.T) {
	t.Parallel()
	f := setup(t)
	row, place := &store.Token{ID: "1-a"}, new(atomic.Pointer[usage])
	for range 2 {
		f.recorder.record(row, place, f.clock.Now(), client("192.0.2.1"))
		if use, ok := f.recorder.latest("1-a"); !ok || use.IP != "192.0.2.1" {
			t.Fatalf("noted %+v", use)
		}
		for range 2 {
			if err := f.recorder.flush(t.Context(), false); err != nil {
				t.Fatal(err)
			}
			f.clock.Advance(6 * time.Minute)
		}
		if _, ok := f.recorder.latest("1-a"); ok {
			t.Fatal("not forgotten")
		}
	}
}

// issuerOf is who makes tokens from an accepted one.
func issuerOf(a Accepted) Issuer {
	return Issuer{Kept: credentials.OfToken(a.Token()), Role: a.Role(), Permissions: a.Permissions(), Token: a.Token()}
}
