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

// strict starts a program that limits lifetimes to 90 days, 30 where nothing is asked.
var strict = []string{"--default-lifetime", "30d", "--max-lifetime", "90d", "--never-expiring", "forbid"}

const day = 24 * time.Hour

func TestPolicyIsShownToAnybody(t *testing.T) {
	t.Parallel()
	limited := startProgram(t, options{args: append([]string{"--rotated-reuse", "revoke", "--existing-tokens", "block", "--suspend-idle-days", "7"}, strict...)})
	for p, want := range map[*program]string{
		shared: `{"default_lifetime_seconds":null,"existing_tokens":"report","max_lifetime_seconds":31622400,"never_expiring_allowed":true,` +
			`"rotated_reuse":"record","suspend_idle_days":null}`,
		limited: `{"default_lifetime_seconds":2592000,"existing_tokens":"block","max_lifetime_seconds":7776000,"never_expiring_allowed":false,` +
			`"rotated_reuse":"revoke","suspend_idle_days":7}`,
	} {
		if a := p.nobody(t).get("/api/auth/policy"); a.status != http.StatusOK || strings.TrimSpace(a.body) != want {
			t.Errorf("answered %d: %s", a.status, a.body)
		}
	}
}

func TestNoTokenIsMadeBeyondThePolicy(t *testing.T) {
	t.Parallel()
	p := startProgram(t, options{args: strict})
	u := instanceA.newUser(t, writer)
	_, cookie := p.signIn(t, u)
	login := fmt.Sprintf(`"username":%q,"password":%q,"host":"localhost","port":%d,`, u.name, u.password, u.at.port)
	maker := p.bearer(t, p.newToken(t, u, "maker").Token)
	for name, create := range map[string]func(limits string) answer{
		"credentials": func(limits string) answer {
			return p.nobody(t).post("/api/auth/tokens/credentials", `{`+login+limits+`}`)
		},
		"session": func(limits string) answer { return p.cookie(t, cookie).post("/api/auth/tokens", `{`+limits+`}`) },
		"token":   func(limits string) answer { return maker.post("/api/auth/tokens", `{`+limits+`}`) },
	} {
		isCreated(t, create(`"name":"unasked"`), 30*day)
		if name != "token" { // which has 30 days itself
			isCreated(t, create(`"name":"longest","ttlSeconds":7776000`), 90*day)
		}
		for limits, field := range map[string]string{
			`"ttlSeconds":7776001`: "ttlSeconds",
			`"expiresAt":"` + time.Now().Add(90*day+time.Minute).Format(time.RFC3339) + `"`: "expiresAt",
			`"expiresAt":null`: "expiresAt",
		} {
			a := create(`"name":"more",` + limits)
			a.isProblem(t, http.StatusBadRequest, "invalid_request")
			if !strings.Contains(a.body, `"field":"`+field+`"`) || !strings.Contains(a.body, "7776000") {
				t.Errorf("%s: asked for %s it answered %s", name, limits, a.body)
			}
		}
	}
}

func TestNeverIsAskedForWhereThereIsADefault(t *testing.T) {
	t.Parallel()
	p := startProgram(t, options{args: []string{"--default-lifetime", "30d"}})
	_, cookie := p.signIn(t, instanceA.newUser(t, writer))
	c := p.cookie(t, cookie)
	isCreated(t, c.post("/api/auth/tokens", `{"name":"unasked"}`), 30*day)
	isCreated(t, c.post("/api/auth/tokens", `{"name":"never","expiresAt":null}`), 0)
}

// tightened starts the program again with a policy, on the tokens that were made
// without one.
func tightened(t *testing.T, p *program, args ...string) *program {
	t.Helper()
	p.mustStop(t)
	o := p.options
	o.args = args
	return startProgram(t, o)
}

func TestRotationEndsWhereThePolicyDoes(t *testing.T) {
	t.Parallel()
	p := startProgram(t, options{})
	u := instanceA.newUser(t, writer)
	never, long, short := p.newToken(t, u, "never"), p.shortToken(t, u, "long", 31622400), p.shortToken(t, u, "short", 3600)
	p = tightened(t, p, strict...)
	for name, c := range map[string]struct {
		token client.TokenCreated
		want  time.Duration
	}{"never": {never, 90 * day}, "long": {long, 90 * day}, "short": {short, time.Hour}} {
		rotated := p.bearer(t, c.token.Token).rotate("self", `{}`)
		if rotated.ExpiresAt == nil || rotated.ExpiresAt.Sub(time.Now().Add(c.want)).Abs() > 10*time.Second {
			t.Errorf("%s: ends at %v, want in %s", name, rotated.ExpiresAt, c.want)
		}
	}
}

func TestChildOfATokenWithoutEndHasOne(t *testing.T) {
	t.Parallel()
	p := startProgram(t, options{})
	never := p.newToken(t, instanceA.newUser(t, writer), "never")
	p = tightened(t, p, strict...)
	isCreated(t, p.bearer(t, never.Token).post("/api/auth/tokens", `{"name":"child"}`), 30*day)
}

func TestExistingTokensAreReportedOrBlockedByThePolicy(t *testing.T) {
	t.Parallel()
	p := startProgram(t, options{})
	u := instanceA.newUser(t, writer)
	never, long, short := p.newToken(t, u, "never"), p.shortToken(t, u, "long", 31622400), p.shortToken(t, u, "short", 3600)
	// As another program that shares the store would have made it.
	p.row(t, `MATCH (t:Token {token_id: '`+long.TokenID+`'}) SET t.kind = null RETURN 1`)
	all := []client.TokenCreated{never, long, short}
	violations := []string{"[never_expires]", "[lifetime]", "[]"}
	expect := func(policy string, statuses ...int) {
		t.Helper()
		_, cookie := p.signIn(t, u)
		session := p.cookie(t, cookie)
		for i, token := range all {
			if got := p.bearer(t, token.Token).works(); got != statuses[i] {
				t.Errorf("%s: token %d answers %d, want %d", policy, i, got, statuses[i])
			}
			want := violations[i]
			if policy == "none" {
				want = "[]"
			}
			if got := fmt.Sprint(session.token(token.TokenID).PolicyViolations); got != want {
				t.Errorf("%s: token %d violates %s, want %s", policy, i, got, want)
			}
		}
		for _, one := range session.list("").Tokens {
			if i := slices.IndexFunc(all, func(c client.TokenCreated) bool { return c.TokenID == one.TokenID }); policy != "none" && fmt.Sprint(one.PolicyViolations) != violations[i] {
				t.Errorf("%s: token %d is listed with %v", policy, i, one.PolicyViolations)
			}
		}
	}
	expect("none", http.StatusOK, http.StatusOK, http.StatusOK)
	p = tightened(t, p, strict...)
	expect("report", http.StatusOK, http.StatusOK, http.StatusOK)
	p = tightened(t, p, append([]string{"--existing-tokens", "block"}, strict...)...)
	expect("block", http.StatusUnauthorized, http.StatusUnauthorized, http.StatusOK)
	a := p.bearer(t, never.Token).get("/api/auth/tokens")
	a.isProblem(t, http.StatusUnauthorized, "policy_violation")
	if a.problem(t).Message != "Not authenticated" || a.header.Get("WWW-Authenticate") != `Bearer error="invalid_token"` {
		t.Errorf("answered %q: %s", a.header, a.body)
	}
	p = tightened(t, p)
	expect("none", http.StatusOK, http.StatusOK, http.StatusOK)
}

func TestEndWithinAWeekIsToldOnEveryAnswer(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	const header = "Token-Expires-At"
	soon, later, never := shared.shortToken(t, u, "soon", 604790), shared.shortToken(t, u, "later", 604860), shared.newToken(t, u, "never")
	c := shared.bearer(t, soon.Token)
	want := soon.ExpiresAt.UTC().Format(time.RFC3339)
	for path, status := range map[string]int{
		"/api/auth/tokens": http.StatusOK, "/api/auth/tokens/self": http.StatusOK, "/api/status": http.StatusOK,
		"/api/auth/tokens?limit=0": http.StatusBadRequest, "/api/auth/tokens/1-a": http.StatusNotFound,
	} {
		if a := c.get(path); a.status != status || a.header.Get(header) != want {
			t.Errorf("%s answered %d with %q, want %d with %q", path, a.status, a.header.Get(header), status, want)
		}
	}
	if a := c.post("/api/auth/tokens", `{"name":"x","permissions":["tokens:admin"]}`); a.status != http.StatusForbidden || a.header.Get(header) != want {
		t.Errorf("answered %d with %q", a.status, a.header.Get(header))
	}
	if a := c.post("/api/auth/tokens", `{`); a.status != http.StatusBadRequest || a.header.Get(header) != want {
		t.Errorf("answered %d with %q", a.status, a.header.Get(header))
	}
	_, cookie := shared.signIn(t, u)
	for name, other := range map[string]*caller{
		"a later end": shared.bearer(t, later.Token), "no end": shared.bearer(t, never.Token), "a session": shared.cookie(t, cookie), "nobody": shared.nobody(t),
	} {
		if a := other.get("/api/auth/tokens"); a.header.Get(header) != "" {
			t.Errorf("%s is told to end at %s", name, a.header.Get(header))
		}
	}
	c.revoke(soon.TokenID)
	if a := c.get("/api/auth/tokens"); a.status != http.StatusUnauthorized || a.header.Get(header) != "" {
		t.Errorf("revoked it answered %d with %q", a.status, a.header.Get(header))
	}
}
