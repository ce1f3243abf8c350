package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/falkorpat/falkorpat/gen/client"
)

func TestTokenOfOneSecondWorksForOneSecond(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	worked := 0
	for range 3 {
		created := shared.shortToken(t, u, "short", 1)
		c := shared.bearer(t, created.Token)
		// The answer to the first use may itself take longer than the token lives.
		if got := c.works(); got == http.StatusOK {
			worked++
		}
		eventually(t, 10*time.Second, "the token to expire", func() bool { return c.works() == http.StatusUnauthorized })
		if early := time.Until(*created.ExpiresAt); early > 0 {
			t.Errorf("refused %s before its end", early)
		}
		c.get("/api/auth/tokens").isProblem(t, http.StatusUnauthorized, "invalid_token")
		c.post("/api/auth/tokens", `{"name":"child"}`).isProblem(t, http.StatusUnauthorized, "invalid_token")
	}
	if worked == 0 {
		t.Error("no token of one second ever worked")
	}
}

// sealed is the kept password and the activity of a token's row.
func (p *program) sealed(t *testing.T, id string) (password, active string) {
	t.Helper()
	row := p.row(t, `MATCH (t:Token {token_id: '`+id+`'}) RETURN t.encrypted_password, t.is_active`)
	return row[0], row[1]
}

func TestKeptPasswordIsDestroyedWithItsToken(t *testing.T) {
	t.Parallel()
	p := startProgram(t, options{dataDir: t.TempDir()})
	u := instanceA.newUser(t, writer)
	expired, revoked, alive := p.shortToken(t, u, "expired", 1), p.newToken(t, u, "revoked"), p.newToken(t, u, "alive")
	c := p.bearer(t, alive.Token)
	child := p.bearer(t, revoked.Token).child(`{"name":"child"}`)
	for _, one := range []client.TokenCreated{expired, revoked, child, alive} {
		if password, active := p.sealed(t, one.TokenID); !strings.HasPrefix(password, "v1.") || active != "true" {
			t.Errorf("a new row has the password %.10q and is active: %s", password, active)
		}
	}
	// At once with a revocation, history stays.
	c.revoke(revoked.TokenID)
	for _, one := range []client.TokenCreated{revoked, child} {
		if password, active := p.sealed(t, one.TokenID); password != "" || active != "false" {
			t.Errorf("a revoked row has the password %.10q and is active: %s", password, active)
		}
	}
	eventually(t, 10*time.Second, "the graph to show who revoked both", func() bool {
		got := p.row(t, `MATCH (:Token)-[r:REVOKED_BY]->(u:User) RETURN count(r), collect(DISTINCT u.username)[0], collect(DISTINCT r.ip)[0]`)
		return slices.Equal(got, []string{"2", u.name, "127.0.0.1"})
	})
	// Within a minute of the end, or at a start.
	eventually(t, 10*time.Second, "the token to expire", func() bool { return time.Now().After(*expired.ExpiresAt) })
	p.mustStop(t)
	p = p.restart(t)
	eventually(t, 10*time.Second, "the expired row to be swept", func() bool {
		password, active := p.sealed(t, expired.TokenID)
		return password == "" && active == "false"
	})
	c = p.bearer(t, alive.Token)
	if got := c.token(expired.TokenID); got.Status != client.TokenStatusExpired || got.RevokedAt != nil {
		t.Errorf("a swept token reads %+v", got)
	}
	if password, active := p.sealed(t, alive.TokenID); password == "" || active != "true" {
		t.Error("a living token was swept")
	}
	if got := c.revoke(expired.TokenID); got != "Token revoked successfully" {
		t.Errorf("revoking an expired token says %q", got)
	}
}

func TestEndedSessionsAreSweptAway(t *testing.T) {
	t.Parallel()
	p := startProgram(t, options{dataDir: t.TempDir()})
	u := instanceA.newUser(t, writer)
	_, over := p.signIn(t, u)
	query(t, p.store(t), `MATCH (t:Token {kind: 'session'}) SET t.expires_at = 1700000000`)
	_, alive := p.signIn(t, u)
	if got := p.cookie(t, over).works(); got != http.StatusUnauthorized {
		t.Errorf("an ended session answers %d", got)
	}
	p.mustStop(t)
	p = p.restart(t)
	eventually(t, 10*time.Second, "the ended session to be removed", func() bool {
		return p.row(t, `MATCH (t:Token {kind: 'session'}) RETURN count(t)`)[0] == "1"
	})
	if got := p.cookie(t, alive).works(); got != http.StatusOK {
		t.Errorf("a living session answers %d", got)
	}
}
