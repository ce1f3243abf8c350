package crypto_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/falkorpat/falkorpat/crypto"
)

func TestSessionOpensOnlyWithItsClaimsAndInItsTime(t *testing.T) {
	t.Parallel()
	ring, key := signingRing(t, newSecret), cookieKey(t, newSecret, crypto.SessionCookie)
	at := func(offset time.Duration) int64 { return noon.Add(offset).Unix() }
	tests := []struct {
		name   string
		change map[string]any
		want   error
	}{
		{"as it should be", nil, nil},
		{"members of others", map[string]any{"name": nil, "email": nil, "picture": nil, "url": 1}, nil},
		{"without second user ID", map[string]any{"id": absent{}}, nil},
		{"without tls", map[string]any{"tls": absent{}}, nil},
		{"a second left", map[string]any{"exp": at(time.Second)}, nil},
		{"at its expiry", map[string]any{"exp": at(0)}, crypto.ErrSessionExpired},
		{"no expiry", map[string]any{"exp": absent{}}, crypto.ErrSessionMalformed},
		{"expiry is text", map[string]any{"exp": "1795400000"}, crypto.ErrSessionMalformed},
		{"issued 60 s ahead", map[string]any{"iat": at(time.Minute)}, nil},
		{"issued 61 s ahead", map[string]any{"iat": at(61 * time.Second)}, crypto.ErrSessionNotYetValid},
		{"not yet", map[string]any{"nbf": at(time.Second)}, crypto.ErrSessionNotYetValid},
		{"no subject", map[string]any{"sub": absent{}}, crypto.ErrSessionMalformed},
		{"no connection", map[string]any{"activeConnectionId": absent{}}, crypto.ErrSessionMalformed},
		{"empty connection", map[string]any{"activeConnectionId": ""}, crypto.ErrSessionMalformed},
		{"two users", map[string]any{"id": "someone else"}, crypto.ErrSessionMalformed},
		{"port is text", map[string]any{"port": "6379"}, crypto.ErrSessionMalformed},
		{"tls is text", map[string]any{"tls": "false"}, crypto.ErrSessionMalformed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cookie := sealCookie(t, key, sessionHeader, sessionPayload(t, test.change))
			session, err := ring.OpenSession(crypto.SessionCookie, cookie, noon)
			if !errors.Is(err, test.want) {
				t.Fatalf("got %v, want %v", err, test.want)
			}
			if err != nil && session != (crypto.VerifiedSession{}) {
				t.Error("a refused session has claims")
			}
		})
	}
	for _, payload := range []string{"null", "[]", `{"sub":`, "\xff"} {
		cookie := sealCookie(t, key, sessionHeader, payload)
		if _, err := ring.OpenSession(crypto.SessionCookie, cookie, noon); !errors.Is(err, crypto.ErrSessionMalformed) {
			t.Errorf("payload %q: got %v", payload, err)
		}
	}
}

// absent stands for a member to leave out.
type absent struct{}

func sessionPayload(t *testing.T, change map[string]any) string {
	t.Helper()
	members := map[string]any{
		"sub": "user-5f2ab8c0d1e2", "id": "user-5f2ab8c0d1e2", "activeConnectionId": "a7a3d863", "host": "localhost", "port": 6379,
		"username": "default", "role": "Admin", "tls": false, "iat": noon.Unix(), "exp": noon.Unix() + 60, "jti": "0f4c1b6e",
	}
	for name, value := range change {
		members[name] = value
		if value == (absent{}) {
			delete(members, name)
		}
	}
	text, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestSessionIsOpenedAsDirectAES256CBCOrNotAtAll(t *testing.T) {
	t.Parallel()
	ring, key := signingRing(t, newSecret), cookieKey(t, newSecret, crypto.SessionCookie)
	// Every cookie here is sealed rightly, so only the header can be what refuses it.
	tests := []struct {
		header string
		want   error
	}{
		{sessionHeader, nil},
		{`{"enc":"A256CBC-HS512","alg":"dir","typ":"JWT"}`, nil},
		{`{"alg":"dir","enc":"A256CBC-HS512","kid":""}`, nil},
		{`{"alg":"dir","enc":"A256CBC-HS512","kid":"of another key"}`, crypto.ErrSessionSeal},
		{`{"alg":"dir","enc":"A256CBC-HS512","kid":7}`, crypto.ErrSessionMalformed},
		{`{"alg":"dir","enc":"A256GCM"}`, crypto.ErrSessionMalformed},
		{`{"alg":"dir","enc":"A128CBC-HS256"}`, crypto.ErrSessionMalformed},
		{`{"alg":"dir"}`, crypto.ErrSessionMalformed},
		{`{"enc":"A256CBC-HS512"}`, crypto.ErrSessionMalformed},
		{`{"alg":"A256KW","enc":"A256CBC-HS512"}`, crypto.ErrSessionMalformed},
		{`{"alg":"PBES2-HS256+A128KW","enc":"A256CBC-HS512","p2s":"AAAA","p2c":2000000000}`, crypto.ErrSessionMalformed},
		{`{"alg":"RSA-OAEP","enc":"A256CBC-HS512"}`, crypto.ErrSessionMalformed},
		{`{"alg":"none","enc":"A256CBC-HS512"}`, crypto.ErrSessionMalformed},
		{`{"alg":"dir","enc":"A256CBC-HS512","zip":"DEF"}`, crypto.ErrSessionMalformed},
		{`{"alg":"dir","enc":"A256CBC-HS512","crit":["exp"],"exp":1}`, crypto.ErrSessionMalformed},
		{`{"ALG":"dir","ENC":"A256CBC-HS512"}`, crypto.ErrSessionMalformed},
		{`["dir"]`, crypto.ErrSessionMalformed},
		{`null`, crypto.ErrSessionMalformed},
	}
	for _, test := range tests {
		t.Run(test.header, func(t *testing.T) {
			t.Parallel()
			cookie := sealCookie(t, key, test.header, sessionPayload(t, nil))
			if _, err := ring.OpenSession(crypto.SessionCookie, cookie, noon); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

func TestTextThatIsNoCookieIsRefused(t *testing.T) {
	t.Parallel()
	f := setup(t)
	key := cookieKey(t, newSecret, crypto.SessionCookie)
	good := sealCookie(t, key, sessionHeader, sessionPayload(t, nil))
	p := strings.Split(good, ".")
	header, iv, block := p[0], []byte("0123456789abcdef"), make([]byte, 16)
	refused := map[string]string{
		"empty": "", "dots": "....", "three parts": strings.Join(p[:3], "."), "six parts": good + ".x", "trailing blank": good + " ",
		"padding": good + "=", "line feed inside": good[:10] + "\n" + good[10:], "a token": forge(newSecret, plainHeader, okPayload),
		"encrypted key":     p[0] + ".AAAA." + strings.Join(p[2:], "."),
		"short vector":      joinCookie(key, header, iv[:15], block),
		"long vector":       joinCookie(key, header, append(iv, 0), block),
		"no vector":         joinCookie(key, header, nil, block),
		"no ciphertext":     joinCookie(key, header, iv, nil),
		"part of a block":   joinCookie(key, header, iv, block[:15]),
		"short tag":         good[:len(good)-3],
		"no tag":            good[:strings.LastIndexByte(good, '.')+1],
		"shifted by blocks": p[0] + ".." + p[2] + "." + p[3] + p[4] + ".",
		"too long":          sealCookie(t, key, sessionHeader, sessionPayload(t, map[string]any{"x": strings.Repeat("x", 6000)})),
	}
	for name, text := range refused {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := f.signing.OpenSession(crypto.SessionCookie, text, noon); !errors.Is(err, crypto.ErrSessionMalformed) {
				t.Errorf("got %v, want ErrSessionMalformed", err)
			}
		})
	}
	// Of right form, rightly tagged, but what comes out of the cipher is padded by no one.
	if _, err := f.signing.OpenSession(crypto.SessionCookie, joinCookie(key, header, iv, block), noon); !errors.Is(err, crypto.ErrSession) {
		t.Errorf("bad padding: got %v", err)
	}
}

func TestSessionChangedInOneBitIsRefused(t *testing.T) {
	t.Parallel()
	ring := signingRing(t, newSecret)
	withID, err := ring.SealSession(crypto.SessionCookie, someSession())
	if err != nil {
		t.Fatal(err)
	}
	withoutID := sealCookie(t, cookieKey(t, newSecret, crypto.SessionCookie), sessionHeader, sessionPayload(t, nil))
	for _, cookie := range []string{withID, withoutID} {
		flips(cookie, func(at int, flipped string) {
			if _, err := ring.OpenSession(crypto.SessionCookie, flipped, noon); !errors.Is(err, crypto.ErrSession) {
				t.Errorf("byte %d: got %v", at, err)
			}
		})
	}
}
