package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/falkorpat/falkorpat/gen/client"
)

// seedTokens writes tokens of one user into the store, as if they had been made
// in time past. Their user must have one already.
func (p *program) seedTokens(t *testing.T, userID string, count int) {
	t.Helper()
	store := p.store(t)
	const batch = 2000
	for from := 0; from < count; from += batch {
		query(t, store, fmt.Sprintf(`MATCH (u:User {user_id: '%s'}) UNWIND range(%d, %d) AS i
			CREATE (:Token {token_id: '1700000000000-' + tostring(10000000 + i), token_hash: 'seed' + tostring(i), user_id: u.user_id,
				username: u.username, host: u.host, port: u.port, name: 'seed', role: 'Read-Write', created_at: 1700000000,
				expires_at: -1, last_used: -1, is_active: true, encrypted_password: '', kind: 'pat', tls: false, ca: ''})
				-[:BELONGS_TO]->(u)`, userID, from, min(from+batch, count)-1))
	}
}

// "A few milliseconds, flat": revoking, when one user has 10,000 tokens; and it
// keeps nobody else waiting.
func TestRevokingStaysFastWithTenThousandTokens(t *testing.T) {
	t.Parallel()
	const rounds = 21
	type side struct {
		c             *caller
		ids           []string
		revoke, other []time.Duration
	}
	u := instanceA.newUser(t, writer)
	var few, many side
	for s, count := range map[*side]int{&few: 10, &many: 10_000} {
		p := startProgram(t, options{})
		s.c = p.bearer(t, p.newToken(t, u, "revoker").Token)
		for range rounds {
			s.ids = append(s.ids, p.newToken(t, u, "revoked").TokenID)
		}
		p.seedTokens(t, s.c.token(s.ids[0]).UserID, count)
	}
	// Turn by turn, so that what else the machine does slows both down.
	for i := range rounds {
		for _, s := range []*side{&few, &many} {
			s.revoke = append(s.revoke, timed(func() { s.c.revoke(s.ids[i]) }))
			s.other = append(s.other, timed(func() { s.c.token(s.ids[i]) }))
		}
	}
	for name, pair := range map[string][2][]time.Duration{
		"revoking": {few.revoke, many.revoke}, "reading": {few.other, many.other},
	} {
		small, large := median(pair[0]), median(pair[1])
		t.Logf("%s: %s with 10 tokens, %s with 10,000", name, small, large)
		if large > 4*small+5*time.Millisecond {
			t.Errorf("%s takes %s with 10,000 tokens and %s with 10", name, large, small)
		}
	}
}

func timed(do func()) time.Duration {
	start := time.Now()
	do()
	return time.Since(start)
}

func median(d []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(d))
	return sorted[len(sorted)/2]
}

// roleTime is within how much time a change of a user's rights takes effect.
const roleTime = 30 * time.Second

// "What the user may do now decides": not what they could do when the token was
// made.
func TestRoleIsWhatTheUserMayDoNow(t *testing.T) {
	t.Parallel()
	demoted, promoted := instanceA.newUser(t, admin), instanceA.newUser(t, reader)
	switchedOff, changed := instanceA.newUser(t, writer), instanceA.newUser(t, writer)
	others := shared.newToken(t, instanceA.newUser(t, writer), "another's")
	callers := map[string]*caller{}
	for name, u := range map[string]user{"demoted": demoted, "promoted": promoted, "switched off": switchedOff, "changed": changed} {
		callers[name] = shared.bearer(t, shared.newToken(t, u, name).Token)
	}
	_, cookie := shared.signIn(t, changed)
	callers["session"] = shared.cookie(t, cookie)
	if got := callers["demoted"].list("?limit=1").Role; got != admin {
		t.Fatalf("role is %s", got)
	}
	if got := callers["demoted"].get("/api/auth/tokens/" + others.TokenID).status; got != http.StatusOK {
		t.Errorf("an Admin reads another's token with %d", got)
	}

	demoted.change(t, rules(reader)...)
	promoted.change(t, rules(writer)...)
	switchedOff.change(t, "off")
	changed.change(t, "resetpass", ">"+newPassword())

	eventually(t, roleTime, "the changes to take effect", func() bool {
		return callers["demoted"].list("?limit=1").Role == reader && callers["promoted"].list("?limit=1").Role == writer &&
			callers["switched off"].works() == http.StatusUnauthorized && callers["changed"].works() == http.StatusUnauthorized &&
			callers["session"].works() == http.StatusUnauthorized
	})
	callers["demoted"].get("/api/auth/tokens/"+others.TokenID).isProblem(t, http.StatusForbidden, "not_owner")
	for _, one := range callers["demoted"].list("?status=all").Tokens {
		if one.Username != demoted.name || one.Role != reader {
			t.Errorf("a demoted user lists %+v", one)
		}
	}
	created := isCreated(t, callers["promoted"].post("/api/auth/tokens", `{"name":"after"}`), 0)
	if got := callers["promoted"].token(created.TokenID).Role; got != writer {
		t.Errorf("a promoted user's new token has the role %s", got)
	}
	for _, name := range []string{"switched off", "changed", "session"} {
		callers[name].get("/api/auth/tokens").isProblem(t, http.StatusUnauthorized, "credentials_no_longer_valid")
	}
	switchedOff.change(t, "on")
	eventually(t, roleTime, "the token to work again", func() bool { return callers["switched off"].works() == http.StatusOK })
}

func TestTokensOfADeletedUserDoNotKeepEachOtherAlive(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	c := shared.bearer(t, shared.newToken(t, u, "first").Token)
	newest := shared.bearer(t, c.child(`{"name":"second"}`).Token)
	if err := instanceA.admin.Do(t.Context(), "ACL", "DELUSER", u.name).Err(); err != nil {
		t.Fatal(err)
	}
	// Each makes the next one, for as long as it can.
	eventually(t, roleTime, "the deleted user's tokens to end", func() bool {
		if a := newest.post("/api/auth/tokens", `{"name":"next"}`); a.status == http.StatusOK {
			newest = shared.bearer(t, isCreatedAnyhow(t, a).Token)
		}
		return c.works() == http.StatusUnauthorized && newest.works() == http.StatusUnauthorized
	})
}

// wrongLogin tries a password that is not the user's, and gives the answer.
func (c *caller) wrongLogin(u user, headers ...string) answer {
	c.t.Helper()
	return c.post("/api/auth/tokens/credentials",
		fmt.Sprintf(`{"username":%q,"password":%q,"host":"localhost","port":%d}`, u.name, newPassword(), u.at.port), headers...)
}

// useUpFailures fails as often as the limit allows, and once more.
func (c *caller) useUpFailures(u user, limit int, header func(i int) string) {
	c.t.Helper()
	for i := range limit {
		c.wrongLogin(u, header(i)).isProblem(c.t, http.StatusUnauthorized, "invalid_credentials")
	}
	a := c.wrongLogin(u, header(limit))
	a.isProblem(c.t, http.StatusTooManyRequests, "too_many_failed_logins")
	if seconds, err := strconv.Atoi(a.header.Get("Retry-After")); err != nil || seconds < 1 || seconds > 60 {
		c.t.Errorf("Retry-After is %q", a.header.Get("Retry-After"))
	}
}

// "By the real peer": the limit on failed logins, whatever a client says of
// itself.
func TestLoginLimitCountsByTheRealPeer(t *testing.T) {
	t.Parallel()
	const limit = 4
	p := startProgram(t, options{loginFailures: limit})
	u := instanceA.newUser(t, writer)
	guesser, bystander := p.from(t, "127.0.0.2", nil), p.from(t, "127.0.0.3", nil)
	guesser.useUpFailures(u, limit, func(i int) string { return fmt.Sprintf("X-Forwarded-For: 198.51.100.%d", i) })
	for _, header := range []string{
		"X-Forwarded-For: 203.0.113.7", "X-Real-Ip: 203.0.113.7", "Forwarded: for=203.0.113.7", "X-Forwarded-For: 127.0.0.3",
		"True-Client-Ip: 203.0.113.7", "Cf-Connecting-Ip: 203.0.113.7", "X-Client-Ip: 203.0.113.7",
	} {
		guesser.wrongLogin(u, header).isProblem(t, http.StatusTooManyRequests, "too_many_failed_logins")
	}
	// The limit is on logins, however they are tried; and not on anything else.
	body := fmt.Sprintf(`{"username":%q,"password":%q,"host":"localhost","port":%d}`, u.name, u.password, u.at.port)
	guesser.post("/api/auth/session", body).isProblem(t, http.StatusTooManyRequests, "too_many_failed_logins")
	created := must[*client.CreateTokenWithCredentialsResponse](t)(bystander.CreateTokenWithCredentialsWithResponse(t.Context(), nil, u.order(t, "bystander")))
	if created.JSON200 == nil {
		t.Fatalf("a bystander is refused with %d", created.StatusCode())
	}
	token := created.JSON200.Token
	if a := guesser.get("/api/auth/tokens", "Authorization: Bearer "+token); a.status != http.StatusOK {
		t.Errorf("a token is refused with %d where logins are limited", a.status)
	}
}

func TestTrustedProxiesTellWhoThePeerIs(t *testing.T) {
	t.Parallel()
	const limit = 3
	p := startProgram(t, options{loginFailures: limit, args: []string{"--trusted-proxies", "127.0.0.1,10.0.0.0/8"}})
	u := instanceA.newUser(t, writer)
	proxy, stranger := p.from(t, "127.0.0.1", nil), p.from(t, "127.0.0.4", nil)
	// The right-most address that is no proxy counts; what stands left of it
	// was written by the client.
	proxy.useUpFailures(u, limit, func(i int) string {
		return fmt.Sprintf("X-Forwarded-For: 198.51.100.%d, 203.0.113.5, 10.1.2.3", i)
	})
	proxy.wrongLogin(u, "X-Forwarded-For: 203.0.113.5").isProblem(t, http.StatusTooManyRequests, "too_many_failed_logins")
	proxy.wrongLogin(u, "X-Forwarded-For: 203.0.113.5, 203.0.113.6").isProblem(t, http.StatusUnauthorized, "invalid_credentials")
	// Others are not believed: whatever they write, they stay who they are.
	stranger.useUpFailures(u, limit, func(i int) string { return fmt.Sprintf("X-Forwarded-For: 203.0.113.%d", 100+i) })

	created := p.newToken(t, u, "used")
	proxy.get("/api/auth/tokens", "Authorization: Bearer "+created.Token, "X-Forwarded-For: 198.51.100.1, 2001:db8::17")
	watcher := p.bearer(t, p.newToken(t, u, "watcher").Token)
	if got := watcher.token(created.TokenID); got.LastUsedIP == nil || *got.LastUsedIP != "2001:db8::17" {
		t.Errorf("used from %v", got.LastUsedIP)
	}
}

func TestSuccessfulLoginsNeverCount(t *testing.T) {
	t.Parallel()
	const limit = 3
	p := startProgram(t, options{loginFailures: limit})
	u := instanceA.newUser(t, writer)
	farm := p.from(t, "127.0.0.5", nil)
	login := func() {
		t.Helper()
		r := must[*client.CreateTokenWithCredentialsResponse](t)(farm.CreateTokenWithCredentialsWithResponse(t.Context(), nil, u.order(t, "farm")))
		if r.JSON200 == nil {
			t.Fatalf("refused with %d: %s", r.StatusCode(), r.Body)
		}
	}
	for range 5 * limit {
		login()
	}
	for range limit - 1 {
		farm.wrongLogin(u).isProblem(t, http.StatusUnauthorized, "invalid_credentials")
		login()
	}
	farm.wrongLogin(u).isProblem(t, http.StatusUnauthorized, "invalid_credentials")
	farm.wrongLogin(u).isProblem(t, http.StatusTooManyRequests, "too_many_failed_logins")
	// What is wrong with a request before its login is no failed login either.
	other := p.from(t, "127.0.0.6", nil)
	for range 2 * limit {
		other.post("/api/auth/session", `{"port":0}`).isProblem(t, http.StatusBadRequest, "invalid_request")
	}
	other.wrongLogin(u).isProblem(t, http.StatusUnauthorized, "invalid_credentials")
}
