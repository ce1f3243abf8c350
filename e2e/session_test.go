package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/falkorpat/falkorpat/crypto"
	"github.com/falkorpat/falkorpat/gen/client"
)

func TestSessionCookieIsKeptFromScriptsAndOtherSites(t *testing.T) {
	t.Parallel()
	session, cookie := shared.signIn(t, instanceA.newUser(t, writer))
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/" || cookie.Domain != "" || cookie.Secure {
		t.Errorf("cookie %s", strings.ReplaceAll(cookie.String(), cookie.Value, "…"))
	}
	for what, end := range map[string]time.Time{"cookie": cookie.Expires, "session": session.ExpiresAt} {
		if left := time.Until(end); left > 24*time.Hour || left < 24*time.Hour-time.Minute {
			t.Errorf("%s ends in %s, want 24 hours", what, left)
		}
	}
	if parts := strings.Split(cookie.Value, "."); len(parts) != 5 {
		t.Errorf("cookie is no compact JWE: %d parts", len(parts))
	}
}

func TestSessionSaysWhoIsSignedIn(t *testing.T) {
	t.Parallel()
	u := instanceB.newUser(t, reader)
	signedIn, cookie := shared.signIn(t, u)
	c := shared.cookie(t, cookie)
	a := c.get("/api/auth/session")
	hasKeys(t, a.object(t), "user", "role", "instance", "expires_at")
	hasKeys(t, a.object(t)["user"], "user_id", "username")
	hasKeys(t, a.object(t)["instance"], "host", "port")
	got := must[*client.GetSessionResponse](t)(c.GetSessionWithResponse(t.Context())).JSON200
	if got == nil || *got != signedIn {
		t.Errorf("says %+v, signed in as %+v", got, signedIn)
	}
	want := client.Session{
		User: client.SessionUser{UserID: signedIn.User.UserID, Username: u.name}, Role: reader,
		Instance: client.Instance{Host: "localhost", Port: instanceB.port}, ExpiresAt: signedIn.ExpiresAt,
	}
	if signedIn != want || !userIDForm.MatchString(signedIn.User.UserID) {
		t.Errorf("signed in as %+v, want %+v", signedIn, want)
	}
}

func TestSessionIsAskedForWithItsCookieOnly(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	created := shared.newToken(t, u, "token")
	shared.nobody(t).get("/api/auth/session").isProblem(t, http.StatusUnauthorized, "unauthenticated")
	shared.bearer(t, created.Token).get("/api/auth/session").isProblem(t, http.StatusUnauthorized, "unauthenticated")
	_, cookie := shared.signIn(t, u)
	// Where both are sent and both are accepted, the header is judged alone.
	shared.cookie(t, cookie).get("/api/auth/tokens", "Authorization: Bearer nonsense").isProblem(t, http.StatusUnauthorized, "invalid_token")
}

func TestSignOutDeletesTheSession(t *testing.T) {
	t.Parallel()
	p := startProgram(t, options{})
	u := instanceA.newUser(t, writer)
	_, cookie := p.signIn(t, u)
	_, other := p.signIn(t, u)
	c, d := p.cookie(t, cookie), p.cookie(t, other)
	created := isCreated(t, c.post("/api/auth/tokens", `{"name":"outlives the session"}`), 0)
	countSessions := func() string { return p.row(t, `MATCH (t:Token {kind: 'session'}) RETURN count(t)`)[0] }
	if got := countSessions(); got != "2" {
		t.Fatalf("%s sessions", got)
	}
	a := c.send(http.MethodDelete, "/api/auth/session", nil)
	if a.status != http.StatusNoContent || a.body != "" {
		t.Errorf("sign out answered %d %s", a.status, a.body)
	}
	cleared, err := http.ParseSetCookie(a.header.Get("Set-Cookie"))
	if err != nil || cleared.Name != cookie.Name || cleared.Value != "" || cleared.MaxAge >= 0 || cleared.Path != cookie.Path || !cleared.HttpOnly {
		t.Errorf("sign out sets %q", a.header.Get("Set-Cookie"))
	}
	if got := countSessions(); got != "1" {
		t.Errorf("%s sessions are left", got)
	}
	for _, path := range []string{"/api/auth/session", "/api/auth/tokens", "/api/status"} {
		c.get(path).isProblem(t, http.StatusUnauthorized, "invalid_session")
	}
	if again := c.send(http.MethodDelete, "/api/auth/session", nil); again.status != http.StatusNoContent {
		t.Errorf("signing out twice answered %d", again.status)
	}
	if got := p.nobody(t).send(http.MethodDelete, "/api/auth/session", nil).status; got != http.StatusNoContent {
		t.Errorf("signing out without a session answered %d", got)
	}
	if got := d.works(); got != http.StatusOK {
		t.Errorf("another session of the same user answers %d", got)
	}
	if got := p.bearer(t, created.Token).works(); got != http.StatusOK {
		t.Errorf("a token made in the session answers %d", got)
	}
}

func TestEndedAndForgedSessionsAreRefused(t *testing.T) {
	t.Parallel()
	key := newKey()
	p := startProgram(t, options{env: []string{"AUTH_SECRET=" + key}})
	u := instanceA.newUser(t, writer)
	_, cookie := p.signIn(t, u)
	row := p.row(t, `MATCH (t:Token {kind: 'session'}) RETURN t.token_id`)
	id := row[0]
	forge := func(key, id string, issued, expires time.Duration) *http.Cookie {
		t.Helper()
		ring, err := crypto.ParseSigningRing(key)
		if err != nil {
			t.Fatal(err)
		}
		value, err := ring.SealSession(crypto.SessionCookie, crypto.SessionClaims{
			Subject: "user-000000000000", ConnectionID: id, Host: "localhost", Port: instanceA.port, Username: u.name, Role: "Admin",
			IssuedAt: time.Now().Add(issued), ExpiresAt: time.Now().Add(expires), ID: "11111111-1111-4111-8111-111111111111",
		})
		if err != nil {
			t.Fatal(err)
		}
		return &http.Cookie{Name: crypto.SessionCookie, Value: value}
	}
	// What the cookie says of user and role is not what decides.
	sealed := p.cookie(t, forge(key, id, 0, time.Hour))
	if got := must[*client.GetSessionResponse](t)(sealed.GetSessionWithResponse(t.Context())).JSON200; got == nil || got.Role != writer {
		t.Errorf("says %+v", got)
	}
	for name, one := range map[string]*http.Cookie{
		"expired":         forge(key, id, -2*time.Hour, -time.Hour),
		"from the future": forge(key, id, time.Hour, 2*time.Hour),
		"another's key":   forge(newKey(), id, 0, time.Hour),
		"no such session": forge(key, "a7a3d863-7514-47e6-a711-ab2c9fabbdaa", 0, time.Hour),
		"odd ID":          forge(key, `x"'\ OR 1=1`, 0, time.Hour),
		"cut":             {Name: cookie.Name, Value: cookie.Value[:len(cookie.Value)-8]},
		"nonsense":        {Name: cookie.Name, Value: "nonsense"},
		"huge":            {Name: cookie.Name, Value: strings.Repeat("a", 100<<10)},
		"empty":           {Name: cookie.Name, Value: ""},
	} {
		a := p.cookie(t, one).get("/api/auth/tokens")
		if a.status != http.StatusUnauthorized || a.problem(t).Code != "invalid_session" {
			t.Errorf("%s: answered %d %s", name, a.status, a.body)
		}
	}
	c := p.cookie(t, cookie)
	if got := c.works(); got != http.StatusOK {
		t.Fatalf("the session answers %d", got)
	}
	query(t, p.store(t), fmt.Sprintf(`MATCH (t:Token {kind: 'session'}) SET t.expires_at = %d`, time.Now().Unix()-1))
	c.get("/api/auth/tokens").isProblem(t, http.StatusUnauthorized, "invalid_session")
}

func TestSessionLifetimeIsTheOperatorsChoice(t *testing.T) {
	t.Parallel()
	p := startProgram(t, options{
		args: []string{"--session-lifetime", "90m", "--trusted-proxies", "127.0.0.1"}, basePath: "/some/pat",
	})
	u := instanceA.newUser(t, writer)
	session, cookie := p.signIn(t, u)
	if left := time.Until(session.ExpiresAt); left > 90*time.Minute || left < 89*time.Minute {
		t.Errorf("ends in %s", left)
	}
	if cookie.Path != "/some/pat/" {
		t.Errorf("cookie goes to %s", cookie.Path)
	}
	// Behind a proxy that speaks HTTPS, the cookie is for HTTPS.
	body := fmt.Sprintf(`{"username":%q,"password":%q,"host":"localhost","port":%d}`, u.name, u.password, u.at.port)
	for from, secure := range map[string]bool{"127.0.0.1": true, "127.0.0.8": false} {
		c := p.from(t, from, nil)
		a := c.post("/api/auth/session", body, "X-Forwarded-Proto: https", "X-Forwarded-For: 203.0.113.1")
		got, err := http.ParseSetCookie(a.header.Get("Set-Cookie"))
		if err != nil {
			t.Fatal(err)
		}
		if got.Secure != secure || strings.HasPrefix(got.Name, "__Secure-") != secure || !got.HttpOnly {
			t.Errorf("from %s: cookie %s, secure %t", from, got.Name, got.Secure)
		}
		if a := c.get("/api/auth/session", "Cookie: "+got.Name+"="+got.Value, "X-Forwarded-Proto: https"); a.status != http.StatusOK {
			t.Errorf("from %s: session answers %d", from, a.status)
		}
	}
}
