package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/falkorpat/falkorpat/gen/client"
)

// with makes a token with a user's credentials and some limits, which complete
// a JSON object: `"graphs":["a"]`.
func (p *program) with(t *testing.T, u user, limits string) answer {
	t.Helper()
	secrets.add(kindPassword, u.password)
	return p.nobody(t).post("/api/auth/tokens/credentials",
		fmt.Sprintf(`{"username":%q,"password":%q,"host":"localhost","port":%d,"name":"limited",%s}`, u.name, u.password, u.at.port, limits))
}

func TestRoleDecidesWhichPermissionsATokenMayHave(t *testing.T) {
	t.Parallel()
	may := map[client.Role][]string{
		admin:  {"graph:read", "graph:write", "graph:admin", "tokens:read", "tokens:write", "tokens:admin"},
		writer: {"graph:read", "graph:write", "tokens:read", "tokens:write"},
		reader: {"graph:read", "tokens:read", "tokens:write"},
	}
	for role, allowed := range may {
		u := instanceA.newUser(t, role)
		_, cookie := shared.signIn(t, u)
		session := shared.cookie(t, cookie)
		for _, permission := range may[admin] {
			limits := `"permissions":["` + permission + `"]`
			for how, a := range map[string]answer{
				"credentials": shared.with(t, u, limits), "session": session.post("/api/auth/tokens", `{"name":"limited",`+limits+`}`),
			} {
				switch {
				case slices.Contains(allowed, permission):
					created := isCreatedAnyhow(t, a)
					if got := session.token(created.TokenID).Permissions; got == nil || len(*got) != 1 || string((*got)[0]) != permission {
						t.Errorf("%s with %s by %s: permissions are %v", role, permission, how, got)
					}
				default:
					a.isProblem(t, http.StatusForbidden, "missing_permission")
					if !strings.Contains(a.problem(t).Message, permission) {
						t.Errorf("%s with %s by %s: not named: %s", role, permission, how, a.body)
					}
				}
			}
		}
	}
}

func TestTokenDoesWhatItsPermissionsAllow(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, admin)
	other := shared.newToken(t, instanceA.newUser(t, writer), "of another")
	sibling := shared.newToken(t, u, "sibling")
	// What each permission opens: the list, a sibling, another user's token, creation.
	for permission, want := range map[string][4]int{
		"graph:read":   {403, 403, 403, 403},
		"tokens:read":  {200, 200, 403, 403},
		"tokens:write": {403, 403, 403, 200},
		"tokens:admin": {200, 403, 200, 403},
	} {
		created := isCreatedAnyhow(t, shared.with(t, u, `"permissions":["`+permission+`"]`))
		c := shared.bearer(t, created.Token)
		for i, a := range []answer{
			c.get("/api/auth/tokens"), c.get("/api/auth/tokens/" + sibling.TokenID), c.get("/api/auth/tokens/" + other.TokenID),
			c.post("/api/auth/tokens", `{"name":"child"}`),
		} {
			if a.status != want[i] {
				t.Errorf("%s: call %d answered %d, want %d: %s", permission, i, a.status, want[i], a.body)
			}
			if a.status == http.StatusForbidden {
				a.isProblem(t, http.StatusForbidden, "missing_permission")
			}
		}
		// Itself is never out of its reach.
		if got := c.token(created.TokenID); got.TokenID != created.TokenID {
			t.Errorf("%s: does not see itself", permission)
		}
	}
	if got := shared.bearer(t, other.Token).works(); got != http.StatusOK {
		t.Errorf("the other user's token answers %d", got)
	}
}

func TestDemotedUsersTokensAreDemotedToo(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, admin)
	created := isCreatedAnyhow(t, shared.with(t, u, `"permissions":["tokens:read","tokens:admin"]`))
	other := shared.newToken(t, instanceA.newUser(t, writer), "of another")
	c := shared.bearer(t, created.Token)
	if got := c.get("/api/auth/tokens/" + other.TokenID).status; got != http.StatusOK {
		t.Fatalf("an Admin's token answers %d", got)
	}
	u.role = reader
	if err := instanceA.makeUser(u); err != nil {
		t.Fatal(err)
	}
	eventually(t, 30*time.Second, "the role to be asked again", func() bool {
		return c.get("/api/auth/tokens/"+other.TokenID).status == http.StatusForbidden
	})
	if got := c.works(); got != http.StatusOK {
		t.Errorf("what the role still allows answers %d", got)
	}
}

func TestTokenFromATokenStaysWithinItsLimits(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	maker := isCreatedAnyhow(t, shared.with(t, u,
		`"permissions":["graph:read","tokens:read","tokens:write"],"graphs":["team-*","shared"],"allowedIps":["127.0.0.0/8","::1"],"ttlSeconds":3600`))
	c := shared.bearer(t, maker.Token)
	// What is not said is the maker's.
	same := c.token(c.child(`{"name":"same"}`).TokenID)
	if !slices.Equal(same.Graphs, []string{"team-*", "shared"}) || len(*same.Permissions) != 3 || len(*same.AllowedIps) != 2 {
		t.Errorf("inherits %v, %v, %v", same.Graphs, same.Permissions, same.AllowedIps)
	}
	narrow := c.child(`{"name":"narrow","permissions":["graph:read"],"graphs":["team-a","team-b?"],"allowedIps":["127.0.0.1"],"ttlSeconds":60}`)
	got := c.token(narrow.TokenID)
	if !slices.Equal(got.Graphs, []string{"team-a", "team-b?"}) || len(*got.Permissions) != 1 || !slices.Equal(*got.AllowedIps, []string{"127.0.0.1/32"}) {
		t.Errorf("keeps %v, %v, %v", got.Graphs, got.Permissions, got.AllowedIps)
	}
	for _, wide := range []struct{ limits, code, names string }{
		{`"permissions":["graph:write"]`, "missing_permission", "graph:write"},
		{`"graphs":["*"]`, "exceeds_issuer", "graphs"},
		{`"graphs":["team-a","tea?-b"]`, "exceeds_issuer", "graphs"},
		{`"allowedIps":["0.0.0.0/0"]`, "exceeds_issuer", "allowedIps"},
		{`"allowedIps":["127.0.0.0/7"]`, "", "allowedIps.0"},
		{`"allowedIps":["126.0.0.0/7"]`, "exceeds_issuer", "allowedIps"},
		{`"ttlSeconds":7200`, "outlives_issuer", ""},
	} {
		a := c.post("/api/auth/tokens", `{"name":"wide",`+wide.limits+`}`)
		if wide.code == "" {
			a.isProblem(t, http.StatusBadRequest, "invalid_request")
			if !strings.Contains(a.body, `"field":"`+wide.names+`"`) {
				t.Errorf("%s: does not name %s: %s", wide.limits, wide.names, a.body)
			}
			continue
		}
		a.isProblem(t, http.StatusForbidden, wide.code)
		if problem := a.problem(t); !strings.Contains(problem.Message, wide.names) {
			t.Errorf("%s: does not name %s: %s", wide.limits, wide.names, a.body)
		}
	}
	if got := len(c.list("?status=all").Tokens); got != 3 {
		t.Errorf("%d tokens, want three: what was refused must not be there", got)
	}
}

func TestTokenIsUsedFromItsAddressesOnly(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	created := isCreatedAnyhow(t, shared.with(t, u, `"allowedIps":["127.0.0.2","2001:db8::/32"]`))
	show := func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+created.Token) }
	if got := shared.from(t, "127.0.0.2", show).works(); got != http.StatusOK {
		t.Errorf("from its address it answers %d", got)
	}
	elsewhere := shared.from(t, "127.0.0.3", show)
	for _, method := range []string{http.MethodGet, http.MethodDelete} {
		a := elsewhere.send(method, "/api/auth/tokens/self", nil)
		a.isProblem(t, http.StatusForbidden, "address_not_allowed")
		if strings.Contains(a.body, "127.0.0.2") || strings.Contains(a.body, "2001:db8") {
			t.Errorf("tells where it would work: %s", a.body)
		}
	}
	// A header that anybody can write does not count.
	elsewhere.get("/api/auth/tokens", "X-Forwarded-For: 127.0.0.2").isProblem(t, http.StatusForbidden, "address_not_allowed")
	owner := shared.bearer(t, shared.newToken(t, u, "owner").Token)
	if got := owner.token(created.TokenID); got.Status != "active" || got.LastUsedIP == nil || *got.LastUsedIP != "127.0.0.2" {
		t.Errorf("after refusals it is %s and was used from %v", got.Status, got.LastUsedIP)
	}
}

func TestTokenBeginsToWorkAtItsTime(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	start := time.Now().Add(3 * time.Second).Truncate(time.Second)
	created := isCreatedAnyhow(t, shared.with(t, u, `"notBefore":"`+start.UTC().Format(time.RFC3339)+`"`))
	c := shared.bearer(t, created.Token)
	if a := c.get("/api/auth/tokens"); time.Now().Before(start) {
		a.isProblem(t, http.StatusUnauthorized, "token_not_yet_valid")
	}
	eventually(t, 10*time.Second, "the token to begin", func() bool { return c.works() == http.StatusOK })
	if time.Now().Before(start) {
		t.Errorf("works before %s", start)
	}
	if got := c.token(created.TokenID).NotBefore; got == nil || !got.Equal(start) {
		t.Errorf("begins at %v, want %s", got, start)
	}
	past := isCreatedAnyhow(t, shared.with(t, u, `"notBefore":"2020-01-01T00:00:00Z"`))
	if got := shared.bearer(t, past.Token).works(); got != http.StatusOK {
		t.Errorf("a beginning in the past answers %d", got)
	}
}

func TestTokenShowsAndRevokesItself(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, reader)
	maker := shared.newToken(t, u, "maker")
	created := shared.bearer(t, maker.Token).child(`{"name":"itself","permissions":["graph:read"],"description":" Two\nlines. "}`)
	c := shared.bearer(t, created.Token)
	one := c.get("/api/auth/tokens/self").object(t)["token"].(map[string]any)
	if one["token_id"] != created.TokenID || one["description"] != "Two\nlines." || one["last_used"] == nil {
		t.Errorf("shows itself as %v", one)
	}
	if a := c.send(http.MethodDelete, "/api/auth/tokens/self", nil); a.object(t)["tokenId"] != created.TokenID {
		t.Errorf("revoking itself answered %d: %s", a.status, a.body)
	}
	c.send(http.MethodDelete, "/api/auth/tokens/self", nil).isProblem(t, http.StatusUnauthorized, "invalid_token")
	if got := shared.bearer(t, maker.Token).works(); got != http.StatusOK {
		t.Errorf("the maker answers %d", got)
	}
	// There is no token that a session could be.
	_, cookie := shared.signIn(t, u)
	shared.cookie(t, cookie).get("/api/auth/tokens/self").isProblem(t, http.StatusUnauthorized, "unauthenticated")
}

func TestRowsWithoutLimitsHaveNone(t *testing.T) {
	t.Parallel()
	p := startProgram(t, options{dataDir: t.TempDir()})
	created := p.newToken(t, instanceA.newUser(t, writer), "old")
	// As rows were before there were limits.
	query(t, p.store(t), `MATCH (t:Token {token_id: '`+created.TokenID+`'})
		SET t.description = NULL, t.permissions = NULL, t.graphs = NULL, t.allowed_ips = NULL, t.limits = NULL, t.not_before = NULL`)
	c := p.bearer(t, created.Token)
	one := c.get("/api/auth/tokens/self").object(t)["token"].(map[string]any)
	for key, want := range map[string]string{"description": "", "permissions": "<nil>", "graphs": "[*]", "allowed_ips": "<nil>", "not_before": "<nil>"} {
		if fmt.Sprint(one[key]) != want {
			t.Errorf("%s is %v, want %s", key, one[key], want)
		}
	}
	c.child(`{"name":"child"}`)
}
