package e2e

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/falkorpat/falkorpat/gen/client"
)

const verify = "/api/auth/verify"

// passHeaders are what a token that may pass is told by.
var passHeaders = []string{"X-Auth-User", "X-Auth-User-Id", "X-Auth-Instance", "X-Auth-Role", "X-Auth-Token-Id", "X-Auth-Permissions"}

func TestVerifyTellsWhoMayPass(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	created := isCreatedAnyhow(t, shared.with(t, u, `"permissions":["graph:read","tokens:read"]`))
	c := shared.bearer(t, created.Token)
	r := must[*client.VerifyTokenResponse](t)(c.VerifyTokenWithResponse(t.Context(), &client.VerifyTokenParams{}))
	if r.StatusCode() != http.StatusOK || len(r.Body) != 0 {
		t.Fatalf("answered %d %s", r.StatusCode(), r.Body)
	}
	one := c.token(created.TokenID)
	for name, want := range map[string]string{
		"X-Auth-User": u.name, "X-Auth-User-Id": one.UserID, "X-Auth-Instance": fmt.Sprintf("localhost:%d", instanceA.port),
		"X-Auth-Role": "Read-Write", "X-Auth-Token-Id": created.TokenID, "X-Auth-Permissions": "graph:read tokens:read", "Cache-Control": "no-store",
	} {
		if got := r.HTTPResponse.Header.Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	shared.nobody(t).get(verify).isProblem(t, http.StatusUnauthorized, "unauthenticated")
	c.revoke(created.TokenID)
	a := c.get(verify)
	a.isProblem(t, http.StatusUnauthorized, "invalid_token")
	for _, name := range passHeaders {
		if a.header.Get(name) != "" {
			t.Errorf("refused, and yet told %s", name)
		}
	}
}

func TestVerifyAnswersAnyMethodAndReadsNoBody(t *testing.T) {
	t.Parallel()
	created := shared.newToken(t, instanceA.newUser(t, reader), "any method")
	c := shared.bearer(t, created.Token)
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "X-ODD"} {
		a := c.send(method, verify, nil)
		if a.status != http.StatusOK || a.header.Get("X-Auth-Token-Id") != created.TokenID {
			t.Errorf("%s answered %d %s", method, a.status, a.body)
		}
	}
	for _, headers := range [][]string{
		{"Content-Type: application/x-www-form-urlencoded", "Origin: https://evil.example", "Sec-Fetch-Site: cross-site"},
		{"Content-Type: multipart/form-data; boundary=x"},
		{"Content-Type: nonsense"},
	} {
		for _, credentials := range []*caller{c, shared.nobody(t)} {
			a := credentials.send(http.MethodPost, verify, strings.NewReader(strings.Repeat("x=y&", 50_000)), headers...)
			if want := map[bool]int{true: 200, false: 401}[credentials == c]; a.status != want {
				t.Errorf("with %q answered %d, want %d: %s", headers, a.status, want, a.body)
			}
		}
	}
}

// A proxy may announce its client's body and not send it.
func TestVerifyDoesNotWaitForABody(t *testing.T) {
	t.Parallel()
	created := shared.newToken(t, instanceA.newUser(t, reader), "no body")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second) // reading would take 15 s to give up
	defer cancel()
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", shared.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	_ = conn.SetDeadline(deadline)
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n",
		verify, created.Token)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK || !response.Close {
		t.Errorf("answered %d, close %v", response.StatusCode, response.Close)
	}
}

func TestVerifyAsksForPermissionsGraphAndInstance(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	created := isCreatedAnyhow(t, shared.with(t, u, `"permissions":["graph:read","tokens:read"],"graphs":["social","team-*"]`))
	c := shared.bearer(t, created.Token)
	other := fmt.Sprintf("localhost:%d", instanceB.port)
	for query, want := range map[string]string{
		"permission=graph:read": "", "permission=graph%3Aread&permission=tokens:read": "", "graph=social": "", "graph=team-a": "",
		"permission=graph:read&graph=social": "", "graph=team-*": "", // a name that begins so
		"instance=" + instanceA.addr(): "", "instance=127.0.0.1:" + fmt.Sprint(instanceA.port): "",
		"permission=graph:write": "missing_permission", "permission=graph:read&permission=graph:write": "missing_permission",
		"permission=tokens:admin": "missing_permission", "graph=secret": "graph_not_allowed", "graph=*": "graph_not_allowed",
		"graph=s%3Fcial": "graph_not_allowed", "graph=Social": "graph_not_allowed", "graph=social%20": "graph_not_allowed",
		"permission=graph:read&graph=secret": "graph_not_allowed", "instance=" + other: "instance_not_allowed",
		"permission=": "permission", "permission=nonsense": "permission.0", "permission=graph:read,graph:write": "permission.0",
		"permission=graph:read&permission=graph:read": "permission", "graph=": "graph", "graph=a&graph=b": "graph", "graph=%00": "graph", "graph=%ff": "graph",
		"instance=x": "instance", "instance=a:1,b:2": "instance", "instance=:0": "instance", "graphs=social": "graphs", "%zz": "query", "a;b": "query",
		"original=": "", "original=/x?y=%zz&permission=graph:write": "", "graph=social&original=/a?graph=secret&graph=b": "",
		"graph=secret&original=/?graph=social": "graph_not_allowed",
	} {
		a := c.get(verify + "?" + query)
		switch {
		case want == "" && a.status != http.StatusOK:
			t.Errorf("%s answered %d %s", query, a.status, a.body)
		case want == "":
		case strings.Contains(want, "_"):
			a.isProblem(t, http.StatusForbidden, want)
			if got := a.header.Get("WWW-Authenticate"); got != `Bearer error="insufficient_scope"` {
				t.Errorf("%s: challenge is %q", query, got)
			}
		default:
			if a.status != http.StatusBadRequest || a.problem(t).Errors[0].Field != want {
				t.Errorf("%s answered %d %s, want a fault of %s", query, a.status, a.body, want)
			}
		}
	}
}

func TestVerifyDecidesByWhatTheUserMayDoNow(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	c := shared.bearer(t, shared.newToken(t, u, "demoted").Token)
	if a := c.get(verify + "?permission=graph:write"); a.status != http.StatusOK {
		t.Fatalf("answered %d %s", a.status, a.body)
	}
	u.role = reader
	if err := instanceA.makeUser(u); err != nil {
		t.Fatal(err)
	}
	eventually(t, 30*time.Second, "the role to be asked again", func() bool {
		return c.get(verify+"?permission=graph:write").status == http.StatusForbidden
	})
	if got := c.get(verify).header.Get("X-Auth-Role"); got != "Read-Only" {
		t.Errorf("role is %s", got)
	}
}

func TestVerifyTakesTokensOnly(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	_, cookie := shared.signIn(t, u)
	shared.cookie(t, cookie).get(verify).isProblem(t, http.StatusUnauthorized, "unauthenticated")
	token := shared.newToken(t, u, "token").Token
	// No header but Authorization counts unless the operator names one.
	shared.nobody(t).get(verify, "X-Api-Key: "+token).isProblem(t, http.StatusUnauthorized, "unauthenticated")
	shared.nobody(t).get(verify, "Authorization: Bearer "+token, "Authorization: Bearer "+token).isProblem(t, http.StatusUnauthorized, "invalid_token")
}

func TestVerifyTakesOneTokenFromTheNamedHeader(t *testing.T) {
	t.Parallel()
	p := startProgram(t, options{args: []string{"--verify-header", "x-api-key"}})
	u := instanceA.newUser(t, writer)
	created, other := p.newToken(t, u, "one"), p.newToken(t, u, "other")
	c := p.nobody(t)
	if a := c.get(verify, "X-Api-Key: "+created.Token); a.status != http.StatusOK || a.header.Get("X-Auth-Token-Id") != created.TokenID {
		t.Errorf("answered %d %s", a.status, a.body)
	}
	for name, headers := range map[string][]string{
		"both":                   {"X-Api-Key: " + created.Token, "Authorization: Bearer " + created.Token},
		"two different ones":     {"X-Api-Key: " + created.Token, "Authorization: Bearer " + other.Token},
		"beside another scheme":  {"X-Api-Key: " + created.Token, "Authorization: Basic Zm9vOmJhcg=="},
		"twice":                  {"X-Api-Key: " + created.Token, "X-Api-Key: " + created.Token},
		"with a scheme":          {"X-Api-Key: Bearer " + created.Token},
		"two in one, by a comma": {"X-Api-Key: " + created.Token + ", " + other.Token},
	} {
		a := c.get(verify, headers...)
		a.isProblem(t, http.StatusUnauthorized, "invalid_token")
		if a.header.Get("X-Auth-User") != "" {
			t.Errorf("%s: told who", name)
		}
	}
	// It is for proxies' questions alone.
	c.get("/api/auth/tokens", "X-Api-Key: "+created.Token).isProblem(t, http.StatusUnauthorized, "unauthenticated")
}

func TestVerifyIsAUseOfTheToken(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	created, watcher := shared.newToken(t, u, "used"), shared.newToken(t, u, "watcher")
	shared.bearer(t, created.Token).get(verify, "User-Agent: a proxy's client")
	got := shared.bearer(t, watcher.Token).token(created.TokenID)
	if got.LastUsed == nil || got.LastUsedAgent == nil || *got.LastUsedAgent != "a proxy's client" {
		t.Errorf("last used %v by %v", got.LastUsed, got.LastUsedAgent)
	}
}

func TestTokenThatEndsSoonIsToldSoToThoseWhoVerifyIt(t *testing.T) {
	t.Parallel()
	short := shared.shortToken(t, instanceA.newUser(t, writer), "short", 3600)
	c := shared.bearer(t, short.Token)
	for name, a := range map[string]answer{"verify": c.get(verify), "introspect": c.introspect(short.Token)} {
		if got := a.header.Get("Token-Expires-At"); got != short.ExpiresAt.UTC().Format(time.RFC3339) {
			t.Errorf("%s: %q, want %s", name, got, short.ExpiresAt)
		}
	}
}

func TestNamesOfUsersAreSafeInHeaders(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"ada@example.com", "用户", "a,b;c=d", "100%", "a+b", `q"uote\`, "emoji👩‍🚀"} {
		u := user{name: name + unique("-x"), password: newPassword(), role: reader, at: instanceA}
		if err := instanceA.makeUser(u); err != nil {
			t.Fatal(err)
		}
		a := shared.bearer(t, shared.newToken(t, u, "odd name").Token).get(verify)
		sent := a.header.Get("X-Auth-User")
		if strings.Trim(sent, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~%") != "" {
			t.Errorf("%s is sent as %q", u.name, sent)
		}
		if got, err := url.PathUnescape(sent); err != nil || got != u.name {
			t.Errorf("%s comes back as %q, %v", u.name, got, err)
		}
	}
}
