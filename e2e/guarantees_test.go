package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/falkorpat/falkorpat/crypto"
	"github.com/falkorpat/falkorpat/gen/client"
)

// What users of the documented API were promised in so many words; each test
// stands below the words. The promises about time are in promptness_test.go.

// "Works": the documented example, with "password":"".
func TestEmptyPasswordLogsIn(t *testing.T) {
	t.Parallel()
	c := shared.nobody(t)
	for _, body := range []string{
		`{"username":"default","password":"","host":"127.0.0.1","port":%d}`,
		`{"username":"default","host":"127.0.0.1","port":%d}`,
		`{"port":%d}`,
	} {
		created := isCreated(t, c.post("/api/auth/tokens/credentials", fmt.Sprintf(body, instanceA.port)), 0)
		got := shared.bearer(t, created.Token).token(created.TokenID)
		if got.Username != "default" || got.Name != "API Token" || got.Role != admin {
			t.Errorf("%s made %+v", body, got)
		}
		c.post("/api/auth/session", fmt.Sprintf(body, instanceA.port))
	}
	guest := instanceB.user(t, "guest")
	if got := shared.bearer(t, shared.newToken(t, guest, "guest").Token).works(); got != http.StatusOK {
		t.Errorf("token of a user without a password answers %d", got)
	}
	// Where the instance demands a password, none is no password.
	body := fmt.Sprintf(`{"username":"default","password":"","host":"127.0.0.1","port":%d}`, instanceB.port)
	c.post("/api/auth/tokens/credentials", body).isProblem(t, http.StatusUnauthorized, "invalid_credentials")
}

// "Returned": tokenId and expiresAt, in the answer that creates a token.
func TestCreatedAnswerHoldsTokenIDAndExpiry(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	_, cookie := shared.signIn(t, u)
	bySession := shared.cookie(t, cookie)
	byToken := shared.bearer(t, shared.newToken(t, u, "maker").Token)
	login := fmt.Sprintf(`"username":%q,"password":%q,"host":"localhost","port":%d,`, u.name, u.password, u.at.port)
	for fields, lifetime := range map[string]time.Duration{
		`"name":"a"`:                                 0,
		`"name":"b","ttlSeconds":86400`:              24 * time.Hour,
		`"name":"c","ttlSeconds":31622400`:           366 * 24 * time.Hour,
		`"name":"d","ttlSeconds":1`:                  time.Second,
		`"name":"e","expiresAt":null`:                0,
		`"name":"f","expiresAt":null,"ttlSeconds":9`: 9 * time.Second,
	} {
		isCreated(t, shared.nobody(t).post("/api/auth/tokens/credentials", "{"+login+fields+"}"), lifetime)
		isCreated(t, bySession.post("/api/auth/tokens", "{"+fields+"}"), lifetime)
		isCreated(t, byToken.post("/api/auth/tokens", "{"+fields+"}"), lifetime)
	}
}

// "Both forms accepted": port as a number or a string, tls as a boolean or a
// string.
func TestPortAndTLSAreAcceptedInBothForms(t *testing.T) {
	t.Parallel()
	c := shared.nobody(t)
	for _, port := range []string{"%d", `"%d"`} {
		for _, tls := range []string{`"false"`, `false`} {
			body := fmt.Sprintf(`{"username":"default","host":"localhost","port":`+port+`,"tls":`+tls+`}`, instanceA.port)
			if a := c.post("/api/auth/tokens/credentials", body); a.status != http.StatusOK {
				t.Errorf("%s answered %d: %s", body, a.status, a.body)
			}
			if a := c.post("/api/auth/session", body); a.status != http.StatusOK {
				t.Errorf("session: %s answered %d: %s", body, a.status, a.body)
			}
		}
	}
}

// "400; bounded": an invalid expiresAt.
func TestInvalidExpiresAtIsABadRequestAndBounded(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	_, cookie := shared.signIn(t, u)
	c := shared.cookie(t, cookie)
	in := func(d time.Duration) string { return `"` + time.Now().Add(d).UTC().Format(time.RFC3339) + `"` }
	const limit = 31622400 * time.Second
	for _, value := range []string{
		`"tomorrow"`, `""`, `"2030-13-01T00:00:00Z"`, `"2030-02-30T00:00:00Z"`, `"2030-01-01"`, `"2030-01-01T00:00:00"`,
		`1893456000`, `true`, `{}`, `[]`, in(-time.Hour), in(0), in(limit + time.Minute), `"9999-12-31T23:59:59Z"`,
		`"1970-01-01T00:00:00Z"`, `"0001-01-01T00:00:00Z"`, `"-000001-01-01T00:00:00Z"`, `"99999-01-01T00:00:00Z"`,
	} {
		a := c.post("/api/auth/tokens", `{"name":"n","expiresAt":`+value+`}`)
		if a.status != http.StatusBadRequest || a.problem(t).Errors[0].Field != "expiresAt" {
			t.Errorf("%s answered %d: %s", value, a.status, a.body)
		}
	}
	for _, body := range []string{`"ttlSeconds":0`, `"ttlSeconds":-1`, `"ttlSeconds":31622401`, `"ttlSeconds":1.5`, `"ttlSeconds":"60"`, `"ttlSeconds":1e99`} {
		if a := c.post("/api/auth/tokens", `{"name":"n",`+body+`}`); a.status != http.StatusBadRequest || a.problem(t).Errors[0].Field != "ttlSeconds" {
			t.Errorf("%s answered %d: %s", body, a.status, a.body)
		}
	}
	a := c.post("/api/auth/tokens", `{"name":"n","ttlSeconds":60,"expiresAt":`+in(time.Hour)+`}`)
	if a.status != http.StatusBadRequest {
		t.Errorf("both answered %d: %s", a.status, a.body)
	}
	if got := c.list("?status=all").Count; got != 0 {
		t.Errorf("%d tokens were made", got)
	}
	isCreated(t, c.post("/api/auth/tokens", `{"name":"n","expiresAt":`+in(limit-10*time.Second)+`}`), limit-10*time.Second)
	offset := time.Now().Add(time.Hour).In(time.FixedZone("", 5*3600+1800)).Format(time.RFC3339Nano)
	isCreated(t, c.post("/api/auth/tokens", `{"name":"n","expiresAt":"`+offset+`"}`), time.Hour)
}

// "Any valid Unicode without control characters round-trips exactly; control
// characters get 400": names.
func TestNamesRoundTripExactly(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	c := shared.bearer(t, shared.newToken(t, u, "maker").Token)
	for _, name := range []string{
		"it's", `trailing \`, `C:\temp`, `\n \t \u0041 \x41`, `"quoted"`, "`backticks`", "${x} $name %s %d {{}}", "a;b--c/*d*/",
		"👩‍👩‍👧‍👦 family", "🏳️‍🌈", "می\u200cخواهم", "soft\u00adhyphen", "zero\u200bwidth\ufeff", "\u202eright-to-left",
		"日本語", "e\u0301 is not é", "\U0010ffff", "a  b", "<script>alert(1)</script>", "null", "0", "x\u2028y\u2029z",
		"'; MATCH (n) DETACH DELETE n //", strings.Repeat("👍", 100), strings.Repeat("\\", 100), strings.Repeat(`"`, 100),
	} {
		body, _ := json.Marshal(map[string]string{"name": name})
		created := isCreated(t, c.post("/api/auth/tokens", string(body)), 0)
		if got := c.token(created.TokenID).Name; got != name {
			t.Errorf("%q came back as %q", name, got)
		}
		list := c.list("?limit=1")
		if len(list.Tokens) != 1 || list.Tokens[0].Name != name {
			t.Errorf("%q is listed as %+v", name, list.Tokens)
		}
	}
	before := c.list("?status=all&limit=1000").Count
	for _, name := range []string{
		`a\u0000b`, `\u0001`, `tab\there`, `line\nbreak`, `\u001b[31mred`, `\u007f`, `\u0085`, `\u009f`, ``, `   `, `\u3000`, strings.Repeat("x", 101),
	} {
		a := c.post("/api/auth/tokens", `{"name":"`+name+`"}`)
		if a.status != http.StatusBadRequest || a.problem(t).Errors[0].Field != "name" {
			t.Errorf("%s answered %d: %s", name, a.status, a.body)
		}
	}
	if after := c.list("?status=all&limit=1000").Count; after != before {
		t.Errorf("%d tokens were made", after-before)
	}
}

// "When and where: time, IP address, user agent": the last use of a token.
func TestLastUseSaysWhenAndWhere(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	used, watcher := shared.newToken(t, u, "used"), shared.newToken(t, u, "watcher")
	w := shared.bearer(t, watcher.Token)
	if got := w.token(used.TokenID); got.LastUsed != nil || got.LastUsedIP != nil || got.LastUsedAgent != nil {
		t.Errorf("unused token was used: %+v", got)
	}
	remote := shared.from(t, "127.0.0.9", func(r *http.Request) {
		r.Header.Set("Authorization", "Bearer "+used.Token)
		r.Header.Set("User-Agent", "ci-runner/4.2 (linux)")
	})
	remote.works()
	check := func(got client.Token) {
		t.Helper()
		if got.LastUsed == nil || time.Since(*got.LastUsed).Abs() > 10*time.Second {
			t.Errorf("last used %v", got.LastUsed)
		}
		if got.LastUsedIP == nil || *got.LastUsedIP != "127.0.0.9" || got.LastUsedAgent == nil || *got.LastUsedAgent != "ci-runner/4.2 (linux)" {
			t.Errorf("used from %+v", got)
		}
	}
	check(w.token(used.TokenID))
	list := w.list("")
	check(list.Tokens[slices.Index(ids(list), used.TokenID)])
}

// "Never": the token hash in an answer. Every answer of every test is searched
// for what looks like one; this test asks for it.
func TestTokenHashIsNeverInAnAnswer(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, admin)
	created := shared.newToken(t, u, "digest")
	c := shared.bearer(t, created.Token)
	hash := crypto.HashToken(created.Token)
	for _, a := range []answer{
		c.get("/api/auth/tokens?status=all&limit=1000"), c.get("/api/auth/tokens/" + created.TokenID),
		c.get("/api/auth/tokens/" + hash), c.get("/api/auth/tokens?cursor=" + hash), c.get("/api/auth/tokens?token_hash=" + hash),
	} {
		if a.status == http.StatusOK && (strings.Contains(a.body, hash) || strings.Contains(a.body, "hash")) {
			t.Errorf("hash is in %.300s", a.body)
		}
	}
}

// "Confined to the same instance": Admins.
func TestAdminIsConfinedToItsInstance(t *testing.T) {
	t.Parallel()
	here, there := instanceA.newUser(t, admin), instanceB.newUser(t, writer)
	foreign := shared.newToken(t, there, "foreign")
	own := shared.newToken(t, instanceA.newUser(t, writer), "own")
	_, cookie := shared.signIn(t, here)
	for name, c := range map[string]*caller{
		"token":   shared.bearer(t, shared.newToken(t, here, "admin").Token),
		"session": shared.cookie(t, cookie),
	} {
		path := "/api/auth/tokens/" + foreign.TokenID
		c.get(path).isProblem(t, http.StatusNotFound, "token_not_found")
		c.send(http.MethodDelete, path, nil).isProblem(t, http.StatusNotFound, "token_not_found")
		list := c.list("?status=all&limit=1000")
		if slices.Contains(ids(list), foreign.TokenID) || !slices.Contains(ids(list), own.TokenID) {
			t.Errorf("%s: an Admin's list does not end at the instance", name)
		}
		for _, one := range list.Tokens {
			if one.Host != "localhost" || one.Port != instanceA.port {
				t.Errorf("%s: lists a token of %s:%d", name, one.Host, one.Port)
			}
		}
	}
	if got := shared.bearer(t, foreign.Token).works(); got != http.StatusOK {
		t.Errorf("foreign token answers %d", got)
	}
}

// "One instance": localhost and 127.0.0.1.
func TestLocalhostAnd127AreOneInstance(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	var made []string
	var owners []string
	for _, host := range []string{"localhost", "127.0.0.1", "LOCALHOST", "::1", "[::1]", "127.0.0.2", "localhost."} {
		order := u.order(t, host)
		order.Host = host
		created := shared.newTokenFrom(t, order)
		got := shared.bearer(t, created.Token).token(created.TokenID)
		if got.Host != "localhost" {
			t.Errorf("%s became %s", host, got.Host)
		}
		made, owners = append(made, created.TokenID), append(owners, got.UserID)
		list := ids(shared.bearer(t, created.Token).list(""))
		slices.Reverse(list)
		if !slices.Equal(list, made) {
			t.Errorf("%s: lists %q, want %q", host, list, made)
		}
	}
	if len(slices.Compact(owners)) != 1 {
		t.Errorf("one user has the IDs %q", owners)
	}
}

// "404": a session's row, through the token routes.
func TestSessionRowsAreNotReadableAsTokens(t *testing.T) {
	t.Parallel()
	p := startProgram(t, options{})
	u := instanceA.newUser(t, admin)
	_, cookie := p.signIn(t, u)
	c := p.cookie(t, cookie)
	row := p.row(t, `MATCH (t:Token {kind: 'session'}) RETURN t.token_id, t.name, t.token_hash`)
	for _, id := range row {
		if strings.Contains(id, ":") {
			c.get("/api/auth/tokens/"+id).isProblem(t, http.StatusBadRequest, "invalid_request")
			continue
		}
		for _, method := range []string{http.MethodGet, http.MethodDelete} {
			if a := c.send(method, "/api/auth/tokens/"+id, nil); a.status != http.StatusNotFound && len(id) <= 64 {
				t.Errorf("%s of %s answered %d: %s", method, id, a.status, a.body)
			}
		}
	}
	if got := c.list("?status=all"); got.Count != 0 {
		t.Errorf("sessions are listed: %+v", got)
	}
	if got := c.works(); got != http.StatusOK {
		t.Errorf("the session was ended through a token route: %d", got)
	}
}

// "Status is honest": of expired tokens.
func TestExpiredTokensAreNotListedAsActive(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	short, long := shared.shortToken(t, u, "short", 1), shared.newToken(t, u, "long")
	c := shared.bearer(t, long.Token)
	if got := shared.bearer(t, short.Token).works(); got != http.StatusOK && time.Now().Before(*short.ExpiresAt) {
		t.Errorf("a token that lives answers %d", got)
	}
	eventually(t, 10*time.Second, "the token to expire", func() bool { return time.Now().After(*short.ExpiresAt) })
	if got := ids(c.list("")); !slices.Equal(got, []string{long.TokenID}) {
		t.Errorf("lists %q as active", got)
	}
	if got := ids(c.list("?status=expired")); !slices.Equal(got, []string{short.TokenID}) {
		t.Errorf("lists %q as expired", got)
	}
	if got := c.token(short.TokenID); got.Status != client.TokenStatusExpired || got.IsActive || got.RevokedAt != nil {
		t.Errorf("expired token reads %+v", got)
	}
	a := shared.bearer(t, short.Token).get("/api/auth/tokens")
	a.isProblem(t, http.StatusUnauthorized, "invalid_token")
	if all := c.list("?status=all"); all.Count != 2 || all.Tokens[1].Status != client.TokenStatusExpired {
		t.Errorf("lists %+v", all)
	}
}

// "Only instances the operator allows": whom a stranger can make it talk to.
func TestOnlyAllowedInstancesAreReached(t *testing.T) {
	t.Parallel()
	private := newListener(t, nil)
	c := shared.nobody(t)
	for _, host := range []string{"127.0.0.1", "localhost", "169.254.169.254", "example.com", "0.0.0.0", "127.0.0.1@evil", "127.1", "2130706433", "/tmp/socket", "unix:/x"} {
		for _, path := range []string{"/api/auth/tokens/credentials", "/api/auth/session"} {
			body := fmt.Sprintf(`{"host":%q,"port":%d}`, host, private.port)
			c.post(path, body).isProblem(t, http.StatusUnauthorized, "invalid_credentials")
		}
	}
	if private.accepted() != 0 {
		t.Error("a stranger made the program connect to a server that the operator does not name")
	}
}
