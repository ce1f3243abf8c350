package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/falkorpat/falkorpat/gen/client"
)

// form sends a form.
func (c *caller) form(path, body string, headers ...string) answer {
	c.t.Helper()
	return c.send(http.MethodPost, path, strings.NewReader(body), append([]string{"Content-Type: application/x-www-form-urlencoded"}, headers...)...)
}

// introspect asks what a token is.
func (c *caller) introspect(token string) answer {
	c.t.Helper()
	return c.form("/api/auth/introspect", url.Values{"token": {token}}.Encode())
}

const inactive = `{"active":false}`

func TestIntrospectionTellsAnotherServiceWhatATokenIs(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	created := isCreatedAnyhow(t, shared.with(t, u,
		`"permissions":["graph:read"],"graphs":["social"],"allowedIps":["192.0.2.0/24"],"ttlSeconds":3600,"notBefore":"`+time.Now().Add(2*time.Second).UTC().Format(time.RFC3339)+`"`))
	// A service of its own, that may do nothing else.
	service := isCreatedAnyhow(t, shared.with(t, instanceA.newUser(t, reader), `"permissions":["graph:read"]`))
	c := shared.bearer(t, service.Token)
	eventually(t, 10*time.Second, "the token to begin", func() bool { return strings.TrimSpace(c.introspect(created.Token).body) != inactive })
	r := must[*client.IntrospectTokenResponse](t)(c.IntrospectTokenWithFormdataBodyWithResponse(t.Context(), client.TokenForm{Token: created.Token}))
	if r.JSON200 == nil {
		t.Fatalf("answered %d %s", r.StatusCode(), r.Body)
	}
	a := c.introspect(created.Token)
	hasKeys(t, a.object(t), "active", "scope", "username", "token_type", "exp", "iat", "nbf", "sub", "jti", "role", "graphs", "allowed_ips", "host", "port")
	got := *r.JSON200
	if !got.Active || got.Scope != "graph:read" || got.Username != u.name || got.TokenType != client.Bearer || got.Jti != created.TokenID ||
		got.Exp != created.ExpiresAt.Unix() || got.Iat == 0 || got.Nbf == 0 || got.Role != writer || len(got.Graphs) != 1 || len(got.AllowedIps) != 1 ||
		got.Host != "localhost" || got.Port != instanceA.port || !userIDForm.MatchString(got.Sub) {
		t.Errorf("told %+v", got)
	}
	plain := shared.newToken(t, u, "plain")
	hasKeys(t, c.introspect(plain.Token).object(t), "active", "scope", "username", "token_type", "iat", "sub", "jti", "role", "graphs", "host", "port")
	if one := shared.bearer(t, shared.newToken(t, u, "watcher").Token).token(plain.TokenID); one.LastUsed != nil {
		t.Errorf("asking about it was a use, at %s", one.LastUsed)
	}
}

func TestTokenThatDoesNotWorkIsInactiveAndNothingElse(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	c := shared.bearer(t, shared.newToken(t, u, "asks").Token)
	revoked := shared.newToken(t, u, "revoked")
	c.revoke(revoked.TokenID)
	short := shared.shortToken(t, u, "short", 1)
	eventually(t, 10*time.Second, "the token to expire", func() bool { return time.Now().After(short.ExpiresAt.Add(time.Second)) })
	early := isCreatedAnyhow(t, shared.with(t, u, fmt.Sprintf(`"notBefore":%q`, time.Now().Add(time.Hour).Format(time.RFC3339))))
	foreign := shared.newToken(t, instanceB.newUser(t, admin), "foreign")
	gone := instanceA.newUser(t, writer)
	orphan := shared.newToken(t, gone, "orphan")
	gone.change(t, "off")
	for name, token := range map[string]string{
		"revoked": revoked.Token, "expired": short.Token, "too early": early.Token, "another instance's": foreign.Token, "garbage": "garbage",
		"changed": revoked.Token[:len(revoked.Token)-4] + "AAAA", "an ID": revoked.TokenID, "Cypher": `' OR 1=1 //`, "long": strings.Repeat("x", 8192),
	} {
		if a := c.introspect(token); a.status != http.StatusOK || strings.TrimSpace(a.body) != inactive {
			t.Errorf("%s: answered %d %s", name, a.status, a.body)
		}
	}
	eventually(t, 30*time.Second, "the login to be tried again", func() bool { return strings.TrimSpace(c.introspect(orphan.Token).body) == inactive })
}

func TestIntrospectionIsForTokensOnly(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	token := shared.newToken(t, u, "token")
	a := shared.nobody(t).introspect(token.Token)
	a.isProblem(t, http.StatusUnauthorized, "unauthenticated")
	if a.object(t)["error"] != "invalid_client" {
		t.Errorf("answered %s", a.body)
	}
	_, cookie := shared.signIn(t, u)
	shared.cookie(t, cookie).introspect(token.Token).isProblem(t, http.StatusUnauthorized, "unauthenticated")
}

func TestTokenIsRevokedByItsText(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	created := isCreatedAnyhow(t, shared.with(t, u, `"allowedIps":["192.0.2.1"]`))
	parent := shared.newToken(t, u, "parent")
	child := shared.bearer(t, parent.Token).child(`{"name":"child"}`)
	nobody := shared.nobody(t)
	for _, token := range []string{created.Token, parent.Token} {
		r := must[*client.RevokeTokenTextResponse](t)(nobody.RevokeTokenTextWithFormdataBodyWithResponse(t.Context(), client.TokenForm{Token: token, TokenTypeHint: "access_token"}))
		if r.StatusCode() != http.StatusOK || len(r.Body) != 0 {
			t.Errorf("answered %d %s", r.StatusCode(), r.Body)
		}
	}
	watcher := shared.bearer(t, shared.newToken(t, u, "watcher").Token)
	for _, id := range []string{created.TokenID, parent.TokenID, child.TokenID} {
		if got := watcher.token(id); got.Status != client.TokenStatusRevoked {
			t.Errorf("%s is %s", got.Name, got.Status)
		}
	}
	if got := shared.bearer(t, child.Token).works(); got != http.StatusUnauthorized {
		t.Errorf("what was made from it answers %d", got)
	}
	for name, token := range map[string]string{"again": parent.Token, "garbage": "garbage", "changed": parent.Token + "A", "an ID": parent.TokenID} {
		if a := nobody.form("/api/auth/revoke", url.Values{"token": {token}}.Encode()); a.status != http.StatusOK || a.body != "" {
			t.Errorf("%s: answered %d %s", name, a.status, a.body)
		}
	}
	// Not from a page that somebody was lured to.
	nobody.form("/api/auth/revoke", "token=x", "Origin: https://evil.example").isProblem(t, http.StatusForbidden, "cross_origin")
}

func TestFormsOfOAuthAreReadAsItSays(t *testing.T) {
	t.Parallel()
	c := shared.bearer(t, shared.newToken(t, instanceA.newUser(t, writer), "asks").Token)
	for _, path := range []string{"/api/auth/introspect", "/api/auth/revoke"} {
		for body, field := range map[string]string{
			"": "body", "token=": "token", "token_type_hint=access_token": "token", "token=a&token=b": "token", "token=a&x=1&x=2": "x",
			"token=%zz": "body", "token=%ff": "body", "token=" + strings.Repeat("x", 8193): "token", "Token=a": "token",
		} {
			a := c.form(path, body)
			if a.status != http.StatusBadRequest || a.problem(t).Errors[0].Field != field || a.object(t)["error"] != "invalid_request" {
				t.Errorf("%s with %.40q answered %d %s", path, body, a.status, a.body)
			}
		}
		for _, body := range []string{"token=a&client_id=b&client_secret=c", "token=a&token_type_hint=nonsense", "token=a&token_type_hint="} {
			if a := c.form(path, body); a.status != http.StatusOK {
				t.Errorf("%s with %s answered %d %s", path, body, a.status, a.body)
			}
		}
		if a := c.form(path+"?token=a", ""); a.status != http.StatusBadRequest {
			t.Errorf("%s with the token in the address answered %d", path, a.status)
		}
		a := c.post(path, `{"token":"a"}`)
		a.isProblem(t, http.StatusUnsupportedMediaType, "unsupported_media_type")
		if !strings.Contains(a.problem(t).Message, "x-www-form-urlencoded") || a.object(t)["error"] != "invalid_request" {
			t.Errorf("%s answered %s", path, a.body)
		}
		c.form(path, strings.Repeat("x", 65<<10)).isProblem(t, http.StatusRequestEntityTooLarge, "body_too_large")
	}
	c.form("/api/auth/tokens", "name=x").isProblem(t, http.StatusUnsupportedMediaType, "unsupported_media_type")
}
