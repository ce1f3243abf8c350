package store

import (
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestManyTokensEndWithAllThatFallsWithThem(t *testing.T) {
	t.Parallel()
	s := setup(t)
	a, b, bystander := create(t, s, alice), create(t, s, bob), create(t, s, alice)
	child := create(t, s, alice, from(a))
	grandchild := create(t, s, alice, from(child))
	gone := create(t, s, bob)
	revoke(t, s, gone.ID)
	session := newSession(t, alice)
	if err := s.CreateSession(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	named := []string{a.ID, b.ID, child.ID, gone.ID, session.ID, "1-unknown", a.ID}
	want := sorted([]string{a.ID, b.ID, child.ID, grandchild.ID})
	would, err := s.WouldRevoke(t.Context(), named)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "would end", sorted(would), want)
	if byID(t, s, a.ID).Status(noon) != StatusActive {
		t.Error("asking what would end ended it")
	}
	later := noon.Add(time.Hour)
	r := Revocation{By: bob, At: later, IP: "192.0.2.7", Event: Event{ID: "e", At: later, Host: "localhost", Port: 6379, Action: ActionTokenRevoked, Reason: ReasonBulk}}
	ended, err := s.RevokeTokens(t.Context(), named, r)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "ended", sorted(ended), want)
	for _, id := range want {
		if got := byID(t, s, id); got.Active || !got.RevokedAt.Equal(later) || got.SealedPassword != "" {
			t.Errorf("%s still stands: %+v", id, got)
		}
	}
	if got := byID(t, s, gone.ID).RevokedAt; !got.Equal(noon) {
		t.Errorf("what was revoked before is now at %v", got)
	}
	if got := byID(t, s, bystander.ID).Status(noon); got != StatusActive {
		t.Errorf("bystander is %s", got)
	}
	equal(t, "events", raw(t, s, `MATCH (e:Event) WHERE e.reason <> '' RETURN e.token_id, e.reason ORDER BY e.token_id`), func() (rows [][]any) {
		for _, id := range want {
			rows = append(rows, []any{id, map[bool]string{true: ReasonBulk, false: reasonIssuer}[id != grandchild.ID]})
		}
		return rows
	}())
	if again, err := s.RevokeTokens(t.Context(), named, r); err != nil || len(again) != 0 {
		t.Errorf("again: %v, %v", again, err)
	}
	if _, err := s.SessionByHash(t.Context(), session.Hash, noon); err != nil {
		t.Errorf("session: %v", err)
	}
}

// The lineage is worked out upwards, revocations downwards: the two must agree,
// in whatever way tokens were made from each other and rotated.
func TestLineageIsAllThatATokenFallsWith(t *testing.T) {
	t.Parallel()
	s := setup(t)
	rapid.Check(t, func(r *rapid.T) {
		tokens := []*Token{create(t, s, alice)}
		for range rapid.IntRange(1, 10).Draw(r, "more") {
			base := rapid.SampledFrom(tokens).Draw(r, "base")
			if base.RotatedTo == "" && rapid.Bool().Draw(r, "rotate") {
				next := newToken(t, alice, noon)
				next.IssuerID = base.IssuerID
				if err := s.RotateToken(t.Context(), Rotation{OldID: base.ID, OldUntil: noon.Add(time.Hour), New: next}); err != nil {
					r.Fatal(err)
				}
				base.RotatedTo = next.ID
				tokens = append(tokens, next)
				continue
			}
			tokens = append(tokens, create(t, s, alice, from(base)))
		}
		asking := rapid.SampledFrom(tokens).Draw(r, "asking")
		var want []string
		for _, one := range tokens {
			fall, err := s.WouldRevoke(t.Context(), []string{one.ID})
			if err != nil {
				r.Fatal(err)
			}
			if slices.Contains(fall, asking.ID) {
				want = append(want, one.ID)
			}
		}
		got, err := s.Lineage(t.Context(), asking.ID)
		if err != nil || !slices.Equal(sorted(got), sorted(want)) {
			r.Fatalf("lineage is %v, %v, want %v", sorted(got), err, sorted(want))
		}
	})
}

func TestTokensAreFoundByTheirIDs(t *testing.T) {
	t.Parallel()
	s := setup(t)
	a, b := create(t, s, alice), create(t, s, bob)
	session := newSession(t, alice)
	if err := s.CreateSession(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	got, err := s.TokensByID(t.Context(), []string{b.ID, session.ID, "1-unknown", a.ID})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "found", sorted(ids(got)), sorted([]string{a.ID, b.ID}))
	if got, err := s.TokensByID(t.Context(), nil); err != nil || len(got) != 0 {
		t.Errorf("none: %v, %v", got, err)
	}
	if _, err := s.TokensByID(t.Context(), []string{"\x00"}); !errors.Is(err, ErrInvalidText) {
		t.Errorf("got %v", err)
	}
}

func TestManyRevocationsOfOneTokenAtOnceEndItOnce(t *testing.T) {
	t.Parallel()
	s := setup(t)
	root, other := create(t, s, alice), create(t, s, alice)
	child := create(t, s, alice, from(root))
	ended := parallel(50, func(i int) []string {
		if i%2 == 0 {
			return revoke(t, s, root.ID)
		}
		ids, err := s.RevokeTokens(t.Context(), []string{other.ID, child.ID, root.ID}, Revocation{By: alice, At: noon, IP: "192.0.2.1"})
		if err != nil {
			t.Error(err)
		}
		return ids
	})
	equal(t, "ended in all", sorted(slices.Concat(ended...)), sorted([]string{root.ID, other.ID, child.ID}))
	eventually(t, "the edges are there", func() bool { return count(t, s, `MATCH (:Token)-[r:REVOKED_BY]->(:User) RETURN count(r)`) == 3 })
}
