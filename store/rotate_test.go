package store

import (
	"errors"
	"testing"
	"time"
)

// rotate replaces a token and gives the one that took its place.
func rotate(t *testing.T, s *Store, old *Token, grace time.Duration, change ...func(*Token)) *Token {
	t.Helper()
	next := newToken(t, old.User, noon)
	for _, apply := range change {
		apply(next)
	}
	if err := s.RotateToken(t.Context(), Rotation{OldID: old.ID, OldUntil: noon.Add(grace), New: next}); err != nil {
		t.Fatal(err)
	}
	return next
}

func TestRotationLinksBothAndEndsTheOldAfterItsGrace(t *testing.T) {
	t.Parallel()
	s := setup(t)
	soon := noon.Add(30 * time.Second)
	for _, c := range []struct {
		ends, want time.Time
		grace      time.Duration
	}{
		{time.Time{}, noon, 0},
		{time.Time{}, noon.Add(time.Hour), time.Hour},
		{soon, soon, time.Hour},
		{soon, noon.Add(time.Second), time.Second},
	} {
		old := create(t, s, alice, expiringAt(c.ends))
		next := rotate(t, s, old, c.grace)
		got := byID(t, s, old.ID)
		if got.RotatedTo != next.ID || !got.RotatedAt.Equal(noon) || !got.ExpiresAt.Equal(c.want) || got.RotatedFrom != "" {
			t.Errorf("old: %+v, want it to end at %v", got, c.want)
		}
		if got := byID(t, s, next.ID); got.RotatedFrom != old.ID || got.RotatedTo != "" || got.Status(noon) != StatusActive {
			t.Errorf("new: %+v", got)
		}
		equal(t, "edges", raw(t, s, `MATCH (o {token_id: $token_id})-[e:ROTATED_TO]->(n) RETURN n.token_id, e.at`, param{"token_id", old.ID}),
			[][]any{{next.ID, noon.Unix()}})
	}
}

func TestOnlyAWorkingTokenIsRotatedAndOnlyOnce(t *testing.T) {
	t.Parallel()
	s := setup(t)
	revoked, rotated := create(t, s, alice), create(t, s, alice)
	revoke(t, s, revoked.ID)
	rotate(t, s, rotated, time.Hour)
	for name, id := range map[string]string{
		"revoked": revoked.ID, "rotated": rotated.ID, "expired": create(t, s, alice, expiringAt(noon)).ID, "unknown": "1-none",
	} {
		next := newToken(t, alice, noon)
		if err := s.RotateToken(t.Context(), Rotation{OldID: id, OldUntil: noon, New: next}); !errors.Is(err, ErrNotRotatable) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := s.TokenByID(t.Context(), next.ID); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: the new one is there: %v", name, err)
		}
	}
}

func TestRotationsAtOnceGiveOneSuccessor(t *testing.T) {
	t.Parallel()
	s := setup(t)
	old := create(t, s, alice)
	won := 0
	for _, err := range parallel(50, func(int) error {
		return s.RotateToken(t.Context(), Rotation{OldID: old.ID, OldUntil: noon.Add(time.Hour), New: newToken(t, alice, noon)})
	}) {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, ErrNotRotatable):
			t.Error(err)
		}
	}
	if n := count(t, s, `MATCH (t:Token) RETURN count(t)`); won != 1 || n != 2 {
		t.Errorf("%d rotations succeeded, %d tokens", won, n)
	}
}

func TestRotationAndRevocationAtOnceLeaveNothingWorking(t *testing.T) {
	t.Parallel()
	s := setup(t)
	for range 20 {
		old := create(t, s, alice)
		parallel(8, func(i int) error {
			if i == 0 {
				_, err := s.RevokeToken(t.Context(), Revocation{TokenID: old.ID, By: alice, At: noon})
				return err
			}
			return s.RotateToken(t.Context(), Rotation{OldID: old.ID, OldUntil: noon.Add(time.Hour), New: newToken(t, alice, noon)})
		})
	}
	if n := count(t, s, `MATCH (t:Token) WHERE t.is_active = true RETURN count(t)`); n != 0 {
		t.Errorf("%d tokens work", n)
	}
}

func TestRevocationTakesTheWholeChainAndAllMadeFromIt(t *testing.T) {
	t.Parallel()
	for which := range 3 {
		s := setup(t)
		other := create(t, s, alice)
		root := create(t, s, alice)
		first := create(t, s, alice, from(root))
		early := create(t, s, alice, from(first))
		second := rotate(t, s, first, time.Hour, from(root))
		third := rotate(t, s, second, time.Hour, from(root))
		late := create(t, s, alice, from(third))
		chain := []*Token{first, second, third}
		want := sorted([]string{first.ID, early.ID, second.ID, third.ID, late.ID})
		equal(t, "ended", revoke(t, s, chain[which].ID), want)
		for _, one := range []*Token{other, root} {
			if byID(t, s, one.ID).Status(noon) != StatusActive {
				t.Errorf("%s fell too", one.ID)
			}
		}
	}
}

func TestIssuerTakesSuccessorsOfItsTokensAlong(t *testing.T) {
	t.Parallel()
	s := setup(t)
	root := create(t, s, alice)
	next := rotate(t, s, root, time.Hour)
	child := create(t, s, alice, from(root))
	successor := rotate(t, s, child, time.Hour, from(root))
	equal(t, "ended", revoke(t, s, next.ID), sorted([]string{root.ID, next.ID, child.ID, successor.ID}))
}

func TestSuccessorIsSparedWhenAskedFor(t *testing.T) {
	t.Parallel()
	s := setup(t)
	first := create(t, s, alice)
	child := create(t, s, alice, from(first))
	second := rotate(t, s, first, time.Hour)
	third := rotate(t, s, second, time.Hour)
	ended, err := s.RevokeToken(t.Context(), Revocation{TokenID: second.ID, By: alice, At: noon, KeepSuccessor: true})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "ended", sorted(ended), sorted([]string{first.ID, second.ID}))
	for _, one := range []*Token{child, third} {
		if byID(t, s, one.ID).Status(noon) != StatusActive {
			t.Errorf("%s fell too", one.ID)
		}
	}
}

func TestIssuerIsFoundWithTheEndOfItsLatestSuccessor(t *testing.T) {
	t.Parallel()
	s := setup(t)
	root := create(t, s, alice, expiringAt(noon.Add(time.Hour)))
	child := create(t, s, alice, from(root))
	ends := noon.Add(48 * time.Hour)
	rotate(t, s, rotate(t, s, root, 0), 0, expiringAt(ends))
	for id, want := range map[string]string{root.ID: "", child.ID: root.ID} {
		issuer, until, err := s.Issuer(t.Context(), id)
		if err != nil || issuer != want || want != "" && !until.Equal(ends) {
			t.Errorf("issuer of %s is %q until %v, %v", id, issuer, until, err)
		}
	}
}

func TestKeyMakesOneTokenUntilItIsOver(t *testing.T) {
	t.Parallel()
	s := setup(t)
	key := &IdempotencyKey{Hash: "key", BodyHash: "body", ExpiresAt: noon.Add(24 * time.Hour)}
	won := 0
	for _, err := range parallel(50, func(int) error {
		token := newToken(t, alice, noon)
		token.ExpiresAt = noon.Add(time.Hour)
		return s.CreateToken(t.Context(), token, key)
	}) {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, ErrConflict):
			t.Error(err)
		}
	}
	if n := count(t, s, `MATCH (t:Token) RETURN count(t)`); won != 1 || n != 1 {
		t.Fatalf("%d creations succeeded, %d tokens", won, n)
	}
	earlier, err := s.EarlierToken(t.Context(), "key", key.ExpiresAt.Add(-time.Second))
	if err != nil || earlier.BodyHash != "body" || !earlier.ExpiresAt.Equal(noon.Add(time.Hour)) || byID(t, s, earlier.TokenID).User != alice {
		t.Errorf("earlier is %+v, %v", earlier, err)
	}
	if _, err := s.EarlierToken(t.Context(), "key", key.ExpiresAt); !errors.Is(err, ErrNotFound) {
		t.Errorf("a key that is over: %v", err)
	}
	old := create(t, s, alice)
	next := newToken(t, alice, noon)
	if err := s.RotateToken(t.Context(), Rotation{OldID: old.ID, OldUntil: noon, New: next, Key: key}); err != nil {
		t.Fatalf("the key can't be used again: %v", err)
	}
	if earlier, err := s.EarlierToken(t.Context(), "key", noon); err != nil || earlier.TokenID != next.ID {
		t.Errorf("earlier is %+v, %v", earlier, err)
	}
	swept, err := s.Sweep(t.Context(), time.Time{}, key.ExpiresAt, 10)
	if err != nil || swept.Keys != 1 {
		t.Errorf("swept %+v, %v", swept, err)
	}
}
