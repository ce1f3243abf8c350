package crypto_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/falkorpat/falkorpat/crypto"
)

const sessionHeader = `{"alg":"dir","enc":"A256CBC-HS512"}`

func someSession() crypto.SessionClaims {
	return crypto.SessionClaims{
		Subject: "user-5f2ab8c0d1e2", ConnectionID: "a7a3d863-7514-47e6-a711-ab2c9fabbdaa", Host: "localhost", Port: 6379,
		Username: "default", Role: "Admin", TLS: true, IssuedAt: noon, ExpiresAt: noon.Add(24 * time.Hour),
		ID: "0f4c1b6e-2a39-4d0c-9a51-6f0b0f8f2d11",
	}
}

// cookieKey derives the key of a cookie as Auth.js documents it.
func cookieKey(tb testing.TB, secret, cookieName string) []byte {
	tb.Helper()
	info := "Auth.js Generated Encryption Key (" + cookieName + ")"
	key, err := hkdf.Key(sha256.New, []byte(secret), []byte(cookieName), info, 64)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

// cbcTag is the authentication tag of A256CBC-HS512 (RFC 7518, section 5.2.2.1).
func cbcTag(key []byte, header string, iv, sealed []byte) []byte {
	mac := hmac.New(sha512.New, key[:32])
	mac.Write([]byte(header))
	mac.Write(iv)
	mac.Write(sealed)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(len(header))*8))
	return mac.Sum(nil)[:32]
}

// sealCookie makes a cookie of any header and payload by the RFC, without a JOSE library.
func sealCookie(tb testing.TB, key []byte, header, payload string) string {
	tb.Helper()
	block, err := aes.NewCipher(key[32:])
	if err != nil {
		tb.Fatal(err)
	}
	pad := aes.BlockSize - len(payload)%aes.BlockSize
	sealed := append([]byte(payload), bytes.Repeat([]byte{byte(pad)}, pad)...)
	iv := []byte("0123456789abcdef")
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(sealed, sealed)
	return joinCookie(key, encode64(header), iv, sealed)
}

func joinCookie(key []byte, header string, iv, sealed []byte) string {
	encode := base64.RawURLEncoding.EncodeToString
	return header + ".." + encode(iv) + "." + encode(sealed) + "." + encode(cbcTag(key, header, iv, sealed))
}

// openCookie is the reverse of sealCookie, so that what the package writes is read by other code than its own.
func openCookie(tb testing.TB, key []byte, cookie string) (header, payload []byte) {
	tb.Helper()
	parts := strings.Split(cookie, ".")
	if len(parts) != 5 || parts[1] != "" {
		tb.Fatalf("%q is no compact JWE with a direct key", cookie)
	}
	iv, sealed := decode64(tb, parts[2]), decode64(tb, parts[3])
	if !hmac.Equal(cbcTag(key, parts[0], iv, sealed), decode64(tb, parts[4])) {
		tb.Fatal("the tag does not fit")
	}
	block, err := aes.NewCipher(key[32:])
	if err != nil {
		tb.Fatal(err)
	}
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(sealed, sealed)
	return decode64(tb, parts[0]), sealed[:len(sealed)-int(sealed[len(sealed)-1])]
}

func TestSessionOfFalkorDBBrowserOpens(t *testing.T) {
	t.Parallel()
	f := setup(t)
	vector, row := f.vectors.Session, f.vectors.Session.Row
	ring := signingRing(t, newSecret, f.vectors.AuthSecret)
	session, err := ring.OpenSession(vector.CookieName, vector.CookieValue, time.Unix(row.CreatedAt+1, 0))
	if err != nil {
		t.Fatal(err)
	}
	got := session.Claims()
	if got.ID == "" || got.ExpiresAt.Unix() < row.CreatedAt {
		t.Errorf("got ID %q, expiry %v", got.ID, got.ExpiresAt)
	}
	want := crypto.SessionClaims{
		Subject: row.UserID, ConnectionID: row.TokenID, Host: row.Host, Port: row.Port, Username: row.Username, Role: row.Role,
		IssuedAt: time.Unix(row.CreatedAt, 0).UTC(), ExpiresAt: got.ExpiresAt, ID: got.ID,
	}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if _, err := ring.OpenSession(vector.CookieName, vector.CookieValue, got.ExpiresAt); !errors.Is(err, crypto.ErrSessionExpired) {
		t.Errorf("at its expiry: got %v", err)
	}
	if _, err := f.signing.OpenSession(vector.CookieName, vector.CookieValue, noon); !errors.Is(err, crypto.ErrSessionSeal) {
		t.Errorf("under another secret: got %v", err)
	}
}

func TestSessionHasTheShapeThatFalkorDBBrowserWrites(t *testing.T) {
	t.Parallel()
	f := setup(t)
	vector := f.vectors.Session
	key := cookieKey(t, f.vectors.AuthSecret, vector.CookieName)
	ring := signingRing(t, f.vectors.AuthSecret)
	session, err := ring.OpenSession(vector.CookieName, vector.CookieValue, time.Unix(vector.Row.CreatedAt, 0))
	if err != nil {
		t.Fatal(err)
	}
	cookie, err := ring.SealSession(vector.CookieName, session.Claims())
	if err != nil {
		t.Fatal(err)
	}
	wantHeader, wantPayload := openCookie(t, key, vector.CookieValue)
	gotHeader, gotPayload := openCookie(t, key, cookie)
	if !bytes.Equal(gotHeader, wantHeader) {
		t.Errorf("header: got %s, want %s", gotHeader, wantHeader)
	}
	if !bytes.Equal(gotPayload, wantPayload) {
		t.Errorf("payload: got %s, want %s", gotPayload, wantPayload)
	}
	want := []string{"sub", "id", "activeConnectionId", "host", "port", "username", "role", "tls", "iat", "exp", "jti"}
	if got := memberNames(t, gotPayload); !slices.Equal(got, want) {
		t.Errorf("got members %v, want %v", got, want)
	}
}

func TestSessionHeaderNamesItsKeyByThumbprint(t *testing.T) {
	t.Parallel()
	ring := signingRing(t, newSecret)
	for _, name := range []string{crypto.SessionCookie, crypto.SecureSessionCookie} {
		cookie, err := ring.SealSession(name, someSession())
		if err != nil {
			t.Fatal(err)
		}
		key := cookieKey(t, newSecret, name)
		header, _ := openCookie(t, key, cookie)
		digest := sha512.Sum512([]byte(`{"k":"` + encode64(string(key)) + `","kty":"oct"}`))
		want := `{"alg":"dir","enc":"A256CBC-HS512","kid":"` + encode64(string(digest[:])) + `"}`
		if string(header) != want {
			t.Errorf("%s: got %s, want %s", name, header, want)
		}
	}
}

func TestSessionOpensOnlyUnderItsCookieName(t *testing.T) {
	t.Parallel()
	ring := signingRing(t, newSecret)
	names := []string{crypto.SessionCookie, crypto.SecureSessionCookie}
	for _, sealedFor := range names {
		cookie, err := ring.SealSession(sealedFor, someSession())
		if err != nil {
			t.Fatal(err)
		}
		for _, openedAs := range names {
			session, err := ring.OpenSession(openedAs, cookie, noon)
			if sealedFor == openedAs {
				if err != nil || session.Claims() != someSession() {
					t.Errorf("%s: got %+v, %v", openedAs, session.Claims(), err)
				}
			} else if !errors.Is(err, crypto.ErrSessionSeal) || !errors.Is(err, crypto.ErrSession) {
				t.Errorf("%s as %s: got %v, want ErrSessionSeal", sealedFor, openedAs, err)
			}
		}
		for _, unknown := range []string{"", "session", strings.ToUpper(sealedFor)} {
			if _, err := ring.OpenSession(unknown, cookie, noon); !errors.Is(err, crypto.ErrSessionMalformed) {
				t.Errorf("opened as %q: got %v", unknown, err)
			}
			if _, err := ring.SealSession(unknown, someSession()); !errors.Is(err, crypto.ErrSessionMalformed) {
				t.Errorf("sealed as %q: got %v", unknown, err)
			}
		}
	}
}

func TestSessionThatCannotBeWrittenIsNotSealed(t *testing.T) {
	t.Parallel()
	ring := signingRing(t, newSecret)
	changes := map[string]func(c *crypto.SessionClaims){
		"no subject":       func(c *crypto.SessionClaims) { c.Subject = "" },
		"no connection":    func(c *crypto.SessionClaims) { c.ConnectionID = "" },
		"no ID":            func(c *crypto.SessionClaims) { c.ID = "" },
		"no time of issue": func(c *crypto.SessionClaims) { c.IssuedAt = time.Time{} },
		"no expiry":        func(c *crypto.SessionClaims) { c.ExpiresAt = time.Time{} },
		"expiry too late":  func(c *crypto.SessionClaims) { c.ExpiresAt = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"port too high":    func(c *crypto.SessionClaims) { c.Port = 65536 },
		"user not UTF-8":   func(c *crypto.SessionClaims) { c.Username = "\xff" },
		"too long":         func(c *crypto.SessionClaims) { c.Host = strings.Repeat("h", 6000) },
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			claims := someSession()
			change(&claims)
			cookie, err := ring.SealSession(crypto.SessionCookie, claims)
			if !errors.Is(err, crypto.ErrClaims) || errors.Is(err, crypto.ErrSession) || cookie != "" {
				t.Errorf("got %q, %v, want ErrClaims", cookie, err)
			}
		})
	}
}

func TestRotationKeepsSessionsUntilTheirKeyIsRemoved(t *testing.T) {
	t.Parallel()
	before, during, after := signingRing(t, oldSecret), signingRing(t, newSecret, oldSecret), signingRing(t, newSecret)
	oldCookie, err := before.SealSession(crypto.SecureSessionCookie, someSession())
	if err != nil {
		t.Fatal(err)
	}
	newCookie, err := during.SealSession(crypto.SecureSessionCookie, someSession())
	if err != nil {
		t.Fatal(err)
	}
	key := cookieKey(t, oldSecret, crypto.SecureSessionCookie)
	unnamed := sealCookie(t, key, sessionHeader, sessionPayload(t, nil))
	tests := []struct {
		name   string
		ring   crypto.SigningRing
		cookie string
		want   error
	}{
		{"old cookie, both keys", during, oldCookie, nil},
		{"old cookie, key removed", after, oldCookie, crypto.ErrSessionSeal},
		{"cookie that names no key, both keys", during, unnamed, nil},
		{"cookie that names no key, key removed", after, unnamed, crypto.ErrSessionSeal},
		{"new cookie, both keys", during, newCookie, nil},
		{"new cookie, new ring", after, newCookie, nil},
		{"new cookie, old ring", before, newCookie, crypto.ErrSessionSeal},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if _, err := test.ring.OpenSession(crypto.SecureSessionCookie, test.cookie, noon); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

func TestTokenIsNoSessionAndSessionIsNoToken(t *testing.T) {
	t.Parallel()
	f := setup(t)
	cookie, err := f.signing.SealSession(crypto.SessionCookie, someSession())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.signing.Verify(cookie, noon); !errors.Is(err, crypto.ErrToken) {
		t.Errorf("cookie as token: got %v", err)
	}
	// The raw secret, which signs tokens, must not seal cookies, nor a cookie's key sign tokens.
	raw := []byte(newSecret + newSecret)[:64]
	forged := sealCookie(t, raw, sessionHeader, sessionPayload(t, nil))
	if _, err := f.signing.OpenSession(crypto.SessionCookie, forged, noon); !errors.Is(err, crypto.ErrSessionSeal) {
		t.Errorf("cookie sealed with the raw secret: got %v", err)
	}
	derived := string(cookieKey(t, newSecret, crypto.SessionCookie))
	if _, err := f.signing.Verify(forge(derived, plainHeader, okPayload), noon); !errors.Is(err, crypto.ErrTokenSignature) {
		t.Errorf("token signed with a cookie's key: got %v", err)
	}
}

func TestEverySessionComesBackAsSealed(t *testing.T) {
	t.Parallel()
	ring := signingRing(t, newSecret)
	key := cookieKey(t, newSecret, crypto.SessionCookie)
	rapid.Check(t, func(rt *rapid.T) {
		want := crypto.SessionClaims{
			Subject: rapid.StringN(1, 40, 200).Draw(rt, "subject"), ConnectionID: rapid.StringN(1, 40, 200).Draw(rt, "connection"),
			Host: rapid.StringN(0, 40, 200).Draw(rt, "host"), Port: rapid.IntRange(0, 65535).Draw(rt, "port"),
			Username: rapid.StringN(0, 40, 200).Draw(rt, "username"), Role: rapid.StringN(0, 40, 200).Draw(rt, "role"),
			TLS: rapid.Bool().Draw(rt, "tls"), ID: rapid.StringN(1, 40, 200).Draw(rt, "id"),
			IssuedAt: drawTime(rt, "issued", 0, noon.Unix()), ExpiresAt: drawTime(rt, "expires", noon.Unix()+1, 253402300799),
		}
		cookie, err := ring.SealSession(crypto.SessionCookie, want)
		if err != nil {
			rt.Fatal(err)
		}
		session, err := ring.OpenSession(crypto.SessionCookie, cookie, noon)
		if err != nil || session.Claims() != want {
			rt.Fatalf("got %+v, %v, want %+v", session.Claims(), err, want)
		}
		var independent struct {
			Sub, ID, Username string
			Port              int
		}
		_, payload := openCookie(t, key, cookie)
		if err := json.Unmarshal(payload, &independent); err != nil {
			rt.Fatal(err)
		}
		if !reflect.DeepEqual([]any{independent.Sub, independent.ID, independent.Username, independent.Port},
			[]any{want.Subject, want.Subject, want.Username, want.Port}) {
			rt.Fatalf("got %+v, want %+v", independent, want)
		}
	})
}
