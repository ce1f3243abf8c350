package audit

import (
	"context"
	"net/netip"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/falkorpat/falkorpat/store"
)

func (f *fixture) listed(t *testing.T) []store.Event {
	t.Helper()
	page, err := f.List(t.Context(), store.EventQuery{Instance: "localhost:6379", Limit: 1000}, "")
	if err != nil {
		t.Fatal(err)
	}
	return page.Events
}

func TestTheSameRefusalIsToldOnceAMinute(t *testing.T) {
	t.Parallel()
	f := setup(t)
	token := &store.Token{ID: "1-a", User: ada}
	refuse := func(reason string) {
		for range 5 {
			f.Note(t.Context(), store.ActionTokenUseDenied, token, store.OutcomeDenied, reason)
		}
	}
	expect := func(want int) {
		t.Helper()
		if got := f.listed(t); len(got) != want {
			t.Errorf("%d events, want %d", len(got), want)
		}
	}
	refuse("token_rotated")
	expect(1)
	refuse("address_not_allowed")
	expect(2)
	f.advance(time.Minute - time.Second)
	refuse("token_rotated")
	expect(2)
	f.advance(time.Second)
	refuse("token_rotated")
	expect(3)
}

func TestRefusalsWithoutATokenAreToldApartByWhoAndWhere(t *testing.T) {
	t.Parallel()
	f := setup(t)
	for _, owner := range []string{"ada", "grace", "ada"} {
		for _, ip := range []string{"192.0.2.1", "192.0.2.2", "192.0.2.1"} {
			ctx := WithOrigin(t.Context(), netip.MustParseAddr(ip), "curl")
			user := store.User{Username: owner, Host: "localhost", Port: 6379}
			f.Note(ctx, store.ActionTokenCreateFailed, &store.Token{User: user}, store.OutcomeFailed, "invalid_credentials")
		}
	}
	events := f.listed(t)
	if len(events) != 4 {
		t.Errorf("%d events, want 4", len(events))
	}
	for _, e := range events {
		if e.Username != "" || e.Owner == "" || e.IP == "" || e.Outcome != store.OutcomeFailed || e.Reason != "invalid_credentials" {
			t.Errorf("%+v", e)
		}
	}
}

func TestRefusalsAreBounded(t *testing.T) {
	t.Parallel()
	f := setup(t)
	for i := range maxQueued + 5 {
		f.Note(t.Context(), store.ActionTokenUseDenied, &store.Token{ID: strconv.Itoa(i), User: ada}, store.OutcomeDenied, "x")
	}
	if n := len(f.queue.events); n != maxQueued || f.queue.dropped != 5 {
		t.Errorf("%d events and %d dropped", n, f.queue.dropped)
	}
	f.advance(time.Minute)
	f.queue.take(f.now())
	if n := len(f.queue.told); n != 0 {
		t.Errorf("%d are still remembered", n)
	}
}

func TestRefusalsThatCannotBeWrittenAreKept(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.Note(t.Context(), store.ActionTokenUseDenied, &store.Token{ID: "1-a", User: ada}, store.OutcomeDenied, "x")
	dead, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.Flush(dead); err == nil {
		t.Fatal("a flush with an ended context succeeded")
	}
	if got := f.listed(t); len(got) != 1 {
		t.Errorf("%d events", len(got))
	}
}

func TestStopWritesWhatWaitsAndMayBeRepeated(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.Start(t.Context())
	f.Note(t.Context(), store.ActionTokenUseDenied, &store.Token{ID: "1-a", User: ada}, store.OutcomeDenied, "x")
	for range 2 {
		if err := f.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	chain, err := f.store.Chain(t.Context(), "localhost:6379")
	if err != nil || chain.Head.Seq != 1 {
		t.Errorf("%+v, %v", chain, err)
	}
}

// Whoever tries to log in chooses the name.
func TestTextThatCannotBeKeptKeepsNothingElseFromBeingWritten(t *testing.T) {
	t.Parallel()
	f := setup(t)
	for _, owner := range []string{"a\x00b", "c\xffd", "ada"} {
		user := store.User{Username: owner, Host: "localhost", Port: 6379}
		f.Note(t.Context(), store.ActionTokenCreateFailed, &store.Token{User: user}, store.OutcomeFailed, "invalid_credentials")
	}
	var owners []string
	for _, e := range f.listed(t) {
		owners = append(owners, e.Owner)
	}
	slices.Sort(owners)
	if want := []string{"ada", "a\uFFFDb", "c\uFFFDd"}; !slices.Equal(owners, want) {
		t.Errorf("owners are %q, want %q", owners, want)
	}
}
