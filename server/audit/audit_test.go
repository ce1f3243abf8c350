package audit

import (
	"crypto/rand"
	"errors"
	"log/slog"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/falkorpat/falkorpat/store"
)

func TestEventSaysWhoFromWhereWhenAndWhat(t *testing.T) {
	t.Parallel()
	ctx := WithOrigin(WithActor(t.Context(), ada, "1-actor"), netip.MustParseAddr("192.0.2.1"), "curl")
	token := &store.Token{ID: "1-a", Name: "nightly", User: store.User{Username: "grace", Host: "db.example", Port: 7000}}
	got := setup(t).Success(ctx, store.ActionTokenRevoked, token)
	got.ID = ""
	want := store.Event{
		At: time.Date(2026, 11, 22, 12, 0, 0, 123_000_000, time.UTC), Host: "db.example", Port: 7000,
		Action: store.ActionTokenRevoked, Outcome: store.OutcomeSuccess, UserID: "user-1", Username: "ada", ActorTokenID: "1-actor",
		IP: "192.0.2.1", Agent: "curl", TokenID: "1-a", TokenName: "nightly", Owner: "grace",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestEventOfNobodyKnownSaysSo(t *testing.T) {
	t.Parallel()
	e := setup(t).Success(t.Context(), store.ActionTokenCreated, &store.Token{User: ada})
	if e.UserID != "" || e.Username != "" || e.ActorTokenID != "" || e.IP != "" || e.Agent != "" {
		t.Errorf("an event without actor and origin: %+v", e)
	}
}

func TestEveryEventHasItsOwnID(t *testing.T) {
	t.Parallel()
	f := setup(t)
	one, two := f.Service, f.replica(t)
	seen := map[string]bool{}
	for range 100 {
		for _, s := range []*Service{one, two} {
			id := s.Success(t.Context(), store.ActionTokenCreated, &store.Token{}).ID
			if seen[id] || len(strings.TrimSpace(id)) < 18 {
				t.Fatalf("ID %q", id)
			}
			seen[id] = true
		}
	}
}

func TestNewNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	now := func() time.Time { return noon }
	broken := errors.New("no randomness")
	kept, log := setup(t).store, slog.New(slog.DiscardHandler)
	for want, o := range map[string]Options{
		"Store is missing":  {Random: rand.Reader, Now: now, Log: log},
		"Log is missing":    {Random: rand.Reader, Now: now, Store: kept},
		"Now is missing":    {Random: rand.Reader, Store: kept, Log: log},
		"Random is missing": {Now: now, Store: kept, Log: log},
		"no randomness":     {Now: now, Random: iotest.ErrReader(broken), Store: kept, Log: log},
		"at least 24 hours": {Now: now, Random: rand.Reader, Store: kept, Log: log, Retention: time.Hour},
	} {
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
