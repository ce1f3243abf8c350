package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/falkorpat/falkorpat/gen/client"
)

// rotate rotates a token, which must succeed.
func (c *caller) rotate(id, body string, headers ...string) client.TokenRotated {
	c.t.Helper()
	a := c.post("/api/auth/tokens/"+id+"/rotate", body, headers...)
	var rotated client.TokenRotated
	if err := json.Unmarshal([]byte(a.body), &rotated); err != nil || a.status != http.StatusOK {
		c.t.Fatalf("rotation of %s answered %d: %s", id, a.status, a.body)
	}
	return rotated
}

func (c *caller) rotation(id string) *client.Rotation {
	c.t.Helper()
	var shown client.TokenAnswer
	if a := c.get("/api/auth/tokens/" + id); json.Unmarshal([]byte(a.body), &shown) != nil || a.status != http.StatusOK {
		c.t.Fatalf("token %s answered %d: %s", id, a.status, a.body)
	}
	return shown.Rotation
}

func TestRotationReplacesTheSecretAndKeepsTheRest(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	old := isCreatedAnyhow(t, shared.with(t, u, `"description":"d","permissions":["tokens:rotate","tokens:read"],"graphs":["a*"],"allowedIps":["127.0.0.0/8"],"ttlSeconds":3600`))
	c := shared.bearer(t, old.Token)
	before := c.token(old.TokenID)
	rotated := c.rotate("self", `{}`)
	c.get("/api/auth/tokens").isProblem(t, http.StatusUnauthorized, "token_rotated")
	next := shared.bearer(t, rotated.Token)
	after := next.token(rotated.TokenID)
	if after.TokenID == before.TokenID || after.Name != before.Name || after.Description != "d" || fmt.Sprint(after.Graphs, *after.Permissions, *after.AllowedIps) !=
		fmt.Sprint(before.Graphs, *before.Permissions, *before.AllowedIps) {
		t.Errorf("was %+v, is %+v", before, after)
	}
	if got := after.ExpiresAt.Sub(after.CreatedAt); got < 3598*time.Second || got > 3602*time.Second || !rotated.ExpiresAt.Equal(*after.ExpiresAt) {
		t.Errorf("lives %s, want an hour", got)
	}
	if *after.RotatedFrom != old.TokenID || after.RotatedTo != nil {
		t.Errorf("comes from %v and goes to %v", after.RotatedFrom, after.RotatedTo)
	}
	if shown := next.token(old.TokenID); *shown.RotatedTo != rotated.TokenID || shown.IsActive {
		t.Errorf("the old one is shown as %+v", shown)
	}
}

func TestGraceShowsWhichOfBothIsInUse(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	created := shared.newToken(t, u, "grace")
	_, cookie := shared.signIn(t, u)
	session, old := shared.cookie(t, cookie), shared.bearer(t, created.Token)
	rotated := session.rotate(created.TokenID, `{"graceSeconds":4}`)
	ends := rotated.Rotation.OldEndsAt
	if rotated.ExpiresAt != nil || rotated.Rotation.LastUsedTokenID != nil || time.Until(ends) > 5*time.Second {
		t.Errorf("rotated as %+v", rotated)
	}
	if got := old.works(); got != http.StatusOK {
		t.Fatalf("within its grace the old one answers %d", got)
	}
	if got := session.rotation(created.TokenID); got == nil || *got.LastUsedTokenID != created.TokenID || got.OldLastUsed == nil || got.NewLastUsed != nil {
		t.Errorf("after a use of the old one: %+v", got)
	}
	next := shared.bearer(t, rotated.Token)
	eventually(t, 10*time.Second, "the new one to be used last", func() bool {
		if next.works() != http.StatusOK {
			t.Fatal("the new one does not work")
		}
		got := session.rotation(rotated.TokenID)
		return got != nil && got.LastUsedTokenID != nil && *got.LastUsedTokenID == rotated.TokenID
	})
	eventually(t, 10*time.Second, "the grace to end", func() bool { return old.works() == http.StatusUnauthorized })
	old.get("/api/auth/tokens").isProblem(t, http.StatusUnauthorized, "token_rotated")
	if time.Now().Before(ends) {
		t.Errorf("the grace ended before %s", ends)
	}
	if got := next.works(); got != http.StatusOK {
		t.Errorf("the new one answers %d", got)
	}
}

func TestRotationsAtOnceHaveOneOutcome(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	created := shared.newToken(t, u, "once")
	_, cookie := shared.signIn(t, u)
	session := shared.cookie(t, cookie)
	answers := make([]answer, 50)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() {
			answers[i] = session.post("/api/auth/tokens/"+created.TokenID+"/rotate", `{"graceSeconds":600}`)
		})
	}
	all.Wait()
	var won client.TokenRotated
	for _, a := range answers {
		if a.status == http.StatusOK {
			if won.Token != "" {
				t.Error("two rotations succeeded")
			}
			if err := json.Unmarshal([]byte(a.body), &won); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, a := range answers {
		if a.status != http.StatusOK {
			a.isProblem(t, http.StatusConflict, "already_rotated")
			if !strings.Contains(a.problem(t).Message, won.TokenID) {
				t.Errorf("does not name %s: %s", won.TokenID, a.body)
			}
		}
	}
	if got := session.list("?status=all").Count; got != 2 {
		t.Errorf("%d tokens, want two", got)
	}
	session.revoke(won.TokenID)
	for _, text := range []string{created.Token, won.Token} {
		if got := shared.bearer(t, text).works(); got != http.StatusUnauthorized {
			t.Errorf("after the revocation one answers %d", got)
		}
	}
	session.post("/api/auth/tokens/"+won.TokenID+"/rotate", `{}`).isProblem(t, http.StatusConflict, "token_ended")
}

func TestNobodyGetsByRotationWhatCreationRefuses(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, admin)
	wide := shared.newToken(t, u, "wide")
	narrow := isCreatedAnyhow(t, shared.with(t, u, `"permissions":["tokens:write","graph:read"],"graphs":["a"],"ttlSeconds":600`))
	brief := isCreatedAnyhow(t, shared.with(t, u, `"ttlSeconds":600`))
	itself := isCreatedAnyhow(t, shared.with(t, u, `"permissions":["tokens:rotate"]`))
	reading := isCreatedAnyhow(t, shared.with(t, u, `"permissions":["tokens:read"]`))
	foreign := shared.newToken(t, instanceA.newUser(t, writer), "of another user")
	elsewhere := shared.newToken(t, instanceB.newUser(t, admin), "of another instance")
	for _, c := range []struct {
		by, id string
		status int
		code   string
	}{
		{narrow.Token, wide.TokenID, http.StatusForbidden, "exceeds_issuer"},
		{brief.Token, wide.TokenID, http.StatusForbidden, "outlives_issuer"},
		{itself.Token, wide.TokenID, http.StatusForbidden, "missing_permission"},
		{reading.Token, reading.TokenID, http.StatusForbidden, "missing_permission"},
		{reading.Token, "self", http.StatusForbidden, "missing_permission"},
		{wide.Token, foreign.TokenID, http.StatusForbidden, "not_owner"},
		{wide.Token, elsewhere.TokenID, http.StatusNotFound, "token_not_found"},
		{wide.Token, "1-00000000", http.StatusNotFound, "token_not_found"},
	} {
		shared.bearer(t, c.by).post("/api/auth/tokens/"+c.id+"/rotate", `{}`).isProblem(t, c.status, c.code)
	}
	shared.bearer(t, itself.Token).rotate(itself.TokenID, `{}`)
	shared.bearer(t, wide.Token).rotate(reading.TokenID, `{}`)
}

func TestChildStaysInsideItsIssuerWhenRotated(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	maker := shared.shortToken(t, u, "maker", 600)
	c := shared.bearer(t, maker.Token)
	child := c.child(`{"name":"child","ttlSeconds":500}`)
	heir := shared.bearer(t, child.Token).rotate("self", `{}`)
	if heir.ExpiresAt.After(*maker.ExpiresAt) {
		t.Errorf("lives until %s, its maker until %s", heir.ExpiresAt, maker.ExpiresAt)
	}
	c.revoke(maker.TokenID)
	if got := shared.bearer(t, heir.Token).works(); got != http.StatusUnauthorized {
		t.Errorf("after its maker it answers %d", got)
	}
}

func TestRevocationMaySpareTheSuccessor(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	_, cookie := shared.signIn(t, u)
	session := shared.cookie(t, cookie)
	for successor, want := range map[string]int{"": http.StatusUnauthorized, "?successor=revoke": http.StatusUnauthorized, "?successor=keep": http.StatusOK} {
		created := shared.newToken(t, u, "old")
		rotated := session.rotate(created.TokenID, `{"graceSeconds":600}`)
		if a := session.send(http.MethodDelete, "/api/auth/tokens/"+created.TokenID+successor, nil); a.status != http.StatusOK {
			t.Fatalf("answered %d: %s", a.status, a.body)
		}
		if got := shared.bearer(t, created.Token).works(); got != http.StatusUnauthorized {
			t.Errorf("%q: the old one answers %d", successor, got)
		}
		if got := shared.bearer(t, rotated.Token).works(); got != want {
			t.Errorf("%q: the new one answers %d, want %d", successor, got, want)
		}
	}
	// Where there is no successor to keep, all made from the token falls with it.
	alone := shared.newToken(t, u, "alone")
	child := shared.bearer(t, alone.Token).child(`{"name":"child"}`)
	session.send(http.MethodDelete, "/api/auth/tokens/"+alone.TokenID+"?successor=keep", nil)
	if got := shared.bearer(t, child.Token).works(); got != http.StatusUnauthorized {
		t.Errorf("a child of a revoked token answers %d", got)
	}
}

func TestReuseOfARotatedTokenFollowsThePolicy(t *testing.T) {
	t.Parallel()
	for policy, want := range map[string]int{"record": http.StatusOK, "revoke": http.StatusUnauthorized} {
		p := startProgram(t, options{args: []string{"--rotated-reuse", policy}})
		created := p.newToken(t, instanceA.newUser(t, writer), "reused")
		old := p.bearer(t, created.Token)
		rotated := old.rotate("self", `{}`)
		next := p.bearer(t, rotated.Token)
		child := next.child(`{"name":"child"}`)
		old.get("/api/auth/tokens").isProblem(t, http.StatusUnauthorized, "token_rotated")
		for name, text := range map[string]string{"successor": rotated.Token, "child": child.Token} {
			if got := p.bearer(t, text).works(); got != want {
				t.Errorf("%s: the %s answers %d, want %d", policy, name, got, want)
			}
		}
	}
}

func TestIdempotencyKeyMakesOneToken(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	_, cookie := shared.signIn(t, u)
	session := shared.cookie(t, cookie)
	rotating := shared.newToken(t, u, "rotating")
	login := fmt.Sprintf(`{"username":%q,"password":%q,"host":"localhost","port":%d,"name":`, u.name, u.password, u.at.port)
	for name, c := range map[string]struct {
		send        func(body, key string) answer
		body, other string
	}{
		"login": {func(body, key string) answer {
			return shared.nobody(t).post("/api/auth/tokens/credentials", body, "Idempotency-Key: "+key)
		}, login + `"a"}`, login + `"b"}`},
		"session": {func(body, key string) answer {
			return session.post("/api/auth/tokens", body, "Idempotency-Key: "+key)
		}, `{"name":"a","ttlSeconds":60}`, `{"name":"a","ttlSeconds":61}`},
		"rotation": {func(body, key string) answer {
			return session.post("/api/auth/tokens/"+rotating.TokenID+"/rotate", body, "Idempotency-Key: "+key)
		}, `{"graceSeconds":60}`, `{}`},
	} {
		before := session.list("?status=all").Count
		answers := make([]answer, 20)
		var all sync.WaitGroup
		for i := range answers {
			all.Go(func() { answers[i] = c.send(c.body, "one-key") })
		}
		all.Wait()
		ids, texts := map[string]bool{}, 0
		for _, a := range append(answers, c.send(c.body, "one-key")) {
			var made client.TokenCreated
			if err := json.Unmarshal([]byte(a.body), &made); err != nil || a.status != http.StatusOK {
				t.Fatalf("%s: answered %d: %s", name, a.status, a.body)
			}
			ids[made.TokenID] = true
			if made.Token != "" {
				texts++
			}
			if made.Replayed != (made.Token == "") {
				t.Errorf("%s: answered %s", name, a.body)
			}
		}
		if after := session.list("?status=all").Count; len(ids) != 1 || texts != 1 || after != before+1 {
			t.Errorf("%s: %d IDs, %d secrets, %d tokens more", name, len(ids), texts, after-before)
		}
		a := c.send(c.other, "one-key")
		a.isProblem(t, http.StatusUnprocessableEntity, "idempotency_key_reused")
		if !strings.Contains(a.body, "Idempotency-Key") {
			t.Errorf("%s: the header is not named: %s", name, a.body)
		}
	}
	// Another caller's key is another key.
	other := shared.bearer(t, shared.newToken(t, u, "other").Token)
	if a := other.post("/api/auth/tokens", `{"name":"c"}`, "Idempotency-Key: one-key"); strings.Contains(a.body, "replayed") || a.status != http.StatusOK {
		t.Errorf("answered %d: %s", a.status, a.body)
	}
	for _, key := range []string{strings.Repeat("x", 256), "a b", "é"} {
		a := session.post("/api/auth/tokens", `{"name":"d"}`, "Idempotency-Key: "+key)
		a.isProblem(t, http.StatusBadRequest, "invalid_request")
		if !strings.Contains(a.body, `"field":"Idempotency-Key"`) {
			t.Errorf("the header is not named: %s", a.body)
		}
	}
}

func TestBadRotationsAreRefusedByName(t *testing.T) {
	t.Parallel()
	created := shared.newToken(t, instanceA.newUser(t, writer), "bad")
	c := shared.bearer(t, created.Token)
	for body, field := range map[string]string{
		`{"graceSeconds":-1}`: "graceSeconds", `{"graceSeconds":604801}`: "graceSeconds", `{"graceSeconds":1.5}`: "graceSeconds",
		`{"graceSeconds":"1"}`: "graceSeconds", `{"graceSeconds":null}`: "graceSeconds", `{"grace":1}`: "grace", `[]`: "body",
	} {
		for _, path := range []string{"/api/auth/tokens/self/rotate", "/api/auth/tokens/" + created.TokenID + "/rotate"} {
			a := c.post(path, body)
			a.isProblem(t, http.StatusBadRequest, "invalid_request")
			if !strings.Contains(a.body, `"field":"`+field+`"`) {
				t.Errorf("%s: %s is not named: %s", body, field, a.body)
			}
		}
	}
	if got := c.works(); got != http.StatusOK {
		t.Errorf("the token answers %d", got)
	}
	if a := c.send(http.MethodPost, "/api/auth/tokens/self/rotate", nil); a.status != http.StatusOK {
		t.Errorf("without a body it answered %d: %s", a.status, a.body)
	}
}
