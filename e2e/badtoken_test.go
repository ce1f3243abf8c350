package e2e

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/falkorpat/falkorpat/crypto"
)

// b64 is base64url without padding.
func b64(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func TestForgedTokensAreRefused(t *testing.T) {
	t.Parallel()
	key := newKey()
	p := startProgram(t, options{env: []string{"AUTH_SECRET=" + key}})
	u := instanceA.newUser(t, admin)
	mine, other := p.newToken(t, u, "mine"), p.newToken(t, u, "other")
	parts, foreign := strings.Split(mine.Token, "."), strings.Split(other.Token, ".")
	sign := func(key string, c crypto.Claims) string {
		t.Helper()
		ring, err := crypto.ParseSigningRing(key)
		if err != nil {
			t.Fatal(err)
		}
		text, err := ring.Sign(c)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	now := time.Now()
	claims := crypto.Claims{ID: mine.TokenID, Subject: "user-000000000000", IssuedAt: now}
	for name, token := range map[string]string{
		"algorithm none":                  b64(`{"alg":"none","typ":"JWT"}`) + "." + parts[1] + ".",
		"algorithm None with signature":   b64(`{"alg":"None","typ":"JWT"}`) + "." + parts[1] + "." + parts[2],
		"algorithm nOnE":                  b64(`{"alg":"nOnE"}`) + "." + parts[1] + ".",
		"no algorithm":                    b64(`{"typ":"JWT"}`) + "." + parts[1] + "." + parts[2],
		"algorithm HS512":                 b64(`{"alg":"HS512","typ":"JWT"}`) + "." + parts[1] + "." + parts[2],
		"algorithm RS256":                 b64(`{"alg":"RS256","typ":"JWT"}`) + "." + parts[1] + "." + parts[2],
		"key of its own":                  b64(`{"alg":"HS256","typ":"JWT","jwk":{"kty":"oct","k":"AAAA"}}`) + "." + parts[1] + "." + parts[2],
		"key from elsewhere":              b64(`{"alg":"HS256","jku":"http://127.0.0.1:1/keys"}`) + "." + parts[1] + "." + parts[2],
		"critical extension":              b64(`{"alg":"HS256","crit":["exp"],"exp":1}`) + "." + parts[1] + "." + parts[2],
		"swapped signature":               parts[0] + "." + parts[1] + "." + foreign[2],
		"swapped claims":                  parts[0] + "." + foreign[1] + "." + parts[2],
		"no signature":                    parts[0] + "." + parts[1] + ".",
		"two parts":                       parts[0] + "." + parts[1],
		"four parts":                      mine.Token + "." + parts[2],
		"five parts":                      mine.Token + "." + parts[2] + "." + parts[2],
		"dots":                            "..",
		"cut signature":                   mine.Token[:len(mine.Token)-1],
		"padding":                         mine.Token + "=",
		"signature spelt differently":     parts[0] + "." + parts[1] + "." + respelt(parts[2]),
		"standard base64":                 strings.NewReplacer("-", "+", "_", "/").Replace(parts[0]+"."+b64(`{"jti":"???>>>"}`)) + "." + parts[2],
		"claims that are no object":       parts[0] + "." + b64(`[]`) + "." + parts[2],
		"another key":                     sign(newKey(), claims),
		"right key, unknown to the store": sign(key, crypto.Claims{ID: "1761055513181-215c579b", Subject: "user-000000000000", IssuedAt: now}),
		"right key, a known ID":           sign(key, claims),
		"right key, expired":              sign(key, crypto.Claims{ID: mine.TokenID, Subject: "x", IssuedAt: now.Add(-time.Hour), ExpiresAt: now.Add(-time.Minute)}),
		"right key, from the future":      sign(key, crypto.Claims{ID: mine.TokenID, Subject: "x", IssuedAt: now.Add(time.Hour)}),
		"right key, Cypher as its ID":     sign(key, crypto.Claims{ID: `x'}) DETACH DELETE t //`, Subject: "x", IssuedAt: now}),
		"100 KB":                          strings.Repeat("a", 100<<10),
		"100 KB of claims":                parts[0] + "." + strings.Repeat("a", 100<<10) + "." + parts[2],
		"100 KB of dots":                  strings.Repeat(".", 100<<10),
		"its hash":                        crypto.HashToken(mine.Token),
		"its ID":                          mine.TokenID,
		"not ASCII":                       "tökén",
		"two tokens":                      mine.Token + " " + mine.Token,
		"comma":                           mine.Token + ", Bearer " + other.Token,
		"empty":                           " ",
	} {
		a := p.nobody(t).get("/api/auth/tokens", "Authorization: Bearer "+token)
		if a.status != http.StatusUnauthorized || a.problem(t).Code != "invalid_token" || a.header.Get("WWW-Authenticate") != `Bearer error="invalid_token"` {
			t.Errorf("%s: answered %d %s", name, a.status, a.body)
		}
	}
	for name, headers := range map[string][]string{
		"the same token twice": {"Authorization: Bearer " + mine.Token, "Authorization: Bearer " + mine.Token},
		"two tokens":           {"Authorization: Bearer " + mine.Token, "Authorization: Bearer " + other.Token},
		"another scheme first": {"Authorization: Basic Zm9vOmJhcg==", "Authorization: Bearer " + mine.Token},
	} {
		a := p.nobody(t).get("/api/auth/tokens", headers...)
		if a.status != http.StatusUnauthorized || a.problem(t).Code != "invalid_token" {
			t.Errorf("%s: answered %d %s", name, a.status, a.body)
		}
	}
	// Nor is a token looked for anywhere else.
	escaped := url.QueryEscape(mine.Token)
	for _, path := range []string{"/api/auth/tokens?access_token=" + escaped, "/api/auth/tokens?token=" + escaped} {
		p.nobody(t).get(path).isProblem(t, http.StatusUnauthorized, "unauthenticated")
	}
	if got := p.bearer(t, mine.Token).works(); got != http.StatusOK {
		t.Errorf("the token itself answers %d", got)
	}
}

// respelt changes the last letter of a base64url text to another that decodes
// to the same bytes: the bits that it changes are not used.
func respelt(text string) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(letters, text[len(text)-1])
	return text[:len(text)-1] + string(letters[last^1])
}

func TestOddTokenIDsFindNothing(t *testing.T) {
	t.Parallel()
	p := startProgram(t, options{})
	c := p.bearer(t, p.newToken(t, instanceA.newUser(t, admin), "admin").Token)
	before := p.rows(t)
	for id, want := range map[string]int{
		"'": 400, `"`: 400, `\`: 400, `' OR 1=1 --`: 400, `'}) DETACH DELETE t //`: 400, `"}) RETURN t //`: 400, "$token_id": 400,
		"a b": 400, "a\x00b": 400, "\xff": 400, "a\nb": 400, "é": 400, "１７６": 400, "..": 404, "../session": 404, "a/b": 400, "../../healthz": 404,
		"%": 400, "%27": 400, "*": 400, ":tokenId": 400, "{tokenId}": 400, strings.Repeat("1", 65): 400, strings.Repeat("1", 5000): 400,
		strings.Repeat("1", 64): 404, "1761055513181-215C579B": 404, "-": 404, "null": 404,
	} {
		for _, method := range []string{http.MethodGet, http.MethodDelete} {
			path := "/api/auth/tokens/" + url.PathEscape(id)
			a := c.send(method, path, nil)
			if strings.HasPrefix(id, "..") {
				// Clients may resolve such a path, servers must not.
				if a.status != http.StatusNotFound && a.status != http.StatusBadRequest {
					t.Errorf("%s %q answered %d: %s", method, id, a.status, a.body)
				}
				continue
			}
			if a.status != want {
				t.Errorf("%s %.40q answered %d, want %d: %s", method, id, a.status, want, a.body)
			} else if want == http.StatusBadRequest && a.problem(t).Errors[0].Field != "tokenId" {
				t.Errorf("%s %.40q names %+v", method, id, a.problem(t).Errors)
			}
		}
	}
	if after := p.rows(t); after != before {
		t.Errorf("the store had %s nodes and has %s", before, after)
	}
}

func TestOddQueriesAreRefusedByName(t *testing.T) {
	t.Parallel()
	created := shared.newToken(t, instanceA.newUser(t, admin), "admin")
	c := shared.bearer(t, created.Token)
	for query, field := range map[string]string{
		"limit=0": "limit", "limit=-1": "limit", "limit=1001": "limit", "limit=abc": "limit", "limit=1.5": "limit",
		"limit=99999999999999999999": "limit", "limit=1e2": "limit", "limit=0x10": "limit", "limit=1&limit=2": "limit", "limit=%00": "limit",
		"status=": "status", "status=bogus": "status", "status=ACTIVE": "status", "status=active&status=all": "status", "status=active,all": "status",
		"status=%27": "status", "cursor=%27": "cursor", "cursor=!": "cursor", "cursor=AAAAA": "cursor", "cursor=_____w": "cursor",
		"cursor=" + b64("x' OR 1=1"): "cursor", "cursor=" + strings.Repeat("A", 300): "cursor", "cursor=" + b64(strings.Repeat("1", 65)): "cursor",
		"page=2": "page", "user=x": "user", "Limit=1": "Limit", "%00=1": "\x00", "limit%5B%5D=1": "limit[]", "=": "",
		"%zz": "query", "limit=%": "query", "a;b": "query",
	} {
		a := c.get("/api/auth/tokens?" + query)
		if a.status != http.StatusBadRequest || a.problem(t).Errors[0].Field != field {
			t.Errorf("%s answered %d: %s", query, a.status, a.body)
		}
	}
	for _, path := range []string{"/api/auth/tokens/" + created.TokenID, "/api/auth/tokens/credentials"} {
		method := map[bool]string{true: http.MethodPost, false: http.MethodGet}[strings.HasSuffix(path, "credentials")]
		a := c.send(method, path+"?verbose=1", strings.NewReader(`{}`))
		if a.status != http.StatusBadRequest || a.problem(t).Errors[0].Field != "verbose" {
			t.Errorf("%s answered %d: %s", path, a.status, a.body)
		}
	}
	// Elsewhere a query means nothing, as those who probe or bypass caches expect.
	for _, path := range []string{"/healthz", "/readyz", "/api/instances", "/api/status", "/openapi.yaml", "/openapi.json", "/docs"} {
		for _, query := range []string{"?t=1700000000", "?", "?%zz"} {
			if a := c.get(path + query); a.status != http.StatusOK {
				t.Errorf("%s%s answered %d: %.200s", path, query, a.status, a.body)
			}
		}
	}
}

func TestManyFaultsAreToldAtOnceAndBounded(t *testing.T) {
	t.Parallel()
	c := shared.nobody(t)
	a := c.post("/api/auth/tokens/credentials", `{"username":"","port":0,"tls":"x","ttlSeconds":-1,"name":1}`)
	named := map[string]bool{}
	for _, one := range a.problem(t).Errors {
		named[one.Field] = true
		if one.Message == "" {
			t.Errorf("%s: nothing said", one.Field)
		}
	}
	for _, field := range []string{"username", "port", "tls", "ttlSeconds", "name"} {
		if !named[field] {
			t.Errorf("does not name %s: %s", field, a.body)
		}
	}
	var body strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&body, `,"unknown%d":1`, i)
	}
	if a := c.post("/api/auth/tokens/credentials", "{"+body.String()[1:]+"}"); a.status != http.StatusBadRequest || len(a.body) > 16<<10 {
		t.Errorf("answered %d with %d bytes", a.status, len(a.body))
	}
	long := strings.Repeat("n", 60_000)
	if a := c.post("/api/auth/tokens/credentials", `{"`+long+`":1}`); a.status != http.StatusBadRequest || len(a.body) > 4<<10 {
		t.Errorf("answered %d with %d bytes", a.status, len(a.body))
	}
}
