package store

import (
	"errors"
	"testing"
	"time"
)

// told makes an event about a token, as the service would.
func told(action Action, t *Token) Event {
	return Event{
		ID: "e-" + string(action) + "-" + t.ID, At: noon.Add(123 * time.Millisecond), Host: "localhost", Port: 6379,
		Action: action, Outcome: OutcomeSuccess, UserID: alice.ID, Username: "alice", ActorTokenID: "1-actor", IP: "192.0.2.1", Agent: `curl "8" \`,
		TokenID: t.ID, TokenName: t.Name, Owner: t.User.Username, Details: map[string]string{"b": "<2>", "a": `"1"`},
	}
}

func TestEventIsWrittenWithTheChange(t *testing.T) {
	t.Parallel()
	s := setup(t)
	token := newToken(t, alice, noon)
	if err := s.CreateToken(t.Context(), token, nil, told(ActionTokenCreated, token)); err != nil {
		t.Fatal(err)
	}
	events := raw(t, s, `MATCH (e:Event) RETURN e.event_id, e.unchained, e.at, e.instance, e.action, e.outcome, e.reason, e.user_id, e.username, e.actor_token_id,
		e.ip, e.agent, e.token_id, e.token_name, e.owner, e.details`)
	equal(t, "event", events, [][]any{{
		"e-token.created-" + token.ID, "true", noon.UnixMilli() + 123, "localhost:6379", "token.created", "success", "", alice.ID, "alice", "1-actor",
		"192.0.2.1", `curl "8" \`, token.ID, "CI/CD Pipeline Token", "alice", `{"a":"\"1\"","b":"<2>"}`,
	}})
}

// A change that does not take place is not told of.
func TestNoChangeNoEvent(t *testing.T) {
	t.Parallel()
	s := setup(t)
	first := create(t, s, alice)
	twice, orphan, heir := newToken(t, alice, noon), newToken(t, alice, noon), newToken(t, alice, noon)
	twice.Hash, orphan.IssuerID = first.Hash, "1-unknown"
	revoke(t, s, first.ID)
	raw(t, s, `MATCH (e:Event) DELETE e`)
	for name, c := range map[string]struct {
		err  error
		want error
	}{
		"conflict": {s.CreateToken(t.Context(), twice, nil, told(ActionTokenCreated, twice)), ErrConflict},
		"orphan":   {s.CreateToken(t.Context(), orphan, nil, told(ActionTokenCreated, orphan)), ErrIssuerInactive},
		"rotation of a revoked token": {s.RotateToken(t.Context(), Rotation{
			OldID: first.ID, OldUntil: noon, New: heir, Events: []Event{told(ActionTokenRotated, first)},
		}), ErrNotRotatable},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: %v, want %v", name, c.err, c.want)
		}
	}
	if ended := revoke(t, s, first.ID); len(ended) != 0 {
		t.Errorf("second revocation ended %v", ended)
	}
	if n := count(t, s, `MATCH (e:Event) RETURN count(e)`); n != 0 {
		t.Errorf("%d events of what did not happen", n)
	}
}

func TestRotationIsToldOfBothTokens(t *testing.T) {
	t.Parallel()
	s := setup(t)
	old, next := create(t, s, alice), newToken(t, alice, noon)
	if err := s.RotateToken(t.Context(), Rotation{
		OldID: old.ID, OldUntil: noon, New: next, Events: []Event{told(ActionTokenRotated, old), told(ActionTokenCreated, next)},
	}); err != nil {
		t.Fatal(err)
	}
	events := raw(t, s, `MATCH (e:Event) RETURN e.action, e.token_id ORDER BY e.action`)
	equal(t, "events", events, [][]any{{"token.created", next.ID}, {"token.rotated", old.ID}})
}

// A revocation tells of each token that it ended, and why that one.
func TestEveryRevokedTokenHasItsEvent(t *testing.T) {
	t.Parallel()
	s := setup(t)
	root, next, other := create(t, s, alice), newToken(t, alice, noon), create(t, s, bob)
	if err := s.RotateToken(t.Context(), Rotation{OldID: root.ID, OldUntil: noon.Add(time.Hour), New: next}); err != nil {
		t.Fatal(err)
	}
	child := create(t, s, alice, from(next))
	grandchild := create(t, s, alice, from(child))
	dead := create(t, s, alice, from(next))
	revoke(t, s, dead.ID)
	raw(t, s, `MATCH (e:Event) DELETE e`)
	event := told(ActionTokenRevoked, root)
	event.Reason = ReasonReport
	ended, err := s.RevokeToken(t.Context(), Revocation{TokenID: root.ID, By: bob, At: noon, IP: "192.0.2.9", Event: event})
	if err != nil {
		t.Fatal(err)
	}
	events := raw(t, s, `MATCH (e:Event) RETURN e.token_id, e.reason, e.owner, e.event_id ORDER BY e.token_id`)
	want := map[string]string{root.ID: "report", next.ID: "rotation", child.ID: "issuer", grandchild.ID: "issuer"}
	if len(events) != len(want) || len(ended) != len(want) {
		t.Errorf("%d events and %d tokens ended, want %d; other is %s", len(events), len(ended), len(want), other.ID)
	}
	for _, e := range events {
		id, _ := e[0].(string)
		if e[1] != want[id] || e[2] != "alice" || e[3] != event.ID+"/"+id {
			t.Errorf("event of %s: %v, want reason %q", id, e, want[id])
		}
	}
}

func TestSparedSuccessorHasNoEvent(t *testing.T) {
	t.Parallel()
	s := setup(t)
	old, middle, next := create(t, s, alice), newToken(t, alice, noon), newToken(t, alice, noon)
	for _, r := range []Rotation{
		{OldID: old.ID, OldUntil: noon.Add(time.Hour), New: middle}, {OldID: middle.ID, OldUntil: noon.Add(time.Hour), New: next},
	} {
		if err := s.RotateToken(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	event := told(ActionTokenRevoked, middle)
	event.Reason = ReasonDirect
	if _, err := s.RevokeToken(t.Context(), Revocation{TokenID: middle.ID, By: alice, At: noon, KeepSuccessor: true, Event: event}); err != nil {
		t.Fatal(err)
	}
	events := raw(t, s, `MATCH (e:Event) RETURN e.token_id, e.reason ORDER BY e.reason`)
	equal(t, "events", events, [][]any{{middle.ID, "direct"}, {old.ID, "rotation"}})
}

func TestOneOfManyParallelRevocationsIsTold(t *testing.T) {
	t.Parallel()
	s := setup(t)
	token := create(t, s, alice)
	for i, err := range parallel(50, func(int) error {
		_, err := s.RevokeToken(t.Context(), Revocation{TokenID: token.ID, By: alice, At: noon, Event: told(ActionTokenRevoked, token)})
		return err
	}) {
		if err != nil {
			t.Errorf("%d: %v", i, err)
		}
	}
	if n := count(t, s, `MATCH (e:Event) RETURN count(e)`); n != 1 {
		t.Errorf("%d events of one revocation", n)
	}
}
