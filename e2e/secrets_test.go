package e2e

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
)

// secrets is every secret that any test has used: tokens, passwords, cookies,
// keys.
var secrets = newSecretSet()

// gramBytes is the length of the piece by which secrets are looked up. Shorter
// secrets cannot be told from ordinary words, so tests use none.
const gramBytes = 8

// secret is a text that must not show, and what it is.
type secret struct{ kind, text string }

// secretSet finds many secrets in one pass over a text. It is safe for
// concurrent use.
type secretSet struct {
	mu sync.RWMutex
	// known has the secrets by their first gramBytes.
	known map[string]map[secret]bool
}

func newSecretSet() *secretSet { return &secretSet{known: map[string]map[secret]bool{}} }

// add remembers a secret, and how it looks inside JSON.
func (s *secretSet) add(kind, text string) {
	quoted, _ := json.Marshal(text)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, form := range []string{text, string(quoted[1 : len(quoted)-1])} {
		if len(form) < gramBytes {
			continue
		}
		gram := form[:gramBytes]
		if s.known[gram] == nil {
			s.known[gram] = map[secret]bool{}
		}
		s.known[gram][secret{kind, form}] = true
	}
}

// in names the secrets of the given kinds, or of all, that a text holds.
func (s *secretSet) in(text string, kinds ...string) []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var leaks []string
	for i := 0; i+gramBytes <= len(text); i++ {
		for one := range s.known[text[i:i+gramBytes]] {
			if strings.HasPrefix(text[i:], one.text) && (len(kinds) == 0 || slices.Contains(kinds, one.kind)) {
				line, _, _ := strings.Cut(text[strings.LastIndexByte(text[:i], '\n')+1:], "\n")
				leaks = append(leaks, fmt.Sprintf("a %s, in: %.300s", one.kind, strings.ReplaceAll(line, one.text, "[SECRET]")))
			}
		}
	}
	return leaks
}

// The kinds of secrets.
const (
	kindPassword = "password"
	kindToken    = "token"
	kindCookie   = "session cookie"
	kindKey      = "key"
)

// addToken remembers a token, and its parts: half a token is half a leak. The
// first part is the same in all.
func (s *secretSet) addToken(text string) {
	s.add(kindToken, text)
	parts := strings.Split(text, ".")
	for _, part := range parts[1:] {
		s.add(kindToken, part)
	}
}

// newPassword makes a password that nothing else looks like.
func newPassword() string {
	password := "pw" + randomText()
	secrets.add(kindPassword, password)
	return password
}

// newKey makes a value for AUTH_SECRET.
func newKey() string {
	key := randomText() + randomText()
	secrets.add(kindKey, key)
	return key
}

func randomText() string { return rand.Text() }

func TestSecretInALogIsFound(t *testing.T) {
	t.Parallel()
	set := newSecretSet()
	set.add(kindPassword, `awk"ward\pass word`)
	set.addToken("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1c2VyIn0.c2lnbmF0dXJl")
	set.add(kindKey, "short")
	for _, test := range []struct{ name, text, kind string }{
		{"nothing", `{"msg":"request","token_id":"1761055513181-215c579b"}`, ""},
		{"the start of every token", `eyJhbGciOiJIUzI1NiJ9`, ""},
		{"a password", `{"error":"login of x with awk"ward\pass word failed"}`, kindPassword},
		{"a password inside JSON", `{"msg":"login","password":"awk\"ward\\pass word"}`, kindPassword},
		{"a whole token", "line\nAuthorization: Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1c2VyIn0.c2lnbmF0dXJl\nline", kindToken},
		{"a token's claims", `{"claims":"eyJzdWIiOiJ1c2VyIn0"}`, kindToken},
		{"a token's signature at the very end", `c2lnbmF0dXJl`, kindToken},
	} {
		leaks := set.in(test.text)
		if test.kind == "" && len(leaks) > 0 {
			t.Errorf("%s: found %q", test.name, leaks)
		}
		if test.kind != "" && (len(leaks) == 0 || !strings.HasPrefix(leaks[0], "a "+test.kind)) {
			t.Errorf("%s: found %q, want a %s", test.name, leaks, test.kind)
		}
		if strings.Contains(strings.Join(leaks, ""), "ward") {
			t.Errorf("%s: the report itself tells the secret: %q", test.name, leaks)
		}
	}
}

func TestLogCheckWouldFindASharedSecret(t *testing.T) {
	t.Parallel()
	u := instanceA.newUser(t, writer)
	created := shared.newToken(t, u, "planted")
	shared.nobody(t).works() // refused, which is told at debug level
	for _, text := range []string{u.password, created.Token} {
		log := shared.logs() + `{"level":"DEBUG","msg":"planted","value":"` + text + `"}` + "\n"
		if len(secrets.in(log)) == 0 {
			t.Error("a secret that a test used was not found in a log that holds it")
		}
	}
	if !strings.Contains(shared.logs(), `"level":"DEBUG"`) {
		t.Error("the shared program does not log at debug level, so its log proves little")
	}
}
