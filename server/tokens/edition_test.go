package tokens

import (
	"crypto/rand"
	"log/slog"
	"testing"
	"time"

	"github.com/falkorpat/falkorpat/server/lease"
	"github.com/falkorpat/falkorpat/store"
)

func editionOf(t *testing.T, s *Service) Edition {
	t.Helper()
	e, known, err := s.Edition(t.Context())
	if err != nil || !known {
		t.Fatalf("edition: %t, %v", known, err)
	}
	return e
}

func TestEditionChangesWithWhatListsShow(t *testing.T) {
	t.Parallel()
	f := setup(t)
	other := f.replica(t)
	issued, _ := f.issue(t, Request{Name: "x"})
	row := f.row(t, issued.ID)
	use := func(from Client) {
		if _, err := f.Verify(t.Context(), issued.Text, from); err != nil {
			t.Error(err)
		}
	}
	agent := client("192.0.2.1")
	agent.Agent = "another"
	before := editionOf(t, f.Service)
	for _, c := range []struct {
		name    string
		change  func()
		changed func(a, b Edition) bool
	}{
		{"first use", func() { use(client("192.0.2.1")) }, usesDiffer},
		{"from another address", func() { use(client("192.0.2.2")) }, usesDiffer},
		{"from the first one again", func() { use(client("192.0.2.1")) }, usesDiffer},
		{"with another agent", func() { use(agent) }, usesDiffer},
		{"a second later", func() { f.clock.Advance(time.Second); use(agent) }, usesDiffer},
		{"time", func() { f.clock.Advance(time.Second) }, func(a, b Edition) bool { return a.second != b.second }},
		{"another replica's revocation", func() {
			if _, err := other.Revoke(t.Context(), row, RevokeRequest{By: row.User}); err != nil {
				t.Error(err)
			}
		}, func(a, b Edition) bool { return a.stored != b.stored }},
	} {
		c.change()
		after := editionOf(t, f.Service)
		if !c.changed(before, after) || after == before {
			t.Errorf("%s: still %+v", c.name, after)
		}
		before = after
	}
}

func usesDiffer(a, b Edition) bool { return a.uses != b.uses }

func TestUsesThatListsShowAlikeMakeNoEdition(t *testing.T) {
	t.Parallel()
	f := setup(t)
	issued, _ := f.issue(t, Request{Name: "x"})
	accepts(t, f.Service, issued.Text)
	before := editionOf(t, f.Service)
	for range 3 {
		f.clock.Advance(time.Millisecond)
		accepts(t, f.Service, issued.Text)
	}
	if after := editionOf(t, f.Service); usesDiffer(before, after) || before.second != after.second {
		t.Errorf("%+v became %+v", before, after)
	}
}

// The statuses that a list shows are those of the whole second of its edition.
func TestStatusesHoldForASecond(t *testing.T) {
	t.Parallel()
	f := setup(t)
	issued, _ := f.issue(t, Request{Name: "x", TTLSeconds: 2})
	row := f.row(t, issued.ID)
	for range 5 {
		second := f.clock.Now().Truncate(time.Second)
		last := second.Add(time.Second - time.Nanosecond)
		if got, want := row.Status(last), row.Status(second); got != want {
			t.Errorf("%s at the end of a second, %s at its beginning", got, want)
		}
		f.clock.Advance(time.Second)
	}
	if got := row.Status(f.clock.Now()); got != store.StatusExpired {
		t.Errorf("%s in the end", got)
	}
}

func TestThereIsNoEditionWhereNothingIsRemembered(t *testing.T) {
	t.Parallel()
	f := setup(t)
	o := f.options
	var err error
	if o.Lease, err = lease.New(lease.Options{
		Client: f.raw, Graph: f.graph, Off: true, Now: f.clock.Now, Random: rand.Reader, Log: slog.New(slog.DiscardHandler),
	}); err != nil {
		t.Fatal(err)
	}
	off, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	if e, known, err := off.Edition(t.Context()); known || err != nil {
		t.Errorf("%+v, %t, %v", e, known, err)
	}
}
