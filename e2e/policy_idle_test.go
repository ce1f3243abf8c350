package e2e

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

// aged makes the store believe that a token was made, and used if it was, some
// time earlier.
func (p *program) aged(t *testing.T, id string, by time.Duration) {
	t.Helper()
	p.row(t, fmt.Sprintf(`MATCH (t:Token {token_id: '%s'}) SET t.created_at = t.created_at - %[2]d,
		t.last_used = CASE WHEN t.last_used < 0 THEN -1 ELSE t.last_used - %[2]d END RETURN 1`, id, int64(by/time.Second)))
}

func TestPolicySuspendsIdleTokensUntilTheyAreResumed(t *testing.T) {
	t.Parallel()
	p := startProgram(t, options{})
	u := instanceA.newUser(t, writer)
	idle, busy, other := p.newToken(t, u, "idle"), p.newToken(t, u, "busy"), p.newToken(t, u, "other")
	p.aged(t, idle.TokenID, 31*day)
	p.aged(t, other.TokenID, 31*day)
	p = tightened(t, p, "--suspend-idle-days", "30")
	c, keeper := p.bearer(t, idle.Token), p.bearer(t, busy.Token)
	a := c.get("/api/auth/tokens")
	a.isProblem(t, http.StatusUnauthorized, "token_suspended")
	if a.problem(t).Message != "Not authenticated" {
		t.Errorf("answered %s", a.body)
	}
	eventually(t, 20*time.Second, "the sweep", func() bool { return string(keeper.token(idle.TokenID).Status) == "suspended" })
	if shown := keeper.token(idle.TokenID); shown.IsActive || shown.SuspendedAt == nil {
		t.Errorf("suspended it is shown as %+v", shown)
	}
	keeper.post("/api/auth/tokens/"+idle.TokenID+"/rotate", `{}`).isProblem(t, http.StatusConflict, "token_suspended")
	resume := "/api/auth/tokens/" + idle.TokenID + "/resume"
	c.send(http.MethodPost, resume, nil).isProblem(t, http.StatusUnauthorized, "token_suspended")
	for who, outcome := range map[*caller]struct {
		status int
		code   string
	}{
		p.bearer(t, p.newToken(t, instanceA.newUser(t, writer), "stranger").Token):    {http.StatusForbidden, "not_owner"},
		p.bearer(t, p.newToken(t, instanceB.newUser(t, admin), "elsewhere").Token):    {http.StatusNotFound, "token_not_found"},
		p.bearer(t, keeper.child(`{"name":"r","permissions":["tokens:read"]}`).Token): {http.StatusForbidden, "missing_permission"},
	} {
		who.send(http.MethodPost, resume, nil).isProblem(t, outcome.status, outcome.code)
	}
	for _, message := range []string{"Token resumed successfully", "Token was not suspended"} {
		if a := keeper.send(http.MethodPost, resume, nil); a.status != http.StatusOK || a.object(t)["message"] != message {
			t.Errorf("answered %d: %s", a.status, a.body)
		}
		if got := c.works(); got != http.StatusOK {
			t.Errorf("resumed it answers %d", got)
		}
	}
	chief := p.bearer(t, p.newToken(t, instanceA.newUser(t, admin), "chief").Token)
	if a := chief.send(http.MethodPost, "/api/auth/tokens/"+other.TokenID+"/resume", nil); a.status != http.StatusOK {
		t.Errorf("an Admin is answered %d: %s", a.status, a.body)
	}
	keeper.revoke(other.TokenID)
	keeper.send(http.MethodPost, "/api/auth/tokens/"+other.TokenID+"/resume", nil).isProblem(t, http.StatusConflict, "token_ended")
}

func TestPolicyShortensExistingTokens(t *testing.T) {
	t.Parallel()
	p := startProgram(t, options{})
	u := instanceA.newUser(t, writer)
	old, fresh := p.newToken(t, u, "old"), p.newToken(t, u, "fresh")
	p.aged(t, old.TokenID, 200*day)
	p = tightened(t, p, append([]string{"--existing-tokens", "shorten"}, strict...)...)
	if len(p.logged("tokens exceed the policy")) != 1 {
		t.Error("the operator is not told how many exceed the policy")
	}
	watcher := p.bearer(t, fresh.Token)
	for id, want := range map[string]time.Duration{old.TokenID: 7 * day, fresh.TokenID: 90 * day} {
		eventually(t, 20*time.Second, "the sweep", func() bool { return watcher.token(id).ExpiresAt != nil })
		if ends := watcher.token(id).ExpiresAt; ends.Sub(time.Now().Add(want)).Abs() > time.Minute {
			t.Errorf("ends at %s, want in %s", ends, want)
		}
	}
	if a := p.bearer(t, old.Token).get("/api/auth/tokens"); a.status != http.StatusOK || a.header.Get("Token-Expires-At") == "" {
		t.Errorf("answered %d %q", a.status, a.header)
	}
}
