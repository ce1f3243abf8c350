package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/falkorpat/falkorpat/gen/client"
	"github.com/falkorpat/falkorpat/store/embedded"
	"github.com/falkorpat/falkorpat/store/embedded/embeddedtest"
)

// loginBound is within how much time every login is answered.
const loginBound = 5 * time.Second

// failedLogin is a login that cannot succeed.
type failedLogin struct {
	name string
	body map[string]any
}

// failedLogins are all the ways to fail, and the instances that a program has
// to allow for them.
func failedLogins(t *testing.T) (logins []failedLogin, instances string) {
	t.Helper()
	u := instanceA.newUser(t, writer)
	off := instanceA.newUser(t, writer)
	off.change(t, "off")
	silent := newListener(t, nil)
	closed := newListener(t, nil)
	_ = closed.Close()
	hangsUp := newListener(t, func(c net.Conn) { _ = c.Close() })
	noRedis := newListener(t, func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n") })
	secure := startSecure(t)
	at := func(port int, more ...any) map[string]any {
		body := map[string]any{"username": u.name, "password": newPassword(), "host": "127.0.0.1", "port": port}
		for i := 0; i < len(more); i += 2 {
			body[more[i].(string)] = more[i+1]
		}
		return body
	}
	port := u.at.port
	logins = []failedLogin{
		{"wrong password", at(port)},
		{"empty password", at(port, "password", "")},
		{"password in other letters", at(port, "password", strings.ToLower(u.password))},
		{"unknown user", at(port, "username", unique("nobody"))},
		{"user with a space", at(port, "username", "default default")},
		{"user switched off", at(port, "username", off.name, "password", off.password)},
		{"instance not allowed", at(1)},
		{"host not allowed", at(port, "host", "db.example.com")},
		{"closed port", at(closed.port)},
		{"silent server", at(silent.port)},
		{"server that hangs up", at(hangsUp.port)},
		{"no FalkorDB", at(noRedis.port)},
		{"TLS to a plain port", at(port, "password", u.password, "tls", true)},
		{"plain to a TLS port", at(secure.port, "username", "default", "password", "", "host", "localhost")},
		{"TLS of an unknown authority", at(secure.port, "username", "default", "password", "", "host", "localhost", "tls", true)},
		{"name that does not resolve", at(6379, "host", "nowhere.onion")},
	}
	instances = fmt.Sprintf("%s,127.0.0.1:%d,127.0.0.1:%d,127.0.0.1:%d,127.0.0.1:%d,localhost:%d,nowhere.onion:6379",
		instanceA.addr(), silent.port, closed.port, hangsUp.port, noRedis.port, secure.port)
	return logins, instances
}

func TestFailedLoginsLookAlike(t *testing.T) {
	t.Parallel()
	logins, instances := failedLogins(t)
	// The resolver built into the program knows without asking anybody that
	// there are no such names (RFC 7686).
	p := startProgram(t, options{instances: instances, env: []string{"GODEBUG=netdns=go"}})
	c := p.nobody(t)
	const want = `{"code":"invalid_credentials","message":"Invalid credentials or connection failed","requestId":"same","status":401,"title":"Unauthorized"}`
	for _, login := range logins {
		for _, path := range []string{"/api/auth/tokens/credentials", "/api/auth/session"} {
			t.Run(login.name+" at "+path, func(t *testing.T) {
				t.Parallel()
				c := &caller{t: t, p: p, http: c.http, edit: c.edit}
				body, err := json.Marshal(login.body)
				if err != nil {
					t.Fatal(err)
				}
				var a answer
				if took := timed(func() { a = c.post(path, string(body), "X-Request-Id: same") }); took > loginBound {
					t.Errorf("took %s", took)
				}
				if strings.TrimSpace(a.body) != want || a.status != http.StatusUnauthorized {
					t.Errorf("answered %d %s", a.status, a.body)
				}
				for name := range a.header {
					if !slices.Contains(plainHeaders, name) {
						t.Errorf("has the header %s", name)
					}
				}
			})
		}
	}
}

// plainHeaders are those of every error.
var plainHeaders = []string{
	"Cache-Control", "Content-Length", "Content-Security-Policy", "Content-Type", "Date", "Referrer-Policy",
	"X-Content-Type-Options", "X-Frame-Options", "X-Request-Id",
}

func TestFailedLoginsTakeAlikeLong(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	c := shared.nobody(t)
	bodies := map[string]string{
		"wrong password": fmt.Sprintf(`{"username":%q,"password":%q,"port":%d}`, u.name, newPassword(), u.at.port),
		"unknown user":   fmt.Sprintf(`{"username":%q,"password":%q,"port":%d}`, unique("nobody"), newPassword(), u.at.port),
		"not allowed":    fmt.Sprintf(`{"username":%q,"password":%q,"port":1}`, u.name, newPassword()),
	}
	times := map[string][]time.Duration{}
	for range 7 {
		for name, body := range bodies {
			times[name] = append(times[name], timed(func() { c.post("/api/auth/tokens/credentials", body) }))
		}
	}
	shortest, longest := time.Hour, time.Duration(0)
	for name, taken := range times {
		t.Logf("%s: %s", name, median(taken))
		shortest, longest = min(shortest, median(taken)), max(longest, median(taken))
	}
	// An answer that comes at once would tell that nothing was asked, however
	// near the instance is; and guessing would be cheap.
	const least = 200 * time.Millisecond
	if longest > 2*shortest || shortest < least {
		t.Errorf("the time tells the reason: from %s to %s", shortest, longest)
	}
}

func TestAwkwardNamesAndPasswordsLogIn(t *testing.T) {
	t.Parallel()
	for _, at := range []*database{instanceA, instanceB} {
		for _, u := range at.standing() {
			created := shared.newToken(t, u, "awkward")
			c := shared.bearer(t, created.Token)
			if got := c.token(created.TokenID); got.Username != u.name || got.Role != u.role {
				t.Errorf("%q is %q, %s", u.name, got.Username, got.Role)
			}
			// The instance is asked with the password as it was kept.
			if got := c.get("/api/status").status; got != http.StatusOK {
				t.Errorf("%q: status answered %d", u.name, got)
			}
			_, cookie := shared.signIn(t, u)
			if got := shared.cookie(t, cookie).get("/api/status").status; got != http.StatusOK {
				t.Errorf("%q: status in a session answered %d", u.name, got)
			}
		}
	}
}

// secureDatabase is an instance that speaks TLS only.
type secureDatabase struct {
	server *embedded.Server
	port   int
	// ca is the authority of its certificate, as callers send it.
	ca string
}

func startSecure(t *testing.T) secureDatabase {
	t.Helper()
	files, ca := embeddedtest.WriteCerts(t, t.TempDir(), "localhost")
	server := embeddedtest.Start(t, embedded.Server{Listen: "127.0.0.1:0", Ephemeral: true, TLS: &files})
	_, portText, err := net.SplitHostPort(server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		t.Fatal(err)
	}
	return secureDatabase{server, port, base64.StdEncoding.EncodeToString(ca)}
}

// addr is host:port as the program is told it.
func (d secureDatabase) addr() string { return fmt.Sprintf("localhost:%d", d.port) }

// login is a body with the credentials of its user default.
func (d secureDatabase) login(tls, ca string) string {
	return fmt.Sprintf(`{"username":"default","host":"localhost","port":%d,"tls":%s,"ca":%q}`, d.port, tls, ca)
}

func TestTLSWithAGivenAuthorityWorks(t *testing.T) {
	t.Parallel()
	db, other := startSecure(t), startSecure(t)
	o := options{instances: db.addr(), dataDir: t.TempDir()}
	p := startProgram(t, o)
	c := p.nobody(t)
	login := func(path, ca, tls string) answer {
		t.Helper()
		return c.post(path, db.login(tls, ca))
	}
	const tokens, session = "/api/auth/tokens/credentials", "/api/auth/session"
	var made []client.TokenCreated
	for _, tls := range []string{"true", `"true"`} {
		made = append(made, isCreated(t, login(tokens, db.ca, tls), 0))
	}
	if a := login(session, db.ca, "true"); a.status != http.StatusOK {
		t.Errorf("sign in answered %d: %s", a.status, a.body)
	}
	for _, path := range []string{tokens, session} {
		login(path, other.ca, "true").isProblem(t, http.StatusUnauthorized, "invalid_credentials")
		for ca, tls := range map[string]string{
			db.ca: "false", "nonsense": "true", "bm9uc2Vuc2U=": "true",
			base64.StdEncoding.EncodeToString([]byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")): "true",
		} {
			a := login(path, ca, tls)
			if a.status != http.StatusBadRequest || a.problem(t).Errors[0].Field != "ca" {
				t.Errorf("%.20s with tls %s answered %d: %s", ca, tls, a.status, a.body)
			}
		}
	}
	// Used later, and by a program that has to log in anew, with what was kept.
	p.mustStop(t)
	p = p.restart(t)
	user := p.bearer(t, made[0].Token)
	if got := user.get("/api/status").status; got != http.StatusOK {
		t.Errorf("status answered %d", got)
	}
	child := user.child(`{"name":"child"}`)
	if got := p.bearer(t, child.Token).get("/api/status").status; got != http.StatusOK {
		t.Errorf("status with a token made from it answered %d", got)
	}
}
