package crypto_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwt"

	"github.com/falkorpat/falkorpat/crypto"
)

func TestTokenIsVerifiedAsHS256OrNotAtAll(t *testing.T) {
	t.Parallel()
	f := setup(t)
	// Every token here has a right HMAC-SHA-256, so only the header can be what refuses it.
	tests := []struct {
		header string
		want   error
	}{
		{`{"alg":"HS256","typ":"JWT"}`, nil},
		{`{"alg":"HS256"}`, nil},
		{`{"typ":"JWT","alg":"HS256"}`, nil},
		{` { "alg" : "HS256" } `, nil},
		{`{"alg":"HS256","kid":"7","jku":"https://a.example/k","jwk":{"kty":"oct","k":"AAAA"}}`, nil},
		{`{"alg":"none"}`, crypto.ErrTokenMalformed},
		{`{"alg":"None","typ":"JWT"}`, crypto.ErrTokenMalformed},
		{`{"alg":"hs256"}`, crypto.ErrTokenMalformed},
		{`{"alg":"HS384"}`, crypto.ErrTokenMalformed},
		{`{"alg":"HS512"}`, crypto.ErrTokenMalformed},
		{`{"alg":"RS256","typ":"JWT"}`, crypto.ErrTokenMalformed},
		{`{"alg":"PS256"}`, crypto.ErrTokenMalformed},
		{`{"alg":"ES256"}`, crypto.ErrTokenMalformed},
		{`{"alg":"EdDSA"}`, crypto.ErrTokenMalformed},
		{`{"alg":"dir","enc":"A256CBC-HS512"}`, crypto.ErrTokenMalformed},
		{`{"alg":""}`, crypto.ErrTokenMalformed},
		{`{"alg":null}`, crypto.ErrTokenMalformed},
		{`{"alg":256}`, crypto.ErrTokenMalformed},
		{`{"alg":["HS256"]}`, crypto.ErrTokenMalformed},
		{`{"typ":"JWT"}`, crypto.ErrTokenMalformed},
		{`{"ALG":"HS256"}`, crypto.ErrTokenMalformed},
		{`{"alg":"HS256","alg":"none"}`, crypto.ErrTokenMalformed},
		{`{"alg":"HS256","typ":"at+jwt"}`, crypto.ErrTokenMalformed},
		{`{"alg":"HS256","typ":null}`, crypto.ErrTokenMalformed},
		{`{"alg":"HS256","typ":""}`, crypto.ErrTokenMalformed},
		{`{"alg":"HS256","crit":["exp"],"exp":1}`, crypto.ErrTokenMalformed},
		{`{"alg":"HS256","crit":[]}`, crypto.ErrTokenMalformed},
		{`{"alg":"HS256","crit":null}`, crypto.ErrTokenMalformed},
		{`{"alg":"HS256","b64":false,"crit":["b64"]}`, crypto.ErrTokenMalformed},
		{`{"alg":"HS256","b64":true}`, crypto.ErrTokenMalformed},
		{`["HS256"]`, crypto.ErrTokenMalformed},
		{`null`, crypto.ErrTokenMalformed},
		{`{"alg":"HS256"`, crypto.ErrTokenMalformed},
	}
	for _, test := range tests {
		t.Run(test.header, func(t *testing.T) {
			t.Parallel()
			if _, err := f.signing.Verify(forge(newSecret, test.header, okPayload), noon); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

func TestTokenSignedWithAnotherAlgorithmIsRefused(t *testing.T) {
	t.Parallel()
	f := setup(t)
	for _, algorithm := range []jwa.SignatureAlgorithm{jwa.HS384, jwa.HS512} {
		token := jwt.New()
		if err := token.Set(jwt.JwtIDKey, "1"); err != nil {
			t.Fatal(err)
		}
		signed, err := jwt.Sign(token, jwt.WithKey(algorithm, []byte(newSecret)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.signing.Verify(string(signed), noon); !errors.Is(err, crypto.ErrTokenMalformed) {
			t.Errorf("%s: got %v", algorithm, err)
		}
	}
	unsigned := encode64(`{"alg":"none"}`) + "." + encode64(okPayload) + "."
	if _, err := f.signing.Verify(unsigned, noon); !errors.Is(err, crypto.ErrTokenMalformed) {
		t.Errorf("unsigned: got %v", err)
	}
}

func TestTokenWithClaimsOfWrongTypeIsRefused(t *testing.T) {
	t.Parallel()
	f := setup(t)
	for _, payload := range []string{
		`{}`, `null`, `[]`, `"jti"`, `{"sub":"u"}`, `{"jti":""}`, `{"jti":null}`, `{"jti":7}`, `{"JTI":"1"}`, `{"jti":"1","sub":7}`,
		`{"jti":"1","aud":"elsewhere"}`, `{"jti":"1","aud":[]}`, `{"jti":"1"`, `{"jti":"1"}{"jti":"2"}`, "{\"jti\":\"\xff\"}",
		`{"jti":"1","username":"u","port":"6379"}`, `{"jti":"1","username":"u","port":65536}`, `{"jti":"1","username":"u","port":1.5}`,
		`{"jti":"1","username":"u","tls":"false"}`, `{"jti":"1","username":7}`, `{"jti":"1","username":"u","ca":[]}`,
	} {
		t.Run(payload, func(t *testing.T) {
			t.Parallel()
			if _, err := f.signing.Verify(forge(newSecret, plainHeader, payload), noon); !errors.Is(err, crypto.ErrTokenMalformed) {
				t.Errorf("got %v, want ErrTokenMalformed", err)
			}
		})
	}
}

func TestTextThatIsNoCompactTokenIsRefused(t *testing.T) {
	t.Parallel()
	f := setup(t)
	good := forge(newSecret, plainHeader, okPayload)
	parts := strings.Split(good, ".")
	// A signature has 43 digits, the last of which leaves two bits unused.
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(digits, good[len(good)-1])
	refused := map[string]string{
		"empty": "", "dots": "..", "one part": parts[0], "two parts": parts[0] + "." + parts[1], "no signature": parts[0] + "." + parts[1] + ".",
		"no payload": parts[0] + ".." + parts[2], "no header": "." + parts[1] + "." + parts[2], "four parts": good + ".x",
		"trailing dot": good + ".", "leading blank": " " + good, "trailing blank": good + " ", "trailing line feed": good + "\n",
		"line feed inside": good[:10] + "\n" + good[10:], "padding": good + "=", "NUL": good + "\x00",
		"unused bits set": good[:len(good)-1] + digits[last+1:last+2],
		"JSON form":       `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`,
		"scheme in front": "Bearer " + good,
	}
	if _, err := f.signing.Verify(good, noon); err != nil {
		t.Fatal(err)
	}
	for name, text := range refused {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := f.signing.Verify(text, noon); !errors.Is(err, crypto.ErrTokenMalformed) {
				t.Errorf("got %v, want ErrTokenMalformed", err)
			}
		})
	}
}

func TestTokenLongerThanTheLimitIsRefusedUnread(t *testing.T) {
	t.Parallel()
	f := setup(t)
	sized := func(filler int) string {
		return forge(newSecret, plainHeader, `{"jti":"1","x":"`+strings.Repeat("x", filler)+`"}`)
	}
	filler := 6000
	for len(sized(filler+1)) <= crypto.MaxTokenBytes {
		filler++
	}
	if _, err := f.signing.Verify(sized(filler), noon); err != nil {
		t.Errorf("token of %d bytes: %v", len(sized(filler)), err)
	}
	// The longer one is as well signed as the other.
	if _, err := f.signing.Verify(sized(filler+1), noon); !errors.Is(err, crypto.ErrTokenMalformed) {
		t.Errorf("token of %d bytes: got %v", len(sized(filler+1)), err)
	}
}

func TestTokenChangedInOneBitIsRefused(t *testing.T) {
	t.Parallel()
	f := setup(t)
	for _, token := range []string{forge(newSecret, plainHeader, okPayload), forge(newSecret, `{"alg":"HS256"}`, okPayload)} {
		flips(token, func(at int, flipped string) {
			if _, err := f.signing.Verify(flipped, noon); !errors.Is(err, crypto.ErrToken) {
				t.Errorf("byte %d: got %v", at, err)
			}
		})
	}
}

func TestSignaturePartlyRightIsRefused(t *testing.T) {
	t.Parallel()
	f := setup(t)
	good := forge(newSecret, plainHeader, okPayload)
	cut := strings.LastIndexByte(good, '.') + 1
	for _, signature := range []string{good[cut : cut+20], good[cut : cut+2], good[cut:] + "AAA", "AAAA"} {
		if _, err := f.signing.Verify(good[:cut]+signature, noon); !errors.Is(err, crypto.ErrToken) {
			t.Errorf("signature of %d digits: got %v", len(signature), err)
		}
	}
}
