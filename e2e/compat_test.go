package e2e

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/falkorpat/falkorpat/crypto"
	"github.com/falkorpat/falkorpat/gen/client"
	"github.com/falkorpat/falkorpat/store/embedded"
)

// browserSamples are a token and a session that FalkorDB Browser has made, with
// the secrets it used and the rows it wrote.
type browserSamples struct {
	AuthSecret    string `json:"auth_secret"`
	EncryptionKey string `json:"encryption_key"`
	Tokens        []struct {
		Password string
		JWT      string
		Claims   map[string]any
		Row      map[string]any
	}
	Session struct {
		CookieName  string `json:"cookie_name"`
		CookieValue string `json:"cookie_value"`
		Row         map[string]any
	}
}

// readSamples reads the samples and puts them where instanceA is: the rows say
// where a token's user logs in, the token's own words do not. Samples whose
// time is over, or has not come on this machine, are made anew with the same
// words and the same secrets.
func readSamples(t *testing.T) *browserSamples {
	t.Helper()
	text, err := os.ReadFile("../crypto/testdata/falkordb-browser.json")
	if err != nil {
		t.Fatal(err)
	}
	s := &browserSamples{}
	if err := json.Unmarshal(text, s); err != nil {
		t.Fatal(err)
	}
	ring, err := crypto.ParseSigningRing(s.AuthSecret)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for i := range s.Tokens {
		one := &s.Tokens[i]
		one.Row["port"] = instanceA.port
		if _, err := ring.Verify(one.JWT, now); err != nil {
			t.Logf("the sample's token is made anew: %v", err)
			one.Claims["iat"], one.Claims["exp"] = now.Unix(), now.Add(time.Hour).Unix()
			one.JWT = browserJWT(t, s.AuthSecret, one.Claims)
			one.Row["token_hash"], one.Row["created_at"], one.Row["expires_at"] = crypto.HashToken(one.JWT), now.Unix(), now.Add(time.Hour).Unix()
		}
		secrets.add(kindPassword, one.Password)
		secrets.addToken(one.JWT)
	}
	s.Session.Row["port"] = instanceA.port
	if _, err := ring.OpenSession(s.Session.CookieName, s.Session.CookieValue, now); err != nil {
		t.Logf("the sample's session is made anew: %v", err)
		s.renewSession(t, ring, now)
	}
	for _, key := range []string{s.AuthSecret, s.EncryptionKey} {
		secrets.add(kindKey, key)
	}
	return s
}

// browserJWT signs claims as FalkorDB Browser does.
func browserJWT(t *testing.T, secret string, claims map[string]any) string {
	t.Helper()
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	text := b64(`{"alg":"HS256"}`) + "." + b64(string(payload))
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func (s *browserSamples) renewSession(t *testing.T, ring crypto.SigningRing, now time.Time) {
	t.Helper()
	row := s.Session.Row
	row["created_at"], row["expires_at"] = now.Unix(), now.Add(time.Hour).Unix()
	var err error
	s.Session.CookieValue, err = ring.SealSession(s.Session.CookieName, crypto.SessionClaims{
		Subject: row["user_id"].(string), ConnectionID: row["token_id"].(string), Host: "localhost", Port: 17001,
		Username: row["username"].(string), Role: row["role"].(string), ID: "11111111-1111-4111-8111-111111111111",
		IssuedAt: now, ExpiresAt: now.Add(time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
}

// cypherMap writes a row as a map literal. JSON's numbers, booleans and plain
// strings are Cypher's.
func cypherMap(t *testing.T, row map[string]any) string {
	t.Helper()
	var fields []string
	for _, name := range slices.Sorted(maps.Keys(row)) {
		value := fmt.Sprintf("%q", row[name])
		switch v := row[name].(type) {
		case float64:
			value = fmt.Sprintf("%d", int64(v))
		case string:
		default:
			value = fmt.Sprint(v)
		}
		fields = append(fields, name+": "+value)
	}
	return "{" + strings.Join(fields, ", ") + "}"
}

// browserStore is a store as FalkorDB Browser leaves it: with its rows and
// without any index.
func browserStore(t *testing.T, s *browserSamples) *embedded.Server {
	t.Helper()
	store := startStore(t)
	p := &program{options: options{storeURL: store.URL()}}
	for _, row := range []map[string]any{s.Tokens[0].Row, s.Session.Row} {
		query(t, p.store(t), fmt.Sprintf(`CREATE (:Token %s)-[:BELONGS_TO]->(:User {user_id: %q, username: %q})`,
			cypherMap(t, row), row["user_id"], row["username"]))
	}
	return store
}

// browserUser is the samples' user.
func browserUser(t *testing.T, s *browserSamples) user {
	t.Helper()
	u := user{name: s.Tokens[0].Row["username"].(string), password: s.Tokens[0].Password, role: writer, at: instanceA}
	if err := instanceA.makeUser(u); err != nil {
		t.Fatal(err)
	}
	return u
}

func (s *browserSamples) env() []string {
	return []string{"AUTH_SECRET=" + s.AuthSecret, "ENCRYPTION_KEY=" + s.EncryptionKey}
}

func TestBrowserTokensAndSessionsAreTakenOver(t *testing.T) {
	t.Parallel()
	s := readSamples(t)
	u := browserUser(t, s)
	p := startProgram(t, options{storeURL: browserStore(t, s).URL(), env: s.env(), args: []string{"--browser-compat"}})
	sample := s.Tokens[0]
	id := sample.Row["token_id"].(string)

	c := p.bearer(t, sample.JWT)
	list := c.list("")
	if list.Count != 1 || list.Role != writer {
		t.Fatalf("lists %+v", list)
	}
	got := list.Tokens[0]
	if got.TokenID != id || got.Name != sample.Row["name"] || got.Username != u.name || got.Host != "localhost" || got.Port != instanceA.port || !got.IsActive {
		t.Errorf("shown as %+v", got)
	}
	if again := c.token(id); again.ExpiresAt == nil || float64(again.ExpiresAt.Unix()) != number(sample.Row["expires_at"]) {
		t.Errorf("expires at %v", again.ExpiresAt)
	}
	// The password that the row keeps is the user's.
	if a := c.get("/api/status"); a.status != http.StatusOK {
		t.Errorf("status answered %d: %s", a.status, a.body)
	}

	cookie := &http.Cookie{Name: s.Session.CookieName, Value: s.Session.CookieValue}
	session := p.cookie(t, cookie)
	signedIn := must[*client.GetSessionResponse](t)(session.GetSessionWithResponse(t.Context())).JSON200
	if signedIn == nil || signedIn.User.Username != u.name || signedIn.Role != writer || signedIn.User.UserID != got.UserID {
		t.Errorf("signed in as %+v, the token is of %s", signedIn, got.UserID)
	}
	// All are one user's, whoever wrote them.
	own := p.newToken(t, u, "own")
	made := isCreated(t, session.post("/api/auth/tokens", `{"name":"by session"}`), 0)
	for _, one := range []*caller{c, session, p.bearer(t, own.Token)} {
		if got := ids(one.list("")); !slices.Equal(got, []string{made.TokenID, own.TokenID, id}) {
			t.Errorf("lists %q", got)
		}
	}
	if got := p.bearer(t, own.Token).revoke(id); got != "Token revoked successfully" {
		t.Error(got)
	}
	c.get("/api/auth/tokens").isProblem(t, http.StatusUnauthorized, "invalid_token")
	if row := p.row(t, `MATCH (t:Token {token_id: '`+id+`'}) RETURN t.is_active, t.encrypted_password`); !slices.Equal(row, []string{"false", ""}) {
		t.Errorf("the revoked row has %q", row)
	}
	session.send(http.MethodDelete, "/api/auth/session", nil)
	session.get("/api/auth/session").isProblem(t, http.StatusUnauthorized, "invalid_session")
}

// number is a JSON number or an integer of ours.
func number(v any) float64 {
	if n, ok := v.(int64); ok {
		return float64(n)
	}
	n, _ := v.(float64)
	return n
}

func TestCompatibleTokensAreAsTheBrowserMakesThem(t *testing.T) {
	t.Parallel()
	s := readSamples(t)
	p := startProgram(t, options{env: s.env(), args: []string{"--browser-compat"}})
	u := instanceA.newUser(t, reader)
	created := p.shortToken(t, u, "compatible", 3600)
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(created.Token, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	hasKeys(t, claims, slices.Sorted(maps.Keys(s.Tokens[0].Claims))...)
	for name, want := range map[string]any{
		"jti": created.TokenID, "username": u.name, "role": "Read-Only", "host": "localhost", "port": float64(instanceA.port), "tls": false,
	} {
		if claims[name] != want {
			t.Errorf("claim %s is %v, want %v", name, claims[name], want)
		}
	}
	_, _ = p.signIn(t, u)
	form := regexp.MustCompile(`^[0-9a-f]{24}:[0-9a-f]{32}:[0-9a-f]*$`)
	var rows [][]string
	eventually(t, 10*time.Second, "both rows to be there with their user", func() bool {
		rows = query(t, p.store(t), `MATCH (t:Token)-[:BELONGS_TO]->(u:User) RETURN t.kind, t.encrypted_password, t.name, keys(t)`)
		return len(rows) == 2
	})
	for _, row := range rows {
		if !form.MatchString(row[1]) {
			t.Errorf("a %s's password is kept as %.10s…", row[0], row[1])
		}
		for name := range s.Tokens[0].Row {
			if !strings.Contains(row[3], name) {
				t.Errorf("a %s's row has no %s", row[0], name)
			}
		}
	}
}

func TestBrowserRowsNeedTheCompatibleMode(t *testing.T) {
	t.Parallel()
	s := readSamples(t)
	browserUser(t, s)
	p := startProgram(t, options{storeURL: browserStore(t, s).URL(), env: s.env()})
	p.bearer(t, s.Tokens[0].JWT).get("/api/auth/tokens").isProblem(t, http.StatusUnauthorized, "credentials_no_longer_valid")
}

// FalkorDB Browser tells nobody what it revokes: it writes into the store, and the
// next request must find it there.
func TestWhatTheBrowserRevokesIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	p := startProgram(t, options{args: []string{"--browser-compat"}})
	u := instanceA.newUser(t, writer)
	for i := range 10 {
		created := p.newToken(t, u, fmt.Sprint("revoked ", i))
		c := p.bearer(t, created.Token)
		for range 3 {
			if got := c.works(); got != http.StatusOK {
				t.Fatalf("answered %d", got)
			}
		}
		revoked := query(t, p.store(t), fmt.Sprintf(`MATCH (t:Token {token_id: %q}) MERGE (u:User {user_id: t.user_id})
			SET t.is_active = false CREATE (t)-[:REVOKED_BY {at: timestamp() / 1000}]->(u) RETURN t.token_id`, created.TokenID))
		if len(revoked) != 1 {
			t.Fatalf("the store revoked %v", revoked)
		}
		c.get("/api/auth/tokens").isProblem(t, http.StatusUnauthorized, "invalid_token")
	}
}
