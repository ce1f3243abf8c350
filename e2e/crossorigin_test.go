package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestPagesOfOtherOriginsChangeNothing(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	_, cookie := shared.signIn(t, u)
	c := shared.cookie(t, cookie)
	target := shared.newToken(t, u, "target")
	login := fmt.Sprintf(`{"username":%q,"password":%q,"host":"localhost","port":%d}`, u.name, u.password, u.at.port)
	requests := []struct{ method, path, body string }{
		{http.MethodPost, "/api/auth/tokens", `{"name":"made"}`},
		{http.MethodDelete, "/api/auth/tokens/" + target.TokenID, ""},
		{http.MethodPost, "/api/auth/session", login},
		{http.MethodPost, "/api/auth/tokens/credentials", login},
		{http.MethodDelete, "/api/auth/session", ""},
	}
	own := "http://" + shared.addr
	foreign := [][]string{
		{"Sec-Fetch-Site: cross-site"},
		{"Sec-Fetch-Site: same-site"},
		{"Sec-Fetch-Site: cross-site", "Origin: " + own},
		{"Origin: https://evil.example"},
		{"Origin: null"},
		{"Origin: " + own + ".evil.example"},
		{"Origin: http://127.0.0.1:1"},
		{"Sec-Fetch-Site: cross-site", "Content-Type: text/plain"},
	}
	for _, r := range requests {
		for _, headers := range foreign {
			a := c.send(r.method, r.path, strings.NewReader(r.body), headers...)
			if a.status != http.StatusForbidden || a.problem(t).Code != "cross_origin" {
				t.Errorf("%s %s with %q answered %d: %s", r.method, r.path, headers, a.status, a.body)
			}
		}
	}
	if got := c.token(target.TokenID); !got.IsActive || c.list("?status=all").Count != 1 {
		t.Error("a refused request had an effect")
	}
	// Reading is not guarded: an answer without permission to share cannot be
	// read by a page of another origin.
	if a := c.get("/api/auth/tokens", "Sec-Fetch-Site: cross-site", "Origin: https://evil.example"); a.status != http.StatusOK {
		t.Errorf("reading answered %d", a.status)
	}
	// The server's own page, and programs that are no browser, are let through.
	for _, headers := range [][]string{
		{"Sec-Fetch-Site: same-origin", "Origin: " + own}, {"Sec-Fetch-Site: none"}, {"Origin: " + own}, {},
	} {
		for _, r := range requests[:4] {
			if a := c.send(r.method, r.path, strings.NewReader(r.body), headers...); a.status != http.StatusOK {
				t.Errorf("%s %s with %q answered %d: %s", r.method, r.path, headers, a.status, a.body)
			}
		}
	}
}

func TestBearerTokenNeedsNoOrigin(t *testing.T) {
	t.Parallel()
	c := shared.bearer(t, shared.newToken(t, instanceA.newUser(t, writer), "token").Token)
	for _, header := range []string{"Sec-Fetch-Site: cross-site", "Origin: https://tools.example"} {
		if a := c.post("/api/auth/tokens", `{"name":"made"}`, header); a.status != http.StatusOK {
			t.Errorf("with %s answered %d: %s", header, a.status, a.body)
		}
	}
}

func TestPreflightsGetNoPermission(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/api/auth/tokens", "/api/auth/tokens/credentials", "/api/auth/session"} {
		a := shared.nobody(t).send(http.MethodOptions, path, nil, "Origin: https://evil.example",
			"Access-Control-Request-Method: POST", "Access-Control-Request-Headers: authorization,content-type")
		if a.status != http.StatusNoContent || a.header.Get("Allow") == "" {
			t.Errorf("%s: answered %d, Allow %q", path, a.status, a.header.Get("Allow"))
		}
		for name := range a.header {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("%s: sends %s", path, name)
			}
		}
	}
}
