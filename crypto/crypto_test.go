package crypto_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/falkorpat/falkorpat/crypto"
)

// Secrets for the tests that need several. They are no one's.
const (
	newSecret   = "new-4uX9qkT2vLr7WmZ0aYc3HsBd6fJpNeG8"
	oldSecret   = "old-Zt5Rk8wQm1Xv3Bn6Lc0Ds9Fh2Gj4Py7U"
	otherSecret = "oth-p0O9i8U7y6T5r4E3w2Q1aSdFgHjKlZxC"

	newSealing   = "7b1d0f2e93a4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e"
	oldSealing   = "c4d5e6f708192a3b4c5d6e7f8091a2b37b1d0f2e93a4c5d6e7f8091a2b3c4d5e"
	otherSealing = "0f2e93a4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e7b1d"
)

// noon is the moment at which most tests take place.
var noon = time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)

// browserVectors is what FalkorDB Browser really produced, with the secrets that it used.
type browserVectors struct {
	AuthSecret    string `json:"auth_secret"`
	EncryptionKey string `json:"encryption_key"`
	Tokens        []struct {
		Password string         `json:"password"`
		JWT      string         `json:"jwt"`
		Claims   map[string]any `json:"claims"`
		Row      vectorRow      `json:"row"`
	} `json:"tokens"`
	Session struct {
		Password    string    `json:"password"`
		CookieName  string    `json:"cookie_name"`
		CookieValue string    `json:"cookie_value"`
		Row         vectorRow `json:"row"`
	} `json:"session"`
}

type vectorRow struct {
	TokenHash         string `json:"token_hash"`
	TokenID           string `json:"token_id"`
	UserID            string `json:"user_id"`
	Username          string `json:"username"`
	Role              string `json:"role"`
	Host              string `json:"host"`
	Port              int    `json:"port"`
	CreatedAt         int64  `json:"created_at"`
	ExpiresAt         int64  `json:"expires_at"`
	EncryptedPassword string `json:"encrypted_password"`
}

func (r vectorRow) binding() crypto.Binding {
	return crypto.Binding{TokenID: r.TokenID, Username: r.Username, Host: r.Host, Port: r.Port}
}

// fixture is what a test starts from.
type fixture struct {
	vectors browserVectors
	signing crypto.SigningRing // of newSecret
	sealing crypto.SealingRing // of newSealing
}

func setup(tb testing.TB) fixture {
	tb.Helper()
	text, err := os.ReadFile("testdata/falkordb-browser.json")
	if err != nil {
		tb.Fatal(err)
	}
	f := fixture{signing: signingRing(tb, newSecret), sealing: sealingRing(tb, newSealing)}
	if err := json.Unmarshal(text, &f.vectors); err != nil {
		tb.Fatal(err)
	}
	if len(f.vectors.Tokens) == 0 || f.vectors.Session.CookieValue == "" {
		tb.Fatal("the vectors hold no token or no session")
	}
	return f
}

func signingRing(tb testing.TB, secrets ...string) crypto.SigningRing {
	tb.Helper()
	ring, err := crypto.ParseSigningRing(strings.Join(secrets, ","))
	if err != nil {
		tb.Fatal(err)
	}
	return ring
}

func sealingRing(tb testing.TB, secrets ...string) crypto.SealingRing {
	tb.Helper()
	ring, err := crypto.ParseSealingRing(strings.Join(secrets, ","))
	if err != nil {
		tb.Fatal(err)
	}
	return ring
}

// ascending is a source of predictable bytes: seed, seed+1, seed+2 and so on.
type ascending struct{ next byte }

func (a *ascending) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = a.next
		a.next++
	}
	return len(p), nil
}

func encode64(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func decode64(tb testing.TB, text string) []byte {
	tb.Helper()
	out, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

// forge signs any header and payload with HS256, by the RFC and without the package under test.
func forge(secret, header, payload string) string {
	signed := encode64(header) + "." + encode64(payload)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(signed))
	return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// flips calls try with every text that differs from text in one bit.
func flips(text string, try func(at int, flipped string)) {
	changed := []byte(text)
	for i := range changed {
		for bit := range 8 {
			changed[i] ^= 1 << bit
			try(i, string(changed))
			changed[i] ^= 1 << bit
		}
	}
}

// memberNames lists the names of a JSON object's members in the order in which they stand.
func memberNames(tb testing.TB, object []byte) []string {
	tb.Helper()
	decoder := json.NewDecoder(bytes.NewReader(object))
	var names []string
	for {
		token, err := decoder.Token()
		if err != nil {
			return names
		}
		name, isText := token.(string)
		if !isText {
			continue
		}
		names = append(names, name)
		var value any
		if err := decoder.Decode(&value); err != nil {
			tb.Fatal(err)
		}
	}
}
