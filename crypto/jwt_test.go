package crypto_test

import (
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwt"
	"pgregory.net/rapid"

	"github.com/falkorpat/falkorpat/crypto"
)

const (
	plainHeader = `{"alg":"HS256","typ":"JWT"}`
	okPayload   = `{"jti":"1795348800000-0a1b2c3d","sub":"user-5f2ab8c0d1e2"}`
)

func someClaims() crypto.Claims {
	return crypto.Claims{
		ID: "1795348800000-0a1b2c3d", Subject: "user-5f2ab8c0d1e2", IssuedAt: noon, ExpiresAt: noon.Add(24 * time.Hour),
	}
}

func TestTokenOfFalkorDBBrowserVerifies(t *testing.T) {
	t.Parallel()
	f := setup(t)
	ring := signingRing(t, newSecret, f.vectors.AuthSecret)
	for _, vector := range f.vectors.Tokens {
		row := vector.Row
		verified, err := ring.Verify(vector.JWT, time.Unix(row.CreatedAt+1, 0))
		if err != nil {
			t.Fatal(err)
		}
		want := crypto.Claims{
			ID: row.TokenID, Subject: row.UserID,
			IssuedAt: time.Unix(row.CreatedAt, 0).UTC(), ExpiresAt: time.Unix(row.ExpiresAt, 0).UTC(),
			Browser: &crypto.BrowserClaims{Username: row.Username, Role: row.Role, Host: row.Host, Port: row.Port},
		}
		if got := verified.Claims(); !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
		if _, err := f.signing.Verify(vector.JWT, time.Unix(row.CreatedAt+1, 0)); !errors.Is(err, crypto.ErrTokenSignature) {
			t.Errorf("under another secret: got %v", err)
		}
	}
}

func TestTokenInCompatibilityModeSaysWhatFalkorDBBrowserSays(t *testing.T) {
	t.Parallel()
	f := setup(t)
	vector := f.vectors.Tokens[0]
	ring := signingRing(t, f.vectors.AuthSecret)
	verified, err := ring.Verify(vector.JWT, time.Unix(vector.Row.CreatedAt, 0))
	if err != nil {
		t.Fatal(err)
	}
	token, err := ring.Sign(verified.Claims())
	if err != nil {
		t.Fatal(err)
	}
	if got := payloadOf(t, token); !reflect.DeepEqual(got, vector.Claims) {
		t.Errorf("got %v, want %v", got, vector.Claims)
	}
	withCA := verified.Claims()
	withCA.Browser.CA, withCA.Browser.TLS = "LS0tLS1CRUdJTi0tLS0t", true
	if token, err = ring.Sign(withCA); err != nil {
		t.Fatal(err)
	}
	want := maps.Clone(vector.Claims)
	want["ca"], want["tls"] = withCA.Browser.CA, true
	if got := payloadOf(t, token); !reflect.DeepEqual(got, want) {
		t.Errorf("with CA: got %v, want %v", got, want)
	}
}

func payloadOf(t *testing.T, token string) map[string]any {
	t.Helper()
	var claims map[string]any
	if err := json.Unmarshal(decode64(t, strings.Split(token, ".")[1]), &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

func TestTokenHasTheDocumentedHeaderAndOnlyItsClaims(t *testing.T) {
	t.Parallel()
	f := setup(t)
	token, err := f.signing.Sign(someClaims())
	if err != nil {
		t.Fatal(err)
	}
	if want := "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."; !strings.HasPrefix(token, want) {
		t.Errorf("got %.40s, want it to start with %s", token, want)
	}
	want := map[string]any{
		"jti": "1795348800000-0a1b2c3d", "sub": "user-5f2ab8c0d1e2", "iat": float64(noon.Unix()), "exp": float64(noon.Unix() + 86400),
	}
	if got := payloadOf(t, token); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	// What another implementation of the RFCs makes of it.
	if _, err := jwt.Parse([]byte(token), jwt.WithKey(jwa.HS256, []byte(newSecret)), jwt.WithValidate(false)); err != nil {
		t.Error(err)
	}
	parts := strings.Split(token, ".")
	if want := forge(newSecret, string(decode64(t, parts[0])), string(decode64(t, parts[1]))); token != want {
		t.Error("the signature is not HMAC-SHA-256 of the signing input")
	}
}

func TestTokenWithoutExpiryNeverExpires(t *testing.T) {
	t.Parallel()
	f := setup(t)
	claims := someClaims()
	claims.ExpiresAt = time.Time{}
	token, err := f.signing.Sign(claims)
	if err != nil {
		t.Fatal(err)
	}
	if _, has := payloadOf(t, token)["exp"]; has {
		t.Error("the token has an expiry")
	}
	verified, err := f.signing.Verify(token, noon.AddDate(500, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	if got := verified.Claims().ExpiresAt; !got.IsZero() {
		t.Errorf("got expiry %v, want the zero time", got)
	}
}

func TestClaimsThatCannotBeWrittenAreNotSigned(t *testing.T) {
	t.Parallel()
	f := setup(t)
	changes := map[string]func(c *crypto.Claims){
		"no ID":            func(c *crypto.Claims) { c.ID = "" },
		"no subject":       func(c *crypto.Claims) { c.Subject = "" },
		"no time of issue": func(c *crypto.Claims) { c.IssuedAt = time.Time{} },
		"expiry too late":  func(c *crypto.Claims) { c.ExpiresAt = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"ID not UTF-8":     func(c *crypto.Claims) { c.ID = "\xc3" },
		"host not UTF-8":   func(c *crypto.Claims) { c.Browser = &crypto.BrowserClaims{Host: "\xc3"} },
		"port too high":    func(c *crypto.Claims) { c.Browser = &crypto.BrowserClaims{Port: 70000} },
		"CA too large":     func(c *crypto.Claims) { c.Browser = &crypto.BrowserClaims{CA: strings.Repeat("A", 7000)} },
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			claims := someClaims()
			change(&claims)
			token, err := f.signing.Sign(claims)
			if !errors.Is(err, crypto.ErrClaims) || errors.Is(err, crypto.ErrToken) || token != "" {
				t.Errorf("got %q, %v, want ErrClaims", token, err)
			}
		})
	}
}

func TestTokenVerifiesOnlyInItsTime(t *testing.T) {
	t.Parallel()
	f := setup(t)
	at := func(offset time.Duration) string { return jsonSeconds(noon.Add(offset)) }
	tests := []struct {
		name, times string
		want        error
	}{
		{"no times", "", nil},
		{"one second left", `,"exp":` + at(time.Second), nil},
		{"at the moment of expiry", `,"exp":` + at(0), crypto.ErrTokenExpired},
		{"a second after expiry", `,"exp":` + at(-time.Second), crypto.ErrTokenExpired},
		{"half a second left", `,"exp":` + at(0) + ".5", nil},
		{"expired with the epoch", `,"exp":0`, crypto.ErrTokenExpired},
		{"issued now", `,"iat":` + at(0), nil},
		{"issued 60 s ahead", `,"iat":` + at(60*time.Second), nil},
		{"issued 61 s ahead", `,"iat":` + at(61*time.Second), crypto.ErrTokenNotYetValid},
		{"valid from now", `,"nbf":` + at(0), nil},
		{"valid from a second ahead", `,"nbf":` + at(time.Second), crypto.ErrTokenNotYetValid},
		{"over before it starts", `,"exp":` + at(-time.Second) + `,"nbf":` + at(time.Second), crypto.ErrTokenExpired},
		{"expiry is text", `,"exp":"` + at(time.Hour) + `"`, crypto.ErrTokenMalformed},
		{"expiry is null", `,"exp":null`, crypto.ErrTokenMalformed},
		{"expiry is negative", `,"exp":-1`, crypto.ErrTokenMalformed},
		{"expiry is beyond the calendar", `,"exp":1e300`, crypto.ErrTokenMalformed},
		{"issue is an object", `,"iat":{}`, crypto.ErrTokenMalformed},
		{"start is true", `,"nbf":true`, crypto.ErrTokenMalformed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			token := forge(newSecret, plainHeader, strings.TrimSuffix(okPayload, "}")+test.times+"}")
			verified, err := f.signing.Verify(token, noon)
			if !errors.Is(err, test.want) || err != nil && !errors.Is(err, crypto.ErrToken) {
				t.Fatalf("got %v, want %v", err, test.want)
			}
			if err != nil && verified != (crypto.Verified{}) {
				t.Error("a refused token has claims")
			}
		})
	}
}

func jsonSeconds(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }

func TestRotationKeepsOldTokensUntilTheirKeyIsRemoved(t *testing.T) {
	t.Parallel()
	before, during, after := signingRing(t, oldSecret), signingRing(t, newSecret, oldSecret), signingRing(t, newSecret)
	oldToken, err := before.Sign(someClaims())
	if err != nil {
		t.Fatal(err)
	}
	newToken, err := during.Sign(someClaims())
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name  string
		ring  crypto.SigningRing
		token string
		want  error
	}{
		{"old token, old ring", before, oldToken, nil},
		{"old token, both keys", during, oldToken, nil},
		{"old token, key removed", after, oldToken, crypto.ErrTokenSignature},
		{"new token, both keys", during, newToken, nil},
		{"new token, new ring", after, newToken, nil},
		{"new token, old ring", before, newToken, crypto.ErrTokenSignature},
		{"stranger's token", during, forge(otherSecret, plainHeader, okPayload), crypto.ErrTokenSignature},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if _, err := test.ring.Verify(test.token, noon); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

func TestChangingClaimsLeavesVerifiedAsItWas(t *testing.T) {
	t.Parallel()
	f := setup(t)
	claims := someClaims()
	claims.Browser = &crypto.BrowserClaims{Username: "reader"}
	token, err := f.signing.Sign(claims)
	if err != nil {
		t.Fatal(err)
	}
	verified, err := f.signing.Verify(token, noon)
	if err != nil {
		t.Fatal(err)
	}
	verified.Claims().Browser.Username = "admin"
	if got := verified.Claims().Browser.Username; got != "reader" {
		t.Errorf("got %q", got)
	}
}

func TestEveryClaimComesBackAsSigned(t *testing.T) {
	t.Parallel()
	ring := signingRing(t, newSecret)
	rapid.Check(t, func(t *rapid.T) {
		want := crypto.Claims{
			ID: rapid.StringN(1, 80, 400).Draw(t, "id"), Subject: rapid.StringN(1, 80, 400).Draw(t, "subject"),
			IssuedAt: drawTime(t, "issued", 0, noon.Unix()),
		}
		if rapid.Bool().Draw(t, "expires") {
			want.ExpiresAt = drawTime(t, "expires at", noon.Unix()+1, 253402300799)
		}
		if rapid.Bool().Draw(t, "browser") {
			want.Browser = &crypto.BrowserClaims{
				Username: rapid.StringN(0, 128, 400).Draw(t, "username"), Role: rapid.String().Draw(t, "role"),
				Host: rapid.StringN(0, 64, 253).Draw(t, "host"), Port: rapid.IntRange(0, 65535).Draw(t, "port"),
				TLS: rapid.Bool().Draw(t, "tls"), CA: rapid.StringN(0, 80, 400).Draw(t, "ca"),
			}
		}
		token, err := ring.Sign(want)
		if err != nil {
			t.Fatal(err)
		}
		verified, err := ring.Verify(token, noon)
		if err != nil {
			t.Fatal(err)
		}
		if got := verified.Claims(); !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	})
}

func drawTime(t *rapid.T, name string, from, to int64) time.Time {
	return time.Unix(rapid.Int64Range(from, to).Draw(t, name), 0).UTC()
}
