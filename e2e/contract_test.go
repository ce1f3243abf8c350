package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/falkorpat/falkorpat/gen/client"
)

// tokenPrefix is what every token begins with: its header is always the same.
const tokenPrefix = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."

var (
	tokenIDForm = regexp.MustCompile(`^\d{13}-[0-9a-f]{8}$`)
	userIDForm  = regexp.MustCompile(`^user-[0-9a-f]{12}$`)
	timeForm    = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`)
)

// hasKeys checks that a JSON object has these keys and no others.
func hasKeys(t *testing.T, object any, want ...string) {
	t.Helper()
	members, _ := object.(map[string]any)
	got := slices.Sorted(maps.Keys(members))
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("has the keys %q, want %q", got, want)
	}
}

var tokenKeys = []string{
	"token_id", "user_id", "username", "name", "description", "role", "permissions", "graphs", "allowed_ips", "limits", "host", "port",
	"created_at", "not_before", "expires_at", "last_used", "last_used_ip", "last_used_agent", "revoked_at", "suspended_at", "stale_since", "rotated_to", "rotated_from", "policy_violations", "status", "is_active",
}

// isCreatedAnyhow checks the shape of an answer that shows a new token.
func isCreatedAnyhow(t *testing.T, a answer) client.TokenCreated {
	t.Helper()
	if a.status != http.StatusOK {
		t.Fatalf("answered %d: %s", a.status, a.body)
	}
	hasKeys(t, a.object(t), "message", "token", "tokenId", "expiresAt")
	var created client.TokenCreated
	if err := json.Unmarshal([]byte(a.body), &created); err != nil {
		t.Fatal(err)
	}
	return created
}

// isCreated checks an answer that shows a new token with a lifetime, 0 for no
// end, and gives it.
func isCreated(t *testing.T, a answer, lifetime time.Duration) client.TokenCreated {
	t.Helper()
	created := isCreatedAnyhow(t, a)
	if created.Message != "Token created successfully" || !strings.HasPrefix(created.Token, tokenPrefix) || !tokenIDForm.MatchString(created.TokenID) {
		t.Errorf("message %q, token ID %q, token begins %.40q", created.Message, created.TokenID, created.Token)
	}
	if a.header.Get("Cache-Control") != "no-store" || a.header.Get("Content-Type") != "application/json" {
		t.Errorf("headers: %q", a.header)
	}
	switch {
	case lifetime == 0 && created.ExpiresAt != nil:
		t.Errorf("expires at %s, want never", created.ExpiresAt)
	case lifetime == 0:
	case created.ExpiresAt == nil:
		t.Error("never expires")
	case created.ExpiresAt.Sub(time.Now().Add(lifetime)).Abs() > 5*time.Second:
		t.Errorf("expires at %s, want in %s", created.ExpiresAt, lifetime)
	case !timeForm.MatchString(a.object(t)["expiresAt"].(string)):
		t.Errorf("expiresAt is written %v", a.object(t)["expiresAt"])
	}
	return created
}

func TestDocumentedExampleWorksAsPasted(t *testing.T) {
	t.Parallel()
	// The one thing that differs from the example is where the instance is.
	body := fmt.Sprintf(`{
  "username":"default","password":"","host":"localhost","port":"%d","tls":"false",
  "name":"CI/CD Pipeline Token","ttlSeconds":2592000}`, instanceA.port)
	created := isCreated(t, shared.nobody(t).post("/api/auth/tokens/credentials", body), 2592000*time.Second)
	got := shared.bearer(t, created.Token).token(created.TokenID)
	if got.Name != "CI/CD Pipeline Token" || got.Username != "default" || got.Host != "localhost" || got.Port != instanceA.port || got.Role != admin {
		t.Errorf("made %+v", got)
	}
}

func TestTokenTextIsACompactJWTWithoutSecrets(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	created := shared.shortToken(t, u, "text", 3600)
	parts := strings.Split(created.Token, ".")
	if len(parts) != 3 {
		t.Fatalf("token has %d parts", len(parts))
	}
	var decoded [2]string
	for i := range decoded {
		text, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			t.Fatal(err)
		}
		decoded[i] = string(text)
	}
	if decoded[0] != `{"alg":"HS256","typ":"JWT"}` {
		t.Errorf("header is %s", decoded[0])
	}
	var claims map[string]any
	if err := json.Unmarshal([]byte(decoded[1]), &claims); err != nil {
		t.Fatal(err)
	}
	hasKeys(t, claims, "sub", "jti", "iat", "exp")
	if claims["jti"] != created.TokenID || claims["exp"] != float64(created.ExpiresAt.Unix()) {
		t.Errorf("claims are %v", claims)
	}
	if strings.Contains(decoded[1], u.password) || strings.Contains(decoded[1], u.name) {
		t.Error("the claims tell more than they must")
	}
}

func TestSessionMakesListsAndRevokesTokens(t *testing.T) {
	t.Parallel()
	u := instanceB.newUser(t, writer)
	_, cookie := shared.signIn(t, u)
	c := shared.cookie(t, cookie)
	end := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	first := isCreated(t, c.post("/api/auth/tokens", `{"name":"  by seconds ","ttlSeconds":60}`), time.Minute)
	second := isCreated(t, c.post("/api/auth/tokens", `{"name":"by date","expiresAt":"`+end.Format(time.RFC3339)+`"}`), time.Hour)
	for _, seconds := range []string{"60.0", "6e1", "600e-1"} {
		whole := isCreated(t, c.post("/api/auth/tokens", `{"name":"a whole number","ttlSeconds":`+seconds+`}`), time.Minute)
		c.revoke(whole.TokenID)
	}
	third := isCreated(t, c.post("/api/auth/tokens", `{"name":"for ever","expiresAt":null}`), 0)
	if !second.ExpiresAt.Equal(end) {
		t.Errorf("expires at %s, want %s", second.ExpiresAt, end)
	}
	list := c.get("/api/auth/tokens")
	object := list.object(t)
	hasKeys(t, object, "tokens", "count", "role", "next_cursor", "total")
	if object["count"] != 3.0 || object["role"] != "Read-Write" || object["next_cursor"] != nil {
		t.Errorf("list: %s", list.body)
	}
	for i, want := range []client.TokenCreated{third, second, first} {
		one := object["tokens"].([]any)[i].(map[string]any)
		hasKeys(t, one, tokenKeys...)
		if one["token_id"] != want.TokenID {
			t.Errorf("place %d has %v, want the newest first", i, one["token_id"])
		}
	}
	if got := c.token(first.TokenID); got.Name != "by seconds" {
		t.Errorf("name is %q, want it trimmed", got.Name)
	}
	if message := c.revoke(third.TokenID); message != "Token revoked successfully" {
		t.Errorf("revoked with %q", message)
	}
	if got := ids(c.list("")); !slices.Equal(got, []string{second.TokenID, first.TokenID}) {
		t.Errorf("after revocation lists %q", got)
	}
	if got := shared.bearer(t, third.Token).works(); got != http.StatusUnauthorized {
		t.Errorf("revoked token answers %d", got)
	}
}

func TestOneTokenIsShownWithAllItsFields(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, reader)
	created := shared.shortToken(t, u, "fields", 3600)
	c := shared.bearer(t, created.Token)
	a := c.get("/api/auth/tokens/" + created.TokenID)
	hasKeys(t, a.object(t), "token", "rotation")
	one := a.object(t)["token"].(map[string]any)
	hasKeys(t, one, tokenKeys...)
	for key, want := range map[string]any{
		"token_id": created.TokenID, "username": u.name, "name": "fields", "role": "Read-Only", "host": "localhost",
		"port": float64(instanceA.port), "revoked_at": nil, "status": "active", "is_active": true,
	} {
		if one[key] != want {
			t.Errorf("%s is %v, want %v", key, one[key], want)
		}
	}
	if !userIDForm.MatchString(fmt.Sprint(one["user_id"])) {
		t.Errorf("user_id is %v", one["user_id"])
	}
	for _, key := range []string{"created_at", "expires_at", "last_used"} {
		if text, _ := one[key].(string); !timeForm.MatchString(text) {
			t.Errorf("%s is written %v", key, one[key])
		}
	}
}

func TestRevokedTokenStaysReadableForItsOwner(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	kept, ended := shared.newToken(t, u, "kept"), shared.newToken(t, u, "ended")
	c := shared.bearer(t, kept.Token)
	a := c.send(http.MethodDelete, "/api/auth/tokens/"+ended.TokenID, nil)
	hasKeys(t, a.object(t), "message", "tokenId")
	if a.object(t)["message"] != "Token revoked successfully" || a.object(t)["tokenId"] != ended.TokenID {
		t.Errorf("answered %s", a.body)
	}
	got := c.token(ended.TokenID)
	if got.IsActive || got.Status != client.TokenStatusRevoked || got.RevokedAt == nil || time.Since(*got.RevokedAt).Abs() > 10*time.Second {
		t.Errorf("revoked token reads %+v", got)
	}
	if again := c.revoke(ended.TokenID); again != "Token already revoked" {
		t.Errorf("second revocation says %q", again)
	}
	if after := c.token(ended.TokenID); !after.RevokedAt.Equal(*got.RevokedAt) {
		t.Error("repeating a revocation moves its time")
	}
}

func TestServiceTellsItsStateWithoutCredentials(t *testing.T) {
	t.Parallel()
	c := shared.nobody(t)
	for path, want := range map[string]string{
		"/healthz": `{"status":"ok"}`,
		"/readyz":  `{"status":"ok"}`,
		"/api/instances": fmt.Sprintf(`{"count":2,"instances":[{"host":"localhost","port":%d},{"host":"localhost","port":%d}]}`,
			instanceA.port, instanceB.port),
	} {
		if a := c.get(path); a.status != http.StatusOK || strings.TrimSpace(a.body) != want {
			t.Errorf("%s answered %d %s, want %s", path, a.status, a.body, want)
		}
	}
	u := instanceA.newUser(t, reader)
	if a := shared.bearer(t, shared.newToken(t, u, "status").Token).get("/api/status"); strings.TrimSpace(a.body) != `{"status":"online"}` {
		t.Errorf("status answered %d %s", a.status, a.body)
	}
}

func TestChallengesFollowRFC6750(t *testing.T) {
	t.Parallel()
	mine, foreign := instanceA.newUser(t, writer), instanceA.newUser(t, writer)
	token, other := shared.newToken(t, mine, "mine"), shared.newToken(t, foreign, "foreign")
	for _, test := range []struct {
		name, header, challenge, code string
		status                        int
	}{
		{"nothing", "", "Bearer", "unauthenticated", 401},
		{"another scheme", "Basic Zm9vOmJhcg==", `Bearer error="invalid_token"`, "invalid_token", 401},
		{"no token", "Bearer", `Bearer error="invalid_token"`, "invalid_token", 401},
		{"no JWT", "Bearer nonsense", `Bearer error="invalid_token"`, "invalid_token", 401},
		{"changed token", "Bearer " + token.Token[:len(token.Token)-2] + "AA", `Bearer error="invalid_token"`, "invalid_token", 401},
		{"other user's token", "Bearer " + token.Token, `Bearer error="insufficient_scope"`, "not_owner", 403},
	} {
		a := shared.nobody(t).get("/api/auth/tokens/"+other.TokenID, "Authorization: "+test.header)
		a.isProblem(t, test.status, test.code)
		if got := a.header.Get("WWW-Authenticate"); got != test.challenge {
			t.Errorf("%s: challenge is %q, want %q", test.name, got, test.challenge)
		}
		if test.status == 401 && a.problem(t).Message != "Not authenticated" {
			t.Errorf("%s: message is %q", test.name, a.problem(t).Message)
		}
	}
	for _, scheme := range []string{"bearer", "BEARER", "bEaReR"} {
		if a := shared.nobody(t).get("/api/auth/tokens", "Authorization: "+scheme+" "+token.Token); a.status != 200 {
			t.Errorf("scheme %s answered %d", scheme, a.status)
		}
	}
}

func TestRequestIDIsTheCallersWhenItIsAPlainWord(t *testing.T) {
	t.Parallel()
	c := shared.nobody(t)
	for id, kept := range map[string]bool{"trace-1.2_Z": true, strings.Repeat("a", 128): true, strings.Repeat("a", 129): false, "two words": false, `"quoted"`: false} {
		a := c.get("/api/auth/tokens", "X-Request-Id: "+id)
		if got := a.header.Get("X-Request-Id"); (got == id) != kept {
			t.Errorf("%.20q became %.40q", id, got)
		}
	}
}
