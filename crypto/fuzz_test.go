package crypto_test

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/lestrrat-go/jwx/v2/jwt"

	"github.com/falkorpat/falkorpat/crypto"
)

// FuzzVerify takes a stranger's text for a token, and a payload for a rightly signed one. Nothing may stop the program; what
// verifies must be spelt as no other token is, and must read the same to another implementation of the RFCs.
func FuzzVerify(f *testing.F) {
	fix := setup(f)
	f.Add(fix.vectors.Tokens[0].JWT, []byte(okPayload))
	f.Add(forge(newSecret, plainHeader, okPayload), []byte(`{"jti":"1","exp":1795348801.5,"nbf":0,"iat":1e9,"username":"\u0000","port":1}`))
	f.Add("..", []byte(`{"jti":"a","jti":"b","aud":null}`))
	f.Fuzz(func(t *testing.T, text string, payload []byte) {
		if _, err := fix.signing.Verify(text, noon); err != nil && !errors.Is(err, crypto.ErrToken) {
			t.Fatalf("%v is not ErrToken", err)
		} else if err == nil && !isSignedBy(newSecret, text) {
			t.Fatalf("%q verified, but its signature is not right", text)
		}
		token := forge(newSecret, plainHeader, string(payload))
		verified, err := fix.signing.Verify(token, noon)
		if err != nil {
			if !errors.Is(err, crypto.ErrToken) {
				t.Fatalf("%v is not ErrToken", err)
			}
			return
		}
		claims := verified.Claims()
		if claims.ID == "" || !claims.ExpiresAt.IsZero() && !claims.ExpiresAt.After(noon) {
			t.Fatalf("verified without an ID or after its time: %+v", claims)
		}
		other, err := jwt.ParseInsecure([]byte(token))
		if err != nil {
			return // it also looks at claims that are not read here
		}
		if other.JwtID() != claims.ID || other.Subject() != claims.Subject {
			t.Fatalf("read as %+v, elsewhere as ID %q, subject %q", claims, other.JwtID(), other.Subject())
		}
		if _, has := other.Get(jwt.ExpirationKey); has != !claims.ExpiresAt.IsZero() {
			t.Fatalf("read as %+v, elsewhere with an expiry %t", claims, has)
		}
	})
}

// isSignedBy checks a token by making it again.
func isSignedBy(secret, token string) bool {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return false
	}
	header, headerErr := base64.RawURLEncoding.DecodeString(parts[0])
	payload, payloadErr := base64.RawURLEncoding.DecodeString(parts[1])
	return headerErr == nil && payloadErr == nil && forge(secret, string(header), string(payload)) == token
}

// FuzzOpen takes any text for a sealed one, and seals any text for any row.
func FuzzOpen(f *testing.F) {
	fix := setup(f)
	row := fix.vectors.Tokens[0].Row
	own, err := crypto.NewSealer(fix.sealing, &ascending{}, false).Seal(password, someBinding())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(row.EncryptedPassword, password, row.TokenID, row.Username, row.Host, row.Port)
	f.Add(own, "", "", "", "", -1)
	f.Add("v1...", "::", "v1.", ":", ".", 0)
	f.Fuzz(func(t *testing.T, text, plaintext, tokenID, username, host string, port int) {
		b := crypto.Binding{TokenID: tokenID, Username: username, Host: host, Port: port}
		for _, compat := range []bool{false, true} {
			sealer := crypto.NewSealer(fix.sealing, rand.Reader, compat)
			if opened, err := sealer.Open(text, b); err == nil || !errors.Is(err, crypto.ErrSealed) || opened != "" {
				// The only text sealed under this key in advance is of another row.
				if text != own || b != someBinding() {
					t.Fatalf("opened a stranger's text: %q, %v", opened, err)
				}
			}
			sealed, err := sealer.Seal(plaintext, b)
			if err != nil {
				t.Fatal(err)
			}
			if opened, err := sealer.Open(sealed, b); err != nil || opened != plaintext {
				t.Fatalf("got %q, %v, want %q", opened, err, plaintext)
			}
		}
	})
}

// FuzzOpenSession takes a stranger's text for a cookie, and any header and payload for a rightly sealed one.
func FuzzOpenSession(f *testing.F) {
	fix := setup(f)
	key := cookieKey(f, newSecret, crypto.SessionCookie)
	header, payload := openCookie(f, cookieKey(f, fix.vectors.AuthSecret, crypto.SessionCookie), fix.vectors.Session.CookieValue)
	f.Add(fix.vectors.Session.CookieValue, string(header), string(payload), []byte("0123456789abcdef"), make([]byte, 16))
	f.Add("....", sessionHeader, string(payload), []byte{}, []byte{})
	f.Add("", `{"alg":"dir","enc":"A256CBC-HS512","zip":"DEF"}`, `{"sub":"a","activeConnectionId":"b","exp":1e12}`, make([]byte, 17), make([]byte, 31))
	f.Fuzz(func(t *testing.T, text, header, payload string, iv, sealed []byte) {
		for _, cookie := range []string{
			text, sealCookie(t, key, header, payload), sealCookie(t, key, sessionHeader, payload),
			joinCookie(key, encode64(sessionHeader), iv, sealed),
		} {
			session, err := fix.signing.OpenSession(crypto.SessionCookie, cookie, noon)
			if err != nil {
				if !errors.Is(err, crypto.ErrSession) || session != (crypto.VerifiedSession{}) {
					t.Fatalf("got %+v, %v", session.Claims(), err)
				}
				continue
			}
			c := session.Claims()
			if c.Subject == "" || c.ConnectionID == "" || !c.ExpiresAt.After(noon) || cookie == text {
				t.Fatalf("%q opened as %+v", cookie, c)
			}
		}
	})
}

// FuzzParseSigningRing holds refusals to a few fixed sentences, since anything else could quote a key, and accepted rings to
// work with each of their keys.
func FuzzParseSigningRing(f *testing.F) {
	for _, secrets := range []string{"", ",", newSecret, newSecret + ", " + oldSecret, "your-secret-here", strings.Repeat("ab", 20)} {
		f.Add(secrets)
	}
	refusal := regexp.MustCompile(`^key not usable: key \d+ (is the same as key \d+|of \d+ (is empty|has \d+ bytes, at least 32 are needed|` +
		`is a placeholder or a published example, not a secret|repeats a few characters, which is guessable))$`)
	f.Fuzz(func(t *testing.T, secrets string) {
		ring, err := crypto.ParseSigningRing(secrets)
		if err != nil {
			if !errors.Is(err, crypto.ErrKey) || !refusal.MatchString(err.Error()) {
				t.Fatalf("refused with %q", err)
			}
			return
		}
		texts := strings.Split(secrets, ",")
		if len(ring.IDs()) != len(texts) {
			t.Fatalf("%d keys made of %d", len(ring.IDs()), len(texts))
		}
		for _, text := range texts {
			if len(strings.TrimSpace(text)) < 32 {
				t.Fatal("a key of fewer than 32 bytes was accepted")
			}
			if _, err := ring.Verify(forge(strings.TrimSpace(text), plainHeader, okPayload), noon); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// FuzzParseSealingRing is FuzzParseSigningRing for the other kind of key.
func FuzzParseSealingRing(f *testing.F) {
	for _, secrets := range []string{"", ",", newSealing, newSealing + ", " + strings.ToUpper(oldSealing), strings.Repeat("00", 32)} {
		f.Add(secrets)
	}
	refusal := regexp.MustCompile(`^key not usable: key \d+ (is the same as key \d+|of \d+ (is empty|is not exactly 64 hexadecimal digits|` +
		`is one byte over and over, which is guessable))$`)
	f.Fuzz(func(t *testing.T, secrets string) {
		ring, err := crypto.ParseSealingRing(secrets)
		if err != nil {
			if !errors.Is(err, crypto.ErrKey) || !refusal.MatchString(err.Error()) {
				t.Fatalf("refused with %q", err)
			}
			return
		}
		sealer := crypto.NewSealer(ring, rand.Reader, false)
		for _, text := range strings.Split(secrets, ",") {
			one, err := crypto.ParseSealingRing(text)
			if err != nil {
				t.Fatal(err)
			}
			sealed, err := crypto.NewSealer(one, rand.Reader, false).Seal(password, someBinding())
			if err != nil {
				t.Fatal(err)
			}
			if opened, err := sealer.Open(sealed, someBinding()); err != nil || opened != password {
				t.Fatalf("got %q, %v", opened, err)
			}
		}
	})
}
