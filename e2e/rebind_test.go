package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/falkorpat/falkorpat/gen/client"
)

// rebind puts a password behind a token.
func (c *caller) rebind(id, password string) answer {
	c.t.Helper()
	secrets.add(kindPassword, password)
	body, _ := json.Marshal(map[string]string{"password": password})
	return c.post("/api/auth/tokens/"+id+"/credentials", string(body))
}

// changed gives a user another password and tells who the user is then.
func (u user) changed(t *testing.T) user {
	t.Helper()
	u.password = newPassword()
	u.change(t, "resetpass", ">"+u.password)
	return u
}

func TestReboundTokenKeepsItsSecretAndWorks(t *testing.T) {
	t.Parallel()
	compat := startProgram(t, options{args: []string{"--browser-compat"}})
	for name, p := range map[string]*program{"shared": shared, "with FalkorDB Browser's form": compat} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := instanceA.newUser(t, writer)
			created := p.newToken(t, u, "kept")
			user := p.bearer(t, created.Token)
			before := user.token(created.TokenID)
			now := u.changed(t)
			eventually(t, roleTime, "the token to be refused", func() bool { return user.works() == http.StatusUnauthorized })
			// It can't help itself.
			user.rebind(created.TokenID, now.password).isProblem(t, http.StatusUnauthorized, "credentials_no_longer_valid")
			_, cookie := p.signIn(t, now)
			r := must[*client.RebindTokenResponse](t)(p.cookie(t, cookie).RebindTokenWithResponse(
				t.Context(), created.TokenID, client.RebindTokenRequest{Password: now.password}))
			if r.JSON200 == nil || r.JSON200.TokenID != created.TokenID {
				t.Fatalf("rebind answered %s: %s", r.HTTPResponse.Status, r.Body)
			}
			after := user.token(created.TokenID)
			before.LastUsed, before.LastUsedAgent, before.LastUsedIP = after.LastUsed, after.LastUsedAgent, after.LastUsedIP
			if fmt.Sprintf("%+v", after) != fmt.Sprintf("%+v", before) {
				t.Errorf("was %+v, is %+v", before, after)
			}
			if got := user.get("/api/status").status; got != http.StatusOK {
				t.Errorf("a new login answers %d", got)
			}
		})
	}
}

func TestOwnersAndAdminsOfTheInstanceRebind(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, admin)
	target := shared.newToken(t, u, "target")
	_, cookie := shared.signIn(t, u)
	boss, other := instanceA.newUser(t, admin), instanceA.newUser(t, writer)
	limited := func(u user, permissions string) *caller {
		t.Helper()
		return shared.bearer(t, isCreatedAnyhow(t, shared.with(t, u, `"permissions":[`+permissions+`]`)).Token)
	}
	for name, c := range map[string]struct {
		by     *caller
		status int
		code   string
	}{
		"nobody":                      {shared.nobody(t), http.StatusUnauthorized, "unauthenticated"},
		"the owner":                   {shared.cookie(t, cookie), http.StatusOK, ""},
		"the token itself":            {shared.bearer(t, target.Token), http.StatusOK, ""},
		"the owner's narrow token":    {limited(u, `"tokens:write"`), http.StatusOK, ""},
		"the owner's reading token":   {limited(u, `"tokens:read"`), http.StatusForbidden, "missing_permission"},
		"an Admin":                    {shared.bearer(t, shared.newToken(t, boss, "boss").Token), http.StatusOK, ""},
		"an Admin's token for others": {limited(boss, `"tokens:admin"`), http.StatusOK, ""},
		"an Admin's token for itself": {limited(boss, `"tokens:write"`), http.StatusForbidden, "missing_permission"},
		"another user":                {shared.bearer(t, shared.newToken(t, other, "other").Token), http.StatusForbidden, "not_owner"},
		"an Admin of another instance": {
			shared.bearer(t, shared.newToken(t, instanceB.newUser(t, admin), "far").Token), http.StatusNotFound, "token_not_found",
		},
	} {
		a := c.by.rebind(target.TokenID, u.password)
		if c.status == http.StatusOK && a.status == http.StatusOK {
			continue
		}
		if a.status != c.status || a.problem(t).Code != c.code {
			t.Errorf("%s: answered %d, want %d %s: %s", name, a.status, c.status, c.code, a.body)
		}
	}
	owner := shared.cookie(t, cookie)
	// An Admin's own password is not the one of the token's user.
	owner.rebind(shared.newToken(t, other, "other's").TokenID, u.password).isProblem(t, http.StatusUnauthorized, "invalid_credentials")
	owner.rebind("1761055513181-00000000", u.password).isProblem(t, http.StatusNotFound, "token_not_found")
	if got := shared.bearer(t, target.Token).works(); got != http.StatusOK {
		t.Errorf("the token answers %d", got)
	}
}

func TestWrongPasswordRebindsNothingAndCounts(t *testing.T) {
	t.Parallel()
	const limit = 3
	p := startProgram(t, options{loginFailures: limit})
	u := instanceA.newUser(t, writer)
	created := p.newToken(t, u, "kept")
	user := p.bearer(t, created.Token)
	sealed := func() string {
		return p.row(t, `MATCH (t:Token) RETURN t.encrypted_password`)[0]
	}
	before := sealed()
	for range limit {
		a := user.rebind(created.TokenID, newPassword())
		a.isProblem(t, http.StatusUnauthorized, "invalid_credentials")
		if got := a.problem(t).Message; got != "Invalid credentials or connection failed" || a.header.Get("WWW-Authenticate") != "" {
			t.Errorf("answered %s with the challenge %q", got, a.header.Get("WWW-Authenticate"))
		}
	}
	user.rebind(created.TokenID, u.password).isProblem(t, http.StatusTooManyRequests, "too_many_failed_logins")
	if sealed() != before {
		t.Error("the sealed password has changed")
	}
	if got := user.works(); got != http.StatusOK {
		t.Errorf("the token answers %d", got)
	}
}

func TestPasswordOfARevokedTokenNeverComesBack(t *testing.T) {
	t.Parallel()
	p := startProgram(t, options{})
	u := instanceA.newUser(t, writer)
	_, cookie := p.signIn(t, u)
	session := p.cookie(t, cookie)
	created := p.newToken(t, u, "ended")
	answers := make(chan answer, 20)
	for range cap(answers) {
		go func() { answers <- session.rebind(created.TokenID, u.password) }()
	}
	session.revoke(created.TokenID)
	for range cap(answers) {
		if a := <-answers; a.status != http.StatusOK {
			a.isProblem(t, http.StatusConflict, "token_ended")
		}
	}
	session.rebind(created.TokenID, u.password).isProblem(t, http.StatusConflict, "token_ended")
	if got := p.row(t, `MATCH (t:Token {kind: 'pat'}) RETURN t.encrypted_password, t.is_active`); got[0] != "" || got[1] != "false" {
		t.Errorf("a revoked token's row holds %.10q, active %s", got[0], got[1])
	}
	expired := p.shortToken(t, u, "expired", 1)
	eventually(t, requestPatience, "the token to expire", func() bool {
		return session.token(expired.TokenID).Status == client.TokenStatusExpired
	})
	session.rebind(expired.TokenID, u.password).isProblem(t, http.StatusConflict, "token_ended")
}

func TestRebindingChangesTLSOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	db, other := startSecure(t), startSecure(t)
	p := startProgram(t, options{instances: db.addr()})
	created := isCreated(t, p.nobody(t).post("/api/auth/tokens/credentials", db.login("true", db.ca)), 0)
	user := p.bearer(t, created.Token)
	path := "/api/auth/tokens/" + created.TokenID + "/credentials"
	for _, c := range []struct {
		body   string
		status int
	}{
		{`{"password":""}`, http.StatusOK},
		{`{"password":"","tls":true,"ca":"` + other.ca + `"}`, http.StatusUnauthorized},
		{`{"password":"","tls":"true"}`, http.StatusUnauthorized}, // the system's authorities
		{`{"password":"","tls":"false"}`, http.StatusUnauthorized},
		{`{"password":"","tls":"true","ca":"` + db.ca + `"}`, http.StatusOK},
		{`{"password":""}`, http.StatusOK},
	} {
		if a := user.post(path, c.body); a.status != c.status {
			t.Errorf("%.40s answered %d, want %d: %s", c.body, a.status, c.status, a.body)
		}
		if a := user.get("/api/status"); a.status != http.StatusOK {
			t.Errorf("after %.40s a login answers %d: %s", c.body, a.status, a.body)
		}
	}
}

func TestBadRebindingsAreRefusedByName(t *testing.T) {
	t.Parallel()
	db := startSecure(t)
	created := shared.newToken(t, instanceA.newUser(t, writer), "bad")
	c := shared.bearer(t, created.Token)
	for body, field := range map[string]string{
		`{}`: "password", `{"password":null}`: "password", `{"password":1}`: "password", `{"password":"` + strings.Repeat("x", 4097) + `"}`: "password",
		`{"password":"x","tls":"maybe"}`: "tls", `{"password":"x","tls":null}`: "tls", `{"password":"x","ca":"` + db.ca + `"}`: "ca",
		`{"password":"x","tls":false,"ca":"` + db.ca + `"}`: "ca", `{"password":"x","tls":true,"ca":"bm9uc2Vuc2U="}`: "ca",
		`{"password":"x","username":"default"}`: "username", `{"password":"x","host":"evil.example"}`: "host", `[]`: "body",
	} {
		a := c.post("/api/auth/tokens/"+created.TokenID+"/credentials", body)
		a.isProblem(t, http.StatusBadRequest, "invalid_request")
		if !strings.Contains(a.body, `"field":"`+field+`"`) {
			t.Errorf("%.60s: %s is not named: %s", body, field, a.body)
		}
	}
	if got := c.works(); got != http.StatusOK {
		t.Errorf("the token answers %d", got)
	}
}
