package e2e

import (
	"fmt"
	"net/http"
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
